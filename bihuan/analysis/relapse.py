"""Relapse 反弹: whether what an improvement reached was lost again, told without crying wolf (docs/decisions/0019).

A single point beyond a limit is no relapse, and neither is a drift of weeks that resemble their neighbours: a chart
with limits of twelve points says something in a quarter to a third of stable half years. So the mean of the newest
four or eight points has to lie more than three standard errors on the bad side of the first twelve.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from bihuan.analysis import spc
from bihuan.analysis.trend import Kind, Series

SPANS = (4, 8)
"""Points whose mean is looked at; the longer finds a smaller slip, later."""
ERRORS = 3.0
"""Standard errors; a half year has twenty to forty looks."""
ALIKE = 0.3
"""So much neighbours are taken to resemble each other: twelve points are too few to tell it from them."""
_LEAST = 2
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def relapses(series: Series, kind: Kind, is_baseline: Mask, is_watched: Mask, *, is_lower_worse: bool) -> list[int]:
    """The places at which what was reached is lost.

    Points are put on a scale on which they scatter alike (angles of shares, roots of rates; Anscombe 1948), in standard
    deviations of chance. The scatter is that of the baseline, no less than chance alone makes, and of single figures no
    less than that between neighbours.

    Args:
        series: Of the new phase.
        kind: Of its points.
        is_baseline: The points that the others are held against, shape (k,).
        is_watched: Those that count, none of them in the baseline, shape (k,).
        is_lower_worse: Which side is bad.

    Returns:
        In order; nothing where the baseline has fewer than two points or does not vary.
    """
    if is_baseline.sum() < _LEAST:
        return []
    apart, spread = _standing(series, kind, is_baseline)
    at = np.flatnonzero(is_watched & ~is_baseline)
    slip = -apart[at] if is_lower_worse else apart[at]
    is_lost = np.zeros(len(at), dtype=bool)
    for span in SPANS:
        error = spread * sqrt(_inflation(span) / span + _inflation(int(is_baseline.sum())) / int(is_baseline.sum()))
        if len(slip) >= span and error > 0:
            is_lost[span - 1 :] |= np.convolve(slip, np.full(span, 1 / span), mode="valid") > ERRORS * error
    return [int(one) for one in at[is_lost]]


def _standing(series: Series, kind: Kind, is_baseline: Mask) -> tuple[Floats, float]:
    """How far each point is from the baseline, in standard deviations of chance, and how much the baseline scatters."""
    if kind is Kind.SINGLE:
        before = series.value[is_baseline]
        apart = series.value - before.mean()
        return apart, max(float(before.std(ddof=1)), float(np.abs(np.diff(before)).mean()) / spc.D2)
    with np.errstate(invalid="ignore", divide="ignore"):
        if kind is Kind.SHARE:
            scaled, sharp = np.arcsin(np.sqrt((series.x + 0.375) / (series.n + 0.75))), 2 * np.sqrt(series.n + 0.5)
        else:
            scaled, sharp = np.sqrt((series.x + 0.375) / series.n), 2 * np.sqrt(series.n)
    level = np.average(scaled[is_baseline], weights=series.n[is_baseline])
    apart = (scaled - level) * sharp
    return apart, max(float(apart[is_baseline].std(ddof=1)), 1.0)


def _inflation(points: int) -> float:
    """How many times the variance of a mean is that of unlike points, where they resemble their neighbours."""
    return 1 + 2 * sum(ALIKE**apart * (1 - apart / points) for apart in range(1, points))
