"""What holds of every calendar, start, target and pause."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.calendar import WorkCalendar, parse_calendar
from bihuan.policy.frame import DAYS
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.timeline import microseconds, to_instant, to_microseconds

ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
]
MICROSECOND = timedelta(microseconds=1)

instants = st.datetimes(datetime(2010, 1, 1), datetime(2013, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
targets = st.timedeltas(MICROSECOND, timedelta(hours=60))
spans = st.timedeltas(timedelta(0), timedelta(days=9))
offsets = st.timedeltas(timedelta(days=-3), timedelta(days=12))
stretches = st.lists(st.tuples(offsets, spans), max_size=4)


@st.composite
def days(draw: st.DrawFn, step: int = 15) -> list[list[str]]:
    """Up to three frames between quarters of an hour."""
    minutes = sorted(draw(st.sets(st.integers(0, 24 * 60 // step), max_size=6)))
    edges = [f"{minute * step // 60:02}:{minute * step % 60:02}" for minute in minutes]
    return [list(frame) for frame in zip(edges[::2], edges[1::2], strict=False)]


@st.composite
def calendars(draw: st.DrawFn, step: int = 15) -> WorkCalendar:
    """Any week with at least one long day, and a few days off and on."""
    weekly = {day: draw(days(step)) for day in DAYS} | {"wed": [["06:00", "18:00"]]}
    special = draw(st.dictionaries(st.dates(date(2010, 1, 1), date(2013, 1, 1)), st.none() | days(step), max_size=5))
    return parse_calendar(
        {
            "timezone": draw(st.sampled_from(ZONES)),
            "weekly": weekly,
            "holidays": [day.isoformat() for day, frames in special.items() if frames is None],
            "extra_workdays": {day.isoformat(): frames for day, frames in special.items() if frames is not None},
        }
    )


clocks = st.builds(BusinessClock, calendars())


def pauses_from(start: datetime, drawn: list[tuple[timedelta, timedelta]]) -> list[tuple[datetime, datetime]]:
    return [(start + offset, start + offset + span) for offset, span in drawn]


@given(clocks, instants, targets, stretches)
def test_exactly_the_target_is_worked_when_it_is_due_and_not_before(clock, start, target, drawn):
    pauses = pauses_from(start, drawn)
    due = clock.due(start, target, pauses)
    assert clock.elapsed(start, due, pauses) == target
    assert clock.elapsed(start, due - MICROSECOND, pauses) == target - MICROSECOND


@given(clocks, instants, targets, targets, stretches)
def test_a_longer_target_is_due_later(clock, start, target, more, drawn):
    pauses = pauses_from(start, drawn)
    assert clock.due(start, target, pauses) < clock.due(start, target + more, pauses)


@given(clocks, instants, targets, spans)
def test_a_later_start_is_never_due_earlier(clock, start, target, later):
    assert clock.due(start, target) <= clock.due(start + later, target)


@given(clocks, instants, targets, targets)
def test_a_target_in_two_parts_is_due_when_the_whole_is(clock, start, first, second):
    assert clock.due(clock.due(start, first), second) == clock.due(start, first + second)


@given(clocks, instants, offsets, offsets, stretches)
def test_spans_add_up_in_any_direction(clock, start, to_middle, to_end, drawn):
    pauses, middle, end = pauses_from(start, drawn), start + to_middle, start + to_end
    parts = clock.elapsed(start, middle, pauses) + clock.elapsed(middle, end, pauses)
    assert parts == clock.elapsed(start, end, pauses)


@given(clocks, instants, targets, stretches, stretches)
def test_a_pause_never_moves_a_deadline_earlier(clock, start, target, drawn, more):
    pauses, further = pauses_from(start, drawn), pauses_from(start, more)
    assert clock.due(start, target) <= clock.due(start, target, pauses) <= clock.due(start, target, pauses + further)


@given(clocks, instants, targets, stretches, st.floats(0, 1))
def test_a_pause_taken_in_two_parts_is_the_same_pause(clock, start, target, drawn, share):
    pauses = pauses_from(start, drawn)
    parts = [
        part
        for begins, ends in pauses
        for cut in [begins + (ends - begins) * share]
        for part in ((cut, ends), (begins, cut))
    ]
    assert clock.due(start, target, parts) == clock.due(start, target, pauses)


@given(clocks, st.lists(st.tuples(instants, targets), min_size=1, max_size=20))
def test_many_at_once_are_what_each_is_alone(clock, asked):
    starts = np.array([to_microseconds(start) for start, _ in asked])
    wanted = np.array([microseconds(target) for _, target in asked])
    due = [clock.due(start, target) for start, target in asked]
    found = clock.due_many(starts, wanted)
    assert [to_instant(instant) for instant in found.tolist()] == due
    assert clock.elapsed_many(found, starts).tolist() == (-wanted).tolist()


@given(calendars(step=360), instants, st.integers(0, 40), st.integers(1, 40))
def test_it_is_what_a_person_counts_quarter_by_quarter(calendar, start, before, quarters):
    """Frames of whole quarters of a day: no zone here changes its offset at one of their edges but midnight's."""
    start = start.replace(minute=0, second=0, microsecond=0) + before * timedelta(hours=5)
    zone, quarter = ZoneInfo(calendar.timezone), timedelta(minutes=15)
    at, worked = start, 0
    while worked < quarters:
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        worked += any(frame.opens <= minute < frame.closes for frame in calendar.frames_on(local.date()))
        at += quarter
    assert BusinessClock(calendar).due(start, quarters * quarter) == at
