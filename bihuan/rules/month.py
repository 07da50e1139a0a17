"""Which months are to be analysed, and from when on: after each of them, on the first working day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from bihuan.policy.calendar import WorkCalendar

_DAY = timedelta(days=1)
_LONGEST_REST = 40
"""Days without work after which a calendar has no working day at all."""


def month_of(day: date) -> date:
    """The first day of the month in which a day lies."""
    return day.replace(day=1)


def next_month(month_on: date) -> date:
    """The first day of the month after."""
    return (month_on.replace(day=28) + 4 * _DAY).replace(day=1)


def months_before(month_on: date, count: int) -> date:
    """The first day of the month so many before."""
    whole = month_on.year * 12 + month_on.month - 1 - count
    return date(whole // 12, whole % 12 + 1, 1)


def analysed_at(month_on: date, calendar: WorkCalendar, hour: time) -> datetime:
    """The instant from which a month is analysed: ``hour`` of the first working day after it, in its zone."""
    day = next_month(month_on)
    for _ in range(_LONGEST_REST):
        if calendar.frames_on(day):
            break
        day += _DAY
    return datetime.combine(day, hour, calendar.zone)


def due_months(first_on: date, at: datetime, calendar: WorkCalendar, hour: time, catch_up: int) -> Iterator[date]:
    """The months that can be analysed at an instant, oldest first: the last ``catch_up`` of them.

    Args:
        first_on: The day from which there is anything to analyse.
        at: Now.
        calendar: Says which days are working days, and in which zone months begin.
        hour: From when on that day.
        catch_up: How many, at most.
    """
    today = month_of(at.astimezone(calendar.zone).date())
    oldest = max(month_of(first_on), months_before(today, catch_up + 1))
    month_on = oldest
    found = []
    while month_on < today:
        if analysed_at(month_on, calendar, hour) <= at:
            found.append(month_on)
        month_on = next_month(month_on)
    yield from found[-catch_up:]
