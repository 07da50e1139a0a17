"""Periods 周期: figures of single days, rolled up to weeks where they add up, as the series of a control chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from bihuan.analysis.trend import Series
from schemas.kpi import Grain

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_LONGEST_MONTH = timedelta(days=31)


class Counted(NamedTuple):
    """The figure of one day or month: numerator (None where there is none), how many, and the value (None likewise)."""

    starts_on: date
    x: float | None
    n: int
    value: float | None


def start_of(day: date, grain: Grain) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain is Grain.MONTH else day


def next_start(start: date, grain: Grain) -> date:
    """The first day of the period after the one that begins on ``start``."""
    if grain is Grain.MONTH:
        return (start + _LONGEST_MONTH).replace(day=1)
    return start + (_WEEK if grain is Grain.WEEK else _DAY)


def series_of(counted: Iterable[Counted], grain: Grain, first: date, last: date) -> tuple[list[date], Series]:
    """The series from one period to another, both included; a period of which there is nothing is a gap.

    Shares add up by their counts. What has no numerator is the mean of its parts, each weighted by its n: of a mean or
    a net promoter score that is the period's own, of a median it is the mean of the medians.

    Args:
        counted: Of days, or of months for months; any order, those outside are left out.
        grain: Of the periods.
        first: The first day of the first period.
        last: The first day of the last one; before ``first``: no periods.
    """
    starts: list[date] = []
    at = first
    while at <= last:
        starts.append(at)
        at = next_start(at, grain)
    sums: defaultdict[date, list[Counted]] = defaultdict(list)
    for one in counted:
        if first <= (start := start_of(one.starts_on, grain)) <= last:
            sums[start].append(one)
    rows = [_together(sums[start]) for start in starts]
    x, n, value = np.array(rows, dtype="float64").reshape(len(rows), 3).T
    return starts, Series(x, n, value)


def _together(parts: list[Counted]) -> tuple[float, float, float]:
    """Numerator, n and value of several periods as one."""
    told = [part for part in parts if part.n and part.value is not None]
    n = float(sum(part.n for part in told))
    if not n:
        return np.nan, 0.0, np.nan
    weighted = sum(part.n * part.value for part in told if part.value is not None)
    if any(part.x is None for part in told):
        return weighted, n, weighted / n
    x = float(sum(part.x for part in told if part.x is not None))
    return x, n, weighted / n
