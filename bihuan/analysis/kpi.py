"""Indicators 指标: a rate with its n and interval, never a bare figure."""

from __future__ import annotations

from math import hypot
from typing import NamedTuple

import pandas as pd
from scipy.stats import binomtest

CONFIDENCE = 0.95


def rates(counts: pd.DataFrame) -> pd.DataFrame:
    """Rates with Wilson score intervals (Wilson, JASA 1927).

    Args:
        counts: Columns ``x`` (on time) and ``n`` (decided), whole, 0 <= x <= n; any index, shape (k, 2 or more).

    Returns:
        ``counts`` with ``value``, ``low`` and ``high`` float64 in 0..1 beside it; NaN where n is 0.
    """
    rows = [rate(int(x), int(n)) for x, n in zip(counts["x"], counts["n"], strict=True)]
    return counts.join(pd.DataFrame(rows, columns=["value", "low", "high"], index=counts.index, dtype="float64"))


class Difference(NamedTuple):
    """A difference of two shares with its interval, each NaN where one of the two has no n."""

    value: float
    low: float
    high: float


def difference(x1: int, n1: int, x2: int, n2: int) -> Difference:
    """The first share less the second, with Newcombe's hybrid score interval (Stat Med 17:873, 1998, method 10).

    Args:
        x1: On time, of the first.
        n1: Decided, of the first.
        x2: On time, of the second.
        n2: Decided, of the second.
    """
    first, low1, high1 = rate(x1, n1)
    second, low2, high2 = rate(x2, n2)
    value = first - second
    return Difference(value, value - hypot(first - low1, high2 - second), value + hypot(high1 - first, second - low2))


def rate(x: int, n: int) -> tuple[float, float, float]:
    """One rate with its Wilson score interval; NaN where n is 0."""
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    interval = binomtest(x, n).proportion_ci(CONFIDENCE, method="wilson")
    return x / n, float(interval.low), float(interval.high)
