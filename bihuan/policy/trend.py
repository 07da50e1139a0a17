"""Warnings 异常预警: which indicators are watched on control charts, by what their limits are made, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.escalation import Target
from bihuan.policy.flaw import Flaw, KeyPath, nearest, shown
from bihuan.policy.value import Name, Span, Words

DIMENSIONS = ("department", "channel", "kind", "severity", "region", "product", "business_line", "tier", "source")
"""By what a watched indicator may be cut, as far as `kpi.yaml` keeps it."""
OF_A_COMPLAINT = frozenset({"handler", "department_head", "liaison", "department", "special_group", "duty"})
"""Whom only a complaint can name: an indicator has no handler."""


def _day(raw: object) -> date:
    try:
        return date.fromisoformat(str(raw))
    except ValueError as error:
        raise Flaw(f"{shown(raw)} is not a day", "write it as 2026-10-01") from error


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "format": "date"}),
]


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if name not in DIMENSIONS:
            raise Flaw(f"no dimension {shown(name)}", nearest(name, DIMENSIONS), (place,))
    return tuple(dict.fromkeys(names))


class WatchPolicy(PolicyModel):
    """How one indicator is watched; what it leaves out holds as for all."""

    dimensions: tuple[str, ...] = Field((), description="Beside the whole, each value of these.")
    grain: Literal["day", "week"] | None = Field(None, description="In place of what holds for all.")
    settled_after: Span | None = Field(None, description="In place of what holds for all.")

    _dimensions = field_validator("dimensions")(_known)


class PhasePolicy(PolicyModel):
    """Limits start anew 新阶段: after a change that is meant to last, the old ones say nothing any more."""

    starts_on: Day
    reason: Words
    indicators: tuple[Name, ...] = Field((), description="Of these; of all, where none is named.")


class TrendPolicy(Section):
    """The control charts that are watched."""

    watched: dict[Name, WatchPolicy] = Field(description="By the indicator's id in kpi.yaml.")
    grain: Literal["day", "week"] = Field("week", description="How long the periods are that make the points.")
    baseline: int = Field(24, strict=True, ge=12, le=104, description="So many points make the limits, then they stay.")
    least: int = Field(12, strict=True, ge=8, le=104, description="With fewer there are trial limits and no warnings.")
    settled_after: Span = Field(
        timedelta(days=3), description="A period is looked at so long after its end: what is undecided is missing."
    )
    told: tuple[Target, ...] = Field(("quality_manager",), description="Who is told of what gets worse.")
    told_within: Span = Field(
        timedelta(days=35), description="What is found of a period that ended longer ago is shown, and nobody is told."
    )
    explained_by: tuple[str, ...] = Field(
        ("department", "channel", "kind", "severity", "product", "region"),
        description="By what a warning says where the change comes from.",
    )
    nelson: bool = Field(default=False, strict=True, description="Pages show the eight Nelson rules; they never warn.")
    phases: tuple[PhasePolicy, ...] = ()

    _explained_by = field_validator("explained_by")(_known)

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.least > self.baseline:
            raise Flaw(f"{self.least} is more than the baseline has", f"write at most {self.baseline}", ("least",))
        if not self.told:
            raise Flaw("is empty", "name at least one", ("told",))
        for place, target in enumerate(self.told):
            if target in OF_A_COMPLAINT:
                raise Flaw(f"{target!r} is somebody only of a complaint", "name a role, or staff:CODE", ("told", place))
        return self

    def grain_of(self, indicator: str) -> str:
        """How long the periods of an indicator are; of one that is not watched, as for all."""
        watch = self.watched.get(indicator)
        return (watch.grain if watch else None) or self.grain

    def settled_after_of(self, indicator: str) -> timedelta:
        """How long after its end a period of an indicator is looked at."""
        watch = self.watched.get(indicator)
        return (watch.settled_after if watch else None) or self.settled_after

    def phases_of(self, indicator: str) -> list[PhasePolicy]:
        """The phases of an indicator, in order of time."""
        mine = (it for it in self.phases if not it.indicators or indicator in it.indicators)
        return sorted(mine, key=lambda it: it.starts_on)

    def named(self) -> Iterator[tuple[str, KeyPath]]:
        """Every indicator it speaks of, and where."""
        yield from ((name, ("watched", name)) for name in self.watched)
        for place, phase in enumerate(self.phases):
            yield from ((name, ("phases", place, "indicators")) for name in phase.indicators)
