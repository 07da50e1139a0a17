"""The times of an effect: how long the cases of a slice took, before and after, and how much whole weeks swing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from math import log1p
from typing import Any

import numpy as np

from bihuan.analysis.effect_duration import Times
from bihuan.analysis.reading import Period, Reading
from bihuan.policy.kpi import IndicatorPolicy
from bihuan.services.effect_data import Frame, Span, placed
from bihuan.store.queries.countable import Outcome, lasted
from bihuan.store.queries.cut import Where
from schemas.verification import Metric

_HOUR = 60.0
"""Minutes."""
_WEEK = 7


def times(frame: Frame, indicator: IndicatorPolicy, where: Where) -> tuple[Times, Times]:
    """The times before and after, in hours, and whether each has ended."""
    return times_of(frame, indicator, where, frame.before), times_of(frame, indicator, where, frame.after)


def times_of(frame: Frame, indicator: IndicatorPolicy, where: Where, spans: Sequence[Span]) -> Times:
    """The times of the cases of some spans, in hours, and whether each has ended."""
    tallies = [one for span in spans for one in _lasted(frame, indicator, where, span)]
    often = np.array([one["n"] for one in tallies], "int64")
    hours = np.array([_hours(one) for one in tallies])
    ended = np.array([one["outcome"] == Outcome.YES for one in tallies], "int64")
    return Times(np.repeat(hours, often), np.repeat(ended, often))


def weeks_of(frame: Frame, indicator: IndicatorPolicy, where: Where, spans: Sequence[Span]) -> Reading:
    """What ended, week by week on the log scale, on which weeks that are slow as a whole lie a step higher.

    Returns:
        As of a score: the sums of log(1 + hours), by the weeks in which the cases begin.
    """
    sums: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for span in spans:
        for one in _lasted(frame, indicator, where, span, by="day"):
            if one["outcome"] != Outcome.YES:
                continue
            day, size = date.fromisoformat(str(one["key"])), log1p(_hours(one))
            week = sums[(day - timedelta(days=day.weekday())).toordinal() // _WEEK]
            for place, more in enumerate((size, 1.0, size * size)):
                week[place] += more * one["n"]
    x, n, squares = np.array(list(sums.values()) or [[0.0, 0.0, 0.0]]).sum(axis=0)
    periods = tuple(Period(at, *sums[at][:2]) for at in sorted(sums))
    return Reading(Metric.SCORE, float(x), float(n), float(squares), periods)


def _lasted(
    frame: Frame, indicator: IndicatorPolicy, where: Where, span: Span, by: str | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    cut, what = placed(frame, indicator, where, span, by)
    return [one for one in lasted(frame.session, what, cut) if one["outcome"] in what.counted]


def _hours(tally: dict[str, Any]) -> float:
    return max(float(tally["amount"] or 0), 0.0) / _HOUR
