"""Indicators 指标: a rate with its n and interval, never a bare figure."""

from __future__ import annotations

import pandas as pd

from bihuan.analysis.proportion import Contrast, newcombe, wilson

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


def difference(x1: int, n1: int, x2: int, n2: int) -> Contrast:
    """The first share less the second, with Newcombe's hybrid score interval; all NaN where one of the two has no n.

    Args:
        x1: On time, of the first.
        n1: Decided, of the first.
        x2: On time, of the second.
        n2: Decided, of the second.
    """
    if n1 == 0 or n2 == 0:
        return Contrast(float("nan"), float("nan"), float("nan"))
    return newcombe(x1, n1, x2, n2, CONFIDENCE)


def rate(x: int, n: int) -> tuple[float, float, float]:
    """One rate with its Wilson score interval; NaN where n is 0."""
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    return x / n, *wilson(x, n, CONFIDENCE)
