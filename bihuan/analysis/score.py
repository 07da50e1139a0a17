"""Scores of surveys: means, shares and net promoter scores of many answers, each with n and interval.

Everything is computed from a tally: one row a value that was answered, with how many answered it, and the sums of their
sampling weights and of the squares of these. Such a tally is small, exact, and comes out of a database as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from bihuan.analysis.kpi import CONFIDENCE, rate
from bihuan.analysis.proportion import quantile

TALLY = ("value", "n", "weight", "weight_squared")
"""The columns of a tally."""
PROMOTES_FROM, DETRACTS_TO, HIGHEST = 9, 6, 10
"""On the scale 0..10 (Reichheld, The One Number You Need to Grow, Harvard Business Review 81(12), 2003)."""
SATISFIED_FROM = 4
"""On the scale 1..5: the top two boxes."""
POINTS = 100.0
"""A net promoter score is told in points, -100..100."""


class Estimate(NamedTuple):
    """A figure with its two-sided interval at ``CONFIDENCE``; all NaN where nothing was answered."""

    value: float
    low: float
    high: float


class Scale(NamedTuple):
    """Between which values a figure lies, whatever the answers."""

    lowest: float
    highest: float


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))
CSAT, INDEX, SHARE, NPS = Scale(1, 5), Scale(0, 100), Scale(0, 1), Scale(-POINTS, POINTS)


def tally(values: Sequence[float], weights: Sequence[float] | None = None) -> pd.DataFrame:
    """The tally of single answers.

    Args:
        values: What was answered, shape (k,), no NaN.
        weights: Sampling weights, shape (k,), 0 or more; None: all 1.

    Returns:
        Columns ``TALLY``, one row a value, ascending.
    """
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype="float64")
    answers = pd.DataFrame({"value": np.asarray(values, dtype="float64"), "weight": weight})
    answers = answers.assign(n=1, weight_squared=answers["weight"] ** 2)
    return answers.groupby("value", as_index=False)[["n", "weight", "weight_squared"]].sum()[list(TALLY)]


def mean(counts: pd.DataFrame, scale: Scale) -> Estimate:
    """The mean with Student's interval, value -/+ t(n-1) s / sqrt(n) (Student, Biometrika 6, 1908), kept in the scale.

    Where all answered alike there is no spread to compute from; see ``unanimous``.

    Args:
        counts: A tally; its weights are not looked at.
        scale: Of the values.
    """
    value, n = counts["value"].to_numpy("float64"), counts["n"].to_numpy("float64")
    total = float(n.sum())
    if not total:
        return NOTHING
    middle = float(n @ value / total)
    if _are_alike(value[n > 0]):
        return unanimous(middle, total, scale)
    squares = float(n @ (value - middle) ** 2)
    half = t.ppf((1 + CONFIDENCE) / 2, total - 1) * sqrt(squares / (total - 1) / total)
    return _within(middle, float(half), scale)


def unanimous(value: float, n: float, scale: Scale) -> Estimate:
    """The interval of a mean whose n answers are all the same, where standard errors are 0 and would claim certainty.

    Of the population at least as many think so as Wilson's lower limit for n of n says; the others may stand at either
    end of the scale. So one answer of 5 says little, and a thousand say nearly all.

    Args:
        value: What all answered.
        n: How many; of a weighted sample as many as it is worth.
        scale: Of the values.
    """
    agreeing = n / (n + float(norm.ppf((1 + CONFIDENCE) / 2)) ** 2)
    rest = 1 - agreeing
    return Estimate(value, agreeing * value + rest * scale.lowest, agreeing * value + rest * scale.highest)


def weighted_mean(counts: pd.DataFrame, scale: Scale) -> Estimate:
    """The mean by sampling weights, sum(w y) / sum(w), with its interval by linearisation.

    The variance is that of a ratio of two totals, n / (n-1) sum(w^2 (y - mean)^2) / sum(w)^2 (Särndal, Swensson and
    Wretman, Model Assisted Survey Sampling, 1992, section 5.7; with replacement, as R's survey package has it), the
    quantile the normal one. It knows the weights, not the strata or clusters behind them. With equal weights it is the
    ordinary mean. Where all answered alike, n is what the weights are worth, sum(w)^2 / sum(w^2) (Kish, Survey
    Sampling, 1965), and the interval that of ``unanimous``.

    Args:
        counts: A tally.
        scale: Of the values.
    """
    value, weight = counts["value"].to_numpy("float64"), counts["weight"].to_numpy("float64")
    squared, n, total = counts["weight_squared"].to_numpy("float64"), int(counts["n"].sum()), float(weight.sum())
    if not total:
        return NOTHING
    middle = float(weight @ value / total)
    if _are_alike(value[weight > 0]):
        return unanimous(middle, total**2 / float(squared.sum()), scale)
    spread = float(squared @ (value - middle) ** 2)
    half = float(norm.ppf((1 + CONFIDENCE) / 2)) * sqrt(spread * n / (n - 1)) / total
    return _within(middle, half, scale)


def is_weighted(counts: pd.DataFrame) -> bool:
    """Whether any weight differs from 1."""
    sums = counts[["n", "weight", "weight_squared"]].sum()
    return not (isclose(sums["weight"], sums["n"]) and isclose(sums["weight_squared"], sums["n"]))


def top_two(counts: pd.DataFrame) -> pd.DataFrame:
    """A tally of 1..5 as one of 1 (satisfied: 4 or 5) and 0."""
    return counts.assign(value=(counts["value"] >= SATISFIED_FROM).astype("float64"))


def share(counts: pd.DataFrame) -> Estimate:
    """The share of 1 in a tally of 0 and 1, with Wilson's interval (JASA 22, 1927)."""
    return Estimate(*rate(int(counts.loc[counts["value"] == 1, "n"].sum()), int(counts["n"].sum())))


def promotion(counts: pd.DataFrame) -> pd.DataFrame:
    """A tally of 0..10 as one of points: promoters 100, passives 0, detractors -100."""
    value = counts["value"].to_numpy("float64")
    return counts.assign(value=POINTS * ((value >= PROMOTES_FROM) * 1.0 - (value <= DETRACTS_TO)))


class Segments(NamedTuple):
    """How many of the answers stand in each segment."""

    promoters: int
    passives: int
    detractors: int


def segments(counts: pd.DataFrame) -> Segments:
    """The segments of a tally of 0..10."""
    value, n = counts["value"].to_numpy("float64"), counts["n"].to_numpy("int64")
    promoters, detractors = int(n[value >= PROMOTES_FROM].sum()), int(n[value <= DETRACTS_TO].sum())
    return Segments(promoters, int(n.sum()) - promoters - detractors, detractors)


class NpsError(NamedTuple):
    """The sampling error of a net promoter score."""

    variance: float
    """Of one answer that counts 1, 0 or -1."""
    standard_error: float
    """Points."""
    margin: float
    """Half the interval, points."""


def nps_error(promoter_ratio: float, detractor_ratio: float, n: int, confidence: float = CONFIDENCE) -> NpsError:
    """The standard error of a net promoter score: sqrt((p + d - (p - d)^2) / n), the quantile the normal one.

    Source: the variance of a difference of two multinomial shares; as an interval for the net promoter score in Rocks,
    Interval Estimation for the "Net Promoter Score", The American Statistician 70(4), 2016 (the Wald interval).

    Args:
        promoter_ratio: 0..1.
        detractor_ratio: 0..1.
        n: How many answered, 1 or more.
        confidence: Of the margin.
    """
    variance = promoter_ratio + detractor_ratio - (promoter_ratio - detractor_ratio) ** 2
    error = POINTS * sqrt(max(variance, 0.0) / n)
    return NpsError(variance, error, quantile(confidence) * error)


def nps(counted: Segments) -> Estimate:
    """Promoters less detractors in a hundred, -100..100, with the interval of ``nps_error``, kept in that range.

    Where all stand in one segment the standard error is 0; see ``unanimous``.
    """
    n = sum(counted)
    if not n:
        return NOTHING
    value = POINTS * (counted.promoters - counted.detractors) / n
    if max(counted) == n:
        return unanimous(value, n, NPS)
    return _within(value, nps_error(counted.promoters / n, counted.detractors / n, n).margin, NPS)


def _are_alike(values: NDArray[np.float64]) -> bool:
    return bool((values == values[0]).all())


def _within(value: float, half: float, scale: Scale) -> Estimate:
    low, high = np.clip([value - half, value + half], scale.lowest, scale.highest)
    return Estimate(value, float(low), float(high))
