"""Single values that do not belong to the others."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import median_abs_deviation, t

FAR = 3.5
"""Beyond this modified z-score a value is an outlier (Iglewicz and Hoaglin, How to Detect Outliers, 1993)."""
_NORMAL = 0.6745
"""Third quartile of the normal distribution, to the four digits of the published formula."""

_FEWEST = 3


class Grubbs(NamedTuple):
    """Whether the largest value is too large."""

    g: float
    critical: float
    p: float
    """At most 1; the bound that the critical value comes from."""
    at: int
    """Which one is the largest, counted from 0."""
    is_outlier: bool


def grubbs_max(x: ArrayLike, alpha: float = 0.05) -> Grubbs:
    """Grubbs's one-sided test of the largest value (Grubbs, Annals of Mathematical Statistics 21, 1950; NIST 1.3.5.17).

    Args:
        x: From a normal distribution but for the outlier, shape (n,), 3 or more.
        alpha: Inside 0..1.

    Raises:
        ValueError: Fewer than three values, all the same, or alpha is out of range.
    """
    values = np.asarray(x, dtype="float64")
    n = len(values)
    if n < _FEWEST or not np.ptp(values) or not 0 < alpha < 1:
        raise ValueError("three values or more are needed that are not all the same, and alpha inside 0..1")
    at = int(values.argmax())
    g = float((values[at] - values.mean()) / values.std(ddof=1))
    far = float(t.isf(alpha / n, n - 2)) ** 2
    critical = (n - 1) / sqrt(n) * sqrt(far / (n - 2 + far))
    return Grubbs(g, critical, _tail(g, n), at, g > critical)


def _tail(g: float, n: int) -> float:
    rest = (n - 1) ** 2 - n * g**2
    if rest <= 0:  # as far as one of n can lie
        return 0.0
    return min(n * float(t.sf(sqrt(n * (n - 2) * g**2 / rest), n - 2)), 1.0)


class ModifiedZ(NamedTuple):
    """Distances from the median."""

    score: NDArray[np.float64]
    """Shape (n,)."""
    median: float
    deviation: float
    """Median absolute deviation, not scaled."""
    is_outlier: NDArray[np.bool_]


def modified_z(x: ArrayLike, far: float = FAR) -> ModifiedZ:
    """Distances from the median that outliers themselves do not stretch: 0.6745 (x - median) / MAD.

    Args:
        x: Shape (n,), 1 or more.
        far: Beyond which a value is an outlier.

    Raises:
        ValueError: No values, or more than half of them are the same.
    """
    values = np.asarray(x, dtype="float64")
    deviation = float(median_abs_deviation(values)) if len(values) else 0.0
    if not deviation:
        raise ValueError("the median absolute deviation is 0: more than half of the values are the same")
    middle = float(np.median(values))
    score = _NORMAL * (values - middle) / deviation
    return ModifiedZ(score, middle, deviation, np.abs(score) > far)
