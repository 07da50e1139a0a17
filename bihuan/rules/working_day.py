"""Working days 工作日: how many of them from a day on."""

from __future__ import annotations

from datetime import date, timedelta

from bihuan.policy.calendar import WorkCalendar

_DAY = timedelta(days=1)
_LONGEST_REST = 40
"""Days without work after which a calendar has no working day at all."""


def working_days_after(day: date, count: int, calendar: WorkCalendar) -> date:
    """The last day of a term of so many working days that begins after a day, which does not count itself.

    Args:
        day: When it begins, in the calendar's zone.
        count: How many; 0: the day itself.
        calendar: Says which days are working days; where it has none, every day counts.
    """
    for _ in range(count):
        day = _next(day, calendar)
    return day


def _next(day: date, calendar: WorkCalendar) -> date:
    for step in range(1, _LONGEST_REST):
        if calendar.frames_on(day + step * _DAY):
            return day + step * _DAY
    return day + _DAY
