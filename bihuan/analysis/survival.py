"""Time until closed, when some are still open: an open complaint says "longer than this", and is not left out.

Times are in any one unit, counted from the same beginning of each; ``closed`` is 1 where it ended, 0 where it is open.
Where a closing and an open one have the same time, the open one was still at risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from bihuan.analysis.proportion import Interval, quantile

_EVEN = 1e-12
"""A product of fractions misses one half by less than this."""


class Curve(NamedTuple):
    """How many are still open after each time at which one closed; all of shape (k,), times ascending."""

    times: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    closed: NDArray[np.float64]
    survival: NDArray[np.float64]
    """Share still open just after, 0..1."""
    standard_error: NDArray[np.float64]
    """Greenwood's, of ``survival``; 0 where none is left."""
    last: float
    """The longest time seen, open or closed."""


def kaplan_meier(time: ArrayLike, closed: ArrayLike) -> Curve:
    """The product-limit estimate (Kaplan and Meier, JASA 53, 1958; errors: Greenwood 1926).

    Args:
        time: 0 or more, shape (n,).
        closed: 1 closed, 0 still open, shape (n,).

    Raises:
        ValueError: No times, one is negative, or the two are not equally long.
    """
    times, ends = _checked(time, closed)
    if not ends.any():
        none = np.empty(0)
        return Curve(none, none, none, none, none, float(times.max()))
    found = SurvfuncRight(times, ends)
    at_risk, events = np.asarray(found.n_risk, dtype="float64"), np.asarray(found.n_events, dtype="float64")
    survival = np.asarray(found.surv_prob, dtype="float64")
    error = np.nan_to_num(np.asarray(found.surv_prob_se, dtype="float64"))  # none left: 0 times infinite
    return Curve(np.asarray(found.surv_times, dtype="float64"), at_risk, events, survival, error, float(times.max()))


def median(curve: Curve) -> float | None:
    """The first time at which at most half are still open; None where it has not come to that."""
    return quantile_of(curve, 0.5)


def quantile_of(curve: Curve, ratio: float) -> float | None:
    """The first time at which at least ``ratio`` have closed; None where it has not come to that."""
    reached = curve.survival <= 1 - ratio + _EVEN
    return float(curve.times[reached.argmax()]) if reached.any() else None


def median_interval(curve: Curve, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """The interval of the median, from the log-transformed curve (Brookmeyer and Crowley 1982; R's ``survfit``).

    Returns:
        Low and high; None where the curve's own limit does not come down to one half.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(curve.survival > 0, curve.standard_error / curve.survival, 0.0) * quantile(confidence)
        low, high = curve.survival * np.exp(-spread), np.minimum(curve.survival * np.exp(spread), 1.0)
    return tuple(median(curve._replace(survival=limit)) for limit in (low, high))  # type: ignore[return-value]


class Hazard(NamedTuple):
    """The cumulative hazard after each time at which one closed; all of shape (k,)."""

    times: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    standard_error: NDArray[np.float64]


def nelson_aalen(time: ArrayLike, closed: ArrayLike) -> Hazard:
    """The cumulative hazard, sum of d / n (Nelson 1969; Aalen 1978; variance the sum of d / n^2).

    Raises:
        ValueError: As ``kaplan_meier``.
    """
    curve = kaplan_meier(time, closed)
    cumulative = np.cumsum(curve.closed / curve.at_risk)
    return Hazard(curve.times, curve.at_risk, cumulative, np.sqrt(np.cumsum(curve.closed / curve.at_risk**2)))


class LogRank(NamedTuple):
    """The log-rank statistic with its upper tail."""

    chi2: float
    df: int
    p: float


def logrank(groups: Sequence[tuple[ArrayLike, ArrayLike]]) -> LogRank:
    """Whether groups close equally fast (Mantel 1966; R's ``survdiff``).

    Args:
        groups: Time and closed of each, two groups or more.

    Raises:
        ValueError: Fewer than two groups, an empty one, or none ever closed.
    """
    checked = [_checked(time, closed) for time, closed in groups]
    if len(checked) <= 1:
        raise ValueError("two groups or more are compared")
    times, ends = (np.concatenate([one[part] for one in checked]) for part in (0, 1))
    if not ends.any():
        raise ValueError("none has closed yet: there is nothing to compare")
    group = np.repeat(np.arange(len(checked)), [len(one[0]) for one in checked])
    value = float(survdiff(times, ends, group)[0])
    return LogRank(value, len(checked) - 1, float(chi2.sf(value, len(checked) - 1)))


class RestrictedMean(NamedTuple):
    """The mean time until closed, counted up to a limit."""

    value: float
    standard_error: float
    limit: float

    def interval(self, confidence: float = 0.95) -> Interval:
        """Value -/+ z times the standard error, inside 0..limit."""
        half = quantile(confidence) * self.standard_error
        return Interval(max(self.value - half, 0.0), min(self.value + half, self.limit))


def restricted_mean(curve: Curve, limit: float | None = None) -> RestrictedMean:
    """The area under the curve up to a limit (Irwin 1949; the variance as R's ``print.survfit``).

    Args:
        curve: From ``kaplan_meier``.
        limit: In the unit of the times, more than 0; the longest time seen when left out.

    Raises:
        ValueError: The limit is not more than 0.
    """
    end = curve.last if limit is None else limit
    if end <= 0:
        raise ValueError("the limit must be more than 0")
    inside = curve.times < end
    steps = np.concatenate([[0.0], curve.times[inside], [end]])
    areas = np.diff(steps) * np.concatenate([[1.0], curve.survival[inside]])
    after = areas[::-1].cumsum()[::-1][1:]  # what is still to come after each closing
    risk, events = curve.at_risk[inside], curve.closed[inside]
    left = risk > events
    variance = float((after[left] ** 2 * events[left] / (risk[left] * (risk[left] - events[left]))).sum())
    return RestrictedMean(float(areas.sum()), sqrt(variance), float(end))


class OpenCases(NamedTuple):
    """What the median time becomes by three ways of treating what is still open."""

    closed_only: float | None
    """Open ones dropped: looks faster than it is."""
    open_as_closed: float
    """Open ones counted as if they closed today."""
    kaplan_meier: float | None
    """The honest one; None where half have not closed yet."""


def open_cases_bias(time: ArrayLike, closed: ArrayLike) -> OpenCases:
    """How far leaving out open complaints misleads.

    Raises:
        ValueError: As ``kaplan_meier``.
    """
    times, ends = _checked(time, closed)
    dropped = float(np.median(times[ends == 1])) if ends.any() else None
    return OpenCases(dropped, float(np.median(times)), median(kaplan_meier(times, ends)))


def _checked(time: ArrayLike, closed: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    times, ends = np.asarray(time, dtype="float64"), np.asarray(closed, dtype="float64")
    if times.ndim != 1 or not len(times) or times.shape != ends.shape:
        raise ValueError("time and closed must be equally long lists, of one complaint or more")
    if not (np.isfinite(times).all() and (times >= 0).all() and np.isin(ends, (0, 1)).all()):
        raise ValueError("a time is 0 or more, and closed is 1 or 0")
    return times, ends.astype("int64")
