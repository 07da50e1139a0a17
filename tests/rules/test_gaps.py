"""Gaps of a rota: the stretches in which nobody is on duty, also at night, over weekends and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bihuan.policy.frame import DAYS
from bihuan.rules.duty import Shift, gaps

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 22, 16, tzinfo=UTC)
"""Monday 23 November 2026, midnight in Shanghai."""
WEEK = MONDAY + timedelta(days=7)


def shift(
    begins: str, ends: str, days: str = "mon tue wed thu fri sat sun", here: ZoneInfo = SHANGHAI, **facts
) -> Shift:
    return Shift(tuple(days.split()), begins, ends, here, **{"from_on": date(2020, 1, 1)} | facts)


def hours(found) -> list[tuple[float, float]]:
    """In hours from Monday's midnight."""
    return [tuple((edge - MONDAY) / timedelta(hours=1) for edge in gap) for gap in found]


WORK = "mon tue wed thu fri"


@pytest.mark.parametrize(("shifts", "expected"), [
    ([], [(0, 168)]),
    ([shift("00:00", "00:00")], []),
    ([shift("08:00", "20:00"), shift("20:00", "08:00")], []),
    ([shift("00:00", "00:00", WORK)], [(120, 168)]),
    ([shift("22:00", "06:00", "sun"), shift("06:00", "22:00", "mon")], [(22, 166)]),
    ([shift("00:00", "12:00"), shift("13:00", "00:00", "mon tue"), shift("12:00", "00:00", "wed thu fri sat sun")],
     [(12, 13), (36, 37)]),
    ([shift("00:00", "00:00", until_on=date(2026, 11, 25))], [(72, 168)]),
    ([shift("00:00", "00:00", from_on=date(2026, 11, 25))], [(0, 48)]),
    ([shift("00:00", "00:00", here=BERLIN, from_on=date(2026, 11, 23))], [(0, 7)]),
], ids=["no shift", "always", "day and night", "weekend", "over midnight", "between two", "until a day", "from a day",
        "elsewhere"])  # fmt: skip
def test_this_is_when_nobody_is_on_duty(shifts, expected):
    assert hours(gaps(shifts, MONDAY, WEEK)) == expected


def test_the_night_of_the_clock_change_has_no_gap():
    since = datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert (
        gaps([shift("06:00", "22:00", here=BERLIN), shift("22:00", "06:00", here=BERLIN)], since, since + timedelta(2))
        == []
    )


times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 30]))
shifts = st.builds(
    lambda begins, ends, days, here: shift(begins, ends, " ".join(days), here),
    times, times, st.sets(st.sampled_from(DAYS), min_size=1), st.sampled_from([SHANGHAI, BERLIN]),
)  # fmt: skip


@given(st.lists(shifts, max_size=4))
@hypothesis_settings(max_examples=50)
def test_at_every_half_hour_it_is_a_gap_or_somebody_is_on_duty(found):
    holes = gaps(found, MONDAY, WEEK)
    for number in range(2 * 24 * 7):
        at = MONDAY + number * timedelta(minutes=30)
        assert any(begins <= at < ends for begins, ends in holes) is not any(one.is_on(at) for one in found)
