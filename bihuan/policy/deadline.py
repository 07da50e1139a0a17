"""The matrix of deadlines 时限: what starts each milestone's clock, what meets it, and how long it may take.

A cell of the matrix may be said again for some complaints only, by a scope: the most specific scope that says
something of a cell wins. ``DeadlinePolicy.terms`` reads the matrix for one complaint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    field_serializer,
    model_validator,
)

from bihuan.clock import parse_instant
from bihuan.errors import UsageError
from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.flaw import Flaw, KeyPath, nearest, shown
from bihuan.policy.scope import Facts, When, by_specificity, refuse_ties
from bihuan.policy.value import Kinds, Name, Seconds, Span, Warnings
from schemas.complaint import EventKind, Severity
from schemas.deadline import Mode

NO_DEADLINE = "none"
"""What a policy writes where a severity has no deadline."""


class Target(PolicyModel):
    """How long something may take, and on which clock."""

    seconds: Seconds = Field(alias="target", description="30min, 24h or 3d; days on the calendar clock only.")
    mode: Mode = Field(alias="clock", description="business: open hours of the calendar; calendar: every hour.")

    @model_validator(mode="before")
    @classmethod
    def _has_days_on_the_calendar_clock_only(cls, raw: Any) -> Any:
        """On the business clock "3d" could be 24 or 72 hours, so it is refused."""
        if isinstance(raw, Mapping) and raw.get("clock") == Mode.BUSINESS and str(raw.get("target")).endswith("d"):
            cure = "write working hours: three working days of 8 h are 24h"
            raise Flaw(f"{shown(raw['target'])} has no fixed length on the business clock", cure, ("target",))
        return raw


def _target_or_none(raw: Any) -> Any:
    if raw == NO_DEADLINE:
        return None
    if isinstance(raw, Mapping | Target):
        return raw
    raise Flaw(f"{shown(raw)} is not a target", f"write it as {{target: 24h, clock: calendar}}, or {NO_DEADLINE}")


def _null_is_none(schema: dict[str, Any]) -> None:
    """In the YAML, no deadline is the word none."""
    schema["anyOf"] = [{"const": NO_DEADLINE} if part == {"type": "null"} else part for part in schema["anyOf"]]


TargetOrNone = Annotated[Target | None, BeforeValidator(_target_or_none), Field(json_schema_extra=_null_is_none)]


class Targets(PolicyModel):
    """The target of each severity."""

    general: TargetOrNone
    urgent: TargetOrNone
    major: TargetOrNone

    @field_serializer("*", mode="wrap")
    def _as_written(self, target: Target | None, dump: SerializerFunctionWrapHandler) -> Any:
        return NO_DEADLINE if target is None else dump(target)


class MilestonePolicy(PolicyModel):
    """One milestone 节点: what starts its clock, what meets it, and how long it may take."""

    starts: Kinds = Field(alias="from", description="Events that start the clock; the first one counts.")
    ends: Kinds = Field(alias="until", description="Events that meet it; the first one after the start counts.")
    pauses: bool = Field(default=True, strict=True, description="Its clock stands still while the complaint waits.")
    own_clock: bool = Field(
        default=False,
        strict=True,
        description="A department that gets the complaint later has the whole time of its own, beside the promise.",
    )
    severity: Targets

    @model_validator(mode="after")
    def _is_open_at_first(self) -> Self:
        for number, kind in enumerate(self.ends):
            if kind in self.starts:
                raise Flaw(f"'{kind}' also starts it", "an event starts a milestone or meets it", ("until", number))
        return self

    def target(self, severity: Severity) -> Target | None:
        """What ``severity`` allows; None where it has no deadline."""
        target: Target | None = getattr(self.severity, severity.value)
        return target


class Pauser(StrEnum):
    """Who may stop the clock, as far as the roster knows them."""

    HANDLER = "handler"
    DEPARTMENT_HEAD = "department_head"


class PauseBudget(PolicyModel):
    """How much waiting stops a clock; what goes beyond it is in the log and stops nothing."""

    longest: Span | None = Field(None, description="Of one pause, no more than this counts (calendar time).")
    at_most: int | None = Field(None, strict=True, ge=0, description="Pauses that count in one round.")
    who: tuple[Pauser, ...] = Field((), description="Who may record a pause; empty: anyone.")


class ScopedMilestone(PolicyModel):
    """What a scope says otherwise of one milestone."""

    pauses: bool | None = Field(None, strict=True)
    severity: dict[Severity, TargetOrNone] = Field(default={})

    @field_serializer("severity", mode="plain")
    def _as_written(self, targets: dict[Severity, Target | None]) -> dict[str, Any]:
        return {
            name.value: target.model_dump(mode="json", by_alias=True) if target else NO_DEADLINE
            for name, target in targets.items()
        }


class DeadlineScope(PolicyModel):
    """What holds for some complaints only, such as those of a pilot 试点."""

    when: When
    warn: Warnings | None = None
    pause: PauseBudget | None = None
    milestones: dict[Name, ScopedMilestone] = Field(default={})

    def says(self) -> set[str]:
        """The cells it decides."""
        return set(self._cells())

    def _cells(self) -> Iterator[str]:
        yield from (name for name in ("warn", "pause") if getattr(self, name) is not None)
        for name, milestone in self.milestones.items():
            if milestone.pauses is not None:
                yield f"milestones.{name}.pauses"
            yield from (f"milestones.{name}.severity.{severity}" for severity in milestone.severity)


@dataclass(frozen=True, slots=True)
class MilestoneTerms:
    """What one milestone allows one complaint."""

    target: Target | None
    """None: no deadline."""
    is_paused: bool
    """Its clock stands still while the complaint waits."""
    said_at: KeyPath
    """The key that says the target."""


@dataclass(frozen=True, slots=True)
class DeadlineTerms:
    """The matrix as it holds for one complaint."""

    warn: tuple[float, ...]
    pause: PauseBudget
    milestones: Mapping[str, MilestoneTerms]


def _effective_at(raw: object) -> datetime | None:
    if raw is None or isinstance(raw, datetime):
        return raw
    try:
        return parse_instant(str(raw))
    except UsageError as error:
        raise Flaw(error.what, error.cure) from error


EffectiveAt = Annotated[
    datetime | None,
    BeforeValidator(_effective_at),
    PlainSerializer(lambda at: at.isoformat() if at else None),
    WithJsonSchema({"type": "string", "examples": ["2026-12-01T00:00+08:00"]}),
]


class DeadlinePolicy(Section):
    """The matrix of deadlines."""

    effective_at: EffectiveAt = Field(None, description="Counts for what starts from then on; without it, from now on.")
    warn: Warnings = Field(description="Shares of the time after which a warning goes out.")
    late_after: Span = Field(description="A notice that goes out later than this is marked late.")
    pause: PauseBudget = Field(PauseBudget(), description="How much waiting stops a clock.")
    milestones: dict[Name, MilestonePolicy]
    scopes: dict[Name, DeadlineScope] = Field(default={}, description="What holds for some complaints only.")

    @model_validator(mode="after")
    def _has_clear_scopes(self) -> Self:
        for name, scope in self.scopes.items():
            for milestone in scope.milestones:
                if milestone not in self.milestones:
                    cure = nearest(milestone, self.milestones)
                    raise Flaw("unknown milestone", cure, ("scopes", name, "milestones", milestone))
        try:
            refuse_ties(self.scopes)
        except Flaw as flaw:
            raise Flaw(flaw.what, flaw.cure, ("scopes", *flaw.at)) from flaw
        return self

    def terms(self, facts: Facts) -> DeadlineTerms:
        """The matrix for a complaint of these facts; its severity picks the column."""
        found = self.read_before.get(facts)
        if found is None:
            found = self.read_before[facts] = self._read(facts)
        return found

    @cached_property
    def read_before(self) -> dict[Facts, DeadlineTerms]:
        """What ``terms`` has read by now."""
        return {}

    def met_by(self, kind: EventKind, *, but: EventKind | None = None) -> list[str]:
        """The milestones that an event meets; those that ``but`` would meet too are left out."""
        return [name for name, one in self.milestones.items() if kind in one.ends and but not in one.ends]

    def _read(self, facts: Facts) -> DeadlineTerms:
        severity = Severity(facts.severity or Severity.GENERAL)
        holding = by_specificity(self.scopes, facts)
        warn = next((scope.warn for _, scope in holding if scope.warn is not None), self.warn)
        pause = next((scope.pause for _, scope in holding if scope.pause is not None), self.pause)
        cells = {name: _cell(name, milestone, severity, holding) for name, milestone in self.milestones.items()}
        return DeadlineTerms(warn, pause, cells)


def _cell(
    name: str, milestone: MilestonePolicy, severity: Severity, holding: list[tuple[str, DeadlineScope]]
) -> MilestoneTerms:
    """What the most specific scope says of the cell, else the matrix itself."""
    said = [(scope_name, scope.milestones[name]) for scope_name, scope in holding if name in scope.milestones]
    is_paused = next((one.pauses for _, one in said if one.pauses is not None), milestone.pauses)
    for scope_name, one in said:
        if severity in one.severity:
            at: KeyPath = ("scopes", scope_name, "milestones", name, "severity", severity.value)
            return MilestoneTerms(one.severity[severity], is_paused, at)
    return MilestoneTerms(milestone.target(severity), is_paused, ("milestones", name, "severity", severity.value))
