"""The sending ledger 发送台账: messages, and every attempt to deliver one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from schemas.base import Id, Word


class Audience(StrEnum):
    """Whom a message is for: it decides what a cut-off sending becomes."""

    STAFF = "staff"
    CUSTOMER = "customer"


class Notice(StrEnum):
    """What a message says; also the name of its template."""

    RECEIPT = "receipt"
    WARNING = "warning"
    BREACH = "breach"
    ESCALATION = "escalation"
    """A rung above those told before is told."""
    OVERSIGHT = "oversight"
    """A complaint that executives watch until it is handled."""
    HANDED_OVER = "handed_over"
    """A complaint was handed over to the reader."""
    CANNOT = "cannot"
    """Somebody who was told of it cannot do it."""
    NEGATIVE = "negative"
    """A complainant gave a bad answer."""
    NEGATIVE_TOLD = "negative_told"
    """What was done about a bad answer, to whoever gave it."""
    RESULT = "result"
    """What was done about a complaint, and whether it is solved."""
    FOLLOW_UP = "follow_up"
    """How satisfied the complainant is."""
    SURVEY_REMINDER = "survey_reminder"
    """Once more, to those who did not answer."""
    INTERVIEW = "interview"
    """An in-depth interview that its reader is to hold."""
    MONTH = "month"
    """A month was analysed."""
    SIGN_IN = "sign_in"
    """The link with which a member of staff signs in."""
    SILENCE = "silence"
    """A sweep has stopped."""
    RUNS_AGAIN = "runs_again"
    """A sweep whose silence was told runs again."""
    SIGNAL = "signal"
    """An indicator has changed for the worse."""
    WORK_DUE = "work_due"
    """Improvement work, or a decision about it, is due soon."""
    WORK_LATE = "work_late"
    """Improvement work, or a decision about it, is past its day."""
    IMPROVED = "improved"
    """What a complainant's feedback changed."""


OF_A_MATTER = frozenset({
    Notice.WARNING, Notice.BREACH, Notice.ESCALATION, Notice.OVERSIGHT, Notice.HANDED_OVER, Notice.CANNOT,
    Notice.NEGATIVE,
})  # fmt: skip
"""Notices that ask somebody of the staff to do something about a complaint."""


SURVEYS = frozenset({Notice.RESULT, Notice.FOLLOW_UP, Notice.SURVEY_REMINDER})
"""Notices that bring a complainant the link of an invitation."""


OF_HOURS = SURVEYS | {Notice.NEGATIVE_TOLD, Notice.IMPROVED}
"""Notices to complainants that wait for the hours in which they are written to."""


class Urgency(StrEnum):
    """How long a message to staff may be held back."""

    URGENT = "urgent"
    """Goes out at any hour, and alone."""
    USUAL = "usual"
    """Waits for the end of quiet hours, and may share a letter."""
    CAN_WAIT = "can_wait"
    """Waits for the morning digest."""


MONTH = "month"
"""``subject_kind`` of what is said about the analysis of a month."""
INTERVIEW = "interview"
"""``subject_kind`` of what is said about an in-depth interview."""
SWEEP = "sweep"
"""``subject_kind`` of what is said about the sweeps themselves: a watchdog sends it, they do not."""


class MessageState(StrEnum):
    """Where a message stands. The last four are final."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Message(SQLModel, table=True):
    """One message to one recipient. ``key`` = subject, duty, rung, recipient, channel, slot: UNIQUE.

    ``next_at`` is when it may next be tried (planned) or when its lease ends (claimed, sending); None when final.
    Messages with the same ``bundle`` go out as one, and share its fate. One that is held back for its reader's sake is
    planned, with ``reason`` the word of `bihuan.rules.reminder.Hold` until it is sent.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "ix_message_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index(
            "ix_message_bundle",
            "bundle",
            sqlite_where=text("bundle IS NOT NULL"),
            postgresql_where=text("bundle IS NOT NULL"),
        ),
        Index(
            "ix_message_recipient",
            "recipient",
            "sent_at",
            sqlite_where=text("sent_at IS NOT NULL"),
            postgresql_where=text("sent_at IS NOT NULL"),
        ),
        Index("ix_message_deadline_id", "deadline_id"),
        Index(
            "ix_message_escalation_id",
            "escalation_id",
            sqlite_where=text("escalation_id IS NOT NULL"),
            postgresql_where=text("escalation_id IS NOT NULL"),
        ),
        Index(
            "ix_message_invitation_id",
            "invitation_id",
            sqlite_where=text("invitation_id IS NOT NULL"),
            postgresql_where=text("invitation_id IS NOT NULL"),
        ),
        Index("ix_message_subject", "subject_kind", "subject_id"),
        Index("ix_message_planned_at", "planned_at", "state"),
        Index(
            "ix_message_trouble",
            "state",
            "planned_at",
            sqlite_where=text("state IN ('failed', 'unknown')"),
            postgresql_where=text("state IN ('failed', 'unknown')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    key: str = Field(max_length=240, unique=True)
    subject_kind: str = Field(default="complaint", max_length=20)
    subject_id: int = Field(sa_type=Id)
    deadline_id: int | None = Field(default=None, foreign_key="deadline.id", sa_type=Id)
    escalation_id: int | None = Field(default=None, sa_type=Id)
    """The ladder it is told on: a row of ``escalation``."""
    invitation_id: int | None = Field(default=None, sa_type=Id)
    """The invitation whose link it brings: a row of ``invitation``."""
    rung: int = Field(default=0)
    """The rung that was told by it; 0 below any ladder."""
    notice: Notice = Field(sa_type=Word(Notice))
    audience: Audience = Field(sa_type=Word(Audience))
    recipient: str = Field(max_length=60)
    """``staff:ID``, ``department:ID``, ``customer:ID`` or ``operator``."""
    channel: str = Field(default="preferred", max_length=20)
    urgency: Urgency = Field(default=Urgency.USUAL, sa_type=Word(Urgency))
    bundle: str | None = Field(default=None, max_length=120)
    is_late: bool = Field(default=False)
    is_repeated: bool = Field(default=False)
    """Sent again because its first sending was cut off before it could be recorded."""
    state: MessageState = Field(sa_type=Word(MessageState))
    reason: str | None = Field(default=None, max_length=500)
    planned_at: datetime
    next_at: datetime | None = None
    lease_owner: str | None = Field(default=None, max_length=60)
    attempts: int = Field(default=0)
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    """When its reader acknowledged it 签收."""


class AttemptOutcome(StrEnum):
    """How one attempt to deliver ended."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"


class Verdict(StrEnum):
    """What a person says of a message whose fate is unknown."""

    ARRIVED = "arrived"
    AGAIN = "again"
    """It is to be sent again."""


class DeliveryAttempt(SQLModel, table=True):
    """One try to deliver one message (a bundle counts as one try of its first message).

    What a person says of an unknown message is a row too: without a ``target_key``, and ``error`` says who and how.
    """

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        Index("ix_delivery_attempt_target", "target_key", "started_at"),
        Index(
            "ix_delivery_attempt_addressed",
            "ended_at",
            sqlite_where=text("target <> ''"),
            postgresql_where=text("target <> ''"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    message_id: int = Field(foreign_key="message.id", sa_type=Id, index=True)
    number: int
    target: str = Field(default="", max_length=300)
    """The address with its secrets masked."""
    target_key: str = Field(default="", max_length=32)
    """A hash of the full address: attempts at one target are counted by it."""
    started_at: datetime
    ended_at: datetime
    outcome: AttemptOutcome = Field(sa_type=Word(AttemptOutcome))
    error: str | None = Field(default=None, max_length=500)
