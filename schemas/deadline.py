"""Deadline: a promise as a row, with one indexed instant at which it next needs a look."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_items

_PROMISE = "subject_kind = 'complaint' AND leg = 0"
_PROMISE_RUNS = f"{_PROMISE} AND met_at IS NULL AND cancelled_at IS NULL"
_PROMISE_BROKEN = f"{_PROMISE} AND breached_at IS NOT NULL"
"""What was promised to complainants, as the indexes of the status have it: all that counting takes, and no row."""


class Mode(StrEnum):
    """Which clock a deadline runs on."""

    BUSINESS = "business"
    CALENDAR = "calendar"


class DeadlineState(StrEnum):
    """What the whole log says of a deadline; whether it was late stands beside it as facts."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Deadline(SQLModel, table=True):
    """One milestone 节点 of one subject in one round.

    ``next_at`` is the next warning or the due instant that is still undecided, None when nothing is left to decide;
    its partial index is all that a sweep reads. ``met_at`` and ``cancelled_at`` may lie after the instant at which a
    replay looks: readers compare, they do not trust ``state`` for the past.
    """

    __tablename__ = "deadline"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id", "milestone", "round", "leg"),
        Index(
            "ix_deadline_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index(
            "ix_deadline_breached_at",
            "breached_at",
            sqlite_where=text("breached_at IS NOT NULL"),
            postgresql_where=text("breached_at IS NOT NULL"),
        ),
        Index(
            "ix_deadline_running_due_at",
            "due_at",
            sqlite_where=text("met_at IS NULL AND cancelled_at IS NULL"),
            postgresql_where=text("met_at IS NULL AND cancelled_at IS NULL"),
        ),
        Index(
            "ix_deadline_survey_at",
            "survey_at",
            sqlite_where=text("survey_at IS NOT NULL"),
            postgresql_where=text("survey_at IS NOT NULL"),
        ),
        Index("ix_deadline_promise_running", "complaint_department_id", "milestone", "due_at", "state", "started_at",
              sqlite_where=text(_PROMISE_RUNS), postgresql_where=text(_PROMISE_RUNS)),
        Index("ix_deadline_promise_broken", "complaint_department_id", "milestone", "breached_at",
              sqlite_where=text(_PROMISE_BROKEN), postgresql_where=text(_PROMISE_BROKEN)),
        Index("ix_deadline_met_at", "met_at", sqlite_where=text("met_at IS NOT NULL"),
              postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index(
            "ix_deadline_cancelled_at",
            "cancelled_at",
            sqlite_where=text("cancelled_at IS NOT NULL"),
            postgresql_where=text("cancelled_at IS NOT NULL"),
        ),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    subject_kind: str = Field(default="complaint", max_length=20)
    subject_id: int = Field(sa_type=Id)
    milestone: str = Field(max_length=40)
    round: int = Field(default=1)
    leg: int = Field(default=0)
    """0: the promise to the complainant; from 1 on the clock of each department that got the complaint later."""
    department: str | None = Field(default=None, max_length=60)
    """Code of the department it is measured by; None: the complaint's, empty: no single one's."""
    complaint_department_id: int | None = Field(default=None, sa_type=Id)
    """Whose the complaint is, copied from it with everything that moves it: counting millions looks up no complaint.

    No reference: checking one would lock the department's row for each deadline that is written."""
    mode: Mode = Field(sa_type=Word(Mode))
    target_seconds: float | None = None
    """Working seconds the policy allows; None when the source promised an instant of its own."""
    started_at: datetime
    due_at: datetime
    warn_at: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Instants of the warnings, ISO, ascending, all before ``due_at``."""
    step: int = Field(default=0)
    """Steps decided so far: warnings in order, then the breach as number ``len(warn_at) + 1``."""
    next_at: datetime | None = None
    state: DeadlineState = Field(sa_type=Word(DeadlineState))
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None
    cancelled_at: datetime | None = None
    corrected_at: datetime | None = None
    """When news first came too late that would have changed a verdict: the verdict stays, they stand beside it."""
    corrected_due_at: datetime | None = None
    """When it would have been due by all that is known now, where that differs."""
    survey_at: datetime | None = None
    """When the follow-up has to look at it: it is new, it moved or was cancelled; None when nothing is new.

    Only of milestones that start with the handling. The partial index is all that planning reads."""
    policy_version: str = Field(max_length=16)
    calendar_version: str = Field(max_length=16)
