"""Deadlines of many complaints at once, under one policy: as columns where logs are plain, one by one elsewhere.

A log is plain where nothing happened that changes terms, pauses, transfers, reopens or drops the complaint, and nothing
that a milestone looks at happened twice or at the same instant as something else. Both ways give what ``derive`` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.policy.book import PolicyBook
from bihuan.policy.calendar import CalendarPolicy, WorkCalendar
from bihuan.policy.deadline import DeadlinePolicy, DeadlineTerms, MilestonePolicy
from bihuan.policy.scope import Facts
from bihuan.rules.business_time import every_hour
from bihuan.rules.complaint import DROPS, LogLine
from bihuan.rules.deadline import DerivedDeadline, derive
from bihuan.rules.due import clock_of
from bihuan.rules.timeline import Instants, microseconds, to_microseconds
from schemas.complaint import EventKind
from schemas.deadline import Mode

NEVER = np.iinfo(np.int64).max
"""Stands for an instant that does not come."""
TURNING = DROPS | {
    EventKind.WAITING, EventKind.RESUMED, EventKind.REOPENED, EventKind.AMENDED, EventKind.SEVERITY_CHANGED,
    EventKind.TIER_CHANGED, EventKind.DEPARTMENT_CHANGED,
}  # fmt: skip
"""Kinds of events that no plain log has."""

Rows = NDArray[np.int64]


class Plain(NamedTuple):
    """Plain logs as columns: n complaints."""

    facts: Sequence[Facts]
    """Every combination of facts there is."""
    fact: Rows
    """Which of them each complaint has, shape (n,)."""
    occurred: Mapping[EventKind, Instants]
    """When each kind of event occurred, shape (n,); ``NEVER`` where it did not."""


class Promises(NamedTuple):
    """Deadlines as columns: m rows. Instants in microseconds since 1970-01-01T00:00Z, ``NEVER`` where there is none."""

    complaint: Rows
    """Which complaint, as the caller counts them."""
    milestone: Rows
    """Place in the policy's order of milestones."""
    round: Rows
    leg: Rows
    due: Instants
    """``NEVER`` while a wait leaves it open."""
    met: Instants
    cancelled: Instants
    warn: Instants
    """Warnings, shape (m, k), as many as any deadline has."""


def watched(*policies: DeadlinePolicy) -> frozenset[EventKind]:
    """The kinds of events that a milestone of one of the policies starts or ends with."""
    return frozenset(
        kind for policy in policies for milestone in policy.milestones.values()
        for kind in (*milestone.starts, *milestone.ends)
    )  # fmt: skip


def replay_plain(plain: Plain, policy: DeadlinePolicy, calendars: CalendarPolicy) -> Promises:
    """The deadlines of plain logs under one policy; ``complaint`` counts from 0 in the order of the columns."""
    terms = [policy.terms(facts) for facts in plain.facts]
    of_facts = [calendars[calendars.name_for(facts)] for facts in plain.facts]
    most = max((len(one.warn) for one in terms), default=0)
    found = []
    for place, (name, milestone) in enumerate(policy.milestones.items()):
        reaches = [_reach(one, name, calendar) for one, calendar in zip(terms, of_facts, strict=True)]
        distinct = list(dict.fromkeys(reaches))
        kind_of = np.array([distinct.index(reach) for reach in reaches], np.int64)[plain.fact]
        start, met = _course(plain, milestone)
        for kind, reach in enumerate(distinct):
            if reach is not None:
                rows = np.flatnonzero((start != NEVER) & (kind_of == kind))
                found.append(_counted(rows, place, start[rows], met[rows], reach, most))
    return joined(found)


def _reach(terms: DeadlineTerms, name: str, calendar: WorkCalendar) -> _Reach | None:
    target = terms.milestones[name].target
    return _Reach(target.mode, calendar, target.seconds, terms.warn) if target else None


class _Reach(NamedTuple):
    """How far it is from start to due."""

    mode: Mode
    calendar: WorkCalendar
    seconds: float
    warn: tuple[float, ...]


def _counted(rows: Rows, place: int, start: Instants, met: Instants, reach: _Reach, most: int) -> Promises:
    """The due instants and warnings of rows that are counted alike."""
    clock = clock_of(reach.calendar) if reach.mode is Mode.BUSINESS else every_hour
    due, *shares = (
        clock.due_many(start, np.full(start.size, microseconds(timedelta(seconds=reach.seconds * share))))
        for share in (1, *reach.warn)
    )
    warn = np.full((rows.size, most), NEVER)
    for column, instants in enumerate(shares):
        warn[:, column] = np.where(instants < due, instants, NEVER)
    ones, never = np.ones(rows.size, np.int64), np.full(rows.size, NEVER)
    return Promises(rows, ones * place, ones, ones * 0, due, met, never, warn)


def _course(plain: Plain, milestone: MilestonePolicy) -> tuple[Instants, Instants]:
    """When the milestone began and when it was met: the first of its events after the start."""
    start = _first(plain, milestone.starts)
    met = np.full(start.size, NEVER)
    is_first_of_all = EventKind.REGISTERED in milestone.starts
    if is_first_of_all:  # registration comes first, even where clock skew dated something before it
        start = plain.occurred[EventKind.REGISTERED]
    for kind in milestone.ends:
        at = plain.occurred.get(kind)
        if at is not None:
            met = np.minimum(met, at if is_first_of_all else np.where(at > start, at, NEVER))
    return start, met


def _first(plain: Plain, kinds: Iterable[EventKind]) -> Instants:
    first = np.full(plain.fact.size, NEVER)
    for kind in kinds:
        if kind in plain.occurred:
            first = np.minimum(first, plain.occurred[kind])
    return first


def replay_one_by_one(logs: Iterable[tuple[int, Sequence[LogLine]]], book: PolicyBook) -> Promises:
    """The deadlines of any logs, each with the number by which the caller counts its complaint."""
    place = {name: number for number, name in enumerate(book.milestones)}
    derived = [(number, one) for number, log in logs for one in derive(log, book)]
    most = max((len(one.warn_at) for _, one in derived), default=0)
    warn = np.full((len(derived), most), NEVER)
    for row, (_, one) in enumerate(derived):
        warn[row, : len(one.warn_at)] = [to_microseconds(at) for at in one.warn_at]
    table = np.array([list(_row(number, one, place)) for number, one in derived], dtype=np.int64).reshape(-1, 7)
    return Promises._make([*table.T, warn])


def _row(number: int, one: DerivedDeadline, place: Mapping[str, int]) -> Iterator[int]:
    yield from (number, place[one.milestone], one.round, one.leg)
    for at in (one.certain_due_at, one.met_at, one.cancelled_at):
        yield to_microseconds(at) if at else int(NEVER)


def joined(parts: Sequence[Promises]) -> Promises:
    """All of them together, with as many warnings as any has."""
    if not parts:
        return Promises._make([*np.empty((7, 0), np.int64), np.empty((0, 0), np.int64)])
    most = max(part.warn.shape[1] for part in parts)
    wide = [part._replace(warn=_widened(part.warn, most)) for part in parts]
    return Promises(*(np.concatenate(columns) for columns in zip(*wide, strict=True)))


def _widened(warn: Instants, most: int) -> Instants:
    return np.pad(warn, ((0, 0), (0, most - warn.shape[1])), constant_values=NEVER)
