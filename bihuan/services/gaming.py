"""Signs of gaming 指标失真迹象: counts from the database and the logs, shares and verdicts from the analysis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from sqlmodel import Session

from bihuan.analysis.gaming import (
    BANDS,
    BANDS_IN_WHOLE,
    Sign,
    Thresholds,
    Verdict,
    band_counts,
    bands,
    bunching,
    judged,
)
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.models import Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.gaming import ClockOf, handlings, in_charge, stops
from bihuan.services.policy import book_with
from bihuan.store.queries import gaming as queries
from bihuan.store.queries.gaming import Scope, Walked
from schemas.deadline import Mode

CalendarOf = Callable[[str], WorkCalendar]
"""The calendar of a version."""
SHOWN = 50
"""Complaint numbers given behind each figure."""
OURS = Thresholds()


@dataclass(frozen=True, slots=True)
class Band:
    """How many were met in one band of the time allowed, ``above`` to ``upto`` of it."""

    above: float
    upto: float
    count: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One sign, of all or of one value of the dimension: something to look at, no accusation."""

    sign: Sign
    key: str | None
    x: int
    n: int
    value: float | None
    """None, like the interval, where n is 0."""
    low: float | None
    high: float | None
    threshold: float
    is_enough: bool
    verdict: Verdict
    left_out: int
    """Rounds handled too lately to know whether they hold."""
    complaints: tuple[str, ...]
    """Numbers of the complaints behind x, the earliest registered here first, at most ``SHOWN``."""
    expected: float | None = None
    """Bunching: what a smooth course would give."""
    bands: tuple[Band, ...] = ()
    """Bunching: from 80 to 120 % of the time allowed."""


@dataclass(slots=True)
class _Tally:
    """What is counted for one sign and key."""

    x: int = 0
    n: int = 0
    left_out: int = 0
    behind: set[int] = field(default_factory=set)

    def add(self, complaint_id: int, *, is_sign: bool) -> None:
        """Count one case."""
        self.n += 1
        if is_sign:
            self.x += 1
            self.behind.add(complaint_id)


_Tallies = dict[str, _Tally]


def signs(
    session: Session, policy: Policy, calendar_of: CalendarOf, scope: Scope, at: datetime, thresholds: Thresholds = OURS
) -> list[Figure]:
    """Every sign for the complaints of the scope.

    Args:
        session: Where to look.
        policy: Says which milestones pause.
        calendar_of: The calendar in which deadlines of a version were counted.
        scope: Which complaints, and by what.
        at: The present: what was handled so lately that its time to hold is not over is left out.
        thresholds: What is counted, and from when on it is worth a look.

    Returns:
        By sign; within one by verdict, what is worth a look first, then by how high its interval begins. Without a
        dimension one figure a sign, else one for each value that has cases, None for complaints without one.
        Pauses and handled rounds go to whoever was in charge then, deadlines and answers to whoever is today.
    """
    clock_of = cache(lambda version: BusinessClock(calendar_of(version)))
    late, reopened = _from_logs(session, policy, clock_of, scope, at, thresholds)
    counted = {
        Sign.LATE_PAUSE: (late, thresholds.late_pause),
        Sign.REOPENED_AFTER_HANDLING: (reopened, thresholds.reopened),
        Sign.AUTOMATIC_ANSWER: (_answers(session, scope, thresholds), thresholds.automatic),
    }
    shares = {sign: (tallies, _judged(tallies, limit, thresholds, scope)) for sign, (tallies, limit) in counted.items()}
    shares[Sign.BUNCHING] = _bunching(session, clock_of, scope, thresholds)
    numbers = queries.numbers(session, sorted({one for tallies, _ in shares.values() for one in _first(tallies)}))
    found = [figure for sign in Sign for figure in _figures(sign, *shares[sign], numbers)]
    order = {sign: place for place, sign in enumerate(Sign)}
    return sorted(found, key=lambda it: (order[it.sign], _NOTABLE[it.verdict], -(it.low or 0), it.key or ""))


_NOTABLE = {Verdict.WORTH_A_LOOK: 0, Verdict.UNREMARKABLE: 1, Verdict.NOT_ENOUGH_DATA: 2}


def calendars_of(session: Session, policy: Policy) -> CalendarOf:
    """The calendars of every edition kept, by version; today's default for a version that was never kept."""
    book, default = book_with(session, policy), policy.calendars.default
    return cache(lambda version: (book.calendar_of(version) or ("", default))[1])


def _from_logs(
    session: Session, policy: Policy, clock_of: ClockOf, scope: Scope, at: datetime, thresholds: Thresholds
) -> tuple[_Tallies, _Tallies]:
    """Pauses and handled rounds, each by whoever was in charge then."""
    late: _Tallies = defaultdict(_Tally)
    reopened: _Tallies = defaultdict(_Tally)
    settled_at = at - thresholds.reopened_within
    for row in queries.handled_once(session, scope, settled_at):
        reopened[row.key].n += row.n
        reopened[row.key].left_out += row.left_out
    pausing = [name for name, milestone in policy.deadline.milestones.items() if milestone.pauses]
    held = queries.stoppable(session, scope, pausing)
    department_of = queries.staff_departments(session)
    for it in queries.walked(session, scope):
        for stop in stops(it.log, held.get(it.complaint_id, ()), clock_of, policy.deadline.pause):
            tally = late[_key_then(it, stop.began_at, scope, department_of)]
            tally.add(it.complaint_id, is_sign=stop.used_ratio >= 1 - thresholds.last_ratio)
        for handling in handlings(it.log) if it.has_turned else ():
            tally = reopened[_key_then(it, handling.handled_at, scope, department_of)]
            if handling.handled_at > settled_at:
                tally.left_out += 1
                continue
            again_at = handling.reopened_at
            held_too_short = again_at is not None and again_at - handling.handled_at <= thresholds.reopened_within
            tally.add(it.complaint_id, is_sign=held_too_short)
    return late, reopened


def _key_then(it: Walked, at: datetime, scope: Scope, department_of: Mapping[str, str]) -> str:
    if scope.by not in {"department", "handler"}:
        return it.key
    then = in_charge(it.log, at, it.today, department_of)
    return (then.department if scope.by == "department" else then.handler) or ""


def _answers(session: Session, scope: Scope, thresholds: Thresholds) -> _Tallies:
    found: _Tallies = defaultdict(_Tally)
    for row in queries.responded(session, scope):
        found[row.key].n = row.n
    for row in queries.responded_by_machine(session, scope, thresholds.automatic_within):
        found[row.key].x += 1
        found[row.key].behind.add(row.complaint_id)
    return found


def _bunching(
    session: Session, clock_of: ClockOf, scope: Scope, thresholds: Thresholds
) -> tuple[_Tallies, pd.DataFrame]:
    """The tallies hold the complaints behind x; the figures have the band counts beside them."""
    columns = ["key", "complaint_id", "mode", "calendar_version", "due_us", "met_us", "target_us"]
    met = pd.DataFrame([tuple(row) for row in queries.near_due(session, scope)], columns=columns)
    met = met.astype({name: "int64" for name in columns if name.endswith(("_us", "_id"))})
    band = bands(_late(met, clock_of), met["target_us"])
    counts = band_counts(met["key"], band)
    if not scope.by:
        counts = counts.reindex([""], fill_value=0)
    tallies: _Tallies = defaultdict(_Tally)
    last = met[band == -1]
    for key, complaint_id in zip(last["key"], last["complaint_id"], strict=True):
        tallies[key].behind.add(int(complaint_id))
    return tallies, bunching(counts, thresholds).join(counts)


def _late(met: pd.DataFrame, clock_of: ClockOf) -> pd.Series:
    """Time from due to met on each deadline's own clock, microseconds, negative before due.

    Earlier pauses are in the due instant already: what was left at it is what was not used.
    """
    late = (met["met_us"] - met["due_us"]).copy()
    business = met[met["mode"] == Mode.BUSINESS]
    for version, some in business.groupby("calendar_version"):
        due, at = (some[name].to_numpy(dtype=np.int64) for name in ("due_us", "met_us"))
        late.loc[some.index] = clock_of(str(version)).elapsed_many(due, at)
    return late


def _judged(tallies: _Tallies, threshold: float, thresholds: Thresholds, scope: Scope) -> pd.DataFrame:
    keys = sorted(tallies) if scope.by else [""]
    rows = [(tallies[key].x, tallies[key].n) for key in keys]
    return judged(pd.DataFrame(rows, index=keys, columns=["x", "n"], dtype="int64"), threshold, thresholds.min_n)


def _first(tallies: _Tallies) -> Iterable[int]:
    return (one for tally in tallies.values() for one in sorted(tally.behind)[:SHOWN])


def _figures(sign: Sign, tallies: _Tallies, table: pd.DataFrame, numbers: Mapping[int, str]) -> Iterable[Figure]:
    for key, row in zip(table.index, table.to_dict("records"), strict=True):
        tally = tallies[key]
        if key or row["n"] or tally.left_out or len(table) == 1:
            yield Figure(
                sign=sign, key=key or None, x=int(row["x"]), n=int(row["n"]),
                value=_or_none(row["value"]), low=_or_none(row["low"]), high=_or_none(row["high"]),
                threshold=float(row["threshold"]), is_enough=bool(row["is_enough"]), verdict=row["verdict"],
                left_out=tally.left_out, complaints=tuple(numbers[one] for one in sorted(tally.behind)[:SHOWN]),
                **_bands(row) if sign is Sign.BUNCHING else {},
            )  # fmt: skip


def _or_none(figure: float) -> float | None:
    return None if isnan(figure) else float(figure)


def _bands(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Whole percents of 5: a band ends at due or goes on from it."""
    edges = [((band if band < 0 else band - 1), band) for band in BANDS]
    return {
        "expected": float(row["expected"]),
        "bands": tuple(
            Band(1 + below / BANDS_IN_WHOLE, 1 + (below + 1) / BANDS_IN_WHOLE, int(row[band])) for below, band in edges
        ),
    }
