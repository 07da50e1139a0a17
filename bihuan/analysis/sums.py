"""Figures of many slices at once, from sums that add up over days: the same as ``score`` gives of one tally."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import norm

from bihuan.analysis.kpi import CONFIDENCE
from bihuan.analysis.score import NPS, POINTS, Scale, unanimous

Figures = NDArray[np.float64]
Estimates = tuple[Figures, Figures, Figures]
"""Value, low and high, each of shape (k,); NaN where there is none."""
_UPPER = (1 + CONFIDENCE) / 2


def shares(x: Figures, n: Figures) -> Estimates:
    """Shares x of n with Wilson's score interval (Wilson, JASA 22, 1927), as ``kpi.rate``; NaN where n is 0.

    Args:
        x: Whole, 0 <= x <= n, shape (k,).
        n: Whole, shape (k,).
    """
    z = float(norm.ppf(_UPPER))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = x / n
        middle = (x + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(n * value * (1 - value) + z**2 / 4)
    low, high = np.where(x == 0, 0.0, middle - half), np.where(x == n, 1.0, middle + half)
    return value, np.where(n == 0, np.nan, low), np.where(n == 0, np.nan, high)


def means(n: Figures, total: Figures, squares: Figures, least: Figures, most: Figures, scale: Scale) -> Estimates:
    """Means with Student's interval, kept in the scale; where all are alike, as ``score.unanimous`` has it.

    Args:
        n: How many, shape (k,).
        total: Sums of what was scored.
        squares: Sums of its squares.
        least: The least score of each.
        most: The greatest.
        scale: Of the scores.
    """
    value, half = _student(n, total, squares)
    low, high = np.clip(value - half, scale.lowest, scale.highest), np.clip(value + half, scale.lowest, scale.highest)
    return _unanimous((value, low, high), n, (least == most) & (n > 0), scale)


def mean_times(n: Figures, total: Figures, squares: Figures) -> Estimates:
    """Means of times with Student's interval, never below 0; a single one has no interval (``duration.mean_time``)."""
    value, half = _student(n, total, squares)
    return value, np.maximum(0.0, value - half), value + half


def promoters(n: Figures, promoting: Figures, detracting: Figures) -> Estimates:
    """Net promoter scores with their interval (``score.nps``)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (promoting - detracting) / n
        error = np.sqrt(np.maximum(0.0, (promoting + detracting) / n - share**2) / n)
    value, half = POINTS * share, POINTS * float(norm.ppf(_UPPER)) * error
    low, high = np.clip(value - half, NPS.lowest, NPS.highest), np.clip(value + half, NPS.lowest, NPS.highest)
    are_alike = (np.maximum(np.maximum(promoting, detracting), n - promoting - detracting) == n) & (n > 0)
    return _unanimous((value, low, high), n, are_alike, NPS)


def _student(n: Figures, total: Figures, squares: Figures) -> tuple[Figures, Figures]:
    """Means, and half their intervals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = total / n
        variance = np.maximum(0.0, squares - n * value**2) / (n - 1)
        half = stdtrit(n - 1, _UPPER) * np.sqrt(variance / n)
    return value, half


def _unanimous(estimates: Estimates, n: Figures, are_alike: Figures, scale: Scale) -> Estimates:
    value, low, high = estimates
    for place in np.flatnonzero(are_alike):
        alike = unanimous(float(value[place]), float(n[place]), scale)
        low[place], high[place] = alike.low, alike.high
    return value, low, high
