"""Times 时长 of which some have not ended yet: these are counted as censored, not left out and not as ended now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from bihuan.analysis.kpi import CONFIDENCE
from bihuan.analysis.score import NOTHING, Estimate
from bihuan.analysis.survival import kaplan_meier, median, median_interval

Times = NDArray[np.float64]


def median_time(times: Times, counts: NDArray[np.int64], has_ended: NDArray[np.bool_]) -> Estimate:
    """The median with its interval, from how often each time was taken (``survival.median``, ``median_interval``).

    Leaving out what has not ended would make the latest months look quick.

    Args:
        times: Ended after, or without end so far, shape (k,), 0 or more.
        counts: How many of each, shape (k,).
        has_ended: Of each, shape (k,).

    Returns:
        In the unit of ``times``. NaN where the curve, or its limit, never comes down to one half.
    """
    if not counts.sum():
        return NOTHING
    curve = kaplan_meier(np.repeat(times, counts), np.repeat(has_ended, counts))
    ends = (median(curve), *median_interval(curve, CONFIDENCE))
    return Estimate(*(float("nan") if end is None else end for end in ends))


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
