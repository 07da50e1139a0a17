"""Absences 外出: from the days and local times that people write to instants, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bihuan.clock import as_utc

_DAY = timedelta(days=1)
_LONGEST_DAY = len("2026-12-24")


def stretch(begins: str, ends: str, here: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants, UTC, between which somebody is away.

    Args:
        begins: An ISO day, which counts from its midnight, or time.
        ends: An ISO day, which counts to its end, or time.
        here: The zone of both where they have no offset. A local time that no clock shows moves forward; of one shown
            twice it is the first.
    """
    return _instant(begins, here), _instant(ends, here, lasts=_DAY)


def stretch_words(begins_at: datetime, ends_at: datetime, here: ZoneInfo) -> tuple[str, str]:
    """What ``stretch`` reads as these instants: days where they are whole, else local times."""
    return _words(begins_at, here), _words(ends_at, here, lasts=_DAY)


def _instant(text: str, here: ZoneInfo, lasts: timedelta = timedelta(0)) -> datetime:
    if len(text) == _LONGEST_DAY:
        return datetime.combine(date.fromisoformat(text) + lasts, time(0), here).astimezone(UTC)
    at = datetime.fromisoformat(text)
    return as_utc(at if at.tzinfo else at.replace(tzinfo=here))


def _words(at: datetime, here: ZoneInfo, lasts: timedelta = timedelta(0)) -> str:
    local = at.astimezone(here)
    whole = (local - lasts).date().isoformat()
    for text in (whole, local.replace(tzinfo=None).isoformat()):
        if _instant(text, here, lasts) == at:
            return text
    return local.isoformat()
