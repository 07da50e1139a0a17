"""Control charts 控制图: is this month's figure within what the process has always done?

Limits are made from the points of ``baseline``, all when it is left out: without those whose cause is known, or from
the months before a measure. Every point is judged by them; one exactly on a limit is not out. Fewer than 12 points in
the baseline make trial limits only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

D2 = 1.128
"""Expected moving range of two, in standard deviations of a normal process."""
SIGMAS = 3.0
TRIAL = 12
"""Fewer points than this make trial limits (IMPROVEMENT 2.6)."""
_ON = 1e-12
"""Nearer to a limit than this, relatively, is on it."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Chart(NamedTuple):
    """Points with their limits; all arrays of shape (k,)."""

    points: Floats
    center: float
    low: Floats
    high: Floats
    sigma: Floats
    """Standard deviation that the limits were made with, of each point."""
    is_out: Mask
    """Beyond a limit; also where the point is not in the baseline."""
    is_baseline: Mask
    """Whether the limits were made with it."""
    sigma_z: float = 1.0
    """How many times the theory's standard deviation the points vary; not floored."""

    @property
    def z(self) -> Floats:
        """Points in standard deviations from the centre; 0 where nothing varies."""
        apart = self.points - self.center
        return np.divide(apart, self.sigma, out=np.zeros_like(apart), where=self.sigma > 0)

    @property
    def is_trial(self) -> bool:
        """Whether there are too few points for limits to hold."""
        return int(self.is_baseline.sum()) < TRIAL


def p_chart(x: ArrayLike, n: ArrayLike, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """Shares of varying n (Shewhart 1931; Montgomery, Introduction to Statistical Quality Control, 7.2).

    Args:
        x: How many have it, whole, shape (k,).
        n: Of how many, shape (k,) or one for all.
        sigmas: How far the limits stand from the centre.
        baseline: Which points the limits are made from; all when left out.

    Raises:
        ValueError: A count is out of range, or no point is left.
    """
    having, of, kept = _shares(x, n, baseline)
    center = float(having[kept].sum() / of[kept].sum())
    return _chart(having / of, center, np.sqrt(center * (1 - center) / of), sigmas, kept, (0.0, 1.0))


def np_chart(x: ArrayLike, n: float, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """Numbers out of the same n each time (Montgomery 7.2.1).

    Raises:
        ValueError: A count is out of range, n varies, or no point is left.
    """
    having, of, kept = _shares(x, n, baseline)
    if (of != of[0]).any():
        raise ValueError("an np chart needs the same n for every point; take a p chart")
    share = float(having[kept].sum() / of[kept].sum())
    sigma = np.sqrt(of * share * (1 - share))
    return _chart(having, share * float(of[0]), sigma, sigmas, kept, (0.0, float(of[0])))


def c_chart(counts: ArrayLike, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """Counts over the same exposure each time (Montgomery 7.3.1).

    Raises:
        ValueError: A count is negative, or no point is left.
    """
    return u_chart(counts, 1.0, sigmas=sigmas, baseline=baseline)


def u_chart(counts: ArrayLike, units: ArrayLike, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """Counts per unit of varying exposure (Montgomery 7.3.1).

    Args:
        counts: Events, shape (k,).
        units: Exposure of each, more than 0, shape (k,) or one for all.
        sigmas: How far the limits stand from the centre.
        baseline: Which points the limits are made from; all when left out.

    Raises:
        ValueError: A count is negative, an exposure not more than 0, or no point is left.
    """
    events, exposure, kept = _rates(counts, units, baseline)
    center = float(events[kept].sum() / exposure[kept].sum())
    return _chart(events / exposure, center, np.sqrt(center / exposure), sigmas, kept, (0.0, np.inf))


def laney_p(x: ArrayLike, n: ArrayLike, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """The p' chart: limits that survive large n (Laney, Quality Engineering 14:531, 2002).

    With many complaints a month the binomial limits lie so close that ordinary months stand out. sigma_z, the mean
    moving range of the z-scores over 1.128, says how much more the months really vary; limits are widened by it, and
    never narrowed.

    Raises:
        ValueError: As ``p_chart``.
    """
    return _widened(p_chart(x, n, sigmas=sigmas, baseline=baseline), sigmas, baseline, (0.0, 1.0))


def laney_u(counts: ArrayLike, units: ArrayLike, *, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Chart:
    """The u' chart; see ``laney_p``.

    Raises:
        ValueError: As ``u_chart``.
    """
    return _widened(u_chart(counts, units, sigmas=sigmas, baseline=baseline), sigmas, baseline, (0.0, np.inf))


class Individuals(NamedTuple):
    """An XmR chart."""

    chart: Chart
    moving_range: float
    """Mean of the ranges between neighbours."""


def individuals(x: ArrayLike, *, d2: float = D2, sigmas: float = SIGMAS, baseline: Mask | None = None) -> Individuals:
    """Single values such as a month's mean: mean -/+ 3 mR / 1.128 (Montgomery 6.4).

    Args:
        x: In order of time, shape (k,), 2 or more.
        d2: Expected range of two values, in standard deviations.
        sigmas: How far the limits stand from the centre.
        baseline: Which points the limits are made from; neighbours are those in it.

    Raises:
        ValueError: Fewer than two points are left.
    """
    values = np.asarray(x, dtype="float64")
    kept = _in_baseline(values, baseline)
    if kept.sum() <= 1:
        raise ValueError("an XmR chart needs two points or more")
    moving_range = float(np.abs(np.diff(values[kept])).mean())
    sigma = np.full(len(values), moving_range / d2)
    chart = _chart(values, float(values[kept].mean()), sigma, sigmas, kept, (-np.inf, np.inf))
    return Individuals(chart, moving_range)


def _widened(plain: Chart, sigmas: float, baseline: Mask | None, ends: tuple[float, float]) -> Chart:
    kept = _in_baseline(plain.points, baseline)
    ranges = np.abs(np.diff(plain.z[kept]))
    sigma_z = float(ranges.mean() / D2) if len(ranges) else 1.0
    wide = _chart(plain.points, plain.center, plain.sigma * max(sigma_z, 1.0), sigmas, kept, ends)
    return wide._replace(sigma_z=sigma_z)


def _chart(points: Floats, center: float, sigma: Floats, sigmas: float, kept: Mask, ends: tuple[float, float]) -> Chart:
    if sigmas <= 0:
        raise ValueError("limits stand more than 0 standard deviations from the centre")
    low, high = np.maximum(center - sigmas * sigma, ends[0]), np.minimum(center + sigmas * sigma, ends[1])
    near = _ON * np.maximum(np.abs(points), abs(center))
    is_out = (points < low - near) | (points > high + near)
    return Chart(points, center, low, high, sigma, is_out, kept)


def _shares(x: ArrayLike, n: ArrayLike, baseline: Mask | None) -> tuple[Floats, Floats, Mask]:
    having, of, kept = _rates(x, n, baseline)
    if (having > of).any():
        raise ValueError("more have it than there are")
    return having, of, kept


def _rates(counts: ArrayLike, units: ArrayLike, baseline: Mask | None) -> tuple[Floats, Floats, Mask]:
    events = np.asarray(counts, dtype="float64")
    given = np.asarray(units, dtype="float64")
    if events.ndim != 1 or given.shape not in {(), events.shape}:
        raise ValueError("there must be one n, or one for every point")
    exposure = np.broadcast_to(given, events.shape)
    if not (np.isfinite(events).all() and (events >= 0).all() and (exposure > 0).all()):
        raise ValueError("a count is 0 or more, and what it is counted over more than 0")
    return events, exposure, _in_baseline(events, baseline)


def _in_baseline(points: Floats, baseline: Mask | None) -> Mask:
    kept = np.ones(points.shape, dtype=bool) if baseline is None else np.asarray(baseline, dtype=bool)
    if kept.shape != points.shape or not kept.any():
        raise ValueError("no point is left to make limits from")
    return kept
