"""Explain the deadlines of a complaint: what is held, counted once more, and compared with today's log and policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row
from sqlmodel import Session

from bihuan.errors import PolicyError, UsageError
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.document import Document, read_document
from bihuan.policy.loader import policy_files
from bihuan.policy.models import DeadlinePolicy, Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import LogLine, counting, rounds
from bihuan.rules.deadline import derive
from bihuan.rules.explanation import Explanation, Fate, Promise, explain, fate
from bihuan.rules.outbox import occasion
from bihuan.rules.pause import Pause, pauses
from bihuan.settings import Settings
from bihuan.store.queries import complaint as complaints
from bihuan.store.queries.explanation import told
from bihuan.store.queries.names import recipient_names
from schemas.complaint import EventKind, Severity
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import MessageState, Notice


@dataclass(frozen=True, slots=True)
class Told:
    """One message about a step."""

    recipient: str
    recipient_name: str
    recipient_name_en: str
    state: MessageState
    reason: str | None
    planned_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One warning or the breach: when it was to come, what became of it, and the messages it led to."""

    notice: Notice
    instant: datetime
    fate: Fate
    messages: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that explains one deadline."""

    milestone: str
    round: int
    state: DeadlineState
    mode: Mode
    target_seconds: float | None
    """None: the source promised the instant."""
    started_by: EventKind | None
    """None: the log as it is now has no such event at that instant."""
    started_at: datetime
    due_at: datetime
    policy_version: str
    policy_line: str | None
    """File, line and key that say the target; None where today's policy files do not say it."""
    calendar: str | None
    """Its name; None where today's policy has no calendar of that version."""
    calendar_version: str
    calendar_source: str
    explanation: Explanation
    derived_due_at: datetime | None
    """What today's log, policy and calendar give; None: no such deadline."""
    met_at: datetime | None
    cancelled_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    corrected_at: datetime | None
    steps: tuple[Step, ...]
    earlier: tuple[Told, ...]
    """Messages that spoke of another due instant, before this one was set."""


def accounts(
    session: Session, policy: Policy, settings: Settings, number: str, at: datetime, milestone: str | None = None
) -> list[Account]:
    """Explain each deadline of a complaint, or those of one milestone, in the order in which they fall due.

    Raises:
        UsageError: No such complaint, or it has no deadline of that milestone.
    """
    complaint = complaints.one(session, number)
    log = [_line(event) for event in complaints.events(session, complaint.id)]
    messages = told(session, complaint.id)
    source = _Source(policy, log, complaint.severity, _document(settings.policy_dir))
    rows = [row for row in complaints.deadlines(session, complaint.id) if milestone in {None, row.milestone}]
    if milestone and not rows:
        raise UsageError(
            f"complaint {number} has no deadline {milestone!r}", cure=f"see `bihuan complaint show {number}`"
        )
    names = recipient_names(session, (message.recipient for some in messages.values() for message in some))
    return [_account(row, source, [(it, _told(it, names)) for it in messages.get(row.id, ())], at) for row in rows]


def _line(event: Row[Any]) -> LogLine:
    return LogLine(event.kind, event.occurred_at.astimezone(UTC), event.recorded_at.astimezone(UTC), event.data)


def _document(directory: Path | None) -> Document | None:
    """Where the deadlines of today's files are written; None while the files cannot be read."""
    try:
        file = policy_files(directory)["deadline"]
        return read_document(Path(file.name).name, file.raw)
    except PolicyError:
        return None


class _Source:
    """What the deadlines of one complaint are compared with."""

    def __init__(self, policy: Policy, log: Sequence[LogLine], severity: Severity, document: Document | None) -> None:
        self.policy, self.severity, self.document = policy, severity, document
        self.rounds = rounds(log)
        derived = derive(log, policy.deadline, BusinessClock(policy.calendars.default))
        self.due = {(deadline.milestone, deadline.round): deadline.due_at for deadline in derived}

    def calendar(self, version: str) -> tuple[str | None, WorkCalendar]:
        """Name and calendar of that version; the default, without a name, where none has it."""
        found = ((name, calendar) for name, calendar in self.policy.calendars.items() if calendar.version == version)
        return next(found, (None, self.policy.calendars.default))

    def lines(self, number: int) -> Sequence[LogLine]:
        """What counts of one round's log."""
        return counting(self.rounds[number - 1]) if number <= len(self.rounds) else ()

    def pauses(self, row: Row[Any]) -> list[Pause]:
        """Those that stop this deadline's clock; what is met while waiting was paused until then."""
        milestone = self.policy.deadline.milestones.get(row.milestone)
        waits = pauses(self.lines(row.round)) if milestone and milestone.pauses else []
        ended = (replace(wait, ended_at=wait.ended_at or row.met_at) for wait in waits)
        return [wait for wait in ended if wait.ended_at is None or wait.ended_at >= wait.began_at]

    def started_by(self, row: Row[Any]) -> EventKind | None:
        """The event that started the deadline."""
        milestone = self.policy.deadline.milestones.get(row.milestone)
        kinds = milestone.starts if milestone else ()
        lines = self.lines(row.round)
        return next((line.kind for line in lines if line.kind in kinds and line.occurred_at == row.started_at), None)

    def said_by(self, row: Row[Any]) -> str | None:
        """File, line and key of the target, where today's file is still the policy that set the deadline."""
        if row.target_seconds is None or not self.document or _version(self.document) != row.policy_version:
            return None
        milestone = self.policy.deadline.milestones.get(row.milestone)
        for severity in (self.severity, *Severity):
            target = milestone.target(severity) if milestone else None
            if target and (target.mode, target.seconds) == (row.mode, row.target_seconds):
                at = ("milestones", row.milestone, "severity", severity.value)
                return f"{self.document.file}:{self.document.line(at)} {'.'.join(at)}"
        return None


def _version(document: Document) -> str | None:
    try:
        return DeadlinePolicy.model_validate(document.content).version
    except ValidationError:
        return None


def _account(row: Row[Any], source: _Source, messages: Sequence[tuple[Row[Any], Told]], at: datetime) -> Account:
    name, calendar = source.calendar(row.calendar_version)
    target = None if row.target_seconds is None else timedelta(seconds=row.target_seconds)
    promise = Promise(row.mode, target, row.started_at, row.due_at)
    by_step = [(_step_of(message.key, row), words) for message, words in messages]
    return Account(
        **{fact: getattr(row, fact) for fact in _HELD},
        started_by=source.started_by(row),
        policy_line=source.said_by(row),
        calendar=name,
        calendar_source=calendar.source if name else "",
        explanation=explain(promise, calendar, source.pauses(row)),
        derived_due_at=source.due.get((row.milestone, row.round)),
        steps=tuple(_steps(row, by_step, at)),
        earlier=tuple(message for step, message in by_step if step is None),
    )


_HELD = (
    "milestone", "round", "state", "mode", "target_seconds", "started_at", "due_at", "policy_version",
    "calendar_version", "met_at", "cancelled_at", "warned_at", "breached_at", "corrected_at",
)  # fmt: skip


def _step_of(key: str, row: Row[Any]) -> int | None:
    """The step a message stands for; None where it spoke of another due instant."""
    due_at, warning = occasion(key)
    if due_at != row.due_at:
        return None
    return warning or len(row.warn_at) + 1


def _told(message: Row[Any], names: Mapping[str, tuple[str, str]]) -> Told:
    name, name_en = names.get(message.recipient, ("", ""))
    return Told(message.recipient, name, name_en, message.state, message.reason, message.planned_at, message.sent_at)


def _steps(row: Row[Any], by_step: Sequence[tuple[int | None, Told]], at: datetime) -> Iterator[Step]:
    spoken, ended_at = {step for step, _ in by_step if step}, row.met_at or row.cancelled_at
    instants = [*map(datetime.fromisoformat, row.warn_at), row.due_at]
    for number, instant in enumerate(instants, start=1):
        notice = Notice.BREACH if number == len(instants) else Notice.WARNING
        is_open = number == len(instants) and row.state is DeadlineState.PAUSED
        what = fate(number, None if is_open else instant, row.step, spoken, ended_at, at)
        yield Step(notice, instant, what, tuple(message for step, message in by_step if step == number))
