"""How many are needed to see a change of a share or of times, and what a given number can see."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from bihuan.analysis.survival import kaplan_meier, restricted_mean

_HALF = 0.5
_TAIL = 1.15
"""What it costs that a few long ones, of which a sample holds more or fewer, make most of the spread of times."""


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


def two_times(time: ArrayLike, ended: ArrayLike, ratio: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """How many a group it takes to see that times became so many times as long, two-sided; not rounded.

    The times of before themselves say how they lie, and all become longer or shorter alike, a shift on the log scale.
    Rank sum test: (z_alpha/2 + z_beta)^2 / (6 (P - 1/2)^2), P how often one of before is longer than one of after, ties
    by halves (Noether, Sample size determination for some common nonparametric tests, JASA 82, 1987). Means up to a
    common limit: 1.15 (z_alpha/2 + z_beta)^2 (v + w) / (m - l)^2. The larger of both: which of them judges is known
    only once it is known whether all have ended.

    Args:
        time: Of before, shape (n,), 0 or more.
        ended: Whether each has ended, 1 or 0.
        ratio: After over before, more than 0.
        alpha: How often a difference may be claimed that is not there.
        power: How often the one that is there should be found.

    Raises:
        ValueError: The ratio is 1 or not more than 0, or none has ended or lasted at all.
    """
    times, ends = np.asarray(time, dtype="float64"), np.asarray(ended, dtype="float64")
    if ratio <= 0 or ratio == 1 or not (times[ends > 0] > 0).any():
        raise ValueError("the ratio is more than 0 and not 1, and some have lasted and ended")
    both = (float(norm.isf(alpha / 2)) + float(norm.isf(1 - power))) ** 2
    apart = _beaten(times[ends > 0], ratio) - _HALF
    limit = float(times.max()) * min(ratio, 1.0)
    (mean, variance), (later, more) = _up_to(times, ends, limit), _up_to(times * ratio, ends, limit)
    if not apart or mean == later:
        raise ValueError("nothing of the times is known")
    return max(both / (6 * apart**2), _TAIL * both * (variance + more) / (mean - later) ** 2)


def _beaten(times: NDArray[np.float64], ratio: float) -> float:
    """How often one of these is longer than one that became ``ratio`` times as long, ties by halves."""
    before, after = np.sort(times), np.sort(times * ratio)
    below = np.searchsorted(after, before, side="left") + np.searchsorted(after, before, side="right")
    return float(below.sum()) / 2 / len(times) ** 2


def _up_to(times: NDArray[np.float64], ends: NDArray[np.float64], limit: float) -> tuple[float, float]:
    """The mean up to a limit, and the variance of a single one."""
    found = restricted_mean(kaplan_meier(times, ends), limit)
    return found.value, found.standard_error**2 * len(times)


def _check(p1: float, p2: float, alpha: float) -> None:
    if not (0 < p1 < 1 and 0 < p2 < 1 and 0 < alpha < 1):
        raise ValueError("both shares and alpha must lie between 0 and 1")
