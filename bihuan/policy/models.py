"""The policy as frozen models: what the YAML files may say, and what the rules read.

A section dumps into the words it is written in, equal meanings into equal words (``2d`` and ``48h`` both as ``48h``);
its version is a hash of that, so neither comments nor the order of keys change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WithJsonSchema,
    field_serializer,
    model_validator,
)

from bihuan.policy.base import PolicyModel, Section, fingerprint
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.flaw import Flaw, KeyPath, nearest, shown
from bihuan.policy.span import PERCENT, SPAN, parse_percent, parse_span, percent_text, span_text
from schemas.complaint import EventKind, Kind, Severity
from schemas.deadline import Mode

NO_DEADLINE = "none"
"""What a policy writes where a severity has no deadline."""


def _seconds(text: object) -> float:
    return parse_span(text).total_seconds()


def _seconds_text(seconds: float) -> str:
    return span_text(timedelta(seconds=seconds))


def _inside(share: float) -> float:
    if not 0 < share < 1:
        raise Flaw(f"{percent_text(share)!r} is no warning before the deadline", "write it between 1% and 99%")
    return share


def _ascending(shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(shares)))


_SPAN_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{SPAN.pattern}$", "examples": ["30min", "24h"]})
_PERCENT_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{PERCENT.pattern}$", "examples": ["80%"]})

Seconds = Annotated[float, BeforeValidator(_seconds), PlainSerializer(_seconds_text), _SPAN_SCHEMA]
Span = Annotated[timedelta, BeforeValidator(parse_span), PlainSerializer(span_text), _SPAN_SCHEMA]
Share = Annotated[float, BeforeValidator(parse_percent), PlainSerializer(percent_text), _PERCENT_SCHEMA]
Warnings = Annotated[tuple[Annotated[Share, AfterValidator(_inside)], ...], AfterValidator(_ascending)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Kinds = Annotated[tuple[EventKind, ...], Field(min_length=1)]


class Words(PolicyModel):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


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
    severity: Targets

    @model_validator(mode="after")
    def _is_open_at_first(self) -> MilestonePolicy:
        for number, kind in enumerate(self.ends):
            if kind in self.starts:
                raise Flaw(f"'{kind}' also starts it", "an event starts a milestone or meets it", ("until", number))
        return self

    def target(self, severity: Severity) -> Target | None:
        """What ``severity`` allows; None where it has no deadline."""
        target: Target | None = getattr(self.severity, severity.value)
        return target


class DeadlinePolicy(Section):
    """The matrix of deadlines."""

    warn: Warnings = Field(description="Shares of the time after which a warning goes out.")
    late_after: Span = Field(description="A notice that goes out later than this is marked late.")
    milestones: dict[Name, MilestonePolicy]


class RoutingPolicy(Section):
    """Which department answers for what."""

    departments: dict[Code, Words]
    department_of: dict[Kind, str] = Field(description="Department of each kind.")
    default_department: str = Field(description="Department of a complaint whose kind is unknown or not listed.")
    special_group: str = Field(description="Department of every major complaint.")

    @model_validator(mode="after")
    def _has_known_departments(self) -> RoutingPolicy:
        named: dict[KeyPath, str] = {("department_of", kind.value): code for kind, code in self.department_of.items()}
        named |= {("default_department",): self.default_department, ("special_group",): self.special_group}
        for at, code in named.items():
            if code not in self.departments:
                raise Flaw(f"unknown department {code!r}", nearest(code, self.departments), at)
        return self


class Direction(StrEnum):
    """Which side of its target an indicator should be on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class IndicatorPolicy(PolicyModel):
    """One indicator 指标: its words, the milestone it counts, and where it should be."""

    words: Words
    milestone: Name
    direction: Direction
    target: Share
    min_n: int = Field(strict=True, ge=1, description="With fewer cases than this there is no verdict.")


class KpiPolicy(Section):
    """The indicators by their id."""

    indicators: dict[Name, IndicatorPolicy]


class Policy(BaseModel):
    """Everything the business decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendars: CalendarPolicy
    deadline: DeadlinePolicy
    routing: RoutingPolicy
    kpi: KpiPolicy

    @cached_property
    def version(self) -> str:
        """A hash over the versions of all sections."""
        return fingerprint(self.versions)

    @cached_property
    def versions(self) -> dict[str, str]:
        """The version of each section by its file's name."""
        calendars = {name: calendar.version for name, calendar in self.calendars.items()}
        versions = {name: section.version for name, section in self._sections().items()}
        return {"calendar": fingerprint([self.calendars.default_name, calendars])} | versions

    def written(self) -> dict[str, Any]:
        """What every section says, by its file's name, in the words it is written in."""
        sections = {"calendar": self.calendars} | self._sections()
        return {name: section.model_dump(mode="json", by_alias=True) for name, section in sections.items()}

    def _sections(self) -> dict[str, Section]:
        return {"deadline": self.deadline, "routing": self.routing, "kpi": self.kpi}
