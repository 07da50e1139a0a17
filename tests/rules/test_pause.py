"""Pauses read off the lines of one round, and what they do to deadlines: the default policy, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine, standing
from bihuan.rules.deadline import DerivedDeadline, derive
from bihuan.rules.pause import Pause, pauses
from bihuan.rules.terms import severity_in_force
from schemas.complaint import ComplaintState, EventKind, Severity
from schemas.deadline import DeadlineState

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
REGISTERED, WAITING, RESUMED = EventKind.REGISTERED, EventKind.WAITING, EventKind.RESUMED
HANDLED, REOPENED = EventKind.HANDLED, EventKind.REOPENED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: EventKind, hours: float, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours), data)


@pytest.fixture
def derived(policy):
    """The deadlines of a log by milestone and round."""

    def given(*log: LogLine) -> dict[tuple[str, int], DerivedDeadline]:
        book = PolicyBook.of(policy.deadline, policy.calendars)
        return {(one.milestone, one.round): one for one in derive(log, book)}

    return given


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([(WAITING, 1), (RESUMED, 3)], [(1, 3)]),
        ([(WAITING, 1)], [(1, None)]),
        ([(RESUMED, 1)], []),
        ([(WAITING, 1), (RESUMED, 2), (WAITING, 4), (RESUMED, 8)], [(1, 2), (4, 8)]),
        ([(WAITING, 1), (WAITING, 2), (RESUMED, 3), (RESUMED, 4)], [(1, 3)]),
        ([(WAITING, 1), (EventKind.RESPONDED, 2), (EventKind.NOTE, 3)], [(1, None)]),
        ([(HANDLED, 1), (WAITING, 2)], []),
        *[
            ([(WAITING, 1), (end, 3)], [(1, 3)])
            for end in (HANDLED, EventKind.CLOSED, EventKind.WITHDRAWN, EventKind.MERGED, REOPENED)
        ],
    ],
)
def test_a_pause_lasts_from_waiting_until_work_goes_on_or_ends(lines, found):
    """Handling straight from waiting ends it too (frappe/helpdesk PR 3776: "42 days")."""
    expected = [(after(began), ended and after(ended)) for began, ended in found]
    assert [(one.began_at, one.ended_at) for one in pauses([line(*each) for each in lines])] == expected


def test_waiting_for_something_more_adds_its_reason():
    waits = [line(WAITING, 1, reason="photos"), line(WAITING, 2), line(WAITING, 3, reason="receipt")]
    assert pauses(waits) == [Pause(after(1), None, "photos; receipt")]


def test_who_waits_is_waiting_until_work_goes_on():
    log = [line(REGISTERED, 0), line(EventKind.RESPONDED, 1), line(WAITING, 2), line(EventKind.ASSIGNED, 3)]
    assert standing(log).state is ComplaintState.WAITING
    assert standing([*log, line(RESUMED, 4)]).state is ComplaintState.ASSIGNED
    assert standing([*log, line(HANDLED, 4)]).state is ComplaintState.HANDLED


def test_the_wait_before_the_due_instant_moves_it(derived):
    found = derived(line(REGISTERED, 0), line(WAITING, 10), line(RESUMED, 30))["handled", 1]
    assert (found.due_at, found.warn_at) == (after(68), (after(0.8 * 48 + 20),))


def test_the_wait_after_it_does_not(derived):
    found = derived(line(REGISTERED, 0), line(WAITING, 48), line(RESUMED, 60))["handled", 1]
    assert (found.due_at, found.state) == (after(48), DeadlineState.RUNNING)


@pytest.mark.parametrize(("began", "warnings"), [(10, ()), (40, (after(0.8 * 48),))])
def test_while_it_lasts_only_what_came_before_is_certain(derived, began, warnings):
    found = derived(line(REGISTERED, 0), line(WAITING, began))["handled", 1]
    assert (found.state, found.certain_due_at) == (DeadlineState.PAUSED, None)
    assert (found.due_at, found.warn_at) == (after(48), warnings)


def test_a_policy_may_let_a_clock_run_on(derived):
    found = derived(line(REGISTERED, 0), line(WAITING, 1))
    assert found["first_response", 1].state is DeadlineState.RUNNING
    assert found["assigned", 1].state is DeadlineState.RUNNING


def test_a_promised_instant_does_not_move(derived):
    promise = line(REGISTERED, 0, deadlines={"handled": after(9).isoformat()})
    for log in ([line(WAITING, 1)], [line(WAITING, 1), line(RESUMED, 5)]):
        found = derived(promise, *log)["handled", 1]
        assert (found.due_at, found.state) == (after(9), DeadlineState.RUNNING)


def test_a_second_handling_starts_without_the_pauses_of_the_first(derived):
    log = [line(REGISTERED, 0), line(WAITING, 1), line(HANDLED, 30), line(REOPENED, 40)]
    found = derived(*log)
    assert found["handled", 1].due_at == after(48 + 29)
    assert (found["handled", 2].due_at, found["handled", 2].state) == (after(88), DeadlineState.RUNNING)


@pytest.mark.parametrize("kind", [EventKind.WITHDRAWN, EventKind.MERGED])
def test_what_ran_at_a_withdrawal_or_a_merge_is_cancelled_then(derived, kind):
    log = [line(REGISTERED, 0), line(EventKind.RESPONDED, 1), line(WAITING, 2), line(kind, 5), line(HANDLED, 6)]
    found = derived(*log)
    assert set(found) == {("assigned", 1), ("first_response", 1), ("handled", 1)}
    assert found["first_response", 1].met_at == after(1)
    assert (found["handled", 1].met_at, found["handled", 1].cancelled_at) == (None, after(5))
    assert standing(log).state == ComplaintState(kind.value)
    assert derived(*log, line(REOPENED, 9))["handled", 2].due_at == after(57)


def test_severity_is_what_was_said_last_whenever_it_was_recorded():
    raised = line(EventKind.SEVERITY_CHANGED, 5, severity="urgent")
    late = LogLine(EventKind.SEVERITY_CHANGED, after(2), after(9), {"severity": "major"})
    assert severity_in_force([line(REGISTERED, 0, severity="general"), raised, late]) is Severity.URGENT


def test_a_raised_severity_counts_from_the_original_start_and_keeps_the_pauses(derived):
    log = [line(REGISTERED, 0), line(WAITING, 1), line(RESUMED, 11)]
    assert derived(*log, line(EventKind.SEVERITY_CHANGED, 12, severity="urgent"))["handled", 1].due_at == after(34)
