"""Small lasting shifts: the tabular CUSUM and the exponentially weighted moving average."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bihuan.analysis.spc import D2

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Cusum(NamedTuple):
    """Sums of deviations above and below the target, each starting anew when it falls below 0; arrays of shape (k,)."""

    high: Floats
    low: Floats
    high_run: Counts
    """For how many points the upper sum has been above 0: the shift began that many points ago."""
    low_run: Counts
    is_high: Mask
    """The upper sum is beyond the decision interval."""
    is_low: Mask


def tabular(x: ArrayLike, target: float, slack: float, decision: float, head_start: float = 0.0) -> Cusum:
    """The tabular CUSUM (Page, Biometrika 41, 1954; Montgomery 9.1.2).

    Args:
        x: In order of time, shape (k,).
        target: The level to hold.
        slack: K, half the shift to be found, in the unit of x; 0 or more.
        decision: H, beyond which a sum signals, in the unit of x; more than 0.
        head_start: Both sums begin here; half of H is the fast initial response.

    Raises:
        ValueError: The slack is negative, or the decision interval not more than 0.
    """
    if slack < 0 or decision <= 0:
        raise ValueError("K must be 0 or more, and H more than 0")
    apart = np.asarray(x, dtype="float64") - target
    high, high_run = _sums(apart - slack, head_start)
    low, low_run = _sums(-apart - slack, head_start)
    return Cusum(high, low, high_run, low_run, high > decision, low > decision)


def _sums(steps: Floats, start: float) -> tuple[Floats, Counts]:
    sums, runs, total, run = [], [], start, 0
    for step in steps:
        total = max(0.0, total + step)
        run = run + 1 if total > 0 else 0
        sums.append(total)
        runs.append(run)
    return np.array(sums), np.array(runs, dtype="int64")


class Ewma(NamedTuple):
    """The moving average with its limits, which widen from the first point on; arrays of shape (k,)."""

    average: Floats
    center: float
    low: Floats
    high: Floats
    sigma: float
    is_out: Mask


def ewma(
    x: ArrayLike, weight: float = 0.2, sigmas: float = 3.0, center: float | None = None, sigma: float | None = None
) -> Ewma:
    """The exponentially weighted moving average (Roberts, Technometrics 1, 1959; Montgomery 9.2).

    Args:
        x: In order of time, shape (k,).
        weight: Of the newest point, lambda, more than 0 and at most 1.
        sigmas: L, how far the limits stand from the centre.
        center: The mean of x when left out.
        sigma: Of a single point; the mean moving range over 1.128 when left out.

    Raises:
        ValueError: The weight is out of range, there is no point, or sigma is left out with one only.
    """
    values = np.asarray(x, dtype="float64")
    if not 0 < weight <= 1 or not len(values) or (sigma is None and len(values) <= 1):
        raise ValueError("lambda lies between 0 and 1, and without sigma two points or more are needed")
    middle = float(values.mean()) if center is None else center
    spread = float(np.abs(np.diff(values)).mean() / D2) if sigma is None else sigma
    averages, average = [], middle
    for value in values:
        average = weight * float(value) + (1 - weight) * average
        averages.append(average)
    age = np.arange(1, len(values) + 1)
    half = sigmas * spread * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * age)))
    low, high, found = middle - half, middle + half, np.array(averages)
    return Ewma(found, middle, low, high, spread, (found < low) | (found > high))
