"""The plan book 改进计划: one cycle with everything that its plan table, its Gantt chart and its weekly review show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Measured:
    """How an indicator is told."""

    names: Mapping[str, str]
    """By language."""
    unit: str
    """``share``, ``hours`` or ``points``."""


@dataclass(frozen=True)
class PlanBook:
    """One cycle at an instant. Items are as ``bihuan.services.item.show`` has them, by number."""

    number: str
    title: str
    period_on: date
    made_at: datetime
    timezone: str
    today: date
    """``made_at`` in ``timezone``."""
    items: Sequence[Mapping[str, Any]]
    """With ``planned_ratio`` beside: how far each should be today."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Name of everybody by code, who is active or not."""
    active: Sequence[str] = ()
    """Codes of those who may own something, by code."""
    departments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Names by code and language."""
    indicators: Mapping[str, Measured] = field(default_factory=dict)
    manager: str = ""
    """Code of the quality manager."""
    waiting: Sequence[Mapping[str, Any]] = ()
    """What has to be decided: ``number``, ``gate``, ``role``, ``until_on``, ``is_overdue``, ``staff``."""
    is_simulated: bool = False
