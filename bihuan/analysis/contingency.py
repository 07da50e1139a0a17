"""Tables of counts: are shares alike, are rows and columns independent, did the same customers change their mind?"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar
from statsmodels.stats.proportion import proportions_ztest

_TWO_BY_TWO = (2, 2)


class ChiSquare(NamedTuple):
    """A chi-square statistic with its upper tail."""

    value: float
    df: int
    p: float


class ZTest(NamedTuple):
    """A normal statistic with its two tails."""

    z: float
    p: float


class Fisher(NamedTuple):
    """Fisher's exact test of a table of two rows and two columns."""

    p: float
    p_less: float
    p_greater: float
    odds_ratio: float
    """Of the sample, a d / (b c); infinite or NaN where a cell is 0."""


class McNemar(NamedTuple):
    """McNemar's test, three ways; the p-values are two-sided."""

    value: float
    p: float
    corrected: float
    p_corrected: float
    p_exact: float


class MantelHaenszel(NamedTuple):
    """One odds ratio over all strata, and the test of its being 1."""

    odds_ratio: float
    low: float
    high: float
    value: float
    """Chi-square with one degree of freedom."""
    p: float


def two_proportions(x: Sequence[int], n: Sequence[int]) -> ZTest:
    """Whether two shares differ: z with the pooled variance, the first less the second.

    Raises:
        ValueError: Not two groups, a count out of range, or nothing varies.
    """
    shares = _counts(x, n)
    if shares.shape != _TWO_BY_TWO:
        raise ValueError("two groups are compared, no more and no fewer")
    _must_vary(shares)
    z, p = proportions_ztest(shares[:, 0], shares.sum(axis=1))
    return ZTest(float(z), float(p))


def k_proportions(x: Sequence[int], n: Sequence[int], *, is_corrected: bool = False) -> ChiSquare:
    """Whether k shares are alike: Pearson's chi-square, as R's ``prop.test`` for more than two groups.

    Args:
        x: How many have it, a group each.
        n: Of how many.
        is_corrected: Yates's correction; it is for two groups only, and does nothing for more.

    Raises:
        ValueError: Fewer than two groups, a count out of range, or nothing varies.
    """
    return independence(_counts(x, n), is_corrected=is_corrected)


def independence(table: ArrayLike, *, is_corrected: bool = False) -> ChiSquare:
    """Whether rows and columns are independent (Pearson, Philosophical Magazine 50, 1900).

    Args:
        table: Counts, shape (r, c).
        is_corrected: Yates's correction, for two by two only.

    Raises:
        ValueError: A count is negative, or a row or column is empty.
    """
    cells = _table(table)
    _must_vary(cells)
    found = stats.chi2_contingency(cells, correction=is_corrected)
    return ChiSquare(float(found.statistic), int(found.dof), float(found.pvalue))


def trend(x: Sequence[int], n: Sequence[int], scores: Sequence[float] | None = None) -> ChiSquare:
    """Whether shares rise or fall along ordered groups (Cochran 1954, Armitage 1955; R's ``prop.trend.test``).

    Args:
        x: How many have it, a group each, in order.
        n: Of how many.
        scores: Where the groups stand; 1, 2, 3 ... when left out.

    Raises:
        ValueError: A count is out of range, nothing varies, or the scores are all the same.
    """
    shares = _counts(x, n)
    _must_vary(shares)
    size = shares.sum(axis=1)
    score = np.arange(1.0, len(size) + 1) if scores is None else np.asarray(scores, dtype="float64")
    if score.shape != size.shape:
        raise ValueError("there must be one score a group")
    total, overall = size.sum(), shares[:, 0].sum() / size.sum()
    centred = score - size @ score / total
    spread = overall * (1 - overall) * float(size @ centred**2)
    if not spread:
        raise ValueError("the scores are all the same")
    value = float(shares[:, 0] @ centred) ** 2 / spread
    return ChiSquare(value, 1, float(stats.chi2.sf(value, 1)))


def fisher(table: ArrayLike) -> Fisher:
    """Fisher's exact test (The Design of Experiments, 1935); two-sided sums all tables no more likely.

    Raises:
        ValueError: The table is not two by two, or holds something else than counts.
    """
    cells = _two_by_two(table)
    less, greater = (float(stats.fisher_exact(cells, side).pvalue) for side in ("less", "greater"))
    found = stats.fisher_exact(cells)
    return Fisher(float(found.pvalue), less, greater, float(found.statistic))


def mcnemar(table: ArrayLike) -> McNemar:
    """Whether the same people answer otherwise the second time (McNemar, Psychometrika 12, 1947).

    Args:
        table: Two by two, first answer by rows, second by columns; only those who changed count.

    Raises:
        ValueError: The table is not two by two, or nobody changed.
    """
    cells = _two_by_two(table)
    if not cells[0, 1] + cells[1, 0]:
        raise ValueError("nobody changed: there is nothing to compare")
    plain, corrected = (_mcnemar(cells, exact=False, correction=is_corrected) for is_corrected in (False, True))
    exact = _mcnemar(cells, exact=True)
    return McNemar(
        float(plain.statistic), float(plain.pvalue),
        float(corrected.statistic), float(corrected.pvalue), float(exact.pvalue),
    )  # fmt: skip


def mantel_haenszel(
    tables: Sequence[ArrayLike], confidence: float = 0.95, *, is_corrected: bool = False
) -> MantelHaenszel:
    """One odds ratio across strata (Mantel and Haenszel, J Natl Cancer Inst 22, 1959; R's ``mantelhaen.test``).

    Args:
        tables: One a stratum, two by two: groups by rows, having it or not by columns.
        confidence: Of the interval (Robins, Breslow and Greenland, Biometrics 42, 1986).
        is_corrected: The correction for continuity; it never turns the difference around.

    Raises:
        ValueError: No stratum, a table that is not two by two, or strata that say nothing.
    """
    strata = StratifiedTable([_two_by_two(table).astype("float64") for table in tables])
    value = _mantel_haenszel_chi2(strata.table, is_corrected=is_corrected)
    low, high = strata.oddsratio_pooled_confint(alpha=1 - confidence)
    return MantelHaenszel(
        float(strata.oddsratio_pooled), float(low), float(high), value, float(stats.chi2.sf(value, 1))
    )


def _mantel_haenszel_chi2(cells: NDArray[np.float64], *, is_corrected: bool) -> float:
    """Own lines, since statsmodels' correction overshoots below half a case, where R's stops at zero."""
    rows, columns, n = cells.sum(axis=1), cells.sum(axis=0), cells.sum(axis=(0, 1))
    apart = abs(float((cells[0, 0] - rows[0] * columns[0] / n).sum()))
    variance = float((rows[0] * rows[1] * columns[0] * columns[1] / (n**2 * (n - 1))).sum())
    if not variance:
        raise ValueError("the strata say nothing: in each a row or a column is empty")
    return (max(apart - (0.5 if is_corrected else 0.0), 0.0) / sqrt(variance)) ** 2


def _counts(x: Sequence[int], n: Sequence[int]) -> NDArray[np.float64]:
    """Having it and not having it, a row a group."""
    having, of = np.asarray(x, dtype="float64"), np.asarray(n, dtype="float64")
    if having.shape != of.shape or len(having) <= 1:
        raise ValueError("x and n must be equally long, for two groups or more")
    if (having < 0).any() or (of < 1).any() or (having > of).any():
        raise ValueError("a count lies outside 0..n, or a group is empty")
    return np.column_stack([having, of - having])


def _table(table: ArrayLike) -> NDArray[np.float64]:
    cells = np.asarray(table, dtype="float64")
    if cells.ndim != len(_TWO_BY_TWO) or min(cells.shape) <= 1 or (cells < 0).any():
        raise ValueError("a table of counts has two rows and two columns or more, each cell 0 or more")
    return cells


def _two_by_two(table: ArrayLike) -> NDArray[np.int64]:
    cells = _table(table)
    if cells.shape != _TWO_BY_TWO or (cells % 1).any():
        raise ValueError("the table must have two rows and two columns of whole numbers")
    return cells.astype("int64")


def _must_vary(cells: NDArray[np.float64]) -> None:
    if not (cells.sum(axis=0).all() and cells.sum(axis=1).all()):
        raise ValueError("nothing varies: a row or a column is empty")
