"""A month is analysed from its first working day after it on, and one that was missed is made up for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.month import analysed_at, due_months, month_of, months_before, next_month

EIGHT = time(8)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
INSTANTS = DAYS.map(lambda day: datetime.combine(day, time(1), UTC))


@pytest.fixture(scope="module")
def calendar(policy):
    return policy.calendars.default


@pytest.mark.parametrize(
    ("month_on", "day"),
    [
        (date(2026, 9, 1), date(2026, 10, 8)),  # the national holiday ends on the 7th
        (date(2026, 1, 1), date(2026, 2, 2)),
        (date(2025, 12, 1), date(2026, 1, 4)),  # a Sunday that is worked on 调休
        (date(2024, 1, 1), date(2024, 2, 1)),
        (date(2026, 4, 1), date(2026, 5, 6)),
    ],
)
def test_it_is_the_first_day_that_is_worked_on(calendar, month_on, day):
    at = analysed_at(month_on, calendar, EIGHT)
    assert (at.date(), at.hour) == (day, 8)
    assert str(at.tzinfo) == "Asia/Shanghai"


def test_on_that_morning_the_month_is_due_and_not_a_minute_before(calendar):
    opens = analysed_at(date(2026, 2, 1), calendar, EIGHT)
    first = date(2026, 2, 10)
    assert list(due_months(first, opens - timedelta(minutes=1), calendar, EIGHT, 12)) == []
    assert list(due_months(first, opens, calendar, EIGHT, 12)) == [date(2026, 2, 1)]


def test_missed_months_are_made_up_for_oldest_first_and_no_more_than_allowed(calendar):
    at = datetime(2026, 11, 16, tzinfo=UTC)
    found = list(due_months(date(2025, 1, 31), at, calendar, EIGHT, 3))
    assert found == [date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1)]
    assert list(due_months(date(2026, 9, 30), at, calendar, EIGHT, 12)) == [date(2026, 9, 1), date(2026, 10, 1)]


@given(first=DAYS, at=INSTANTS,
       catch_up=st.integers(1, 24))  # fmt: skip
def test_whatever_the_day_only_months_that_are_over_are_due_each_once_in_order(calendar, first, at, catch_up):
    found = list(due_months(first, at, calendar, EIGHT, catch_up))
    assert found == sorted(set(found))
    assert len(found) <= catch_up
    assert all(one.day == 1 and one >= month_of(first) for one in found)
    assert all(analysed_at(one, calendar, EIGHT) <= at for one in found)


@given(day=DAYS, count=st.integers(0, 40))
def test_months_are_counted_back_and_forth_alike_also_from_the_31st_and_over_february(day, count):
    month_on = month_of(day)
    there = months_before(month_on, count)
    for _ in range(count):
        there = next_month(there)
    assert there == month_on
