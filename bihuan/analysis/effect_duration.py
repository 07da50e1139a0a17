"""Effect 效果 on times 时长, of which some have not ended: by how much they became shorter."""

from __future__ import annotations

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from bihuan.analysis.duration import median_time
from bihuan.analysis.proportion import Contrast, quantile
from bihuan.analysis.survival import Curve, kaplan_meier, logrank, restricted_mean
from bihuan.analysis.verification import Effect, nothing
from schemas.verification import Limitation, Method

_CONFIDENCE = 0.95
_HALVINGS = 80
Floats = NDArray[np.float64]


class Times(NamedTuple):
    """Times of one window in one unit, shape (n,), and whether each has ended, 1 or 0."""

    time: ArrayLike
    ended: ArrayLike


def duration(before: Times, after: Times) -> Effect:
    """The change of times: Hodges and Lehmann's shift where all have ended, else that of restricted means.

    The shift is the median of all differences, with the interval of the rank sum test (Moses; Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 4.3). Where some have not ended, the means are counted up to the longest
    time that both windows have seen, so that a window just past does not look quick. p is the log-rank test's. "Before"
    and "after" are the medians of Kaplan and Meier's curves.

    Args:
        before: 0 or more.
        after: The same unit.

    Raises:
        ValueError: A time is negative, or ``ended`` says something else than 1 or 0.
    """
    (t0, e0), (t1, e1) = _arrays(before), _arrays(after)
    if not len(t0) or not len(t1) or not e0.any() or not e1.any():
        return nothing(Method.DURATION, len(t0), len(t1))
    curves = kaplan_meier(t0, e0), kaplan_meier(t1, e1)
    is_open = not (e0.all() and e1.all())
    found = _restricted(*curves) if is_open else shift(t0, t1)
    medians = [median_time(time, np.ones(len(time), "int64"), ended > 0) for time, ended in ((t0, e0), (t1, e1))]
    effect = Effect(
        Method.DURATION, *found, logrank([(t0, e0), (t1, e1)]).p, medians[0], medians[1],
        float(e0.sum()), len(t0), float(e1.sum()), len(t1),
        diagnostics={"open_before": float((e0 == 0).sum()), "open_after": float((e1 == 0).sum())},
    )  # fmt: skip
    said = [Limitation.OPEN_CASES] if is_open else []
    return effect.limited(Limitation.NO_CONTROL, Limitation.TWO_WINDOWS_ONLY, *said)


def shift(before: ArrayLike, after: ArrayLike) -> Contrast:
    """The median of all differences after less before, with its interval; no n times m differences are held.

    Args:
        before: Shape (n,), 1 or more.
        after: Shape (m,), 1 or more.
    """
    x, y = np.sort(np.asarray(before, dtype="float64")), np.sort(np.asarray(after, dtype="float64"))
    pairs = len(x) * len(y)
    spread = sqrt(pairs * (len(x) + len(y) + 1) / 12)
    outside = int(pairs / 2 - float(norm.ppf((1 + _CONFIDENCE) / 2)) * spread)
    if outside < 1:
        return Contrast(_middle(x, y, pairs), nan, nan)
    return Contrast(_middle(x, y, pairs), _nth(x, y, outside), _nth(x, y, pairs - outside + 1))


def _middle(x: Floats, y: Floats, pairs: int) -> float:
    return (_nth(x, y, (pairs + 1) // 2) + _nth(x, y, pairs // 2 + 1)) / 2


def _nth(x: Floats, y: Floats, rank: int) -> float:
    """The rank-th smallest difference y - x, found by halving."""
    low, high = float(y[0] - x[-1]), float(y[-1] - x[0])
    if _not_above(x, y, low) >= rank:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if _not_above(x, y, middle) >= rank else (middle, high)
    return high


def _not_above(x: Floats, y: Floats, apart: float) -> int:
    """How many differences are no more than ``apart``."""
    return int(np.searchsorted(y, x + apart, side="right").sum())


def _restricted(before: Curve, after: Curve) -> Contrast:
    limit = min(before.last, after.last)
    if limit <= 0:
        return Contrast(0.0, nan, nan)
    first, second = restricted_mean(before, limit), restricted_mean(after, limit)
    value = second.value - first.value
    half = quantile(_CONFIDENCE) * sqrt(first.standard_error**2 + second.standard_error**2)
    return Contrast(value, value - half, value + half)


def _arrays(times: Times) -> tuple[Floats, Floats]:
    return np.asarray(times.time, dtype="float64"), np.asarray(times.ended, dtype="float64")
