"""Times 时长 of which some have not ended yet: these are counted as censored, not left out and not as ended now."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, t

from bihuan.analysis.kpi import CONFIDENCE
from bihuan.analysis.score import NOTHING, Estimate

Times = NDArray[np.float64]


def median_time(times: Times, counts: NDArray[np.int64], has_ended: NDArray[np.bool_]) -> Estimate:
    """The median by Kaplan and Meier (JASA 53, 1958), its interval by Brookmeyer and Crowley (Biometrics 38, 1982).

    The median is the first time by which half are expected to have ended. The ends of the interval are the times at
    which the pointwise limits of the curve (log-minus-log, at ``CONFIDENCE``) reach one half. Leaving out what has not
    ended would make the latest months look quick.

    Args:
        times: Ended after, or without end so far, shape (k,), 0 or more.
        counts: How many of each, shape (k,).
        has_ended: Of each, shape (k,).

    Returns:
        In the unit of ``times``. NaN where the curve, or its limit, never comes down to one half.
    """
    if not counts.sum():
        return NOTHING
    sample = CensoredData(
        uncensored=np.repeat(times[has_ended], counts[has_ended]),
        right=np.repeat(times[~has_ended], counts[~has_ended]),
    )
    curve = ecdf(sample).sf
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # where all or none have ended there are no limits: NaN says so
        limits = curve.confidence_interval(CONFIDENCE, method="log-log")
    at, surviving = curve.quantiles, curve.probabilities
    is_over = surviving == 0
    low, high = limits.low.probabilities, limits.high.probabilities
    return Estimate(
        _first(at, surviving <= HALF), _first(at, (low <= HALF) | is_over), _first(at, high <= HALF)
    )  # fmt: skip


def _first(times: Times, reached: NDArray[np.bool_]) -> float:
    return float(times[reached.argmax()]) if reached.any() else float("nan")


HALF = 0.5


def mean_time(total: float, squares: float, n: int) -> Estimate:
    """The mean with Student's interval, from the sum and the sum of squares; never below 0.

    A single one says nothing of how they spread: its interval is unknown.
    """
    if not n:
        return NOTHING
    mean = total / n
    if n == 1:
        return Estimate(mean, float("nan"), float("nan"))
    variance = max(0.0, squares - n * mean**2) / (n - 1)
    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * float(np.sqrt(variance / n))
    return Estimate(mean, max(0.0, mean - half), mean + half)
