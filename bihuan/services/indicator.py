"""The registry of indicators 指标: for each what it counts, and how its figure and interval come of that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from math import isnan
from typing import Any

import numpy as np
from sqlmodel import Session

from bihuan.analysis.duration import mean_time, median_time
from bihuan.analysis.kpi import rate
from bihuan.analysis.score import DETRACTS_TO, Estimate
from bihuan.policy.kpi import MEDIANS, Counts, Direction, IndicatorPolicy
from bihuan.store.queries import kpi, score
from bihuan.store.queries.behind import Side
from bihuan.store.queries.countable import (
    APART,
    CORRECTED,
    NAMES,
    Countable,
    Outcome,
    View,
    added,
    counted,
    lasted,
    summed,
)
from bihuan.store.queries.cut import Cut

Figures = dict[str, Any]
_HOUR = 60.0
"""Minutes."""
SURVEYS = frozenset({Counts.CSAT_MEAN, Counts.CSAT_TOP_TWO, Counts.NPS, Counts.INDEX, Counts.NEGATIVE, Counts.RESPONSE})
"""What is counted from answers and invitations; all else is counted from complaints."""
AWAITED = "awaited"
"""What is still open of invitations, as rows call it."""
_COUNTED: Mapping[Counts, Callable[[IndicatorPolicy, View], Countable]] = {
    Counts.SOURCE_VERDICT: lambda _, view: kpi.source_verdict(view),
    Counts.RESOLVED: lambda it, view: kpi.resolved(span_of(it), view),
    Counts.REOPENED: lambda it, view: kpi.reopened(span_of(it), view),
    Counts.FIRST_CONTACT: lambda it, view: kpi.first_contact(span_of(it), view),
    Counts.FIRST_RESPONSE_TIME: lambda _, view: kpi.first_response_time(view),
    Counts.RESPONSE_TIME: lambda _, view: kpi.response_time(view),
    Counts.HANDLING_TIME: lambda _, view: kpi.handling_time(view),
    Counts.CSAT_MEAN: lambda _, __: score.answered(Counts.CSAT_MEAN),
    Counts.CSAT_TOP_TWO: lambda _, __: score.answered(Counts.CSAT_TOP_TWO),
    Counts.NPS: lambda _, __: score.answered(Counts.NPS),
    Counts.INDEX: lambda _, __: score.answered(Counts.INDEX),
    Counts.NEGATIVE: lambda _, __: score.answered(Counts.NEGATIVE),
    Counts.RESPONSE: lambda _, view: score.responded(view),
}


def countable(indicator: IndicatorPolicy, view: View, cut: Cut) -> Countable:
    """What an indicator counts: a milestone's deadlines, or what its policy names."""
    if indicator.counts is None:
        return kpi.on_time(indicator.milestone or "", view, is_by_department="department" in cut.names)
    return _COUNTED[indicator.counts](indicator, view)


def span_of(indicator: IndicatorPolicy) -> timedelta:
    """How long a handling has to stand."""
    return indicator.within or timedelta(0)


class Verdict(StrEnum):
    """How a figure stands to its target."""

    ON_TARGET = "on_target"
    OFF_TARGET = "off_target"
    UNDECIDED = "undecided"
    NOT_ENOUGH_DATA = "not_enough_data"


def verdict(indicator: IndicatorPolicy, n: int, low: float | None, high: float | None) -> Verdict:
    """The verdict: the whole interval has to lie on one side of the target, and n must not be below the least n."""
    if n < indicator.min_n:
        return Verdict.NOT_ENOUGH_DATA
    is_at_least, target = indicator.direction is Direction.AT_LEAST, indicator.target
    if low is not None and (low >= target if is_at_least else low > target):
        return Verdict.ON_TARGET if is_at_least else Verdict.OFF_TARGET
    if high is not None and (high < target if is_at_least else high <= target):
        return Verdict.OFF_TARGET if is_at_least else Verdict.ON_TARGET
    return Verdict.UNDECIDED


def side_of(indicator: IndicatorPolicy, what: Countable, name: str) -> Side | None:
    """The rows behind a number of an indicator.

    Args:
        indicator: Whose target decides what is missed.
        what: What it counts.
        name: ``counted`` (n), ``missed`` (those of n that keep it from its target), ``apart`` (all that is counted
            apart), or what rows call one thing that is counted apart.

    Returns:
        None where there is no such number.
    """
    codes = {**{name: code for code, name in NAMES.items()}, AWAITED: Outcome.OPEN}
    if name == "counted":
        return Side(what.counted)
    if name == "apart":
        return Side(frozenset(NAMES) - what.counted)
    if name == "missed":
        return _missed(indicator, what)
    if name == CORRECTED:
        return Side(frozenset(Outcome), is_corrected=True) if what.is_corrected is not None else None
    return Side(frozenset({codes[name]})) if name in codes else None


def _missed(indicator: IndicatorPolicy, what: Countable) -> Side:
    """Shares: those on the wrong side of the fraction. Times and scores: those beyond the target by themselves."""
    is_at_least = indicator.direction is Direction.AT_LEAST
    if indicator.is_share:
        return Side(what.counted - {Outcome.YES} if is_at_least else frozenset({Outcome.YES}))
    if indicator.is_time:
        return Side(what.counted, above=indicator.target * _HOUR)
    limit = DETRACTS_TO + 1 if indicator.counts is Counts.NPS else indicator.target
    return Side(what.counted, below=limit) if is_at_least else Side(what.counted, above=limit)


def figures(session: Session, indicator: IndicatorPolicy, what: Countable, cut: Cut) -> list[Figures]:
    """The figures of an indicator of complaints, a row a value of the cut's dimension; none where nothing is counted.

    Returns:
        Rows of ``key``, ``value``, ``low``, ``high`` (a share, or hours), ``x`` (shares), ``n``, each of ``APART``; of
        times instead of ``x`` the ``events`` that have ended and the ``censored`` that have not, and of medians
        ``ended_only``, the median that leaving those out would give.
    """
    if not indicator.is_time:
        counts = counted(session, what, cut)
        told = {row["key"]: shares(row) for row in counts}
    else:
        tallies = (lasted if indicator.counts in MEDIANS else summed)(session, what, cut)
        counts = added(what, tallies)
        told = _times(what, tallies, median_of if indicator.counts in MEDIANS else mean_of)
    if not any(row["n"] or row["open_overdue"] for row in counts):
        return []
    return [{**{name: row[name] for name in ("key", "n", *APART)}, **told.get(row["key"], NO_TIME)} for row in counts]


def shares(row: Figures) -> Figures:
    """Value, interval and ``x`` of counts."""
    return {**shown(Estimate(*rate(row["x"], row["n"]))), "x": row["x"]}


def _times(
    what: Countable, tallies: list[Figures], figure_of: Callable[[list[Figures]], Figures]
) -> dict[Any, Figures]:  # fmt: skip
    """The figures of what is counted, by key."""
    by_key: defaultdict[Any, list[Figures]] = defaultdict(list)
    for tally in tallies:
        if tally["outcome"] in what.counted:
            by_key[tally["key"]].append(tally)
    return {key: figure_of(some) for key, some in by_key.items()}


def median_of(tallies: list[Figures]) -> Figures:
    """Median, interval, events and censored, in hours, of tallies of outcome, minutes and how often."""
    times = np.array([tally["amount"] for tally in tallies]) / _HOUR
    often = np.array([tally["n"] for tally in tallies], np.int64)
    has_ended = np.array([tally["outcome"] == Outcome.YES for tally in tallies])
    events = int(often[has_ended].sum())
    only = float(np.median(np.repeat(times[has_ended], often[has_ended]))) if events else None
    return {**shown(median_time(times, often, has_ended)), "events": events, "censored": int(often.sum()) - events,
            "ended_only": only}  # fmt: skip


def mean_of(tallies: list[Figures]) -> Figures:
    """Mean and interval in hours, of sums of whole minutes and of their squares."""
    n, minutes, squares = (sum(int(tally[name]) for tally in tallies) for name in ("n", "amount", "squares"))
    estimate = mean_time(minutes, squares, n)
    return shown(Estimate(*(figure / _HOUR for figure in estimate))) | {"events": n}


NO_TIME: Figures = {"value": None, "low": None, "high": None, "events": 0}
"""What rows of times say where none is counted."""


def shown(estimate: Estimate) -> Figures:
    """The figure as rows have it: None where there is none."""
    return {name: None if isnan(figure) else figure for name, figure in estimate._asdict().items()}
