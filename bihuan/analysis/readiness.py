"""Readiness 就绪: how many cases a verdict needs, and from which day on there will be so many (IMPROVEMENT 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from math import ceil, isnan
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from bihuan.analysis.effect_segmented import HARMONICS, SEASON
from bihuan.analysis.reading import Reading
from bihuan.analysis.sample_size import two_proportions
from schemas.kpi import Grain
from schemas.verification import Method, Metric, Reach

ALPHA, POWER = 0.05, 0.8
LONGEST_MONTHS = 6
_LEAST = 2
_WEEK = 7
_CAUTION = 1.1
"""What Student's quantile, and never taking scatter or likeness of neighbours for less than none, cost on average."""
_ADJUSTED: Mapping[Method, float] = {Method.DID: 2.0, Method.SAME_MONTHS: 2.0}


def n_required(
    baseline: Reading, target: float, factor: float = 1.0, alpha: float = ALPHA, power: float = POWER
) -> int:
    """How many cases, answers or how much exposure each window needs to see the way from the baseline to the target.

    Shares: ``sample_size.two_proportions``. Rates: (z_α/2 + z_β)² (r0 + r1) / (r0 - r1)² of exposure. Scores and net
    promoter scores: 2 (z_α/2 + z_β)² s² / (m0 - m1)², the spread that of the baseline.

    Args:
        baseline: The figure of before.
        target: Of the same unit.
        factor: What it takes more: φ times ``design_factor``.
        alpha: Two-sided.
        power: How often the way to the target should be found.

    Raises:
        ValueError: The baseline is empty or at the target, a share is not inside 0..1, or no spread is known.
    """
    if not baseline.n or baseline.value == target:
        raise ValueError("the baseline needs cases, and another figure than the target")
    if baseline.metric is Metric.SHARE:
        return ceil(two_proportions(baseline.value, target, alpha, power) * max(factor, 1.0) - 1e-9)
    both = (float(norm.isf(alpha / 2)) + float(norm.isf(1 - power))) ** 2
    apart = (baseline.value - target) ** 2
    spread = baseline.value + target if baseline.metric is Metric.RATE else 2 * baseline.variance() * baseline.n
    if isnan(spread) or spread <= 0:
        raise ValueError("how much single ones vary is not known")
    return max(ceil(both * spread / apart * max(factor, 1.0) - 1e-9), _LEAST)


def design_factor(
    method: Method, before: int = 0, after: int = 0, grain: Grain = Grain.WEEK, harmonics: int = 0
) -> float:
    """How many times the cases of two windows a method needs for the same certainty.

    A control or last year as large as the slice: twice. A segmented regression: the variance inflation of the step,
    1 / (1 - R²) of it on trend and season (4 for as many periods before as after), and a tenth for caution. Others:
    once.

    Args:
        method: The method.
        before: Periods before; only for a segmented regression.
        after: Periods after.
        grain: Of them.
        harmonics: Pairs of sine and cosine that the series bears.

    Raises:
        ValueError: Fewer periods than the regression has parts.
    """
    if method is not Method.SEGMENTED:
        return _ADJUSTED.get(method, 1.0)
    at = np.arange(before + after, dtype="float64")
    if not before or not after or len(at) <= _LEAST + 2 * harmonics + 1:
        raise ValueError("a segmented regression needs more periods")
    turns = [2 * np.pi * k * at / SEASON[grain] for k in range(1, min(harmonics, HARMONICS) + 1)]
    others = np.column_stack([np.ones_like(at), at, *(wave(turn) for turn in turns for wave in (np.sin, np.cos))])
    step = (at >= before).astype("float64")
    left = step - others @ np.linalg.lstsq(others, step, rcond=None)[0]
    return _CAUTION * float(((step - step.mean()) ** 2).sum() / (left**2).sum())


def each(n0: float, n1: float) -> float:
    """What windows of n0 and n1 are worth as two of equal size: their harmonic mean."""
    return 2 * n0 * n1 / (n0 + n1) if n0 > 0 and n1 > 0 else 0.0


def needed_after(required: float, n0: float) -> int | None:
    """How many the window after needs beside a baseline of n0; None where no number is enough.

    Twice a baseline of n0 is the most that it and a window without end are worth.
    """
    if 2 * n0 <= required:
        return None
    return ceil(required * n0 / (2 * n0 - required) - 1e-9)


def still_needed(required: float, n0: float, n1: float) -> int | None:
    """How many the window after still lacks, 0 or more; None where the baseline is too small for any number."""
    whole = needed_after(required, n0)
    return None if whole is None else max(ceil(whole - n1 - 1e-9), 0)


class Ready(NamedTuple):
    """When a verdict can be given."""

    ready_on: date | None
    """The first day on which there should be enough; None: never."""
    reach: Reach


def ready_on(
    implemented_on: date, lag_days: int, weekly_n: float, needed: float | None, phi: float = 1.0, least_days: int = 0
) -> Ready:
    """When there will be enough: implemented_on + lag + max(least_days, needed φ / weekly n), in whole days.

    Args:
        implemented_on: The day from which on all measures are in force.
        lag_days: Washout after it.
        weekly_n: Cases forecast a week in the slice.
        needed: In the window after, from ``n_required`` or ``needed_after``; None: no number is enough.
        phi: How many times the variance of chance is seen; 1 where ``needed`` holds it already.
        least_days: However many come in, so long is observed at least.

    Returns:
        ``NOT_IN_TIME`` where the day is more than six months after the measure: choose a broader slice or a leading
        indicator, and say so in the plan.
    """
    if needed is None or (weekly_n <= 0 and needed > 0):
        return Ready(None, Reach.NEVER)
    wait = ceil(_WEEK * needed * max(phi, 1.0) / weekly_n - 1e-9) if needed > 0 else 0
    latest = (pd.Timestamp(implemented_on) + pd.DateOffset(months=LONGEST_MONTHS)).date()
    days = lag_days + max(least_days, wait)
    if days > (date.max - implemented_on).days:
        return Ready(None, Reach.NEVER)
    on = implemented_on + timedelta(days=days)
    return Ready(on, Reach.IN_TIME if on <= latest else Reach.NOT_IN_TIME)
