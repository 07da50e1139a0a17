"""Pareto 帕累托: which few categories make up most of it. It shows what is big, not what changed."""

from __future__ import annotations

import pandas as pd
from statsmodels.stats.proportion import multinomial_proportions_confint

MOST = 0.8
TOO_MANY = 0.6
"""Where the vital few are more than this share of all categories, there are none (IMPROVEMENT 2.1)."""
_ON = 1e-12


def pareto(counts: pd.Series, confidence: float = 0.95) -> pd.DataFrame:
    """Rank categories by count, with the cumulative share and simultaneous intervals.

    Args:
        counts: Complaints by category, shape (k,); index the category, values 0 or more. Weighted sums may be given as
            well; their intervals mean nothing then.
        confidence: That all the intervals hold together (Goodman, Technometrics 7, 1965).

    Returns:
        One row a category, most frequent first, shape (k, 6): ``count``, ``cumulative``, ``share``,
        ``cumulative_share``, ``low``, ``high``, the last four in 0..1. Ties keep the order of ``counts``. No
        categories, or nothing in them: no rows, same columns.

    Raises:
        ValueError: A count is negative.
    """
    if (counts < 0).any():
        raise ValueError("a count is 0 or more")
    ranked = counts.sort_values(ascending=False, kind="stable").to_frame("count")
    total = ranked["count"].sum()
    if not total:
        return pd.DataFrame(
            columns=["count", "cumulative", "share", "cumulative_share", "low", "high"], dtype="float64"
        )
    limits = multinomial_proportions_confint(ranked["count"].to_numpy("float64"), 1 - confidence, method="goodman")
    running = ranked["count"].cumsum()
    return ranked.assign(
        cumulative=running, share=ranked["count"] / total, cumulative_share=running / total,
        low=limits[:, 0], high=limits[:, 1],
    )  # fmt: skip


def vital_few(ranked: pd.DataFrame, most: float = MOST) -> list[object]:
    """The fewest categories that reach at least ``most`` of the total.

    Args:
        ranked: From ``pareto``.
        most: A share, 0..1; reached exactly is reached.
    """
    if ranked.empty:
        return []
    reached = ranked["cumulative"] >= most * ranked["count"].sum() * (1 - _ON)
    return list(ranked.index[: int(reached.to_numpy().argmax()) + 1])


def is_applicable(ranked: pd.DataFrame, most: float = MOST) -> bool:
    """Whether there are vital few at all, or the counts are spread out 分布分散."""
    return not ranked.empty and len(vital_few(ranked, most)) <= TOO_MANY * len(ranked)
