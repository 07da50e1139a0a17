"""Explain the deadlines of a complaint: what is held, counted once more, and compared with today's log and policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.errors import UsageError
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.deadline import DeadlineTerms, MilestoneTerms
from bihuan.policy.flaw import KeyPath
from bihuan.policy.models import Policy
from bihuan.policy.scope import DIMENSIONS
from bihuan.rules.complaint import LogLine, counting, rounds
from bihuan.rules.due import Cause
from bihuan.rules.explanation import Promise, explain, fate
from bihuan.rules.outbox import occasion
from bihuan.rules.pause import Pause, within_budget
from bihuan.rules.reminder import Hold
from bihuan.rules.roster import OPERATOR
from bihuan.rules.terms import HANDS_OVER
from bihuan.rules.track import Track, tracks
from bihuan.services.account import Account, Recount, Role, Step, Told
from bihuan.services.ladder_account import ladder_accounts
from bihuan.services.people import roster
from bihuan.services.policy import book_with, edition_document
from bihuan.store.queries import complaint as complaints
from bihuan.store.queries.explanation import told
from bihuan.store.queries.names import departments, recipient_names
from schemas.complaint import EventKind
from schemas.deadline import DeadlineState
from schemas.outbox import MessageState, Notice


def accounts(
    session: Session, policy: Policy, number: str, at: datetime, milestone: str | None = None
) -> list[Account]:
    """Explain each deadline of a complaint, or those of one milestone, in the order in which they fall due.

    Raises:
        UsageError: No such complaint, or it has no deadline of that milestone.
    """
    complaint = complaints.one(session, number)
    log = [_line(event) for event in complaints.events(session, complaint.id)]
    messages = told(session, complaint.id)
    held = complaints.deadlines(session, complaint.id)
    source = _Source(session, policy, log, held)
    rows = [row for row in held if milestone in {None, row.milestone}]
    if milestone and not rows:
        raise UsageError(
            f"complaint {number} has no deadline {milestone!r}", cure=f"see `bihuan complaint show {number}`"
        )
    names = recipient_names(session, (message.recipient for some in messages.values() for message in some))
    head_id = roster(session, policy, at).head_of(complaint.department_id)
    roles = {f"staff:{head_id}": Role.HEAD, f"staff:{complaint.handler_id}": Role.HANDLER, OPERATOR: Role.OPERATOR}

    def told_of(row: Row[Any]) -> list[tuple[Row[Any], Told]]:
        return [(it, _told(it, names, roles)) for it in messages.get(row.id, ())]

    ladders = ladder_accounts(session, policy, complaint.id)
    return [replace(_account(row, source, told_of(row), at), ladder=ladders.get(row.id)) for row in rows]


def _line(event: Row[Any]) -> LogLine:
    return LogLine(event.kind, event.occurred_at.astimezone(UTC), event.recorded_at.astimezone(UTC), event.data)


class _Source:
    """What the deadlines of one complaint are compared with."""

    def __init__(self, session: Session, policy: Policy, log: Sequence[LogLine], held: Sequence[Row[Any]]) -> None:
        self.session, self.policy = session, policy
        self.book = book_with(session, policy)
        breached = {(row.milestone, row.round, row.leg): row.due_at for row in held if row.breached_at}
        self.tracks = {
            (track.course.milestone, track.round, track.leg): track for track in tracks(log, self.book, breached)
        }
        self.rounds = rounds(log)
        self.department_names = {row.code: (row.name, row.name_en or row.name) for row in departments(session)}

    def track(self, row: Row[Any]) -> Track | None:
        """The deadline's way through the log as it is now."""
        return self.tracks.get((row.milestone, row.round, row.leg))

    def calendar(self, version: str) -> tuple[str | None, WorkCalendar]:
        """Name and calendar of that version; the default, without a name, where no edition has it."""
        return self.book.calendar_of(version) or (None, self.policy.calendars.default)

    def started_by(self, row: Row[Any]) -> EventKind | None:
        """The event that started the deadline."""
        milestone = self.book.deadline_at(row.started_at).policy.milestones.get(row.milestone)
        kinds = HANDS_OVER if row.leg else milestone.starts if milestone else ()
        lines = counting(self.rounds[row.round - 1]) if row.round <= len(self.rounds) else ()
        return next((line.kind for line in lines if line.kind in kinds and line.occurred_at == row.started_at), None)

    def terms(self, row: Row[Any]) -> tuple[DeadlineTerms, MilestoneTerms] | None:
        """What the edition that set the deadline allows it; None where that edition was never kept."""
        editions = [edition.policy for edition in self.book.deadlines if edition.policy.version == row.policy_version]
        track = self.track(row)
        if not editions or track is None:
            return None
        counted = [count for count in track.counts if count.due and count.due.policy_version == row.policy_version]
        basis = (counted or track.counts)[-1].basis
        found = editions[-1].terms(basis.terms.facts._replace(department=track.course.department))
        cell = found.milestones.get(row.milestone)
        return (found, cell) if cell else None

    def said_by(self, row: Row[Any], at: KeyPath) -> str | None:
        """File, line and key of the target in the edition that set it."""
        document = edition_document(self.session, "deadline", row.policy_version, self.policy)
        return f"{document.file}:{document.line(at)} {'.'.join(map(str, at))}" if document else None


def _account(row: Row[Any], source: _Source, messages: Sequence[tuple[Row[Any], Told]], at: datetime) -> Account:
    name, calendar = source.calendar(row.calendar_version)
    target = None if row.target_seconds is None else timedelta(seconds=row.target_seconds)
    promise = Promise(row.mode, target, row.started_at, row.due_at)
    by_step = [(_step_of(message.key, row), words) for message, words in messages]
    track, terms = source.track(row), source.terms(row)
    counted, beyond = _pauses(row, track, terms)
    said_at = terms[1].said_at if terms and target else ()
    return Account(
        **{fact: getattr(row, fact) for fact in _HELD},
        department_names=source.department_names.get(row.department, (row.department or "", row.department or "")),
        started_by=source.started_by(row),
        policy_line=source.said_by(row, said_at) if said_at else None,
        scope=str(said_at[1]) if said_at[:1] == ("scopes",) else None,
        calendar=name,
        calendar_source=calendar.source_of(row.started_at.astimezone(calendar.zone).year) if name else "",
        explanation=explain(promise, calendar, counted, _not_before(row, track)),
        recounts=tuple(_recounts(track)) if track else (),
        uncounted=tuple(beyond),
        derived_due_at=_derived_due_at(track),
        steps=tuple(_steps(row, by_step, at)),
        earlier=tuple(message for step, message in by_step if step is None),
    )


def _pauses(
    row: Row[Any], track: Track | None, terms: tuple[DeadlineTerms, MilestoneTerms] | None
) -> tuple[list[Pause], list[Pause]]:
    """The pauses that stop this deadline's clock, and those beyond the budget.

    What is met while waiting was paused until then.
    """
    if track is None or terms is None or not terms[1].is_paused:
        return [], []
    ended = [replace(wait, ended_at=wait.ended_at or row.met_at) for wait in track.course.waits]
    waits = [wait for wait in ended if wait.ended_at is None or wait.ended_at >= wait.began_at]
    counted = within_budget(waits, terms[0].pause)
    return counted, waits[len(counted) :]


def _not_before(row: Row[Any], track: Track | None) -> datetime | None:
    """When a change of policy or calendar let the deadline be due at last, where that is its due instant."""
    floors = (count.due.due_at for count in track.counts if count.due and count.counted_due_at) if track else ()
    return next((at for at in floors if at == row.due_at), None)


def _recounts(track: Track) -> Iterator[Recount]:
    for before, count in pairwise(track.counts):
        was, now = before.basis.terms.facts, count.basis.terms.facts
        changed = {name: getattr(now, name) for name in DIMENSIONS if getattr(now, name) != getattr(was, name)}
        changed.pop("department", None)  # a transfer moves no promise, and ends a department's own clock
        versions = {
            Cause.POLICY: count.basis.deadline.policy.version,
            Cause.CALENDAR: count.due.calendar_version if count.due else "",
        }
        due_at = count.due.due_at if count.due else None
        yield Recount(count.at, count.cause, due_at, versions.get(count.cause, ""), changed)


def _derived_due_at(track: Track | None) -> datetime | None:
    return track.counts[-1].due.due_at if track and track.counts[-1].due else None


_HELD = (
    "milestone", "round", "leg", "department", "state", "mode", "target_seconds", "started_at", "due_at",
    "policy_version", "calendar_version", "met_at", "cancelled_at", "warned_at", "breached_at", "corrected_at",
    "corrected_due_at",
)  # fmt: skip


def _step_of(key: str, row: Row[Any]) -> int | None:
    """The step a message stands for; None where it spoke of another due instant."""
    due_at, warning = occasion(key)
    if due_at != row.due_at:
        return None
    return warning or len(row.warn_at) + 1


def _told(message: Row[Any], names: Mapping[str, tuple[str, str]], roles: Mapping[str, Role]) -> Told:
    to = message.recipient
    other = Role.DEPARTMENT if to.startswith("department:") else Role.RUNG if message.rung else Role.EARLIER
    role = roles.get(to) or other
    is_held = message.state is MessageState.PLANNED and message.reason in set(Hold)
    return Told(
        to, *names.get(to, ("", "")), role, message.state, message.reason, message.planned_at, message.sent_at,
        message.next_at if is_held else None,
    )  # fmt: skip


def _steps(row: Row[Any], by_step: Sequence[tuple[int | None, Told]], at: datetime) -> Iterator[Step]:
    spoken, ended_at = {step for step, _ in by_step if step}, row.met_at or row.cancelled_at
    instants = [*map(datetime.fromisoformat, row.warn_at), row.due_at]
    for number, instant in enumerate(instants, start=1):
        notice = Notice.BREACH if number == len(instants) else Notice.WARNING
        is_open = number == len(instants) and row.state is DeadlineState.PAUSED
        what = fate(number, None if is_open else instant, row.step, spoken, ended_at, at)
        yield Step(notice, instant, what, tuple(message for step, message in by_step if step == number))
