"""An explanation counts as the deadline was counted: every frame, pause and special day, to the same instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.loader import load_policy
from bihuan.rules.business_time import BusinessClock, due_elapsed
from bihuan.rules.explanation import DayKind, Fate, Promise, explain, fate, special_days
from bihuan.rules.pause import Pause
from schemas.deadline import Mode

CHINA = load_policy(None).calendars.default
CLOCK = BusinessClock(CHINA)
HOUR = timedelta(hours=1)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+08:00").astimezone(UTC)


def business(start: datetime, target: timedelta, pauses: tuple[Pause, ...] = ()) -> Promise:
    breaks = [(pause.began_at, pause.ended_at) for pause in pauses if pause.ended_at]
    return Promise(Mode.BUSINESS, target, start, CLOCK.due(start, target, breaks))


def test_the_frames_add_up_to_the_target_and_end_at_the_due_instant():
    promise = business(shanghai("03-06T16:30"), 10 * HOUR)
    found = explain(promise, CHINA, ())
    assert [frame.used_seconds / 3600 for frame in found.frames] == [1.5, 3, 5, 0.5]
    assert found.frames[-1].closes_at == promise.due_at
    assert found.is_confirmed


def test_the_days_of_the_spring_festival_and_its_make_up_saturday_are_named():
    found = explain(business(shanghai("02-13T17:00"), 17 * HOUR), CHINA, ())
    assert (date(2026, 2, 14), DayKind.MAKEUP) in {(it.day, it.kind) for it in found.days}
    names = {it.day: it.name for it in found.days if it.kind is DayKind.HOLIDAY}
    assert names[date(2026, 2, 17)] == "春节"
    assert found.years == {2026: True}
    assert found.frames[-1].closes_at == found.counted_due_at == shanghai("02-24T18:00")


def test_a_year_without_its_notice_is_called_an_estimate():
    start = datetime(2026, 12, 31, 9, tzinfo=UTC)
    assert explain(business(start, 8 * HOUR), CHINA, ()).years == {2026: True, 2027: False}


def test_the_clock_of_every_hour_has_one_frame_and_no_special_day():
    start = shanghai("02-16T10:00")
    found = explain(Promise(Mode.CALENDAR, 48 * HOUR, start, due_elapsed(start, 48 * HOUR)), CHINA, ())
    assert [frame.used_seconds for frame in found.frames] == [48 * 3600]
    assert (found.days, found.years, found.is_confirmed) == ((), None, True)


def test_an_instant_the_source_promised_is_not_counted():
    found = explain(Promise(Mode.CALENDAR, None, shanghai("03-02T09:00"), shanghai("03-03T09:00")), CHINA, ())
    assert (found.counted_due_at, found.frames, found.is_confirmed) == (None, (), True)


def test_a_count_that_leads_elsewhere_is_not_confirmed():
    held = Promise(Mode.BUSINESS, 2 * HOUR, shanghai("03-02T09:00"), shanghai("03-02T10:00"))
    found = explain(held, CHINA, ())
    assert (found.is_confirmed, found.counted_due_at) == (False, shanghai("03-02T11:00"))


def test_each_pause_says_how_much_later_it_made_the_deadline():
    pauses = (
        Pause(shanghai("03-02T10:00"), shanghai("03-02T11:00"), "photos"),
        Pause(shanghai("03-02T12:00"), shanghai("03-02T13:00"), "closed anyway"),
        Pause(shanghai("03-02T14:00"), None, "lasting"),
    )
    found = explain(business(shanghai("03-02T09:00"), 5 * HOUR, pauses), CHINA, pauses)
    assert [(it.reason, it.moved_seconds) for it in found.pauses] == [
        ("photos", 3600),
        ("closed anyway", 0),
        ("lasting", 0),
    ]
    assert sum(frame.used_seconds for frame in found.frames) == 5 * 3600
    assert found.is_confirmed


def test_a_pause_before_the_start_or_after_due_is_left_out():
    start = shanghai("03-02T09:00")
    pauses = (Pause(start - HOUR, start, "before"), Pause(start + 9 * HOUR, start + 10 * HOUR, "after"))
    assert explain(business(start, HOUR, pauses), CHINA, pauses).pauses == ()


INSTANTS = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: shanghai("01-01T00:00") + timedelta(seconds=seconds))
TARGETS = st.timedeltas(timedelta(seconds=1), timedelta(hours=200))


@given(INSTANTS, TARGETS, st.lists(st.tuples(TARGETS, TARGETS), max_size=3), st.sampled_from(Mode))
def test_what_is_explained_is_what_was_derived(start, target, waits, mode):
    pauses, at = [], start
    for gap, length in waits:
        pauses.append(Pause(at + gap, at + gap + length, "waiting"))
        at += gap + length
    reach = CLOCK.due if mode is Mode.BUSINESS else due_elapsed
    plain = reach(start, target)
    due_at = reach(start, target, [(it.began_at, it.ended_at) for it in pauses])
    found = explain(Promise(mode, target, start, due_at), CHINA, pauses)
    assert found.counted_due_at == due_at
    assert sum(timedelta(seconds=it.used_seconds).total_seconds() for it in found.frames) == pytest.approx(
        target.total_seconds(), abs=1e-6
    )
    assert plain + timedelta(seconds=sum(it.moved_seconds for it in found.pauses)) == due_at


@pytest.mark.parametrize(
    ("told", "steps_done", "ended", "now", "expected"),
    [
        ({1}, 1, None, 12, Fate.TOLD),
        (set(), 0, 9, 12, Fate.ENDED_BEFORE),
        (set(), 2, None, 12, Fate.OVERTAKEN),
        (set(), 0, None, 10, Fate.AHEAD),
        (set(), 0, None, 11, Fate.UNDECIDED),
        (set(), 0, 11, 10, Fate.AHEAD),
    ],
)
def test_silence_has_a_reason(told, steps_done, ended, now, expected):
    start = shanghai("03-02T00:00")
    ended_at = None if ended is None else start + ended * HOUR
    assert fate(1, start + 10 * HOUR, steps_done, told, ended_at, start + now * HOUR) is expected


def test_a_step_that_a_pause_leaves_open_stands_still():
    assert fate(1, None, 0, set(), None, shanghai("03-02T00:00")) is Fate.STANDS_STILL


def test_a_day_with_frames_of_its_own_is_special():
    calendar = CHINA.model_copy(update={"extra_workdays": {date(2026, 3, 7): CHINA.weekly[0]}})
    assert [it.kind for it in special_days(calendar, date(2026, 3, 1), date(2026, 3, 10))] == [DayKind.OWN_FRAMES]
