"""When one deadline is due: counted from its start, and again whenever what it is counted by changes.

A change counts only while the deadline is neither ended nor due; only terms that leave no deadline at all also end what
is overdue. The whole is counted anew from the start, so no pause is lost; but a change of policy or calendar makes
nothing due before the instant of that change, nor while the complaint waits, and no deadline where there was none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from bihuan.policy.book import CalendarEdition, DeadlineEdition, PolicyBook
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.deadline import DeadlineTerms, Target
from bihuan.policy.scope import Facts
from bihuan.rules.business_time import BusinessClock, every_hour
from bihuan.rules.pause import Pause, within_budget
from bihuan.rules.terms import Terms, terms_at
from schemas.deadline import Mode


class Course(NamedTuple):
    """What of one deadline no change of terms, policy or calendar touches."""

    milestone: str
    started_at: datetime
    met_at: datetime | None
    ended_at: datetime | None
    """When it was met or cancelled."""
    waits: Sequence[Pause]
    """Those of its round."""
    department: str | None
    """Whose clock it is."""
    keeps_promises: bool
    """An instant that the source promised is its due instant."""


class Basis(NamedTuple):
    """What a due instant is counted by."""

    deadline: DeadlineEdition
    calendar: CalendarEdition
    terms: Terms


class Cause(StrEnum):
    """Why a deadline was counted, or counted anew."""

    START = "start"
    TERMS = "terms"
    POLICY = "policy"
    CALENDAR = "calendar"


class Due(NamedTuple):
    """When it is due, and what that was counted by."""

    mode: Mode
    target_seconds: float | None
    """None: the source promised the instant."""
    due_at: datetime
    """Where it is paused: when it would have been due without that pause."""
    warn_at: tuple[datetime, ...]
    """Where it is paused: those that came before."""
    is_paused: bool
    """A wait that nothing has ended yet leaves the due instant open."""
    policy_version: str
    calendar_version: str


class Count(NamedTuple):
    """One counting; ``due`` is None where there is no deadline."""

    at: datetime
    cause: Cause
    basis: Basis
    due: Due | None
    counted_due_at: datetime | None = None
    """Where the count led, if a change of policy or calendar came after that: then it is due at that change."""
    given_up: Due | None = None
    """What it had come to, where there is no deadline any more."""


class Turn(NamedTuple):
    """A change of what deadlines are counted by."""

    at: datetime
    cause: Cause
    change: Any


_FIELD = {Cause.TERMS: "terms", Cause.POLICY: "deadline", Cause.CALENDAR: "calendar"}


def turns(book: PolicyBook, known: Sequence[Terms]) -> list[Turn]:
    """Every change in order: of the complaint's terms, of calendars, and of the policy as applied to what is open."""
    found = [Turn(one.since, Cause.TERMS, one) for one in known[1:]]
    found += [Turn(at, Cause.POLICY, edition) for at, edition in book.later_applications]
    found += [Turn(at, Cause.CALENDAR, edition) for at, edition in book.later_calendars]
    return sorted(found, key=lambda turn: turn.at) if len(found) > 1 else found


def counts(course: Course, book: PolicyBook, known: Sequence[Terms], changes: Sequence[Turn]) -> Iterator[Count]:
    """Count a deadline at its start, and anew at each change that finds it open.

    Args:
        course: The deadline.
        book: The editions of the policy.
        known: The complaint's terms, as ``terms`` gives them.
        changes: As ``turns`` gives them.
    """
    start = course.started_at
    basis = Basis(book.deadline_at(start), book.calendar_at(start), terms_at(known, start))
    due = _due(course, basis)
    yield Count(start, Cause.START, basis, due)
    settled: Due | None = None
    since: dict[Cause, datetime] = {}
    for at, cause, change in changes:
        if at <= start:
            continue
        if course.ended_at and course.ended_at <= at:
            return
        if settled is None and due and not due.is_paused and due.due_at <= at:
            settled = due  # from here on terms may end it, and bring it back as it was
        if settled and cause is not Cause.TERMS:
            continue
        before, basis = basis, basis._replace(**{_FIELD[cause]: change})
        again = _due(course, basis)
        if due is None and (cause is not Cause.TERMS or _due(course, before)):
            since[cause] = at
            continue  # only terms that make the difference make a deadline
        if again is None and due:
            given_up = settled or _counted(since, course._replace(ended_at=at), before)
            yield Count(at, cause, basis, None, given_up=given_up)
        since[cause] = at
        floored = again and (settled or _counted(since, course, basis))
        if floored and due and floored.mode is due.mode is Mode.CALENDAR:
            # Every hour counts: no calendar has a say.
            floored = floored._replace(calendar_version=due.calendar_version)
        if again and floored and floored != due:
            is_moved = floored.due_at != again.due_at and not settled
            yield Count(at, cause, basis, floored, again.due_at if is_moved else None)
        due = floored


def _counted(since: Mapping[Cause, datetime], course: Course, basis: Basis) -> Due | None:
    """Due no earlier than what it is counted by came to count, and not while it waits then."""
    due = _due(course, basis)
    if due is None or due.target_seconds is None or due.is_paused:
        return due
    floors = [since.get(Cause.POLICY), since.get(Cause.CALENDAR) if due.mode is Mode.BUSINESS else None]
    floor = max(filter(None, floors), default=due.due_at)
    if floor <= due.due_at:
        return due
    over, paused_at = _breaks(_waits(course, basis), course.ended_at)
    for began_at, ended_at in over:
        floor = ended_at if began_at < floor < ended_at else floor
    return due._replace(due_at=floor, warn_at=(), is_paused=paused_at is not None and paused_at < floor)


def _due(course: Course, basis: Basis) -> Due | None:
    policy, promised = basis.deadline.policy, basis.terms.promised
    facts = _facts(course, basis)
    terms = policy.terms(facts)
    cell = terms.milestones.get(course.milestone)
    if cell is None or (promised is not None and course.milestone not in promised):
        return None
    calendar = basis.calendar.calendar(facts)
    promise = promised.get(course.milestone) if promised and course.keeps_promises else None
    if promise:
        warn_at = _shares(course.started_at, promise, terms.warn)
        return Due(Mode.CALENDAR, None, promise, warn_at, False, policy.version, calendar.version)
    if cell.target is None:
        return None
    due_at, warn_at, is_paused = _count(course, cell.target, _waits(course, basis), terms, calendar)
    target = cell.target
    return Due(target.mode, target.seconds, due_at, warn_at, is_paused, policy.version, calendar.version)


def _facts(course: Course, basis: Basis) -> Facts:
    """The facts in force, but for whose clock it is: a transfer moves no promise."""
    facts = basis.terms.facts
    return facts if facts.department == course.department else facts._replace(department=course.department)


def _waits(course: Course, basis: Basis) -> list[Pause]:
    """Those that stop its clock."""
    if not course.waits:
        return []
    terms = basis.deadline.policy.terms(_facts(course, basis))
    return within_budget(course.waits, terms.pause) if terms.milestones[course.milestone].is_paused else []


def _shares(started_at: datetime, promise: datetime, warn: Sequence[float]) -> tuple[datetime, ...]:
    span = promise - started_at
    return tuple(started_at + span * share for share in warn) if span > timedelta(0) else ()


def _count(
    course: Course, target: Target, waits: Sequence[Pause], terms: DeadlineTerms, calendar: WorkCalendar
) -> tuple[datetime, tuple[datetime, ...], bool]:
    """Due instant, warnings, and whether a pause leaves the due instant open."""
    clock = clock_of(calendar) if target.mode is Mode.BUSINESS else every_hour
    over, paused_at = _breaks(waits, course.ended_at)
    due_at, *shares = (
        clock.due(course.started_at, timedelta(seconds=target.seconds * share), over) for share in (1, *terms.warn)
    )
    is_open = paused_at is not None and paused_at < due_at
    last = paused_at if is_open and paused_at else due_at
    warn_at = tuple(at for at in shares if at < due_at and at <= last)
    return due_at, warn_at, is_open


def _breaks(
    waits: Sequence[Pause], ended_at: datetime | None
) -> tuple[list[tuple[datetime, datetime]], datetime | None]:
    """The pauses that are over, and since when one lasts; what ends while waiting was paused until then."""
    ends = [(wait.began_at, min(filter(None, (wait.ended_at, ended_at)), default=None)) for wait in waits]
    over = [(began_at, over_at) for began_at, over_at in ends if over_at and began_at <= over_at]
    return over, next((began_at for began_at, over_at in ends if over_at is None), None)


@lru_cache(maxsize=128)
def clock_of(calendar: WorkCalendar) -> BusinessClock:
    """The clock that counts on this calendar, with the years it has laid out."""
    return BusinessClock(calendar)
