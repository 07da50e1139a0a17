"""Rates: counts over an exposure such as orders, contacts or days. Intervals are two-sided."""

from __future__ import annotations

from typing import NamedTuple

from statsmodels.stats.rates import confint_poisson

from bihuan.analysis.proportion import Interval, binomial_exact


def poisson_exact(count: float, exposure: float = 1.0, confidence: float = 0.95) -> Interval:
    """The exact interval of a rate (Garwood, Biometrika 28, 1936; R's ``poisson.test``).

    Args:
        count: Events, 0 or more.
        exposure: Over which they were counted, more than 0.
        confidence: Inside 0..1.

    Raises:
        ValueError: An argument is out of range.
    """
    if count < 0 or exposure <= 0 or not 0 < confidence < 1:
        raise ValueError("a count is 0 or more, an exposure more than 0, a confidence between 0 and 1")
    low, high = confint_poisson(count, exposure, method="exact-c", alpha=1 - confidence)
    return Interval(float(low), float(high))


class RateRatio(NamedTuple):
    """The first rate over the second; infinite where the second counted nothing."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided, of the ratio being 1."""


def ratio(x1: int, t1: float, x2: int, t2: float, confidence: float = 0.95) -> RateRatio:
    """The ratio of two rates, exact given the sum of counts (Przyborowski and Wilenski, 1940; R's ``poisson.test``).

    Args:
        x1: Events of the first, 0 or more.
        t1: Its exposure, more than 0.
        x2: Events of the second.
        t2: Its exposure.
        confidence: Inside 0..1.

    Raises:
        ValueError: An argument is out of range, or nothing was counted at all.
    """
    if min(t1, t2) <= 0 or min(x1, x2) < 0 or not x1 + x2:
        raise ValueError("an exposure is more than 0, a count 0 or more, and something must have been counted")
    test = binomial_exact(x1, x1 + x2, t1 / (t1 + t2), confidence)
    value, low, high = (_odds(share) * t2 / t1 for share in (x1 / (x1 + x2), test.low, test.high))
    return RateRatio(value, low, high, test.p)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("inf")
