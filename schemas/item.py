"""PDCA cycle 改进循环 and improvement item 改进项: what is to be made better, how far it is, and who agreed."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries, no_items
from schemas.verification import Verdict

ITEM = "item"
"""``subject_kind`` of deadlines, escalations and messages about an improvement item."""


class CycleKind(StrEnum):
    """What a cycle was opened for."""

    MONTHLY = "monthly"
    """月度: what a month's analysis found."""
    SPECIAL = "special"
    """专项: one matter, at any time."""


class Cycle(SQLModel, table=True):
    """One PDCA cycle 改进循环. Its phase is not kept: it is the earliest phase among its open items."""

    __tablename__ = "pdca_cycle"
    __table_args__ = (
        Index(
            "uq_pdca_cycle_month",
            "period_on",
            "scope",
            unique=True,
            sqlite_where=text("kind = 'monthly'"),
            postgresql_where=text("kind = 'monthly'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=40, unique=True)
    """``PDCA-2026-11``, with the scope behind it where there is one; ``PDCA-S-2026-003`` of a special one."""
    kind: CycleKind = Field(sa_type=Word(CycleKind))
    period_on: date
    """First day of the month it works in; of a special one the day it was opened."""
    scope: str = Field(default="", max_length=120)
    """Of the month's analysis; empty: everything."""
    title: str = Field(default="", max_length=300)
    run_id: int | None = Field(default=None, foreign_key="analysis_run.id", sa_type=Id)
    complaint_id: int | None = Field(default=None, foreign_key="complaint.id", sa_type=Id)
    """The major complaint a special one was opened for."""
    manager_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    """Quality manager 质量经理."""
    sponsor_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    """The executive 高管负责人."""
    previous_id: int | None = Field(default=None, foreign_key="pdca_cycle.id", sa_type=Id)
    opened_at: datetime
    opened_by: str = Field(default="", max_length=120)
    closed_at: datetime | None = None
    summary: str = Field(default="", sa_type=Text)
    policy_version: str = Field(max_length=16)
    is_simulated: bool = Field(default=False)


class ItemState(StrEnum):
    """Where an item stands, in the order of its way; the last four end it."""

    DRAFT = "draft"
    SELECTED = "selected"
    """已选题, gate G1."""
    ANALYSING = "analysing"
    CAUSE_CONFIRMED = "cause_confirmed"
    """要因确认, gate G2."""
    PLANNED = "planned"
    PLAN_REVIEW = "plan_review"
    APPROVED = "approved"
    """已批准, gate G3: the verification plan is frozen."""
    DOING = "doing"
    IMPLEMENTED = "implemented"
    OBSERVING = "observing"
    """观察期: the work is done, the data are not there yet."""
    CHECKING = "checking"
    VERDICT = "verdict"
    """已判定, gate G4; the verdict stands beside it."""
    STANDARDISING = "standardising"
    SUSTAINING = "sustaining"
    """巩固期."""
    CLOSED = "closed"
    """关闭, gate G5."""
    SUPERSEDED = "superseded"
    """转下一循环: a child item works on with what is different."""
    CANCELLED = "cancelled"
    RECURRED = "recurred"
    """复发: closed once, and the matter came back; a new item works on it."""


class Gate(StrEnum):
    """What somebody has to agree to before an item goes on."""

    G1 = "g1"
    """选题: it is worth the work."""
    G2 = "g2"
    """要因确认: these are the causes."""
    G3 = "g3"
    """计划审批: the plan, and how it will be verified."""
    G4 = "g4"
    """效果判定: the verdict."""
    G5 = "g5"
    """标准化与关闭."""


class Priority(StrEnum):
    """Of the matrix 优先级矩阵 of importance, urgency and feasibility."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Item(SQLModel, table=True):
    """One improvement item 改进项: a row of the plan table 改进计划表. Rows of ``item_event`` say how it came there."""

    __tablename__ = "improvement_item"
    __table_args__ = (Index("ix_improvement_item_state", "state"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=60, unique=True)
    """``PDCA-2026-11-03``: that of the cycle it was opened in, and which one there."""
    cycle_id: int = Field(foreign_key="pdca_cycle.id", sa_type=Id, index=True)
    """The cycle it is worked on in: carrying it forward 结转 changes it, the number stays."""
    state: ItemState = Field(sa_type=Word(ItemState))
    finding_id: int | None = Field(default=None, foreign_key="finding.id", sa_type=Id)
    parent_id: int | None = Field(default=None, foreign_key="improvement_item.id", sa_type=Id)
    """The superseded one that it works on from 承接自."""
    recurrence_of_id: int | None = Field(default=None, foreign_key="improvement_item.id", sa_type=Id)
    what_changed: str = Field(default="", max_length=40)
    """What is different from its parent: new_cause, new_measure, wider_scope, new_target."""
    carry_count: int = Field(default=0)
    """Into how many further months it was carried 结转次数."""
    name: str = Field(max_length=300)
    problem: str = Field(default="", sa_type=Text)
    """存在问题, with its figures."""
    indicator: str = Field(default="", max_length=40)
    dimension: str = Field(default="", max_length=40)
    """With ``element`` the slice of the indicator it is about; empty: the whole."""
    element: str = Field(default="", max_length=160)
    baseline_x: float | None = None
    baseline_n: int | None = None
    baseline_on: date | None = None
    baseline_until_on: date | None = None
    """First day, and first day after, of the months its baseline was counted over."""
    share_ratio: float | None = None
    """Of all complaints."""
    stage: str = Field(default="", max_length=40)
    kind: str = Field(default="", max_length=40)
    target_text: str = Field(default="", sa_type=Text)
    target_value: float | None = None
    """In the unit of the indicator: a share 0 to 1, hours, a score."""
    target_on: date | None = None
    target_reason: str = Field(default="", max_length=500)
    """Why a target outside what the indicator has ever reached is believed."""
    owner_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    department_id: int | None = Field(default=None, foreign_key="department.id", sa_type=Id)
    importance: int | None = None
    urgency: int | None = None
    feasibility: int | None = None
    """1 to 5 each."""
    suggested: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """What the data suggested: importance, urgency, priority, and why."""
    priority: Priority | None = Field(default=None, sa_type=Word(Priority))
    priority_reason: str = Field(default="", max_length=500)
    """Why it is another than suggested."""
    budget: float | None = None
    """In the currency of the installation; measures share it."""
    start_on: date | None = None
    due_on: date | None = None
    is_contained: bool = Field(default=False)
    """已遏制: what stops the harm was done before the analysis."""
    held_until_on: date | None = None
    """挂起 until that day; None: it is not held."""
    extensions: int = Field(default=0)
    """How often its observation was extended."""
    verdict: Verdict | None = Field(default=None, sa_type=Word(Verdict))
    """Of its final check; whether it has held since, its watch says."""
    evidence: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Complaint numbers."""
    remarks: str = Field(default="", sa_type=Text)
    opened_at: datetime
    closed_at: datetime | None = None
    revision: int = Field(default=1)
    """Goes up with every change of the item, its causes, measures and verification plan: who edits an older one sees
    what was changed meanwhile."""
    is_simulated: bool = Field(default=False)


class ItemEvent(SQLModel, table=True):
    """One thing that happened to an item: append-only, who, when, why."""

    __tablename__ = "item_event"
    __table_args__ = (UniqueConstraint("item_id", "key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id)
    kind: str = Field(max_length=40)
    """moved, edited, approved, rejected, voided, carried, held, resumed, contained, reviewed …"""
    from_state: str = Field(default="", max_length=32)
    to_state: str = Field(default="", max_length=32)
    occurred_at: datetime
    actor: str = Field(default="", max_length=120)
    reason: str = Field(default="", max_length=500)
    key: str = Field(max_length=160)
    data: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """Of an edit: field to [before, after]."""


class Approval(SQLModel, table=True):
    """One decision at a gate, with the hash of what was decided on; an edit of that voids it."""

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_item_id", "item_id", "gate"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id)
    gate: Gate = Field(sa_type=Word(Gate))
    role: str = Field(max_length=40)
    """As what they decided: quality_manager, department_head, executive, verifier."""
    staff_id: int = Field(foreign_key="staff.id", sa_type=Id)
    is_approved: bool
    comment: str = Field(default="", max_length=500)
    content_hash: str = Field(max_length=64)
    decided_at: datetime
    voided_at: datetime | None = None
    """When what it had approved was edited."""
