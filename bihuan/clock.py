"""Time as a value: instants are aware UTC, and whoever needs the present is handed a Clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bihuan.errors import UsageError

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC instant. ``wall_clock`` in production, ``fixed`` in walks and replays."""

_NAMED_ZONE = re.compile(r"^(?P<local>.*?\d)\s*\[?(?P<zone>[A-Za-z]+(?:/[A-Za-z_+-]+)+|UTC)\]?$")


def wall_clock() -> datetime:
    """The machine's present, UTC: the one place that reads it."""
    return datetime.now(UTC)


def fixed(at: datetime) -> Clock:
    """A clock that stands at ``at``."""
    instant = as_utc(at)
    return lambda: instant


def as_utc(at: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        UsageError: ``at`` has no zone.
    """
    if at.tzinfo is None:
        raise UsageError(f"{at.isoformat()} has no time zone", cure="add an offset, for example +08:00")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"{at.isoformat()} lies outside the calendar", cure="check the year") from error


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        UsageError: No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"unknown time zone {name!r}", cure="use an IANA name such as Asia/Shanghai") from error


def parse_instant(text: str) -> datetime:
    """An instant from ISO 8601 with an offset, or local time followed by an IANA zone name.

    ``2015-04-01T00:00-04:00``, ``2015-04-01T04:00Z`` and ``2015-04-01T00:00 America/New_York`` are the same instant.

    Raises:
        UsageError: Not a date, or a date without a zone.
    """
    named = _NAMED_ZONE.match(text.strip())
    local, zone_name = (named["local"], named["zone"]) if named else (text.strip(), None)
    try:
        at = datetime.fromisoformat(local)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a date and time", cure="write it as 2026-11-22T09:30+08:00") from error
    if zone_name and at.tzinfo is None:
        at = at.replace(tzinfo=zone(zone_name))
    return as_utc(at)
