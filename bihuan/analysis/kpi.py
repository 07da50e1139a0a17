"""Indicators 指标: a rate with its n and interval, never a bare figure."""

from __future__ import annotations

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
    rows = [_rate(int(x), int(n)) for x, n in zip(counts["x"], counts["n"], strict=True)]
    return counts.join(pd.DataFrame(rows, columns=["value", "low", "high"], index=counts.index, dtype="float64"))


def _rate(x: int, n: int) -> tuple[float, float, float]:
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    interval = binomtest(x, n).proportion_ci(CONFIDENCE, method="wilson")
    return x / n, float(interval.low), float(interval.high)
