"""How far people who classify the same complaints agree, beyond chance."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from bihuan.analysis.proportion import quantile

Weights = Literal["none", "linear", "quadratic"]


class Kappa(NamedTuple):
    """Agreement beyond chance: 1 perfect, 0 as by chance."""

    value: float
    standard_error: float
    low: float
    high: float
    p: float
    """Two-sided, of no agreement beyond chance."""
    observed: float
    """Share of agreement that was seen."""
    expected: float
    """Share of agreement by chance."""


def cohen(table: ArrayLike, weights: Weights = "none", confidence: float = 0.95) -> Kappa:
    """Agreement of two raters (Cohen 1960; weighted: Cohen 1968; errors: Fleiss, Cohen and Everitt 1969).

    Args:
        table: How often the first said i and the second j, shape (k, k).
        weights: How near misses count: not, by distance, or by its square.
        confidence: Of the interval.

    Raises:
        ValueError: The table is not square, or both raters know one category only.
    """
    cells = np.asarray(table, dtype="float64")
    if cells.shape != (len(cells), len(cells)) or not cells.sum():
        raise ValueError("the table must be square, with what one rater said by rows and the other by columns")
    share = cells / cells.sum()
    lost = _losses(len(cells))[weights]
    missed, by_chance = (float((lost * seen).sum()) for seen in (share, _independent(share)))
    if not by_chance:
        raise ValueError("both raters know one category only")
    found = cohens_kappa(cells, wt={"none": None, "linear": "linear", "quadratic": "quadratic"}[weights])
    value, error, half = float(found.kappa), float(found.std_kappa), quantile(confidence) * float(found.std_kappa)
    p = float(2 * norm.sf(abs(found.z_value)))
    return Kappa(value, error, value - half, value + half, p, 1 - missed, 1 - by_chance)


def _losses(categories: int) -> dict[Weights, np.ndarray]:
    """How much a pair of answers disagrees, 0..1."""
    apart = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories)))
    far = apart / max(categories - 1, 1)
    return {"none": (apart > 0) * 1.0, "linear": far, "quadratic": far**2}


def _independent(share: np.ndarray) -> np.ndarray:
    return np.outer(share.sum(axis=1), share.sum(axis=0))


class FleissKappa(NamedTuple):
    """Agreement of several raters."""

    value: float
    observed: float
    expected: float


def fleiss(counts: ArrayLike) -> FleissKappa:
    """Agreement of several raters (Fleiss, Psychological Bulletin 76, 1971).

    Args:
        counts: How many raters put subject i into category j, shape (n, k); as many raters for every subject.

    Raises:
        ValueError: Subjects have different numbers of raters, fewer than two, or only one category is used.
    """
    cells = np.asarray(counts, dtype="float64")
    if cells.ndim != np.ndim([[]]) or not len(cells):
        raise ValueError("one row a subject, one column a category")
    raters = cells.sum(axis=1)
    if (raters != raters[0]).any() or raters[0] <= 1:
        raise ValueError("every subject needs the same number of raters, two or more")
    expected = float(((cells.sum(axis=0) / cells.sum()) ** 2).sum())
    if expected == 1:
        raise ValueError("all raters use one category only")
    observed = float(((cells**2).sum(axis=1) - raters).sum() / (raters * (raters - 1)).sum())
    return FleissKappa(float(fleiss_kappa(cells)), observed, expected)
