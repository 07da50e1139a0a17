"""Daily windows on wall clocks: over midnight, on weekdays, and on the two days a year that are not 24 hours long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bihuan.rules.wall_time import EVERY_DAY, on_day, open_from, window_at

BERLIN, NEW_YORK, SHANGHAI = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Shanghai"))
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MON, TUE, WED, FRI, SAT, SUN = (frozenset({number}) for number in (0, 1, 2, 4, 5, 6))

zones = st.sampled_from([BERLIN, NEW_YORK, SHANGHAI])
times = st.integers(0, 24 * 4 - 1).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
weeks = st.frozensets(st.integers(0, 6), min_size=1)
# Both changes of both zones in 2026, and the days between them.
instants = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 8), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def local(zone: ZoneInfo, text: str, fold: int = 0) -> datetime:
    """What a wall clock of that zone shows: ``2026-11-16 22:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


OPEN = [
    # zone, at, begins, ends, weekdays, whether it is open
    (SHANGHAI, "2026-11-16 09:00", "09:00", "18:00", EVERY_DAY, True),
    (SHANGHAI, "2026-11-16 08:59", "09:00", "18:00", EVERY_DAY, False),
    (SHANGHAI, "2026-11-16 17:59", "09:00", "18:00", EVERY_DAY, True),
    (SHANGHAI, "2026-11-16 18:00", "09:00", "18:00", EVERY_DAY, False),
    (SHANGHAI, "2026-11-16 23:00", "22:00", "08:00", EVERY_DAY, True),
    (SHANGHAI, "2026-11-17 07:59", "22:00", "08:00", EVERY_DAY, True),
    (SHANGHAI, "2026-11-17 08:00", "22:00", "08:00", EVERY_DAY, False),
    (SHANGHAI, "2026-11-17 03:00", "22:00", "08:00", MON, True),  # the night from Monday on
    (SHANGHAI, "2026-11-16 03:00", "22:00", "08:00", MON, False),
    (SHANGHAI, "2026-11-17 23:00", "22:00", "08:00", MON, False),
    (SHANGHAI, "2026-11-16 12:00", "09:00", "18:00", TUE, False),
    (SHANGHAI, "2026-11-16 12:00", "09:00", "09:00", MON, True),  # a whole day, from nine to nine
    (SHANGHAI, "2026-11-17 08:59", "09:00", "09:00", MON, True),
    (SHANGHAI, "2026-11-17 09:00", "09:00", "09:00", MON, False),
    (BERLIN, "2026-03-29 03:10", "02:00", "02:30", EVERY_DAY, True),  # in the gap: it moves an hour forward
    (BERLIN, "2026-03-29 03:40", "02:00", "02:30", EVERY_DAY, False),
    (BERLIN, "2026-03-29 01:59", "22:00", "03:00", SAT, True),
    (BERLIN, "2026-03-29 03:00", "22:00", "03:00", SAT, False),
    (NEW_YORK, "2026-11-01 01:30", "01:00", "01:45", EVERY_DAY, True),  # in the fold: the first occurrence
]  # fmt: skip


@pytest.mark.parametrize(("zone", "at", "begins", "ends", "days", "is_open"), OPEN)
def test_a_window_is_open_from_its_beginning_up_to_its_end(zone, at, begins, ends, days, is_open):
    window = window_at(local(zone, at), begins, ends, zone, days)
    assert (window is not None) is is_open


def test_of_an_hour_shown_twice_only_the_first_counts():
    assert window_at(local(NEW_YORK, "2026-11-01 01:30", fold=1), "01:00", "01:45", NEW_YORK) is None


NEXT = [
    # zone, at, begins, ends, weekdays, when it opens
    (SHANGHAI, "2026-11-16 12:00", "09:00", "18:00", EVERY_DAY, "2026-11-16 12:00"),
    (SHANGHAI, "2026-11-16 07:00", "09:00", "18:00", EVERY_DAY, "2026-11-16 09:00"),
    (SHANGHAI, "2026-11-16 18:00", "09:00", "18:00", EVERY_DAY, "2026-11-17 09:00"),
    (SHANGHAI, "2026-11-16 18:00", "09:00", "18:00", MON, "2026-11-23 09:00"),
    (SHANGHAI, "2026-11-20 18:00", "09:00", "18:00", frozenset(range(5)), "2026-11-23 09:00"),
    (SHANGHAI, "2026-11-17 03:00", "22:00", "08:00", MON, "2026-11-17 03:00"),
    (SHANGHAI, "2026-11-17 08:00", "22:00", "08:00", MON, "2026-11-23 22:00"),
    (SHANGHAI, "2026-11-16 00:00", "00:00", "00:00", WED, "2026-11-18 00:00"),
    (BERLIN, "2026-03-28 23:00", "02:00", "05:00", SUN, "2026-03-29 03:00"),  # the clock never shows two
    (BERLIN, "2026-03-28 23:00", "02:30", "03:00", EVERY_DAY, "2026-03-30 02:30"),  # swallowed on the 29th
    (BERLIN, "2026-03-28 23:00", "02:30", "03:00", SUN, "2026-04-05 02:30"),
    (BERLIN, "2026-03-22 03:00", "02:30", "03:00", SUN, "2026-04-05 02:30"),
    (NEW_YORK, "2026-10-30 19:00", "18:00", "19:00", FRI, "2026-11-06 18:00"),  # a week of 169 hours
]  # fmt: skip


@pytest.mark.parametrize(("zone", "at", "begins", "ends", "days", "opens"), NEXT)
def test_it_opens_next_when_the_wall_clock_says_so(zone, at, begins, ends, days, opens):
    assert open_from(local(zone, at), begins, ends, zone, days) == local(zone, opens)


def test_a_window_without_a_weekday_is_refused():
    with pytest.raises(ValueError, match="needs a weekday"):
        open_from(local(SHANGHAI, "2026-11-16 12:00"), "09:00", "18:00", SHANGHAI, frozenset())


def test_a_time_in_a_gap_moves_by_what_was_left_out_and_of_a_fold_it_is_the_first():
    assert on_day(date(2026, 3, 29), "02:30", BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert on_day(date(2026, 11, 1), "01:30", NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@given(instants, times, times, zones, weeks)
def test_what_opens_next_is_open_then_and_was_not_before(at, begins, ends, zone, days):
    opens = open_from(at, begins, ends, zone, days)
    window = window_at(opens, begins, ends, zone, days)
    assert at <= opens <= at + 15 * DAY
    assert window is not None
    assert window[0] <= opens < window[1]
    assert opens == at or (opens == window[0] and window_at(at, begins, ends, zone, days) is None)


@given(instants, times, times, zones, weeks)
def test_nothing_opens_on_the_way_to_the_next_opening(at, begins, ends, zone, days):
    opens = open_from(at, begins, ends, zone, days)
    assume(opens > at)
    steps = (at + number * 15 * MINUTE for number in range(int((opens - at) / (15 * MINUTE)) + 1))
    assert all(window_at(step, begins, ends, zone, days) is None for step in steps if step < opens)


@given(instants, times, times, zones, weeks)
def test_a_window_belongs_to_the_weekday_on_which_it_begins(at, begins, ends, zone, days):
    window = window_at(at, begins, ends, zone, days)
    assume(window is not None)
    opens, closes = window
    assert opens <= at < closes <= opens + DAY + timedelta(hours=1)
    assert opens.astimezone(zone).weekday() in days


@given(instants, times, times, zones)
def test_on_the_hours_between_two_windows_exactly_one_of_night_and_day_is_open(at, begins, ends, zone):
    assume(begins != ends)
    night, day = window_at(at, begins, ends, zone), window_at(at, ends, begins, zone)
    # On the two odd days both may move, so that an hour belongs to neither or to both.
    assume(at.astimezone(zone).utcoffset() == (at - DAY).astimezone(zone).utcoffset())
    assume(at.astimezone(zone).utcoffset() == (at + DAY).astimezone(zone).utcoffset())
    assert (night is None) is not (day is None)
