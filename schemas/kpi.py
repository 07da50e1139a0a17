"""Indicators 指标 as they were counted, day by day and month by month, and what control charts said of them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries


class Grain(StrEnum):
    """How long a period is; its days are those of the installation's zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Snapshot(SQLModel, table=True):
    """One indicator of one period and slice. Taken again it changes only where the figures do, and says that it did."""

    __tablename__ = "kpi_snapshot"
    __table_args__ = (
        UniqueConstraint(
            "grain", "starts_on", "indicator", "dimension", "element", "survey", name="uq_kpi_snapshot_slice"
        ),
        Index("ix_kpi_snapshot_series", "indicator", "grain", "dimension", "element", "starts_on"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    grain: Grain = Field(sa_type=Word(Grain))
    starts_on: date
    indicator: str = Field(max_length=40)
    """Its id in ``kpi.yaml``."""
    dimension: str = Field(default="", max_length=40)
    """Empty: everything together."""
    element: str = Field(default="", max_length=160)
    survey: str = Field(default="", max_length=60)
    """Of indicators of surveys: foreign answers do not mix with ours."""
    x: float | None = None
    """Numerator: how many, or the sum of what was scored."""
    n: int
    """Denominator."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    apart: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """What is counted beside it and is no part of it: no SLA, open and overdue, segments, missing weight …"""
    counted_at: datetime
    """When it was last counted with a different result, or first."""
    revision: int = Field(default=1)
    first_value: float | None = None
    """As it was first told."""
    corrected_at: datetime | None = None
    """When news that came late first changed it after its period had been told."""


class Signal(SQLModel, table=True):
    """A warning 异常预警: a point or a run of a control chart that chance rarely makes; ``key`` lets it be once."""

    __tablename__ = "kpi_signal"
    __table_args__ = (Index("ix_kpi_signal_indicator", "indicator", "starts_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    key: str = Field(max_length=240, unique=True)
    """Indicator, slice, grain, rule and the period in which it began."""
    indicator: str = Field(max_length=40)
    dimension: str = Field(default="", max_length=40)
    element: str = Field(default="", max_length=160)
    survey: str = Field(default="", max_length=60)
    grain: Grain = Field(sa_type=Word(Grain))
    starts_on: date
    """The period at which the chart spoke."""
    since_on: date
    """Where the run began; the same period where a single point spoke."""
    chart: str = Field(max_length=20)
    rule: str = Field(max_length=20)
    is_worse: bool
    """Whether it went the bad way."""
    value: float
    center: float
    lower: float | None = None
    upper: float | None = None
    n: int
    evidence: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    """Points, limits, dispersion, and the slices that changed most."""
    found_at: datetime
    noted_at: datetime | None = None
    noted_by: str = Field(default="", max_length=120)
    note: str = Field(default="", max_length=500)
    """What a person said of it."""
