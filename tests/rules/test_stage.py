"""Stages: where the time of a complaint goes, and from desk to desk."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.models import Policy
from bihuan.rules.business_time import BusinessClock, every_hour
from bihuan.rules.complaint import LogLine
from bihuan.rules.stage import Span, spans, stage_seconds, way
from schemas.complaint import EventKind
from schemas.improvement import Stage

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
E = EventKind


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: EventKind, hours: float, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours), data)


def hours_of(log: list[LogLine], until: float = 1000) -> dict[Stage, float]:
    """Elapsed hours by stage, those it went through."""
    found = stage_seconds([spans(log, after(until))], every_hour)
    return {stage: float(seconds[0]) / 3600 for stage, seconds in found.items() if not np.isnan(seconds[0])}


USUAL = [
    line(E.REGISTERED, 0), line(E.ASSIGNED, 1), line(E.RESPONDED, 3), line(E.WAITING, 5), line(E.RESUMED, 15),
    line(E.HANDLED, 20), line(E.RESULT_TOLD, 24),
]  # fmt: skip


def test_each_stage_is_named_for_what_ended_it_and_waits_are_apart():
    assert hours_of(USUAL) == {
        Stage.ASSIGNING: 1, Stage.RESPONDING: 2, Stage.WORKING: 7, Stage.WAITING: 10, Stage.TELLING: 4,
    }  # fmt: skip


def test_a_log_of_two_instants_has_one_stage():
    assert hours_of([line(E.REGISTERED, 0), line(E.HANDLED, 30)]) == {Stage.WORKING: 30}


def test_what_is_open_stands_in_the_stage_that_nobody_has_ended():
    assert hours_of([line(E.REGISTERED, 0)], until=4) == {Stage.ASSIGNING: 4}
    assert hours_of([line(E.REGISTERED, 0), line(E.ASSIGNED, 1)], until=4) == {Stage.ASSIGNING: 1, Stage.RESPONDING: 3}


def test_an_open_wait_lasts_until_now_and_work_does_not():
    log = [line(E.REGISTERED, 0), line(E.RESPONDED, 1), line(E.WAITING, 2)]
    assert hours_of(log, until=50) == {Stage.RESPONDING: 1, Stage.WORKING: 1, Stage.WAITING: 48}


def test_a_later_assignment_hands_over_and_opens_no_stage():
    log = [line(E.REGISTERED, 0), line(E.RESPONDED, 1), line(E.ASSIGNED, 2, handler="b"), line(E.HANDLED, 9)]
    assert hours_of(log) == {Stage.RESPONDING: 1, Stage.WORKING: 8}


def test_a_reopened_complaint_is_reworked_from_the_reopening_on():
    log = [*USUAL, line(E.REOPENED, 100), line(E.WAITING, 102), line(E.HANDLED, 110)]
    found = hours_of(log)
    assert (found[Stage.REWORKING], found[Stage.WAITING], found[Stage.WORKING]) == (2, 18, 7)


def test_a_withdrawn_complaint_stood_in_a_stage_and_was_not_worked_on():
    assert hours_of([line(E.REGISTERED, 0), line(E.ASSIGNED, 1), line(E.WITHDRAWN, 6)]) == {
        Stage.ASSIGNING: 1, Stage.RESPONDING: 5,
    }  # fmt: skip


def test_an_event_before_registration_costs_no_time():
    assert hours_of([line(E.REGISTERED, 0), line(E.HANDLED, -0.01)]) == {Stage.WORKING: 0}


def test_stages_run_on_business_time(policy: Policy):
    clock = BusinessClock(policy.calendars.calendars["china"])
    log = [line(E.REGISTERED, 0), line(E.ASSIGNED, 24), line(E.HANDLED, 48)]  # Monday to Wednesday, 09:00
    seconds = stage_seconds([spans(log, after(99))], clock)
    day = clock.elapsed(after(0), after(24)).total_seconds()
    assert 0 < day < 24 * 3600
    assert (seconds[Stage.ASSIGNING][0], seconds[Stage.WORKING][0]) == (day, day)


def test_hand_offs_are_counted_once_and_the_first_desk_is_none():
    log = [
        line(E.REGISTERED, 0, department="service"), line(E.ASSIGNED, 1, handler="anna"),
        line(E.ASSIGNED, 2, handler="ben"), line(E.DEPARTMENT_CHANGED, 3, department="product"),
        line(E.ASSIGNED, 4, handler="carl"), line(E.HANDLED, 5),
    ]  # fmt: skip
    assert way(log) == (2, (), 0)


def test_a_complaint_that_comes_back_is_a_ping_pong():
    log = [
        line(E.REGISTERED, 0, department="service"), line(E.DEPARTMENT_CHANGED, 1, department="product"),
        line(E.DEPARTMENT_CHANGED, 2, department="service"), line(E.ASSIGNED, 3, handler="anna"),
        line(E.ASSIGNED, 4, handler="ben"), line(E.ASSIGNED, 5, handler="anna"), line(E.HANDLED, 6),
        line(E.REOPENED, 7),
    ]  # fmt: skip
    assert way(log) == (4, (("service", "product"), ("anna", "ben")), 1)


def test_no_complaints_have_no_seconds():
    assert {len(seconds) for seconds in stage_seconds([], every_hour).values()} == {0}


KINDS = [E.ASSIGNED, E.RESPONDED, E.WAITING, E.RESUMED, E.HANDLED, E.RESULT_TOLD, E.REOPENED, E.WITHDRAWN, E.NOTE]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 500)), max_size=12))
def test_the_stages_of_a_first_round_add_up_to_its_time(happened: list[tuple[EventKind, int]]):
    log = [line(E.REGISTERED, 0), *(line(kind, hours) for kind, hours in happened)]
    found = spans(log, after(500))
    ends = [item.occurred_at for item in log if item.kind in {E.HANDLED, E.WITHDRAWN}]
    first = min(ends, default=after(500))
    own = [span for span in found if span.stage not in {Stage.TELLING, Stage.REWORKING} and span.began_at <= first]
    reopened = min((item.occurred_at for item in log if item.kind is E.REOPENED), default=None)
    if not ends or reopened is None or reopened < first:
        assert sum((span.ended_at - span.began_at for span in own), timedelta()) == first - MONDAY
    assert all(span.began_at <= span.ended_at for span in found)


def test_a_month_of_ten_thousand_takes_seconds():
    logs = [[*USUAL, line(E.REOPENED, 30 + number % 9), line(E.HANDLED, 50)] for number in range(10_000)]
    began = time.perf_counter()
    histories: list[list[Span]] = [spans(log, after(99)) for log in logs]
    seconds = stage_seconds(histories, every_hour)
    assert [way(log).reopens for log in logs] == [1] * 10_000
    assert time.perf_counter() - began < 8  # about 1 s alone on one core
    assert seconds[Stage.WORKING] == pytest.approx(np.full(10_000, 7 * 3600.0))
