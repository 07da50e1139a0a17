"""Times of day on a wall clock: a daily window between two of them, when it is open, and when it opens next."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(7))


def on_day(day: date, time_of_day: str, zone: ZoneInfo) -> datetime:
    """The instant, UTC, at which a wall clock of that zone shows ``22:00`` on that day.

    A time that no clock shows moves forward by what the zone left out; of one shown twice it is the first.
    """
    return datetime.combine(day, time.fromisoformat(time_of_day), zone).astimezone(UTC)


def window_at(at: datetime, begins: str, ends: str, zone: ZoneInfo,
              days: Container[int] = EVERY_DAY) -> tuple[datetime, datetime] | None:  # fmt: skip
    """The window from ``begins`` up to ``ends`` that is open at an instant; None where none is.

    A window that ends no later than it begins ends on the next day, and belongs to the weekday on which it begins.

    Args:
        at: Aware.
        begins: A time of day; the window is open at it.
        ends: A time of day; the window is closed at it. The same as ``begins``: a whole day.
        zone: Of the wall clock.
        days: Numbers of the weekdays on which it begins, Monday 0.
    """
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        if day.weekday() in days:
            opens, closes = _window(day, begins, ends, zone)
            if opens <= at < closes:
                return opens, closes
    return None


def open_from(at: datetime, begins: str, ends: str, zone: ZoneInfo, days: Container[int] = EVERY_DAY) -> datetime:
    """``at`` where the window is open then, else the instant at which it opens next.

    A window that daylight saving swallows, such as 02:30 to 03:00 in spring, is not open on that day.

    Raises:
        ValueError: ``days`` names no weekday.
    """
    if window_at(at, begins, ends, zone, days):
        return at
    today = at.astimezone(zone).date()
    for ahead in range(15):  # a week may pass until its weekday comes, and one more if it is swallowed then
        day = today + ahead * _DAY
        if day.weekday() in days:
            opens, closes = _window(day, begins, ends, zone)
            if at <= opens < closes:
                return opens
    raise ValueError("a window needs a weekday")


def window_before(at: datetime, begins: str, ends: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The last daily window that opened at or before an instant; it may be open still.

    Args:
        at: Aware.
        begins: A time of day.
        ends: A time of day; no later than ``begins``: on the next day.
        zone: Of the wall clock.
    """
    day = at.astimezone(zone).date()
    while True:  # a day or two that the zone left out, or whose window daylight saving swallowed, are passed over
        opens, closes = _window(day, begins, ends, zone)
        if opens <= at and opens < closes:
            return opens, closes
        day -= _DAY


def next_day(at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, UTC, of the local day after that of ``at``."""
    return on_day(at.astimezone(zone).date() + _DAY, "00:00", zone)


def _window(day: date, begins: str, ends: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    closing_day = day if time.fromisoformat(begins) < time.fromisoformat(ends) else day + _DAY
    return on_day(day, begins, zone), on_day(closing_day, ends, zone)
