"""What became of an improvement: checks 效果检查, standards 标准化, the watch 巩固, and what others can learn of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries, no_items
from schemas.verification import Verdict

STANDARD = "standard"
"""``subject_kind`` of messages about a standard."""


class EffectCheck(SQLModel, table=True):
    """One look at an effect, by the frozen plan. An early look is interim and has no verdict."""

    __tablename__ = "effect_check"
    __table_args__ = (UniqueConstraint("item_id", "until_on", "is_final"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id)
    checked_at: datetime
    until_on: date
    """First day that is not in its data."""
    is_final: bool
    plan_hash: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    """Of the figures it was computed from, which ``figures`` keeps."""
    figures: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    method: str = Field(max_length=40)
    method_reason: str = Field(default="", max_length=60)
    x0: float | None = None
    n0: int | None = None
    x1: float | None = None
    n1: int | None = None
    estimate: float | None = None
    """After less before, in the unit of the indicator."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    diagnostics: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    secondary: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=Document)
    guardrails: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=Document)
    second_feedback: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """二次反馈: what the same customers said before and after."""
    fidelity_ratio: float | None = None
    verdict: Verdict | None = Field(default=None, sa_type=Word(Verdict))
    """None: interim."""
    attribution: str = Field(default="", max_length=40)
    n_needed: int | None = None
    """Cases still missing for a verdict."""
    limitations: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Words for what it cannot say."""
    checked_by: str = Field(default="", max_length=120)
    """Who verified it: neither the item's owner nor that of a measure."""
    signed_at: datetime | None = None


class Standard(SQLModel, table=True):
    """What an effective improvement left behind: a standard operating procedure 标准作业程序, one version of it."""

    __tablename__ = "standard"
    __table_args__ = (UniqueConstraint("number", "version"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=40)
    """``SOP-2026-007``."""
    version: int = Field(default=1)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id, index=True)
    title: str = Field(max_length=300)
    content: str = Field(default="", sa_type=Text)
    difference: str = Field(default="", sa_type=Text)
    """What changed against the version before, line by line."""
    owner_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    effective_on: date | None = None
    trained_ratio: float = Field(default=0.0)
    audits: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=Document)
    """After 30, 60 and 90 days: ``due_on``, ``done_on``, ``is_kept``, ``by``."""
    elsewhere: str = Field(default="", sa_type=Text)
    """横向展开: where else the same could happen, and what was done there."""
    told_at: datetime | None = None
    """When the messages to the complainants were planned."""
    made_at: datetime


class WatchState(StrEnum):
    """How an improvement holds."""

    TRIAL = "trial"
    """试用: too few points for limits."""
    WATCHING = "watching"
    HELD = "held"
    BROKEN = "broken"
    """未保持: a signal on the bad side."""


class SustainWatch(SQLModel, table=True):
    """The watch over one improved indicator 巩固: limits frozen after enough points, then nothing but signals."""

    __tablename__ = "sustain_watch"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id, unique=True)
    indicator: str = Field(max_length=40)
    dimension: str = Field(default="", max_length=40)
    element: str = Field(default="", max_length=160)
    started_on: date
    """First day of the new phase."""
    frozen: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """Centre, limits and the points they rest on; empty until there are enough."""
    points: int = Field(default=0)
    clean: int = Field(default=0)
    """Points in a row without a signal."""
    signals: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=Document)
    state: WatchState = Field(default=WatchState.TRIAL, sa_type=Word(WatchState))
    looked_until_on: date | None = None
    """First day that was not looked at yet."""
    until_on: date | None = None
    """180 days after closing."""


class Lesson(SQLModel, table=True):
    """One entry of the case library 案例库: what was tried, and what it did."""

    __tablename__ = "lesson"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    item_id: int = Field(foreign_key="improvement_item.id", sa_type=Id, unique=True)
    title: str = Field(max_length=300)
    problem: str = Field(default="", sa_type=Text)
    causes: list[str] = Field(default_factory=no_items, sa_type=Document)
    measures: list[str] = Field(default_factory=no_items, sa_type=Document)
    effect: str = Field(default="", sa_type=Text)
    verdict: Verdict = Field(sa_type=Word(Verdict))
    advice: str = Field(default="", sa_type=Text)
    made_at: datetime
