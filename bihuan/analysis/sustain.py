"""Sustain watch 巩固: whether what was reached stays, by limits of the new phase that no longer move (IMPROVEMENT 3.9).

The first twelve points of the new phase, from the end of the washout on, make the limits; then they are frozen. Until
there are twelve the limits are provisional 试用 and nothing is called a recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from bihuan.analysis import assurance, spc
from bihuan.analysis.relapse import relapses
from bihuan.analysis.trend import Charted, Found, Kind, Plan, Series, chart, signals
from schemas.verification import Metric

CLEAN_POINTS, CLEAN_MONTHS = 8, 3
"""Either is enough to close."""
_DAY = timedelta(days=1)
_KIND = {Metric.SHARE: Kind.SHARE, Metric.RATE: Kind.RATE}


@dataclass(frozen=True)
class Sustained:
    """How the new phase has gone on since it was standardised."""

    charted: Charted
    is_provisional: bool
    """Fewer than twelve points of the new phase: limits still move."""
    clean_points: int
    """Judged points since the last bad one, or since the watch began."""
    clean_months: int
    """Whole months covered by them."""
    is_clean: bool
    """Whether that is enough to close."""
    recurred_on: date | None
    """The first day of the period in which it was told that what was reached is lost; None: it is not."""
    signals: tuple[Found, ...]
    """Of the new phase, good and bad, in the order in which they spoke."""
    assurance: assurance.Assurance | None
    """Whether the target will be met like this; None without a target."""


def sustain(
    series: Series, starts: Sequence[date], until: date, watched_on: date, metric: Metric,
    *, is_lower_better: bool, target: float | None = None,
) -> Sustained:  # fmt: skip
    """How far an improvement has held.

    A bad point is one beyond the limit on the bad side, provisional or frozen, or in a run there. Recurrence is
    more: see ``relapse``; it needs frozen limits, and points of the watch.

    Args:
        series: Of the new phase alone, weeks or months from the end of the washout on, as ``period.series_of`` gives.
        starts: The first day of each period, same length.
        until: The first day that the last period no longer covers.
        watched_on: The first day of the watch: when the standard took effect.
        metric: Of the indicator.
        is_lower_better: Its direction.
        target: None: no assurance is given.

    Raises:
        ValueError: Not one start a period.
    """
    if len(starts) != len(series):
        raise ValueError("every period has its first day")
    plan = Plan(_KIND.get(metric, Kind.SINGLE), not is_lower_better, baseline=spc.TRIAL)
    charted, found = chart(series, plan), signals(series, plan)
    is_watched = np.array([start >= watched_on for start in starts], dtype=bool) & charted.is_judged
    is_bad = _bad(charted, found) & is_watched
    last_bad = int(np.flatnonzero(is_bad)[-1]) if is_bad.any() else -1
    clean = np.flatnonzero(is_watched & (np.arange(len(series)) > last_bad))
    months = _months(starts[clean[0]], _end(starts, int(clean[-1]), until)) if len(clean) else 0
    recurred = [] if charted.is_trial else relapses(
        series, plan.kind, charted.is_baseline, is_watched, is_lower_worse=plan.is_lower_worse
    )  # fmt: skip
    return Sustained(
        charted, charted.is_trial, len(clean), months, len(clean) >= CLEAN_POINTS or months >= CLEAN_MONTHS,
        starts[recurred[0]] if recurred else None, tuple(found),
        None if target is None else assurance.assurance(charted, found, target),
    )  # fmt: skip


def _bad(charted: Charted, found: Sequence[Found]) -> np.ndarray:
    """The points that speak against it."""
    side = 1 if not charted.plan.is_lower_worse else -1
    is_bad: np.ndarray = charted.side == side
    for it in found:
        if it.is_worse:
            is_bad[it.since : it.until + 1] = True
    return is_bad


def _end(starts: Sequence[date], place: int, until: date) -> date:
    return starts[place + 1] if place + 1 < len(starts) else until


def _months(first: date, until: date) -> int:
    """How many whole months lie between, counted from the first day on."""
    whole = (until.year - first.year) * 12 + until.month - first.month
    is_short = (pd.Timestamp(first) + pd.DateOffset(months=whole)).date() > until
    return max(whole - int(is_short), 0)
