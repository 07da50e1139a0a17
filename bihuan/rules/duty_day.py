"""Days by which improvement work and decisions are due, as instants: a day is over when the next one begins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from bihuan.policy.calendar import WorkCalendar

_DAY = timedelta(days=1)
_REMINDED_AT = time(9)
_LONGEST_REST = 40
"""Days without work after which a calendar has no working day at all."""


def due_at(due_on: date, calendar: WorkCalendar) -> datetime:
    """The instant at which a day that something is due on is over, in the calendar's zone."""
    return datetime.combine(due_on + _DAY, time(), calendar.zone)


def due_on(due: datetime, calendar: WorkCalendar) -> date:
    """The day that ``due_at`` made that instant of."""
    return (due.astimezone(calendar.zone) - timedelta(microseconds=1)).date()


def warn_at(on: date, days: Iterable[int], since: datetime, calendar: WorkCalendar) -> list[datetime]:
    """When its owner is reminded: nine in the morning so many days before, or the last working day before that.

    Args:
        on: The day it is due.
        days: How many days before.
        since: Nobody is reminded of what was not asked for by then.
        calendar: Its working days and zone.

    Returns:
        Ascending, each once, all before the day is over.
    """
    found = {datetime.combine(_worked(on - _DAY * count, calendar), _REMINDED_AT, calendar.zone) for count in days}
    return sorted(one for one in found if since < one < due_at(on, calendar))


def _worked(day: date, calendar: WorkCalendar) -> date:
    """The day itself where it is worked on, else the last one before; where no day is, the day itself."""
    return next((one for step in range(_LONGEST_REST) if calendar.frames_on(one := day - step * _DAY)), day)
