"""Runs around the median: two rules that find a shift and seldom cry wolf (Anhøj and Olesen, PLoS ONE 9, 2014)."""

from __future__ import annotations

from functools import cache
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom


class Runs(NamedTuple):
    """How a series runs along its centre. Points exactly on the centre say nothing and are left out."""

    useful: int
    """Points that are not on the centre."""
    longest: int
    """Longest run on one side."""
    longest_limit: int
    """Longer than this signals a shift: round(log2(useful)) + 3."""
    crossings: int
    crossings_limit: int
    """Fewer than this signal a shift: the 5 % quantile of binomial(useful - 1, 1/2)."""
    begins: int | None
    """Where the longest run begins, counted from 0 in the whole series; None without a useful point."""
    ends: int | None
    """Its last point."""

    @property
    def is_signal(self) -> bool:
        """Whether the series is not one process."""
        return self.longest > self.longest_limit or self.crossings < self.crossings_limit


def runs(x: ArrayLike, center: float | None = None) -> Runs:
    """How a series runs along its centre.

    Args:
        x: In order of time, shape (k,).
        center: The median when left out. Around a mean stable series alarm more often than the limits promise.
    """
    values = np.asarray(x, dtype="float64")
    middle = float(np.median(values)) if center is None and len(values) else (center or 0.0)
    at = np.flatnonzero(values != middle)
    if not len(at):
        return Runs(0, 0, 0, 0, 0, None, None)
    turns = np.flatnonzero(np.diff(values[at] > middle)) + 1
    edges = np.concatenate([[0], turns, [len(at)]])
    lengths = np.diff(edges)
    first = int(lengths.argmax())
    return Runs(
        len(at), int(lengths[first]), round(log2(len(at))) + 3, len(turns), _fewest(len(at)),
        int(at[edges[first]]), int(at[edges[first + 1] - 1]),
    )  # fmt: skip


@cache
def _fewest(useful: int) -> int:
    """Fewer crossings than this are rare among so many points."""
    return int(binom.ppf(0.05, useful - 1, 0.5))
