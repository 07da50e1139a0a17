"""Comparing groups by rank: satisfaction of 1 to 5, or times, without assuming a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from bihuan.analysis.proportion import Alternative


class MannWhitney(NamedTuple):
    """The test of Mann and Whitney; R calls ``u1`` W."""

    u1: float
    """Pairs in which the first is larger, ties counted half."""
    u2: float
    p: float
    p_less: float
    p_greater: float
    is_exact: bool
    """False where values are tied: then the normal approximation with correction for continuity, as R."""


class Wilcoxon(NamedTuple):
    """The signed-rank test."""

    v: float
    """Sum of the ranks of positive differences."""
    p: float
    p_less: float
    p_greater: float


class KruskalWallis(NamedTuple):
    """The test of Kruskal and Wallis, corrected for ties."""

    h: float
    df: int
    p: float


def mann_whitney(x: Sequence[float], y: Sequence[float]) -> MannWhitney:
    """Whether one group tends to larger values (Mann and Whitney, Annals of Mathematical Statistics 18, 1947).

    Raises:
        ValueError: A group is empty.
    """
    if not len(x) or not len(y):
        raise ValueError("both groups need values")
    together = np.concatenate([x, y])
    is_exact = len(np.unique(together)) == len(together)
    both, less, greater = (_u(x, y, side, is_exact=is_exact) for side in ("two-sided", "less", "greater"))
    return MannWhitney(both[0], len(x) * len(y) - both[0], both[1], less[1], greater[1], is_exact)


def _u(x: Sequence[float], y: Sequence[float], side: str, *, is_exact: bool) -> tuple[float, float]:
    found = stats.mannwhitneyu(x, y, alternative=side, method="exact" if is_exact else "asymptotic")
    return float(found.statistic), float(found.pvalue)


def wilcoxon(x: Sequence[float], y: Sequence[float] | None = None) -> Wilcoxon:
    """Whether the same people score otherwise the second time (Wilcoxon, Biometrics Bulletin 1, 1945).

    Exact where no differences are tied or zero; otherwise scipy's choice of method. Differences of zero are left out.

    Args:
        x: The first values, or the differences.
        y: The second ones, in the same order.

    Raises:
        ValueError: The two are not equally long, or nothing differs.
    """
    if y is not None and len(x) != len(y):
        raise ValueError("both must be equally long")
    difference = np.asarray(x, dtype="float64") - (0.0 if y is None else np.asarray(y, dtype="float64"))
    if not difference.any():
        raise ValueError("nothing differs")
    both, less, greater = (float(stats.wilcoxon(difference, alternative=side).pvalue) for side in _SIDES)
    return Wilcoxon(float(stats.wilcoxon(difference, alternative="greater").statistic), both, less, greater)


_SIDES: tuple[Alternative, ...] = ("two-sided", "less", "greater")


def kruskal_wallis(groups: Sequence[Sequence[float]]) -> KruskalWallis:
    """Whether any of several groups tends to larger values (Kruskal and Wallis, JASA 47, 1952).

    Raises:
        ValueError: Fewer than two groups, an empty one, or all values are the same.
    """
    if len(groups) <= 1 or not all(len(group) for group in groups):
        raise ValueError("two groups or more are compared, each with values")
    if len(np.unique(np.concatenate(groups))) == 1:
        raise ValueError("all values are the same")
    found = stats.kruskal(*groups)
    return KruskalWallis(float(found.statistic), len(groups) - 1, float(found.pvalue))


def hodges_lehmann(x: Sequence[float], y: Sequence[float]) -> float:
    """By how much the first is larger: the median of all differences x - y (Hodges and Lehmann, 1963).

    Args:
        x: Shape (n,), 1 or more.
        y: Shape (m,), 1 or more; n times m differences are held at once.
    """
    return float(np.median(np.subtract.outer(np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64"))))
