"""Surveys 问卷: who is to be asked what and when, what they answered, and every try to reach them by telephone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries


class InvitationState(StrEnum):
    """Where an invitation 邀请 stands. The last four are final."""

    PLANNED = "planned"
    """It waits for the instant at which it goes out."""
    INVITED = "invited"
    """The complainant has, or will get, the link; an answer is still possible."""
    PHONE = "phone"
    """It stands on the telephone worklist 电话回访."""
    ANSWERED = "answered"
    """Answered; the answer may be changed until the invitation expires."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """Its complaint was reopened, merged or withdrawn."""
    SUPPRESSED = "suppressed"
    """Not to be asked; ``reason`` says why."""


class Invitation(SQLModel, table=True):
    """One questionnaire for one person about one thing; ``key`` lets each exist once.

    ``next_at`` is when it next needs a look: to go out, to be reminded of, to be called about, to expire; None when
    nothing is left to do. Its partial index is all that a sweep reads.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "ix_invitation_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_invitation_subject", "subject_kind", "subject_id"),
        Index("ix_invitation_customer", "customer_id", "invited_at"),
        Index("ix_invitation_due_at", "due_at"),
        Index(
            "ix_invitation_call_at",
            "call_at",
            sqlite_where=text("call_at IS NOT NULL"),
            postgresql_where=text("call_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    key: str = Field(max_length=200, unique=True)
    """Subject, duty and round."""
    subject_kind: str = Field(default="complaint", max_length=20)
    """``complaint`` or ``touchpoint``."""
    subject_id: int = Field(sa_type=Id)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=Id)
    duty: str = Field(max_length=40)
    """The milestone it meets (``result_feedback``, ``satisfaction_follow_up``), or the kind of touchpoint."""
    round: int = Field(default=1)
    questionnaire: str = Field(max_length=40)
    policy_version: str = Field(max_length=16)
    """The edition of the survey policy whose questions it asks."""
    started_at: datetime
    """When what it asks about was handled, or happened."""
    send_at: datetime
    due_at: datetime
    expires_at: datetime
    next_at: datetime | None = None
    state: InvitationState = Field(sa_type=Word(InvitationState))
    reason: str | None = Field(default=None, max_length=60)
    reminders: int = Field(default=0)
    calls: int = Field(default=0)
    """Tries to reach the person by telephone."""
    call_at: datetime | None = None
    """When the next try is due; None where it does not stand on the telephone worklist."""
    contacted_at: datetime | None = None
    """When the last letter about it was planned, the invitation or a reminder."""
    invited_at: datetime | None = None
    """When the invitation was sent; None while it is on its way, or did not arrive."""
    answered_at: datetime | None = None
    """Of the first answer."""


class AnswerSource(StrEnum):
    """How an answer came in."""

    WEB = "web"
    PHONE = "phone"
    IMPORT = "import"


class Review(StrEnum):
    """What a person made of an open text that speaks against the score above it."""

    PENDING = "pending"
    NEGATIVE = "negative"
    """It opened work, as a low score does."""
    DISMISSED = "dismissed"


class Answer(SQLModel, table=True):
    """The current answer 答卷 to one invitation, or a line of a foreign survey; what it says in figures stands beside.

    ``values`` holds every answer by the question's name; the columns are what indicators count.
    """

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_answer_answered_at", "answered_at"),
        Index(
            "ix_answer_negative",
            "answered_at",
            sqlite_where=text("is_negative"),
            postgresql_where=text("is_negative"),
        ),
        Index(
            "ix_answer_review",
            "review",
            sqlite_where=text("review IS NOT NULL"),
            postgresql_where=text("review IS NOT NULL"),
        ),
        Index(
            "ix_answer_unerased",
            "answered_at",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    invitation_id: int | None = Field(default=None, foreign_key="invitation.id", sa_type=Id, unique=True)
    """None: it came with a foreign survey."""
    source: str = Field(default="bihuan", max_length=60)
    external_id: str | None = Field(default=None, max_length=120)
    """Of a foreign survey's line; of our own the invitation's id."""
    subject_kind: str = Field(default="complaint", max_length=20)
    subject_id: int | None = Field(default=None, sa_type=Id)
    channel: AnswerSource = Field(sa_type=Word(AnswerSource))
    language: str = Field(default="zh", max_length=8)
    values: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    is_solved: bool | None = None
    csat: int | None = None
    """1 to 5."""
    nps: int | None = None
    """0 to 10."""
    index: float | None = None
    """Weighted satisfaction index 满意度指数 over the dimensions answered, 0..100."""
    index_weight: float | None = None
    """Share of the weights that were answered, 0..1."""
    weight: float = Field(default=1.0)
    """Sampling weight of a foreign survey."""
    comment: str = Field(default="", sa_type=Text)
    is_negative: bool = Field(default=False)
    review: Review | None = Field(default=None, sa_type=Word(Review))
    """None where nobody has to look at its text."""
    reviewed_at: datetime | None = None
    reviewed_by: str = Field(default="", max_length=120)
    answered_at: datetime
    """When first."""
    changed_at: datetime
    """When last."""
    revision: int = Field(default=1)
    erased_at: datetime | None = None
    """When its free texts were erased by retention."""


class CallOutcome(StrEnum):
    """How a try to reach somebody by telephone ended."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"
    DECLINED = "declined"


class CallAttempt(SQLModel, table=True):
    """One try to reach the person of an invitation by telephone."""

    __tablename__ = "call_attempt"
    __table_args__ = (UniqueConstraint("invitation_id", "number"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    invitation_id: int = Field(foreign_key="invitation.id", sa_type=Id)
    number: int
    outcome: CallOutcome = Field(sa_type=Word(CallOutcome))
    called_at: datetime
    called_by: str = Field(default="", max_length=120)
    note: str = Field(default="", max_length=500)


class OptOut(SQLModel, table=True):
    """A person who does not want to be asked 退订; rows are added and withdrawn, never removed."""

    __tablename__ = "opt_out"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    customer_id: int = Field(foreign_key="customer.id", sa_type=Id, index=True)
    since: datetime
    until: datetime | None = None
    """When it was taken back."""
    how: str = Field(default="link", max_length=40)


class Touchpoint(SQLModel, table=True):
    """Something that happened to a customer and may be asked about 关键节点, as another system told us."""

    __tablename__ = "touchpoint"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index(
            "ix_touchpoint_unerased",
            "occurred_at",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    source: str = Field(max_length=60)
    external_id: str = Field(max_length=120)
    kind: str = Field(max_length=40)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=Id)
    occurred_at: datetime
    received_at: datetime
    facts: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    erased_at: datetime | None = None
    """When its facts were erased by retention."""


class Interview(SQLModel, table=True):
    """An in-depth interview 深度访谈: with whom, by whom, when, and what came of it."""

    __tablename__ = "interview"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    customer_id: int = Field(foreign_key="customer.id", sa_type=Id, index=True)
    complaint_id: int | None = Field(default=None, foreign_key="complaint.id", sa_type=Id)
    interviewer: str = Field(max_length=60)
    """Staff code."""
    reason: str = Field(default="", max_length=500)
    """Why this customer."""
    planned_at: datetime
    """When it is to take place."""
    planned_by: str = Field(default="", max_length=120)
    held_at: datetime | None = None
    cancelled_at: datetime | None = None
    summary: str = Field(default="", sa_type=Text)
    erased_at: datetime | None = None
    """When what was said in it was erased by retention."""


class ApiKey(SQLModel, table=True):
    """A key with which another system may write to us; only its hash is kept."""

    __tablename__ = "api_key"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    name: str = Field(max_length=60, unique=True)
    scope: str = Field(default="touchpoints", max_length=60)
    """What it opens."""
    key_hash: str = Field(max_length=64, unique=True)
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None
