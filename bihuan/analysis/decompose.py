"""Splitting a change exactly, without remainder: into rate and mix, into volume and rate; and Simpson's reversal.

Strata are rows, indexed by their name, with columns ``x1, n1, x2, n2``: how many have it, of how many, in the first
group or period and in the second. A difference is the first less the second: for a month against its baseline the
month is the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

STRATA = ("x1", "n1", "x2", "n2")
"""The columns of strata."""


class Split(NamedTuple):
    """A difference of two overall rates; ``total`` is ``rate`` plus ``mix``."""

    total: float
    rate: float
    """Because rates differ inside the strata."""
    mix: float
    """Because the strata are of other sizes."""
    by_stratum: pd.DataFrame
    """Columns ``rate`` and ``mix``, a row a stratum; each adds up to the above."""


def kitagawa(strata: pd.DataFrame) -> Split:
    """Split a difference of rates into rate and mix (Kitagawa, JASA 50, 1955; Bennet 1920 for values).

    Rate: mean weight times the difference of rates. Mix: mean rate, less the mean overall rate, times the difference of
    weights; subtracting the overall rate changes no sum, and says for each stratum whether growing made it worse. A
    stratum without cases in one group has no rate there, and lends it from the other: all it does is mix.

    Args:
        strata: Columns ``STRATA``.

    Raises:
        ValueError: A count is out of range, or a group is empty.
    """
    x1, n1, x2, n2 = _columns(strata)
    rate1, rate2 = _rates(x1, n1, x2, n2)
    weight1, weight2 = n1 / n1.sum(), n2 / n2.sum()
    overall = (x1.sum() / n1.sum() + x2.sum() / n2.sum()) / 2
    rate = (weight1 + weight2) / 2 * (rate1 - rate2)
    mix = ((rate1 + rate2) / 2 - overall) * (weight1 - weight2)
    by = pd.DataFrame({"rate": rate, "mix": mix}, index=strata.index)
    return Split(float(x1.sum() / n1.sum() - x2.sum() / n2.sum()), float(rate.sum()), float(mix.sum()), by)


class VolumeRate(NamedTuple):
    """A difference of counts; ``total`` is ``volume`` plus ``rate``."""

    total: float
    volume: float
    """Because there was more to complain about."""
    rate: float
    """Because more of it was complained about."""


def volume_rate(x1: float, n1: float, x2: float, n2: float) -> VolumeRate:
    """Split a difference of counts x = n r: mean rate times dn, plus mean n times dr (Bennet 1920).

    Raises:
        ValueError: An exposure is not more than 0.
    """
    if n1 <= 0 or n2 <= 0:
        raise ValueError("an exposure must be more than 0")
    rate1, rate2 = x1 / n1, x2 / n2
    return VolumeRate(x1 - x2, (rate1 + rate2) / 2 * (n1 - n2), (n1 + n2) / 2 * (rate1 - rate2))


class Simpson(NamedTuple):
    """Overall rates beside the direction of every stratum."""

    overall1: float
    overall2: float
    first_higher: list[object]
    """Strata in which the first group has the higher rate."""
    second_higher: list[object]
    is_reversal: bool
    """Every stratum that differs says the opposite of the whole (Simpson, JRSS B 13, 1951)."""
    is_partial: bool
    """Some stratum does."""


def simpson(strata: pd.DataFrame) -> Simpson:
    """Whether the whole says the opposite of its parts.

    Args:
        strata: Columns ``STRATA``; one without cases in a group says nothing.

    Raises:
        ValueError: As ``kitagawa``.
    """
    x1, n1, x2, n2 = _columns(strata)
    crossed = np.where((n1 > 0) & (n2 > 0), np.sign(x1 * n2 - x2 * n1), 0)
    whole = np.sign(x1.sum() * n2.sum() - x2.sum() * n1.sum())
    first, second = (list(strata.index[crossed == side]) for side in (1, -1))
    against, along = (second, first) if whole > 0 else (first, second)
    is_partial = bool(whole and against)
    overall = float(x1.sum() / n1.sum()), float(x2.sum() / n2.sum())
    return Simpson(*overall, first, second, is_partial and not along, is_partial)


def _columns(strata: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x1, n1, x2, n2 = (strata[name].to_numpy("float64") for name in STRATA)
    if not (n1.sum() > 0 and n2.sum() > 0):
        raise ValueError("both groups need cases")
    for x, n in ((x1, n1), (x2, n2)):
        if not ((x >= 0) & (x <= n)).all():
            raise ValueError("a count lies outside 0..n")
    return x1, n1, x2, n2


def _rates(x1: np.ndarray, n1: np.ndarray, x2: np.ndarray, n2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rate1, rate2 = (np.divide(x, n, out=np.full_like(x, np.nan), where=n > 0) for x, n in ((x1, n1), (x2, n2)))
    lent1, lent2 = np.where(np.isnan(rate1), rate2, rate1), np.where(np.isnan(rate2), rate1, rate2)
    return np.nan_to_num(lent1), np.nan_to_num(lent2)
