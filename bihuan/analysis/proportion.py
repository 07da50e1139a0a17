"""Shares: intervals of one, difference of two. Shares are 0..1, intervals two-sided."""

from __future__ import annotations

from functools import lru_cache
from math import hypot, sqrt
from typing import Literal, NamedTuple

from scipy.stats import binomtest, norm

Alternative = Literal["two-sided", "less", "greater"]


class Interval(NamedTuple):
    """A two-sided confidence interval."""

    low: float
    high: float


class Contrast(NamedTuple):
    """A difference or a ratio with its interval."""

    value: float
    low: float
    high: float


class Tested(NamedTuple):
    """A p-value and the interval that belongs to the same method."""

    p: float
    low: float
    high: float


def wilson(x: int, n: int, confidence: float = 0.95, *, is_corrected: bool = False) -> Interval:
    """The score interval of a share (Wilson, JASA 22, 1927; methods 3 and 4 of Newcombe, Stat Med 17:857, 1998).

    Args:
        x: How many have it, 0..n.
        n: Of how many, 1 or more.
        confidence: Two-sided, inside 0..1.
        is_corrected: With the correction for continuity (R's ``prop.test``), which is wider.

    Raises:
        ValueError: x, n or the confidence is out of range.
    """
    method = "wilsoncc" if is_corrected else "wilson"
    found = binomtest(*_counted(x, n)).proportion_ci(_inside(confidence), method=method)
    return Interval(float(found.low), float(found.high))


def clopper_pearson(x: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share, never too short (Clopper and Pearson, Biometrika 26, 1934).

    Raises:
        ValueError: x, n or the confidence is out of range.
    """
    found = binomtest(*_counted(x, n)).proportion_ci(_inside(confidence), method="exact")
    return Interval(float(found.low), float(found.high))


def binomial_exact(
    x: int, n: int, expected: float, confidence: float = 0.95, alternative: Alternative = "two-sided"
) -> Tested:
    """Whether a share differs from an expected one: the exact test, as R's ``binom.test``.

    Args:
        x: How many have it, 0..n.
        n: Of how many, 1 or more.
        expected: The share to compare with, 0..1.
        confidence: Of the interval, which is one-sided where the alternative is.
        alternative: Two-sided sums all outcomes no more likely than x.

    Raises:
        ValueError: An argument is out of range.
    """
    test = binomtest(*_counted(x, n), expected, alternative)
    interval = test.proportion_ci(_inside(confidence), method="exact")
    return Tested(float(test.pvalue), float(interval.low), float(interval.high))


def newcombe(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Contrast:
    """The first share less the second, with the hybrid score interval (Newcombe, Stat Med 17:873, 1998, method 10).

    Written out here because ``confint_proportions_2indep(method="score")`` of statsmodels 0.15 raises on textbook
    tables such as 9 of 10 against 3 of 10.

    Raises:
        ValueError: A count or the confidence is out of range.
    """
    first, second = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    p1, p2 = x1 / n1, x2 / n2
    value = p1 - p2
    low, high = hypot(p1 - first.low, second.high - p2), hypot(first.high - p1, p2 - second.low)
    return Contrast(value, value - low, value + high)


def wilson_of(share: float, worth: float, confidence: float = 0.95) -> Interval:
    """``wilson`` of a share that is worth so many cases, which need not be whole.

    What scatters φ times as much as chance makes is worth n / φ; what was held to another mix, p (1 - p) / variance
    (Korn and Graubard, Survey Methodology 24, 1998).

    Raises:
        ValueError: The share lies outside 0..1, or the worth is not more than 0.
    """
    if not 0 <= share <= 1 or worth <= 0:
        raise ValueError(f"a share lies in 0..1 and is worth more than 0 cases, not {share:g} of {worth:g}")
    z = quantile(confidence)
    scale = 1 + z**2 / worth
    middle = (share + z**2 / (2 * worth)) / scale
    half = z * sqrt(share * (1 - share) / worth + z**2 / (4 * worth**2)) / scale
    return Interval(max(middle - half, 0.0) if share else 0.0, min(middle + half, 1.0) if share < 1 else 1.0)


def newcombe_of(share1: float, worth1: float, share2: float, worth2: float, confidence: float = 0.95) -> Contrast:
    """``newcombe`` of shares that are worth so many cases; see ``wilson_of``."""
    first, second = wilson_of(share1, worth1, confidence), wilson_of(share2, worth2, confidence)
    value = share1 - share2
    low, high = hypot(share1 - first.low, second.high - share2), hypot(first.high - share1, share2 - second.low)
    return Contrast(value, value - low, value + high)


@lru_cache(maxsize=64)
def quantile(confidence: float) -> float:
    """The normal quantile of a two-sided interval: 1.96 of 0.95.

    Raises:
        ValueError: The confidence lies not inside 0..1.
    """
    return float(norm.ppf((1 + _inside(confidence)) / 2))


def _counted(x: int, n: int) -> tuple[int, int]:
    if not 0 <= x <= n or n < 1:
        raise ValueError(f"x lies in 0..n and n is 1 or more, not {x} of {n}")
    return x, n


def _inside(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence:g}")
    return confidence
