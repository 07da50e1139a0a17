"""The way of each deadline through a log: where it starts, what meets it, and each counting of its due instant.

A milestone has a course in every round that starts it, and, where the policy gives departments a clock of their own, a
leg for each department that gets the complaint later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from bihuan.policy.book import DeadlineEdition, PolicyBook
from bihuan.policy.deadline import MilestonePolicy
from bihuan.rules.complaint import DROPS, ENDS, LogLine, counting, rounds
from bihuan.rules.due import Cause, Count, Course, Turn, counts, turns
from bihuan.rules.pause import Pause, pauses
from bihuan.rules.terms import Terms, terms, terms_at
from schemas.complaint import EventKind

Key = tuple[str, int, int]
"""Milestone, round and leg."""
NOTHING_SETTLED: Mapping[Key, datetime] = MappingProxyType({})


class Track(NamedTuple):
    """One deadline's way through the log: where it stands, and how its due instant was counted, once or more."""

    course: Course
    round: int
    leg: int
    recorded_at: datetime
    cancelled_at: datetime | None
    transferred_at: datetime | None
    """When another department first got the complaint after this one began."""
    counts: tuple[Count, ...]


def tracks(
    log: Sequence[LogLine], book: PolicyBook, settled: Mapping[Key, datetime] = NOTHING_SETTLED
) -> Iterator[Track]:
    """Each milestone that a round starts, with each of its legs; also those that no target makes a deadline."""
    known = terms(log)
    if not known:
        return
    changes, cut, kept = turns(book, known), rounds(log), _kept(known)
    for number, whole in enumerate(cut, start=1):
        lines = counting(whole)
        dropped_at = lines[-1].occurred_at if lines and lines[-1].kind in DROPS else None
        overtaken_at = cut[number][0].occurred_at if number < len(cut) else None
        stretch = _Round(number, lines, dropped_at or overtaken_at, pauses(lines), _transfers(known, lines))
        for name in book.milestones:
            if kept is not None and name not in kept:
                continue
            for one in _starts(name, stretch, book, known):
                reaching = _reaching(changes, settled.get((name, number, one.leg)))
                yield one._replace(counts=tuple(counts(one.course, book, known, reaching)))


def _kept(known: Sequence[Terms]) -> frozenset[str] | None:
    """The milestones that the source keeps, at any time; None where it leaves them to the policy."""
    promised = [one.promised for one in known]
    return None if None in promised else frozenset(name for some in promised if some for name in some)


def _reaching(changes: Sequence[Turn], settled_at: datetime | None) -> Sequence[Turn]:
    """The changes without those of policy and calendar that came after it was settled."""
    if settled_at is None:
        return changes
    return [turn for turn in changes if turn.cause is Cause.TERMS or turn.at <= settled_at]


class _Transfer(NamedTuple):
    at: datetime
    by: EventKind
    recorded_at: datetime
    department: str


class _Round(NamedTuple):
    number: int
    lines: Sequence[LogLine]
    cancelled_at: datetime | None
    waits: list[Pause]
    transfers: list[_Transfer]


def _transfers(known: Sequence[Terms], lines: Sequence[LogLine]) -> list[_Transfer]:
    """The changes of department from the round's first line until it ended."""
    if len(known) == 1 or not lines:
        return []
    began_at = lines[0].occurred_at
    ended_at = next((line.occurred_at for line in lines if line.kind in ENDS), None)
    return [
        _Transfer(now.since, now.by, now.recorded_at, now.facts.department)
        for before, now in pairwise(known)
        if before.facts.department and now.facts.department and before.facts.department != now.facts.department
        if began_at <= now.since and (ended_at is None or now.since < ended_at)
    ]


def _starts(name: str, stretch: _Round, book: PolicyBook, known: Sequence[Terms]) -> Iterator[Track]:
    """The milestone's whole course in the round, then its legs."""
    found = _start(name, stretch, book)
    if found is None:
        return
    milestone, start = found
    line = stretch.lines[start]
    met_at = next((it.occurred_at for it in stretch.lines[start + 1 :] if it.kind in milestone.ends), None)
    transfers = [one for one in stretch.transfers if one.at >= line.occurred_at]
    cancelled_at = None if met_at else stretch.cancelled_at
    before = terms_at(known, line.occurred_at)
    whole = Course(name, line.occurred_at, met_at, met_at or cancelled_at, stretch.waits, before.facts.department,
                   stretch.number == 1)  # fmt: skip
    handed_over_at = transfers[0].at if transfers and milestone.own_clock else None
    yield Track(whole, stretch.number, 0, line.recorded_at, cancelled_at, handed_over_at, ())
    if milestone.own_clock and before.promised is None:
        yield from _legs(whole, milestone, stretch, transfers)


def _legs(
    whole: Course, milestone: MilestonePolicy, stretch: _Round, transfers: Sequence[_Transfer]
) -> Iterator[Track]:
    for leg, transfer in enumerate(transfers, start=1):
        if transfer.by in milestone.ends:
            continue
        next_at = transfers[leg].at if leg < len(transfers) else None
        ends = (line.occurred_at for line in stretch.lines if line.kind in milestone.ends)
        met_at = next((at for at in ends if at >= transfer.at), None)
        if met_at and next_at and met_at > next_at:
            met_at = None
        cancelled_at = None if met_at else next_at or stretch.cancelled_at
        course = whole._replace(started_at=transfer.at, met_at=met_at, ended_at=met_at or cancelled_at,
                                department=transfer.department, keeps_promises=False)  # fmt: skip
        yield Track(course, stretch.number, leg, transfer.recorded_at, cancelled_at, next_at, ())


def _start(name: str, stretch: _Round, book: PolicyBook) -> tuple[MilestonePolicy, int] | None:
    """The milestone as the edition in force at its start has it, and the line that starts it."""
    for edition in _in_force(stretch, book):
        milestone = edition.policy.milestones.get(name)
        kinds = milestone.starts if milestone else ()
        start = next((at for at, line in enumerate(stretch.lines) if line.kind in kinds), None)
        if milestone and start is not None and book.deadline_at(stretch.lines[start].occurred_at) is edition:
            return milestone, start
    return None


def _in_force(stretch: _Round, book: PolicyBook) -> Sequence[DeadlineEdition]:
    """The editions that set what the round's lines start, each once."""
    if len(book.deadlines) == 1:
        return book.deadlines
    found = {id(edition): edition for line in stretch.lines if (edition := book.deadline_at(line.occurred_at))}
    return list(found.values())
