"""Ladders 升级阶梯: who is told of a broken promise, in which order, after how much silence; and when staff are let be.

A ladder is picked by the complaint's severity and the milestone; a scope may pick another for some complaints only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.flaw import Flaw, KeyPath, nearest, shown
from bihuan.policy.frame import DAYS
from bihuan.policy.scope import Facts, When, by_specificity, refuse_ties
from bihuan.policy.value import Name, Span
from schemas.complaint import Severity
from schemas.deadline import Mode

NO_LADDER = "none"
"""What a policy writes where nobody further is told."""
TARGETS = ("handler", "department_head", "liaison", "department", "special_group", "executive", "quality_manager",
           "operator", "duty")  # fmt: skip
"""Whom a rung may tell by what they are; ``duty`` is the rota of the complaint's department."""
LONGEST_CHANNEL = 20
"""Characters of a channel's name: a message keeps it."""
_NAMED_TARGET = re.compile(r"(duty|staff|department):\S{1,60}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _target(text: str) -> str:
    if text in TARGETS or _NAMED_TARGET.fullmatch(text):
        return text
    raise Flaw(f"{shown(text)} is nobody a rung can tell", nearest(text, TARGETS))


def _time_of_day(raw: object) -> str:
    if isinstance(raw, str) and _TIME.fullmatch(raw):
        return raw
    raise Flaw(f"{shown(raw)} is not a time of day", 'write it as "22:00"')


def _ladder_or_none(raw: object) -> object:
    """None only where it is written: a key with nothing after it is a line that somebody meant to finish."""
    if raw is None:
        raise Flaw("nothing is not a ladder", f"write the name of one, or {NO_LADDER}")
    return None if raw == NO_LADDER else raw


def _as_written(name: str | None) -> str:
    return name or NO_LADDER


def _channel(name: str) -> str:
    if len(name) > LONGEST_CHANNEL:
        raise Flaw(f"{shown(name)} is no channel", f"use at most {LONGEST_CHANNEL} characters")
    return name


Target = Annotated[str, AfterValidator(_target)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": _TIME.pattern})]
LadderName = Annotated[Name | None, BeforeValidator(_ladder_or_none), PlainSerializer(_as_written)]
ChannelName = Annotated[Name, AfterValidator(_channel)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Timed(PolicyModel):
    """A span on one of the two clocks."""

    clock: Mode = Field(Mode.BUSINESS, description="business: open hours of the calendar; calendar: every hour.")

    @model_validator(mode="before")
    @classmethod
    def _has_days_on_the_calendar_clock_only(cls, raw: Any) -> Any:
        """On the business clock "3d" could be 24 or 72 hours, so it is refused."""
        if isinstance(raw, Mapping) and raw.get("clock", Mode.BUSINESS) == Mode.BUSINESS:
            for name, value in raw.items():
                if name in {"wait", "every", "holds"} and str(value).endswith("d"):
                    cure = "write working hours: three working days of 8 h are 24h"
                    raise Flaw(f"{shown(value)} has no fixed length on the business clock", cure, (name,))
        return raw


class RungPolicy(Timed):
    """One rung 级: who is told, after how much silence, by which way, and when."""

    tell: tuple[Target, ...] = Field(min_length=1, description="Whom it tells; everybody who is reachable of them.")
    wait: Span | None = Field(None, description="Silence since the rung before; without it, at once.")
    channels: tuple[ChannelName, ...] = Field(
        (), description="Only by these of the person's contacts; empty: by the usual one."
    )
    hours: tuple[TimeOfDay, TimeOfDay] | None = Field(None, description="It is told between these times of day only.")
    weekdays: tuple[Weekday, ...] = Field((), description="It is told on these days only; empty: on any.")
    can_wait: bool = Field(default=False, strict=True, description="It may wait for the morning digest.")

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        if self.hours and self.hours[0] == self.hours[1]:
            raise Flaw("begins when it ends", 'write two times of day: ["09:00", "18:00"]', ("hours",))
        return self


class RepeatPolicy(Timed):
    """What happens above the last rung: the ladder is climbed again, so often at most."""

    start: int = Field(alias="from", strict=True, ge=1, description="The rung it starts again from.")
    every: Span = Field(description="Silence before each repeat.")
    at_most: int = Field(strict=True, ge=1, le=50, description="How often.")


class AcknowledgementPolicy(Timed):
    """How long an acknowledgement 签收 stops the ladder when nothing happens after it."""

    holds: Span


class LadderPolicy(PolicyModel):
    """One ladder 阶梯, lowest rung first."""

    rungs: tuple[RungPolicy, ...] = Field(min_length=1)
    acknowledgement: AcknowledgementPolicy | None = Field(None, description="Without it, nothing stops this ladder.")
    repeat: RepeatPolicy | None = None
    breaks_quiet: bool = Field(default=False, strict=True, description="Its notices go out at any hour, and alone.")

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        first, *others = self.rungs
        for name in ("wait", "hours", "weekdays"):
            if getattr(first, name):
                cure = "leave it out: the first rung is told at once, quiet hours hold the notice back by themselves"
                raise Flaw("is not for the first rung", cure, ("rungs", 0, name))
        for number, rung in enumerate(others, start=1):
            if rung.wait is None:
                raise Flaw("has no wait", "write how much silence it waits for: `wait: 2h`", ("rungs", number))
        if self.repeat and self.repeat.start > len(self.rungs):
            what = f"starts again from rung {self.repeat.start} of {len(self.rungs)}"
            raise Flaw(what, f"write a number from 1 to {len(self.rungs)}", ("repeat", "from"))
        return self


class OversightPolicy(PolicyModel):
    """Executive oversight 高管督办: opens with a complaint of these severities and stays until it is handled."""

    severity: tuple[Severity, ...] = Field(min_length=1)
    ladder: Name


class EscalationScope(PolicyModel):
    """Which ladders count for some complaints only; what it does not name stays as above."""

    when: When
    severity: dict[Severity, LadderName] = Field(default={})
    milestones: dict[Name, LadderName] = Field(default={})

    def says(self) -> set[str]:
        """What it decides."""
        return {f"severity.{one}" for one in self.severity} | {f"milestones.{one}" for one in self.milestones}


class QuietPolicy(PolicyModel):
    """Hours in which nothing goes out to staff that is not urgent, in each reader's zone."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="until")


class DigestPolicy(PolicyModel):
    """The morning digest 晨报: one letter for all that can wait."""

    at: TimeOfDay
    before_due: Span = Field(description="A warning waits for it where it comes at least so long before the deadline.")


class ReminderPolicy(PolicyModel):
    """How staff are let be: quiet hours, one letter within a window, a morning digest."""

    quiet: QuietPolicy | None = None
    bundle_within: Span | None = Field(None, description="After a letter, what follows within this comes as one.")
    digest: DigestPolicy | None = None
    link_expires: Span = Field(timedelta(days=14), description="How long the private link in a message is good.")


class EscalationPolicy(Section):
    """The ladders, which of them counts for what, and how staff are let be."""

    ladders: dict[Name, LadderPolicy]
    severity: dict[Severity, LadderName] = Field(description="The ladder of each severity.")
    milestones: dict[Name, LadderName] = Field(default={}, description="Milestones with a ladder of their own.")
    improvement: LadderName = Field(
        default=None, description="That of improvement work and of decisions about it; without it, the mildest one's."
    )
    scopes: dict[Name, EscalationScope] = Field(default={}, description="What holds for some complaints only.")
    oversight: OversightPolicy | None = None
    reminders: ReminderPolicy = Field(default=ReminderPolicy())

    @model_validator(mode="after")
    def _knows_its_ladders(self) -> Self:
        for severity in Severity:
            if severity not in self.severity:
                cure = f"write `{severity.value}: {NO_LADDER}` where nobody further is told"
                raise Flaw(f"says nothing of {severity.value}", cure, ("severity",))
        for at, name in self._named():
            if name is not None and name not in self.ladders:
                raise Flaw(f"unknown ladder {name!r}", nearest(name, self.ladders), at)
        try:
            refuse_ties(self.scopes)
        except Flaw as flaw:
            raise Flaw(flaw.what, flaw.cure, ("scopes", *flaw.at)) from flaw
        return self

    def _named(self) -> list[tuple[KeyPath, str | None]]:
        """Every place that names a ladder."""
        named: list[tuple[KeyPath, str | None]] = [(("severity", k.value), name) for k, name in self.severity.items()]
        named += [(("milestones", key), name) for key, name in self.milestones.items()]
        for scope_name, scope in self.scopes.items():
            named += [(("scopes", scope_name, "severity", k.value), name) for k, name in scope.severity.items()]
            named += [(("scopes", scope_name, "milestones", key), name) for key, name in scope.milestones.items()]
        if self.improvement is not None:
            named.append((("improvement",), self.improvement))
        if self.oversight:
            named.append((("oversight", "ladder"), self.oversight.ladder))
        return named

    def ladder_for(self, facts: Facts, milestone: str) -> tuple[str | None, KeyPath]:
        """The ladder for a broken promise and the key that says so; None: nobody further is told.

        A scope that names the milestone or the severity wins over the file, the milestone over the severity.
        """
        found = self.picked_before.get((facts, milestone))
        if found is None:
            found = self.picked_before[facts, milestone] = self._pick(facts, milestone)
        return found

    @property
    def ladder_of_work(self) -> str | None:
        """The ladder of improvement work and of decisions about it; None: nobody further is told."""
        return self.improvement if "improvement" in self.model_fields_set else self.severity[Severity.GENERAL]

    @cached_property
    def picked_before(self) -> dict[tuple[Facts, str], tuple[str | None, KeyPath]]:
        """What ``ladder_for`` has found by now."""
        return {}

    def _pick(self, facts: Facts, milestone: str) -> tuple[str | None, KeyPath]:
        severity = Severity(facts.severity or Severity.GENERAL)
        places: list[tuple[KeyPath, EscalationScope | EscalationPolicy]] = [
            (("scopes", name), scope) for name, scope in by_specificity(self.scopes, facts)
        ]
        for at, said in (*places, ((), self)):
            if milestone in said.milestones:
                return said.milestones[milestone], (*at, "milestones", milestone)
            if severity in said.severity:
                return said.severity[severity], (*at, "severity", severity.value)
        return None, ("severity",)


def weekday_numbers(days: tuple[str, ...]) -> frozenset[int]:
    """Numbers of the days, Monday 0; all of them where none is named."""
    return frozenset(DAYS.index(day) for day in days) if days else frozenset(range(len(DAYS)))
