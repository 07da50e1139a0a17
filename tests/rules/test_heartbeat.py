"""Silence: three intervals without a beat, and a first run gets its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.rules.heartbeat import FIRST_GRACE, Pulse

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
TWO, DAY = timedelta(minutes=2), timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("interval", [TWO, DAY])
def test_a_sweep_is_silent_from_the_end_of_its_third_interval(interval):
    pulse = Pulse("sla-check", interval, beat_at=NOON)
    assert not pulse.is_silent(NOON + 3 * interval)
    assert pulse.is_silent(NOON + 3 * interval + MOMENT)


def test_a_beat_later_than_the_present_is_no_silence():
    assert not Pulse("sla-check", TWO, beat_at=NOON).is_silent(NOON - DAY)


def test_a_sweep_nobody_watches_and_that_never_ran_is_not_silent():
    assert not Pulse("sla-check", TWO).is_silent(NOON)


@pytest.mark.parametrize(("interval", "grace"), [(TWO, FIRST_GRACE), (DAY, 3 * DAY)])
def test_a_first_run_has_three_intervals_and_a_quarter_of_an_hour_at_least(interval, grace):
    pulse = Pulse("sla-check", interval, watched_since=NOON)
    assert not pulse.is_silent(NOON + grace)
    assert pulse.is_silent(NOON + grace + MOMENT)


def test_each_beat_begins_another_silence():
    slots = {Pulse("s", TWO, beat_at=at).slot() for at in (None, NOON, NOON + TWO)}
    assert len(slots) == 3
