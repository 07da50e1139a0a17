"""Escalation 升级: a broken promise on its way up a ladder 阶梯, and each rung 级 that was told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_items

OVERSIGHT = "oversight"
"""The duty of an escalation that watches a whole complaint 高管督办, in place of a milestone."""


class EscalationState(StrEnum):
    """Where an escalation stands as far as it was looked at; whether its matter has ended since, the matter says."""

    CLIMBING = "climbing"
    ACKNOWLEDGED = "acknowledged"
    EXHAUSTED = "exhausted"
    """Every rung was told, and every repeat."""
    ENDED = "ended"


class Trigger(StrEnum):
    """Why a rung was told."""

    BREACH = "breach"
    OPENED = "opened"
    """Oversight opened with the complaint's severity."""
    SILENCE = "silence"
    """Nobody acknowledged what the rung before was told."""
    EXPIRED = "expired"
    """It was acknowledged, and then nothing happened."""
    CANNOT = "cannot"
    """Somebody who was told cannot do it."""


class Escalation(SQLModel, table=True):
    """One ladder for one duty of one subject on one occasion; ``key`` lets each start once.

    ``next_at`` is when the next rung is told or an acknowledgement expires, None when nothing is left to do; its
    partial index is all that a sweep reads. The ladder is the one that ``policy_version`` of the escalation policy
    has under its name, whatever the policy says today.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        Index(
            "ix_escalation_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_escalation_subject", "subject_kind", "subject_id"),
        Index("ix_escalation_deadline_id", "deadline_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    key: str = Field(max_length=200, unique=True)
    """Subject, duty and occasion."""
    subject_kind: str = Field(default="complaint", max_length=20)
    subject_id: int = Field(sa_type=Id)
    deadline_id: int | None = Field(default=None, foreign_key="deadline.id", sa_type=Id)
    """The broken promise; None for oversight."""
    duty: str = Field(max_length=40)
    """The milestone, or ``OVERSIGHT``."""
    occasion: str = Field(max_length=120)
    """Round, leg and due instant: the part of a message's slot that stays the same on every rung."""
    ladder: str = Field(max_length=40)
    policy_version: str = Field(max_length=16)
    started_at: datetime
    cycle: int = Field(default=0)
    """How often it was repeated."""
    rung: int = Field(default=0)
    """The rung told last, from 1; 0 before the first."""
    next_at: datetime | None = None
    state: EscalationState = Field(sa_type=Word(EscalationState))
    trigger: Trigger = Field(sa_type=Word(Trigger))
    """Why the next rung will be told, if it is."""
    acknowledged_at: datetime | None = None
    """Of the latest acknowledgement 签收; it may have expired since."""
    acknowledged_by: str | None = Field(default=None, max_length=60)
    """``staff:ID``, or another recipient."""
    ended_at: datetime | None = None


class EscalationStep(SQLModel, table=True):
    """One rung told: in the database each exists once a cycle."""

    __tablename__ = "escalation_step"
    __table_args__ = (UniqueConstraint("escalation_id", "cycle", "rung"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    escalation_id: int = Field(foreign_key="escalation.id", sa_type=Id)
    cycle: int
    rung: int
    trigger: Trigger = Field(sa_type=Word(Trigger))
    told_at: datetime
    told: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Recipients; empty where everybody it names was told in this cycle already."""
    passed: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Why rungs before it, or parts of it, reached nobody: ``RUNG TARGET REASON`` each."""
