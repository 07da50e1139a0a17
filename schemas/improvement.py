"""Improvement 改进: what a month's data say is wrong, before anybody says why."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries, no_items


class AnalysisRun(SQLModel, table=True):
    """One analysis 分析批次 of one month and scope over frozen data; ``sha256`` says which."""

    __tablename__ = "analysis_run"
    __table_args__ = (UniqueConstraint("period_on", "scope"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=40, unique=True)
    period_on: date
    """First day of the month."""
    until_on: date
    """First day after it."""
    scope: str = Field(default="", max_length=120)
    """Empty: everything."""
    as_of: datetime
    """What was recorded later does not count."""
    sha256: str = Field(max_length=64)
    """Of the data pack."""
    complaints: int
    answers: int
    response_ratio: float | None = None
    tests: int = Field(default=0)
    """How many slices, topics and words were tested: the false-discovery control is over all of them."""
    params: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    quality: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """What is known of the data's own gaps."""
    conclusion: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """What the month says in figures, and what it does not."""
    policy_version: str = Field(max_length=16)
    code_version: str = Field(max_length=40)
    files: dict[str, str] = Field(default_factory=no_entries, sa_type=Document)
    """Name to path below the data directory."""
    made_at: datetime


class Problem(SQLModel, table=True):
    """One line of the problem list 问题清单 of a month."""

    __tablename__ = "problem"
    __table_args__ = (UniqueConstraint("run_id", "rank"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    run_id: int = Field(foreign_key="analysis_run.id", sa_type=Id)
    rank: int
    dimension: str = Field(max_length=40)
    """What the problems are told apart by: type, product, topic …"""
    element: str = Field(max_length=160)
    kind: str = Field(default="", max_length=40)
    """The complaints' kind that is most frequent among them."""
    stage: str = Field(default="", max_length=40)
    """The stage 环节 that ate most of the lateness; empty where none did."""
    count: int
    previous: int | None = None
    """In the month before; None where there are no data of it."""
    share_ratio: float
    low: float
    high: float
    """Of the share, simultaneous over the list."""
    severity_weight: float
    tier_weight: float
    late: int
    negative: int
    people: int
    """Different complainants."""
    evidence: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Complaint numbers."""


class FindingSource(StrEnum):
    """What found it."""

    SLICE = "slice"
    TOPIC = "topic"
    WORD = "word"
    STAGE = "stage"
    SIGNAL = "signal"
    SURVEY = "survey"
    MANUAL = "manual"


class FindingState(StrEnum):
    """How firmly the data point at it."""

    LOCALIZED = "localized"
    LONG_TAIL = "long_tail"
    """It changed, but in many small places together."""
    NOT_LOCALIZED = "not_localized"
    """It changed, and no single place explains it."""
    WITHHELD = "withheld"
    """Not enough data."""


class Bone(StrEnum):
    """The bone of the fishbone 鱼骨图 on which a candidate starts."""

    PEOPLE = "people"
    PROCESS = "process"
    TECHNOLOGY = "technology"
    ENVIRONMENT = "environment"


class Stage(StrEnum):
    """Stage 环节: where a complaint's time goes, in the order of its way."""

    ASSIGNING = "assigning"
    """分派: registered, and nobody has it."""
    RESPONDING = "responding"
    """首次响应: somebody has it, and nobody has answered."""
    WORKING = "working"
    """处理: until it is handled, waits not counted."""
    WAITING = "waiting"
    """等待: for the complainant, a part, another's decision."""
    REWORKING = "reworking"
    """返工: from reopening until it is handled again, waits not counted."""
    TELLING = "telling"
    """结果反馈: handled, until the complainant was told."""


class Disposition(StrEnum):
    """What a person decided to do with it."""

    ACCEPTED = "accepted"
    MERGED = "merged"
    REJECTED = "rejected"


class Finding(SQLModel, table=True):
    """A candidate 候选 of a root cause: evidence and size, never a cause until a person confirms it."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("run_id", "source", "indicator", "dimension", "element"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=40, unique=True)
    run_id: int = Field(foreign_key="analysis_run.id", sa_type=Id)
    rank: int
    source: FindingSource = Field(sa_type=Word(FindingSource))
    indicator: str = Field(max_length=40)
    dimension: str = Field(default="", max_length=40)
    element: str = Field(default="", max_length=160)
    state: FindingState = Field(sa_type=Word(FindingState))
    bone: Bone = Field(sa_type=Word(Bone))
    x0: float | None = None
    n0: int | None = None
    """Events and exposure of the baseline."""
    x1: float | None = None
    n1: int | None = None
    """… of the month."""
    size: float | None = None
    """What it moved the whole by."""
    low: float | None = None
    high: float | None = None
    contribution: float | None = None
    """Share of the change that it explains."""
    q: float | None = None
    """The p value adjusted over all tests of the run (Benjamini and Hochberg)."""
    refuted_by: str = Field(default="", max_length=60)
    """The word for what would speak against it."""
    evidence: list[str] = Field(default_factory=no_items, sa_type=Document)
    """Complaint numbers."""
    details: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    disposition: Disposition | None = Field(default=None, sa_type=Word(Disposition))
    disposed_at: datetime | None = None
    disposed_by: str = Field(default="", max_length=120)
    disposition_reason: str = Field(default="", max_length=500)
