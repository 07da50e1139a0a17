"""The plan of an improvement item: causes 原因, measures 措施, its verification 验证方案, and its weeks 周检查."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_items
from schemas.improvement import Bone

MEASURE = "measure"
"""``subject_kind`` of deadlines, escalations and messages about a measure."""


class CauseKind(StrEnum):
    """What a cause explains."""

    OCCURRENCE = "occurrence"
    """发生: why it happens."""
    ESCAPE = "escape"
    """流出: why nobody noticed."""
    SYSTEM = "system"
    """系统: why that could be."""


class CauseState(StrEnum):
    """What is known of a cause."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    EXCLUDED = "excluded"


class CauseMethod(StrEnum):
    """How a cause was verified."""

    DATA = "data"
    ON_SITE = "on_site"
    REPRODUCED = "reproduced"
    INTERVIEW = "interview"


class Cause(SQLModel, table=True):
    """One cause on a bone of the fishbone 鱼骨图, or one why under another 五个为什么."""

    __tablename__ = "cause"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id, index=True)
    parent_id: int | None = Field(default=None, foreign_key="cause.id", sa_type=Id)
    bone: Bone = Field(sa_type=Word(Bone))
    level: int = Field(default=1)
    """Which why, 1 to 5."""
    kind: CauseKind = Field(default=CauseKind.OCCURRENCE, sa_type=Word(CauseKind))
    statement: str = Field(sa_type=Text)
    state: CauseState = Field(default=CauseState.CANDIDATE, sa_type=Word(CauseState))
    method: CauseMethod | None = Field(default=None, sa_type=Word(CauseMethod))
    evidence: str = Field(default="", sa_type=Text)
    decided_by: str = Field(default="", max_length=120)
    decided_at: datetime | None = None
    """When it was confirmed or excluded."""
    is_suggested: bool = Field(default=False)
    """From the data; a person wrote it otherwise."""


class MeasureKind(StrEnum):
    """What a measure does."""

    CONTAINMENT = "containment"
    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"
    SYSTEMIC = "systemic"


class Strength(StrEnum):
    """How much a measure depends on people's memory."""

    STRONG = "strong"
    """防错, automation."""
    MEDIUM = "medium"
    """流程, checklist."""
    WEAK = "weak"
    """培训, reminder."""


class MeasureState(StrEnum):
    """How far a measure is; a cancelled one does not count as done."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    CANCELLED = "cancelled"


class Measure(SQLModel, table=True):
    """One measure 措施 against causes."""

    __tablename__ = "measure"
    __table_args__ = (UniqueConstraint("item_id", "place"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id)
    place: int
    """Which of the item's, from 1; people write ``PDCA-2026-11-03.2``."""
    cause_ids: list[int] = Field(default_factory=no_items, sa_type=Document)
    kind: MeasureKind = Field(sa_type=Word(MeasureKind))
    strength: Strength = Field(sa_type=Word(Strength))
    what: str = Field(sa_type=Text)
    why: str = Field(default="", sa_type=Text)
    place_of_work: str = Field(default="", max_length=160)
    how: str = Field(default="", sa_type=Text)
    owner_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    collaborators: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Codes of staff."""
    resources: str = Field(default="", max_length=500)
    budget: float | None = None
    spent: float | None = None
    start_on: date | None = None
    due_on: date | None = None
    depends_on: list[int] = Field(default_factory=no_items, sa_type=Document)
    """Places of other measures of the item."""
    state: MeasureState = Field(default=MeasureState.PLANNED, sa_type=Word(MeasureState))
    progress_ratio: float = Field(default=0.0)
    effort: float = Field(default=1.0)
    """Its weight in the item's progress."""
    implemented_on: date | None = None
    coverage_ratio: float | None = None
    """How much of the slice it reached: the fidelity of the work."""
    evidence: str = Field(default="", sa_type=Text)


class VerificationPlan(SQLModel, table=True):
    """How an item's effect will be judged: written before the work, frozen with its hash when the plan is approved."""

    __tablename__ = "verification_plan"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id, unique=True)
    indicator: str = Field(max_length=40)
    dimension: str = Field(default="", max_length=40)
    element: str = Field(default="", max_length=160)
    secondary: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Other indicators that should follow."""
    guardrails: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Indicators that must not get worse."""
    control: str = Field(default="", max_length=160)
    """Another element of the same dimension that nothing is done to; empty: there is none."""
    method: str = Field(default="", max_length=40)
    """The word of `bihuan.analysis` for the method meant; the data at hand may force a weaker one."""
    baseline_on: date
    baseline_until_on: date
    excluded: list[str] = Field(default_factory=no_items, sa_type=Document)
    """First days of the months by which the slice was chosen: they would flatter the effect."""
    lag_days: int = Field(default=0)
    least_days: int = Field(default=28)
    """How long is observed at least."""
    alpha: float = Field(default=0.05)
    power: float = Field(default=0.8)
    smallest: float | None = None
    """The smallest effect worth finding, in the unit of the indicator: baseline to target where nobody said."""
    n_required: int | None = None
    weekly_n: float | None = None
    """How many cases a week are expected."""
    ready_on: date | None = None
    """When enough data can exist; None: not within six months."""
    fallback: str = Field(default="", max_length=500)
    frozen_at: datetime | None = None
    frozen_hash: str = Field(default="", max_length=64)
    amendments: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=Document)
    """What was changed after freezing, each with who, when and why."""


class Checkpoint(SQLModel, table=True):
    """One week of an item 周检查: planned against actual, and what was decided about the difference."""

    __tablename__ = "checkpoint"
    __table_args__ = (UniqueConstraint("item_id", "week_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id)
    week_on: date
    """Monday."""
    planned_ratio: float
    actual_ratio: float
    deviation: str = Field(default="", max_length=500)
    """Why it is late 偏差原因."""
    decision: str = Field(default="", max_length=500)
    next_on: date | None = None
    reviewed_by: str = Field(default="", max_length=120)
    reviewed_at: datetime | None = None
