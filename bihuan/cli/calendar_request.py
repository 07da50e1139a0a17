"""One request of ``bihuan calendar`` and its answer; a key that is not named here means nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, PlainValidator, ValidationError

from bihuan.clock import parse_instant
from bihuan.errors import UsageError
from bihuan.policy.calendar import WorkCalendar, parse_calendar
from bihuan.policy.flaw import Flaw, flaws, shown
from bihuan.rules.business_time import BusinessClock, every_hour
from schemas.deadline import Mode

_CALENDAR_KEYS = ("timezone", "weekly", "holidays", "extra_workdays", "country")


def answer_due(line: dict[str, Any]) -> dict[str, object]:
    """When the target of ``line`` is due, with the offset of its calendar's zone.

    Raises:
        UsageError: The request cannot be answered; names the key where one is to blame.
    """
    calendar = _calendar(line)
    asked = _Due.read(line)
    due_at = _clock(asked.mode, calendar).due(asked.opened_at, asked.target, asked.pauses)
    return {"due_at": due_at.astimezone(calendar.zone).isoformat()}


def answer_elapsed(line: dict[str, Any]) -> dict[str, object]:
    """The working seconds that ``line`` asks for, negative where they run backwards.

    Raises:
        UsageError: The request cannot be answered; names the key where one is to blame.
    """
    calendar = _calendar(line)
    asked = _Elapsed.read(line)
    seconds = _clock(asked.mode, calendar).elapsed(asked.begins_at, asked.ends_at, asked.pauses).total_seconds()
    return {"seconds": int(seconds) if seconds.is_integer() else seconds}


def _calendar(line: dict[str, Any]) -> WorkCalendar:
    return _parsed(json.dumps({key: line[key] for key in _CALENDAR_KEYS if key in line}))


@lru_cache(maxsize=128)
def _parsed(words: str) -> WorkCalendar:
    """One calendar usually serves many lines."""
    return parse_calendar(json.loads(words))


def _clock(mode: Mode, calendar: WorkCalendar) -> BusinessClock:
    return BusinessClock(calendar) if mode is Mode.BUSINESS else every_hour


def _instant(raw: object) -> datetime:
    if not isinstance(raw, str):
        raise Flaw(f"{shown(raw)} is not an instant", 'write it as "2026-11-22T09:30+08:00"')
    try:
        return parse_instant(raw)
    except UsageError as error:
        raise Flaw(error.what, error.cure) from error


def _minutes(raw: object) -> timedelta:
    """A fraction of a minute is seconds."""
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return timedelta(minutes=raw)
    except (ValueError, OverflowError):  # not a number, or more than any calendar holds
        pass
    raise Flaw(f"{shown(raw)} is not a number of minutes", "write it as 90 or 7.5")


Instant = Annotated[datetime, PlainValidator(_instant)]
Minutes = Annotated[timedelta, PlainValidator(_minutes)]


class _Request(BaseModel):
    pauses: list[tuple[Instant, Instant]] = []
    mode: Mode = Mode.BUSINESS

    @classmethod
    def read(cls, line: dict[str, Any]) -> Self:
        try:
            return cls.model_validate(line)
        except ValidationError as error:
            flaw = flaws(error)[0]
            raise UsageError(f"{'.'.join(map(str, flaw.at))}: {flaw.what}", cure=flaw.cure) from error


class _Due(_Request):
    opened_at: Instant
    target: Minutes = Field(alias="target_minutes")


class _Elapsed(_Request):
    begins_at: Instant = Field(alias="from")
    ends_at: Instant = Field(alias="to")
