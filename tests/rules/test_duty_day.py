"""Days by which improvement work is due: over with the day, reminded of on working days before."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.rules.duty_day import due_at, due_on, warn_at

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2027, 2, 28), date(2028, 2, 29), date(2027, 1, 31)])
def test_a_day_is_over_when_the_next_one_begins_in_the_calendars_zone(day, policy):
    calendar = policy.calendars.default
    at = due_at(day, calendar)
    assert (at.astimezone(calendar.zone).hour, (at.date() - day).days) == (0, 1)
    assert due_on(at, calendar) == day


def test_reminders_lie_on_working_days_and_before_the_day_is_over(policy):
    calendar = policy.calendars.default
    found = warn_at(date(2026, 10, 5), (7, 3, 1), LONG_AGO, calendar)  # in the holidays of October
    assert [f"{one:%m-%d %H}" for one in found] == ["09-28 09", "09-30 09"]
    assert all(calendar.frames_on(one.date()) for one in found)


def test_nobody_is_reminded_of_what_was_not_asked_for_yet(policy):
    since = datetime(2026, 11, 24, 4, tzinfo=UTC)
    found = warn_at(date(2026, 11, 26), (7, 3, 1), since, policy.calendars.default)
    assert [f"{one:%m-%d}" for one in found] == ["11-25"]
