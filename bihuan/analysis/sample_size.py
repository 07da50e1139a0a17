"""How many are needed to see a change of a share, and what a given number can see."""

from __future__ import annotations

from math import sqrt

from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail


def two_proportions(p1: float, p2: float, alpha: float = 0.05, power: float = 0.8, dispersion: float = 1.0) -> float:
    """How many a group it takes to tell two shares apart, two-sided, the same in both; not rounded.

    (z_alpha/2 sqrt(2 p q) + z_beta sqrt(p1 q1 + p2 q2))^2 / (p1 - p2)^2, p the mean of both (Fleiss, Levin and Paik,
    Statistical Methods for Rates and Proportions, 2003, 4.2; R's ``power.prop.test``).

    Args:
        p1: A share, inside 0..1.
        p2: Another.
        alpha: How often a difference may be claimed that is not there.
        power: How often the one that is there should be found.
        dispersion: How many times the binomial variance is seen (phi); less than 1 counts as 1.

    Raises:
        ValueError: A share is not inside 0..1, or both are the same.
    """
    _check(p1, p2, alpha)
    if not alpha / 2 < power < 1 or p1 == p2:
        raise ValueError("the power must lie between alpha / 2 and 1, and the shares must differ")
    n = samplesize_proportions_2indep_onetail(p1 - p2, p2, power, alpha=alpha, alternative="two-sided")
    return float(n) * max(dispersion, 1.0)


def power(p1: float, p2: float, n: float, alpha: float = 0.05, dispersion: float = 1.0) -> float:
    """How often n a group tell the two shares apart; inverse of ``two_proportions``.

    As R's ``power.prop.test`` the wrong side is not counted: finding an improvement where things got worse is no find.

    Args:
        p1: A share, inside 0..1.
        p2: Another.
        n: In each group, more than 0.
        alpha: How often a difference may be claimed that is not there.
        dispersion: How many times the binomial variance is seen (phi); less than 1 counts as 1.

    Raises:
        ValueError: An argument is out of range.
    """
    _check(p1, p2, alpha)
    if n <= 0:
        raise ValueError("n must be more than 0")
    middle = (p1 + p2) / 2
    apart = sqrt(n / max(dispersion, 1.0)) * abs(p1 - p2)
    under_null = float(norm.isf(alpha / 2)) * sqrt(2 * middle * (1 - middle))
    return float(norm.cdf((apart - under_null) / sqrt(p1 * (1 - p1) + p2 * (1 - p2))))


def detectable(p: float, n: float, alpha: float = 0.05, wanted: float = 0.8, dispersion: float = 1.0) -> float | None:
    """The highest share below p that n a group tell apart from it; None where not even a drop to 0 would be seen.

    Args:
        p: The share before, inside 0..1.
        n: In each group.
        alpha: As of ``power``.
        wanted: The power.
        dispersion: As of ``power``.
    """
    smallest = p * 1e-9

    def beyond(share: float) -> float:
        return power(share, p, n, alpha, dispersion) - wanted

    if beyond(smallest) < 0:
        return None
    return float(brentq(beyond, smallest, p))


def _check(p1: float, p2: float, alpha: float) -> None:
    if not (0 < p1 < 1 and 0 < p2 < 1 and 0 < alpha < 1):
        raise ValueError("both shares and alpha must lie between 0 and 1")
