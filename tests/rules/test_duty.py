"""Duty rotas: whose shift it is, over midnight, over the change of clocks, and within the shift's own days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.frame import DAYS
from bihuan.rules.duty import Shift

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
SINCE = date(2026, 1, 1)


def at(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def night(zone: ZoneInfo = SHANGHAI, days: tuple[str, ...] = WORKDAYS, **facts: date) -> Shift:
    """From 22:00 to 06:00 on the nights that begin on ``days``."""
    return Shift(days, "22:00", "06:00", zone, **{"from_on": SINCE} | facts)


@pytest.mark.parametrize(
    ("when", "is_on"),
    [
        ("2026-11-16 21:59", False),
        ("2026-11-16 22:00", True),
        ("2026-11-17 05:59", True),
        ("2026-11-17 06:00", False),
        ("2026-11-21 03:00", True),  # the night from Friday to Saturday
        ("2026-11-21 23:00", False),
        ("2026-11-16 03:00", False),  # the night from Sunday to Monday
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(when, is_on):
    assert night().is_on(at(SHANGHAI, when)) is is_on


@pytest.mark.parametrize(
    ("when", "is_on"),
    [
        ("2026-11-15 23:00", False),
        ("2026-11-16 03:00", False),  # it began on the 15th
        ("2026-11-16 23:00", True),
        ("2026-11-17 23:00", True),
        ("2026-11-18 03:00", True),  # it began on the 17th, the last day
        ("2026-11-18 23:00", False),
    ],
)
def test_its_first_and_last_day_are_days_on_which_it_begins(when, is_on):
    shift = night(days=tuple(DAYS), from_on=date(2026, 11, 16), until_on=date(2026, 11, 17))
    assert shift.is_on(at(SHANGHAI, when)) is is_on


def test_it_is_on_by_its_own_clock():
    assert night(BERLIN).is_on(at(SHANGHAI, "2026-11-17 12:00"))
    assert not night(BERLIN).is_on(at(SHANGHAI, "2026-11-17 23:00"))


def test_a_night_of_nine_hours_is_on_for_nine():
    shift, noon = night(BERLIN, ("sat",)), at(BERLIN, "2026-10-24 12:00")
    minutes = [noon + timedelta(minutes=number) for number in range(24 * 60)]
    assert sum(shift.is_on(minute.astimezone(UTC)) for minute in _real(minutes)) == 9 * 60


def _real(minutes: list[datetime]) -> list[datetime]:
    """The same number of minutes in real time from the first on."""
    first = minutes[0].astimezone(UTC)
    return [first + timedelta(minutes=number) for number in range(len(minutes))]


@given(
    st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from([BERLIN, SHANGHAI, ZoneInfo("America/New_York")]),
)
def test_two_shifts_that_share_the_day_leave_nobody_out(when, first, second, zone):
    every = tuple(DAYS)
    one, other = f"{first:02}:00", f"{second:02}:00"
    shifts = [Shift(every, one, other, zone, SINCE), Shift(every, other, one, zone, SINCE)]
    offsets = {(when + timedelta(days=days)).astimezone(zone).utcoffset() for days in (-1, 0, 1)}
    if len(offsets) == 1:
        assert any(shift.is_on(when) for shift in shifts)
