"""Reading 读数: what was counted of an indicator in one window, with its figure, its scatter and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from bihuan.analysis.dispersion import dispersion_within, mondays
from bihuan.analysis.proportion import quantile, wilson_of
from bihuan.analysis.rate import poisson_exact
from bihuan.analysis.score import CSAT, NOTHING, NPS, Estimate, Scale, promotion, unanimous
from bihuan.analysis.verification import Windows
from schemas.kpi import Grain
from schemas.verification import Metric

_HALF = 0.5
"""Added to what never happened, or never failed, so far, where a variance is asked for (Haldane; Anscombe)."""
_CONFIDENCE = 0.95
_MONTHS, _DAYS_A_WEEK = 12, 7
_MONDAY = pd.Timestamp("1970-01-05")


class Period(NamedTuple):
    """A week or month: its running number, so that gaps are seen, and what was counted."""

    at: int
    x: float
    n: float


class Stratum(NamedTuple):
    """The cases of one kind, such as channel and severity."""

    name: str
    x: float
    n: float


class Held(NamedTuple):
    """A share held to another mix, and the cases it is worth."""

    share: float
    worth: float


@dataclass(frozen=True)
class Reading:
    """What was counted of a share, rate, score or net promoter score in one window."""

    metric: Metric
    x: float
    """Having it; events; the sum of scores, or of points of a net promoter score (100, 0, -100)."""
    n: float
    """Cases, exposure or answers."""
    squares: float = nan
    """The sum of squares of scores or points; not needed of shares and rates."""
    periods: tuple[Period, ...] = ()
    """By week or month in order, all with cases; what the scatter and a segmented regression are told from."""
    strata: tuple[Stratum, ...] = ()
    """By kind of case, for the mix."""
    asked: float | None = None
    """How many were asked, of whom n answered; None where nobody was asked."""
    held: Held | None = None
    """See ``mix.held_to``."""
    scale: Scale = CSAT
    """Between which values a score lies."""

    @property
    def value(self) -> float:
        """The figure; NaN where nothing was counted."""
        if self.held is not None:
            return self.held.share
        return self.x / self.n if self.n else nan

    @property
    def worth(self) -> float:
        """So many cases the figure is worth, before any scatter."""
        return self.n if self.held is None else self.held.worth

    def variance(self, phi: float = 1.0) -> float:
        """Of the figure, where periods scatter phi times as much as chance makes; NaN where it cannot be told."""
        if not self.n:
            return nan
        if self.metric is Metric.RATE:
            return phi * max(self.x, _HALF) / self.n**2
        if self.metric is Metric.SHARE:
            share, worth = self.value, self.worth
            if share in {0, 1}:
                share = (share * worth + _HALF) / (worth + 1)
            return phi * share * (1 - share) / worth
        around = max(self.squares - self.n * self.value**2, 0.0)
        # A net promoter score's is that of a multinomial, as published; a mean's is Student's.
        free = self.n if self.metric is Metric.NPS else self.n - 1
        return phi * around / free / self.n if free > 0 else nan

    def estimate(self, phi: float = 1.0) -> Estimate:
        """The figure with its interval of 95 %: Wilson's, Garwood's, Student's, or the normal one of points."""
        if not self.n:
            return NOTHING
        if self.metric is Metric.SHARE:
            return Estimate(self.value, *wilson_of(self.value, self.worth / phi))
        if self.metric is Metric.RATE:
            return Estimate(self.value, *poisson_exact(self.x / phi, self.n / phi))
        scale = NPS if self.metric is Metric.NPS else self.scale
        variance = self.variance(phi)
        if variance == 0 or self.n <= 1:
            return unanimous(self.value, self.n / phi, scale)
        half = sqrt(variance) * self._quantile()
        return Estimate(self.value, max(self.value - half, scale.lowest), min(self.value + half, scale.highest))

    def _quantile(self) -> float:
        return quantile(_CONFIDENCE) if self.metric is Metric.NPS else float(t.ppf((1 + _CONFIDENCE) / 2, self.n - 1))


def scatter(*readings: Reading) -> float | None:
    """φ of shares or rates: how many times the variance of chance their periods have, each reading around its own.

    Returns:
        1 or more; None where there are too few periods to tell, or the figure is neither share nor rate.
    """
    metric = readings[0].metric
    if metric not in {Metric.SHARE, Metric.RATE}:
        return None
    return dispersion_within([counts(one.periods) for one in readings], is_count=metric is Metric.RATE)


def swing(reading: Reading) -> float | None:
    """φ of any reading, of scores and points too: how many times the variance of chance its periods have.

    Scores are no less moved by weeks that are good or bad as a whole than shares are, so a plan reckons with it.

    Returns:
        1 or more; None where there are too few periods to tell, or how much single ones vary is not known.
    """
    if reading.metric in {Metric.SHARE, Metric.RATE}:
        return scatter(reading)
    single = reading.variance() * reading.n
    return dispersion_within([counts(reading.periods)], variance=single) if single > 0 else None


def counts(periods: Sequence[Period]) -> NDArray[np.float64]:
    """Events and cases, shape (periods, 2)."""
    return np.array([(one.x, one.n) for one in periods], dtype="float64").reshape(-1, 2)


def read(windows: Windows, figures: pd.DataFrame, metric: Metric, grain: Grain = Grain.WEEK) -> tuple[Reading, Reading]:
    """The readings before and after.

    Args:
        windows: Which days count.
        figures: One row a day (or a month, by its first day; then windows should begin with months), any order; index
            datetime64 of local days, columns ``x`` and ``n`` as of ``Reading``, and ``squares`` of scores and points.
        metric: What they are.
        grain: Of the periods, week or month; days of a week in which the measure came stand in both windows' parts.
    """
    days = figures.index.to_series()
    return _read(figures[windows.is_before(days)], metric, grain), _read(figures[windows.is_after(days)], metric, grain)


def _read(figures: pd.DataFrame, metric: Metric, grain: Grain) -> Reading:
    at = _numbered(figures.index, grain)
    sums = figures.groupby(at)[["x", "n"]].sum()
    periods = tuple(Period(int(row.Index), float(row.x), float(row.n)) for row in sums.itertuples() if row.n > 0)
    squares = float(figures["squares"].sum()) if "squares" in figures else nan
    return Reading(metric, float(figures["x"].sum()), float(figures["n"].sum()), squares, periods)


def _numbered(days: pd.DatetimeIndex, grain: Grain) -> NDArray[np.int64]:
    if grain is Grain.MONTH:
        return np.asarray(days.year * _MONTHS + days.month, dtype="int64")
    return np.asarray((mondays(days.to_series()) - _MONDAY).dt.days // _DAYS_A_WEEK, dtype="int64")


def of_scores(tally: pd.DataFrame, scale: Scale = CSAT) -> Reading:
    """The reading of a mean score.

    Args:
        tally: As ``score.tally`` makes it; weights are not looked at.
        scale: Between which values the scores lie.
    """
    value, n = tally["value"].to_numpy("float64"), tally["n"].to_numpy("float64")
    return Reading(Metric.SCORE, float(n @ value), float(n.sum()), float(n @ value**2), scale=scale)


def of_nps(tally: pd.DataFrame) -> Reading:
    """The reading of a net promoter score, in points.

    Args:
        tally: Of answers 0..10, as ``score.tally`` makes it.
    """
    points = of_scores(promotion(tally))
    return Reading(Metric.NPS, points.x, points.n, points.squares)
