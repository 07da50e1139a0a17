"""The eight rules of Nelson (The Shewhart Control Chart - Tests for Special Causes, JQT 16(4), 1984).

All eight together alarm on every fourth stable series of 24 points, so they are for looking at a chart, and not for
waking people (IMPROVEMENT 2.6); ``bihuan.analysis.runs`` is. A point exactly on a limit or on the centre does not
count, and ends a run. The point named is the last of the pattern.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RUN, TREND, ALTERNATION, STRATIFIED, MIXED = 9, 6, 14, 15, 8
"""Points that make a pattern."""
TWO, THREE = 2.0, 3.0
"""Sigmas."""


def signals(z: ArrayLike) -> dict[int, Mask]:
    """Where each rule signals.

    Args:
        z: Points in standard deviations from the centre, in order of time, shape (k,) or (series, k).

    Returns:
        Rules 1 to 8, each of the shape of z.
    """
    points = np.asarray(z, dtype="float64")
    return {number: rule(points) for number, rule in RULES.items()}


def _beyond(z: Floats) -> Mask:
    return np.abs(z) > THREE


def _one_side(z: Floats) -> Mask:
    return _in_all(z > 0, RUN) | _in_all(z < 0, RUN)


def _trend(z: Floats) -> Mask:
    step = _steps(z)
    return _in_all(step > 0, TREND - 1) | _in_all(step < 0, TREND - 1)


def _alternation(z: Floats) -> Mask:
    step = np.sign(_steps(z))
    turns = np.zeros(z.shape, dtype=bool)
    turns[..., 2:] = step[..., 2:] * step[..., 1:-1] < 0
    return _in_all(turns, ALTERNATION - 2)


def _two_of_three(z: Floats) -> Mask:
    return _in_most(z > TWO, 2, 3) | _in_most(z < -TWO, 2, 3)


def _four_of_five(z: Floats) -> Mask:
    return _in_most(z > 1, 4, 5) | _in_most(z < -1, 4, 5)


def _stratified(z: Floats) -> Mask:
    return _in_all(np.abs(z) < 1, STRATIFIED)


def _mixed(z: Floats) -> Mask:
    on_both = ~(_in_all(z > 0, MIXED) | _in_all(z < 0, MIXED))
    return _in_all(np.abs(z) > 1, MIXED) & on_both


RULES: dict[int, Callable[[Floats], Mask]] = {
    1: _beyond, 2: _one_side, 3: _trend, 4: _alternation, 5: _two_of_three, 6: _four_of_five, 7: _stratified, 8: _mixed,
}  # fmt: skip


def _in_all(is_so: Mask, m: int) -> Mask:
    return _in_most(is_so, m, m)


def _in_most(is_so: Mask, k: int, m: int) -> Mask:
    """Whether k of the last m points are so; False until there are m."""
    total = np.concatenate([np.zeros((*is_so.shape[:-1], 1), dtype="int64"), np.cumsum(is_so, axis=-1)], axis=-1)
    found = np.zeros(is_so.shape, dtype=bool)
    if is_so.shape[-1] >= m:
        found[..., m - 1 :] = total[..., m:] - total[..., :-m] >= k
    return found


def _steps(z: Floats) -> Floats:
    """From the point before; NaN at the first."""
    return np.diff(z, prepend=np.nan)
