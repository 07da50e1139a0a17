"""Effect 效果 by segmented regression 分段回归: the change of level beyond trend and season (IMPROVEMENT 3.2)."""

from __future__ import annotations

import warnings
from math import exp, log, sqrt

import numpy as np
from scipy.stats import t
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from bihuan.analysis import its
from bihuan.analysis.effect import CONFIDENCE, unknown
from bihuan.analysis.proportion import Contrast, quantile
from bihuan.analysis.reading import Reading
from bihuan.analysis.verification import Effect
from schemas.kpi import Grain
from schemas.verification import Limitation, Method, Metric

HARMONICS = 2
SEASON = {Grain.MONTH: 12.0, Grain.WEEK: 365.25 / 7}
"""Periods a year."""
LEAST_BEFORE, LEAST_AFTER = {Grain.MONTH: 12, Grain.WEEK: 24}, {Grain.MONTH: 6, Grain.WEEK: 8}
LEAST_SEASON = {Grain.MONTH: 24, Grain.WEEK: 104}
"""Periods from which on a season can be told."""
ALIKE = 0.15
"""Residuals whose neighbours correlate by so much are alike; of sixty independent periods one series in eight is."""
_MOST_ALIKE = 0.8
_ON_LINE = 1e-6
_FAMILY: dict[Metric, its.Family] = {Metric.SHARE: "binomial", Metric.RATE: "poisson"}
_PARTS = 3
"""Level, step and trend."""


def harmonics(periods: int, grain: Grain) -> int:
    """How many pairs of sine and cosine so many periods can bear."""
    return HARMONICS if periods >= LEAST_SEASON[grain] else 0


def segmented(before: Reading, after: Reading, grain: Grain) -> Effect:
    """The step of a share (odds ratio) or a rate (rate ratio) at the measure, quasi-likelihood, with trend.

    With two years of periods two harmonics take out the season. The interval is Student's, never narrower than chance
    alone makes it. Where neighbouring residuals are alike it is that of as many periods as a first-order autoregression
    leaves, (1 - r) / (1 + r) of them (Bartlett, JRSS 98, 1935); HAC errors need longer series than improvements have
    (Turner et al., BMC Medical Research Methodology 20:181, 2020).

    Args:
        before: Share or rate with its periods.
        after: The same, later; a gap between both is seen by the running numbers of the periods.
        grain: Of the periods.

    Returns:
        An effect that is not known where the periods are too few, or a window has none of it or all: take the fallback.

    Raises:
        ValueError: The metric is neither share nor rate.
    """
    if before.metric not in _FAMILY:
        raise ValueError("a segmented regression is for shares and rates")
    periods = before.periods + after.periods
    waves = harmonics(len(periods), grain)
    free = len(periods) - _PARTS - 2 * waves
    if free < 1 or not before.periods or not after.periods or not (_varies(before) and _varies(after)):
        return unknown(Method.SEGMENTED, before, after, is_ratio=True)
    try:
        step = _step(before, after, its.Model(_FAMILY[before.metric], waves, SEASON[grain], is_quasi=False))
        alike = _alike(step, (len(periods) - free) / len(periods))
        found, p = _widened(step, alike, free)
    except OverflowError:  # nearly none or all of it on one side: no odds can be told
        return unknown(Method.SEGMENTED, before, after, is_ratio=True)
    told = {
        "phi": max(step.dispersion, 1.0), "trend": step.trend, "harmonics": float(waves), "autocorrelation": alike,
    }  # fmt: skip
    effect = Effect(
        Method.SEGMENTED, *found, p, before.estimate(told["phi"]), after.estimate(told["phi"]),
        before.x, before.n, after.x, after.n, is_ratio=True, plain=_plain(before, after, told["phi"]), diagnostics=told,
    )  # fmt: skip
    said = [Limitation.AUTOCORRELATED] if alike else []
    return effect.limited(Limitation.NO_CONTROL, *said)


def _step(before: Reading, after: Reading, model: its.Model) -> its.Step:
    periods = before.periods + after.periods
    x, n, at = (np.array([getattr(one, part) for one in periods], dtype="float64") for part in ("x", "n", "at"))
    is_after = np.arange(len(at)) >= len(before.periods)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", PerfectSeparationWarning)  # a series that lies on its line is no mistake
        return its.step(x, n, is_after, model, time=at - at[0])


def _alike(step: its.Step, hidden: float) -> float:
    """How much neighbouring residuals are alike, 0 where they are not; a series on its line has none.

    A regression takes part of it away with its own parts, about as much as they are of the periods (``hidden``).
    """
    if step.dispersion < _ON_LINE:
        return 0.0
    correlation = 1 - step.durbin_watson / 2 + hidden
    return min(correlation, _MOST_ALIKE) if correlation >= ALIKE else 0.0


def _varies(reading: Reading) -> bool:
    """Whether a step from here, or to here, is finite."""
    return reading.x > 0 and (reading.metric is Metric.RATE or reading.x < reading.n)


def _widened(step: its.Step, alike: float, free: int) -> tuple[Contrast, float]:
    """The ratio with Student's interval, φ no less than 1, widened for neighbours that are alike."""
    level = log(step.ratio)
    error = (log(step.high) - level) / quantile(CONFIDENCE)
    repeated = (1 + alike) / (1 - alike)
    error *= sqrt(max(step.dispersion, 1.0) * repeated)
    left = max(free / repeated, 1.0)
    half = float(t.ppf((1 + CONFIDENCE) / 2, left)) * error
    return Contrast(step.ratio, exp(level - half), exp(level + half)), float(2 * t.sf(abs(level) / error, left))


def _plain(before: Reading, after: Reading, phi: float) -> Contrast:
    """The ratio of both windows, of rates or odds, as if nothing else changed."""
    x, n = np.array([before.x, after.x]), np.array([before.n, after.n])
    others = n if before.metric is Metric.RATE else n - x
    odds, parts = x / others, 1 / x if before.metric is Metric.RATE else 1 / x + 1 / others
    half = quantile(CONFIDENCE) * sqrt(phi * float(parts.sum()))
    value = float(odds[1] / odds[0])
    return Contrast(value, value * exp(-half), value * exp(half))
