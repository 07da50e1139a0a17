"""What explains one deadline, as values: the command line and the page put them into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bihuan.rules.due import Cause
from bihuan.rules.explanation import Explanation, Fate
from bihuan.rules.pause import Pause
from bihuan.services.ladder_account import LadderAccount
from schemas.complaint import EventKind
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import MessageState, Notice


class Role(StrEnum):
    """What somebody who was told is to the complaint."""

    HANDLER = "handler"
    HEAD = "head"
    DEPARTMENT = "department"
    OPERATOR = "operator"
    EARLIER = "earlier"
    RUNG = "rung"
    """None of these: the ladder names them."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message about a step."""

    recipient: str
    recipient_name: str
    recipient_name_en: str
    role: Role
    """Why it went there."""
    state: MessageState
    reason: str | None
    planned_at: datetime
    sent_at: datetime | None
    held_until: datetime | None = None
    """Where it is held back for its reader's sake."""


@dataclass(frozen=True, slots=True)
class Step:
    """One warning or the breach: when it was to come, what became of it, and the messages it led to."""

    notice: Notice
    instant: datetime
    fate: Fate
    messages: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Recount:
    """A time at which a deadline was counted anew, and why."""

    at: datetime
    cause: Cause
    due_at: datetime | None
    """Where that led; None: no deadline any more."""
    version: str
    """Of the policy or the calendar that came into force; empty where terms changed."""
    changed: Mapping[str, str | None]
    """What changed of the complaint, by dimension."""


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that explains one deadline."""

    milestone: str
    round: int
    leg: int
    """0: the promise to the complainant; from 1 on the clock of a department that got the complaint later."""
    department: str | None
    """Code of the department it is measured by; None or empty: no single one."""
    department_names: tuple[str, str]
    """Its name, and its English one; the code where it has none."""
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
    """File, line and key that say the target, in the edition that set it; None where that was never kept."""
    scope: str | None
    """The scope whose words count; None: the matrix itself."""
    calendar: str | None
    """Its name; None where no edition kept has a calendar of that version."""
    calendar_version: str
    calendar_source: str
    explanation: Explanation
    recounts: tuple[Recount, ...]
    """Every time it was counted anew."""
    uncounted: tuple[Pause, ...]
    """Pauses beyond the policy's budget: they are in the log and stopped nothing."""
    derived_due_at: datetime | None
    """What the log as it is now gives; None: no such deadline."""
    met_at: datetime | None
    cancelled_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    corrected_at: datetime | None
    corrected_due_at: datetime | None
    steps: tuple[Step, ...]
    earlier: tuple[Told, ...]
    """Messages that spoke of another due instant, before this one was set."""
    ladder: LadderAccount | None = None
    """The ladder that its breach started; None: none did."""
