"""Difference in differences: what changed here beyond what changed where nothing was done."""

from __future__ import annotations

from math import nan, sqrt
from typing import NamedTuple

from scipy.stats import norm

from bihuan.analysis.proportion import quantile


class Cell(NamedTuple):
    """How many have it, of how many."""

    x: int
    n: int


class Mean(NamedTuple):
    """A mean and its standard error; NaN where it is not known."""

    value: float
    standard_error: float = nan


class Did(NamedTuple):
    """(treated after - treated before) - (control after - control before)."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided, of the same change in both."""


def of_rates(
    before: Cell, after: Cell, control_before: Cell, control_after: Cell, *, dispersion: float = 1.0,
    confidence: float = 0.95,
) -> Did:  # fmt: skip
    """The difference in differences of shares, variance phi times the sum of r (1-r) / n over the four cells.

    Args:
        before: Where something was done, before it.
        after: The same, after.
        control_before: Where nothing was done.
        control_after: The same, later.
        dispersion: How many times the binomial variance is seen (phi); less than 1 counts as 1.
        confidence: Of the interval, normal.

    Raises:
        ValueError: A cell is empty, or has more than there are.
    """
    cells = (before, after, control_before, control_after)
    if any(cell.n < 1 or not 0 <= cell.x <= cell.n for cell in cells):
        raise ValueError("each of the four cells needs cases")
    widened = max(dispersion, 1.0)
    shares = [cell.x / cell.n for cell in cells]
    errors = [sqrt(widened * share * (1 - share) / cell.n) for share, cell in zip(shares, cells, strict=True)]
    return of_means(*(Mean(*one) for one in zip(shares, errors, strict=True)), confidence=confidence)


def of_means(before: Mean, after: Mean, control_before: Mean, control_after: Mean, *, confidence: float = 0.95) -> Did:
    """The difference in differences of means (Card and Krueger, American Economic Review 84, 1994).

    The four samples are taken to be independent; low, high and p are NaN where a standard error is not known, and
    where all are 0 the value stands alone.
    """
    value = (after.value - before.value) - (control_after.value - control_before.value)
    error = sqrt(sum(one.standard_error**2 for one in (before, after, control_before, control_after)))
    half = quantile(confidence) * error
    p = float(2 * norm.sf(abs(value) / error)) if error else nan
    return Did(value, value - half, value + half, p)
