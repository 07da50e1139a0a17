"""Deadlines read off a log, and what is decided when they come due: the default policy, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import DerivedDeadline, decide, derive, next_step
from schemas.complaint import EventKind, Severity
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import Notice

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=SHANGHAI).astimezone(UTC)
"""A Monday at opening."""
TICK = timedelta(microseconds=1)
REGISTERED, HANDLED, REOPENED = EventKind.REGISTERED, EventKind.HANDLED, EventKind.REOPENED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


def line(kind: EventKind, hours: float, *, recorded: float | None = None, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours if recorded is None else recorded), data)


def registered(severity: Severity = Severity.GENERAL, **data: Any) -> LogLine:
    return line(REGISTERED, 0, severity=severity.value, **data)


@pytest.fixture
def derived(policy):
    """The deadlines of a log by milestone and round."""
    book = PolicyBook.of(policy.deadline, policy.calendars)

    def given(*log: LogLine) -> dict[tuple[str, int], DerivedDeadline]:
        return {(one.milestone, one.round): one for one in derive(log, book)}

    return given


# --- what starts, and until when ---


@pytest.mark.parametrize(
    ("severity", "due"),
    [
        (Severity.GENERAL, {"assigned": "11-16T11:00", "first_response": "11-16T11:00", "handled": "11-18T09:00"}),
        (Severity.URGENT, {"assigned": "11-16T09:30", "first_response": "11-16T09:30", "handled": "11-17T09:00"}),
        (Severity.MAJOR, {"first_response": "11-16T09:15", "handled": "11-17T09:00"}),
    ],
)
def test_registration_starts_what_its_severity_has(derived, severity, due):
    assert {name: one.due_at for (name, _), one in derived(registered(severity)).items()} == {
        name: local(at) for name, at in due.items()
    }


@pytest.mark.parametrize(
    ("severity", "taken_on", "told"),
    [
        (Severity.GENERAL, "11-19T09:00", "11-23T18:00"),
        (Severity.URGENT, "11-19T09:00", "11-23T18:00"),
        (Severity.MAJOR, "11-18T09:00", "11-19T18:00"),
    ],
)
def test_a_negative_answer_starts_its_own(derived, severity, taken_on, told):
    """Answered on Tuesday at opening: five working days later is Monday at closing, three are Thursday."""
    found = derived(registered(severity), line(HANDLED, 1), line(EventKind.ANSWERED_NEGATIVE, 24))
    assert found["negative_taken_on", 1].due_at == local(taken_on)
    assert found["negative_told", 1].due_at == local(told)


@pytest.mark.parametrize("severity", Severity)
def test_handling_starts_the_result_and_the_follow_up(derived, severity):
    found = derived(registered(severity), line(HANDLED, 5))
    assert found["result_feedback", 1].due_at == after(5 + 24)
    assert found["satisfaction_follow_up", 1].due_at == after(5 + 72)


def test_a_business_deadline_of_the_evening_begins_next_morning(derived):
    friday_evening = LogLine(REGISTERED, local("11-20T17:30"), local("11-20T17:30"))
    assert derived(friday_evening)["assigned", 1].due_at == local("11-23T10:30")


def test_a_policy_deadline_keeps_its_clock_and_target(derived):
    found = derived(registered())
    assert (found["assigned", 1].mode, found["assigned", 1].target_seconds) == (Mode.BUSINESS, 7200)
    assert (found["handled", 1].mode, found["handled", 1].target_seconds) == (Mode.CALENDAR, 48 * 3600)


def test_warnings_come_when_four_fifths_are_used(derived):
    found = derived(registered())
    assert found["assigned", 1].warn_at == (local("11-16T10:36"),)
    assert found["handled", 1].warn_at == (after(48 * 0.8),)


def test_warnings_run_on_the_clock_of_their_deadline(derived):
    """Two working hours from 17:00: 96 minutes are used up at 09:36, not at 18:36 when everybody has left."""
    monday_late = LogLine(REGISTERED, local("11-16T17:00"), local("11-16T17:00"))
    assert derived(monday_late)["assigned", 1].warn_at == (local("11-17T09:36"),)


# --- what ends it ---


@pytest.mark.parametrize(
    ("milestone", "kinds"),
    [
        ("assigned", (EventKind.ASSIGNED, EventKind.RESPONDED, HANDLED, EventKind.CLOSED)),
        ("first_response", (EventKind.RESPONDED, HANDLED, EventKind.CLOSED)),
        ("handled", (HANDLED, EventKind.CLOSED)),
    ],
)
@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind not in {REGISTERED, REOPENED}])
def test_only_what_the_policy_names_meets_a_milestone(derived, milestone, kinds, kind):
    one = derived(registered(), line(kind, 1))[milestone, 1]
    assert one.met_at == (after(1) if kind in kinds else None)
    assert (one.state is DeadlineState.ENDED) == (kind in kinds)


def test_the_first_event_that_meets_it_counts(derived):
    found = derived(registered(), line(EventKind.RESPONDED, 2), line(EventKind.RESPONDED, 1))
    assert found["first_response", 1].met_at == after(1)


def test_what_happened_before_a_milestone_began_does_not_meet_it(derived):
    found = derived(registered(), line(EventKind.RESULT_TOLD, 1), line(HANDLED, 2))
    assert found["result_feedback", 1].met_at is None


def test_the_result_told_in_the_minute_of_handling_meets_it(derived):
    """Sources that know minutes only: which of the two comes first in a file or a table says nothing."""
    found = derived(registered(), line(EventKind.RESULT_TOLD, 2), line(HANDLED, 2))
    assert found["result_feedback", 1].met_at == after(2)


def test_a_handling_before_registration_meets_the_milestone_before_it_began(derived):
    """Clock skew is kept: the handling counts, at the instant the source states."""
    one = derived(registered(), line(HANDLED, -0.005))["handled", 1]
    assert (one.state, one.met_at, one.started_at) == (DeadlineState.ENDED, after(-0.005), MONDAY)


# --- rounds ---


def test_reopening_gives_the_whole_time_again(derived):
    found = derived(registered(), line(HANDLED, 5), line(REOPENED, 30))
    assert found["handled", 1].met_at == after(5)
    assert (found["handled", 2].started_at, found["handled", 2].due_at) == (after(30), after(30 + 48))


def test_reopening_asks_for_no_second_assignment_or_first_response(derived):
    found = derived(registered(), line(HANDLED, 5), line(REOPENED, 30))
    assert {name for name, round_ in found if round_ == 2} == {"handled"}


def test_what_a_reopening_overtakes_is_cancelled_then(derived):
    found = derived(registered(), line(HANDLED, 5), line(EventKind.RESULT_TOLD, 6), line(REOPENED, 30))
    told, follow_up = found["result_feedback", 1], found["satisfaction_follow_up", 1]
    assert (told.state, told.met_at, told.cancelled_at) == (DeadlineState.ENDED, after(6), None)
    assert (follow_up.state, follow_up.met_at, follow_up.cancelled_at) == (DeadlineState.CANCELLED, None, after(30))


def test_a_second_handling_asks_anew(derived):
    found = derived(registered(), line(HANDLED, 5), line(REOPENED, 30), line(HANDLED, 40))
    assert found["result_feedback", 2].due_at == after(40 + 24)
    assert found["satisfaction_follow_up", 2].state is DeadlineState.RUNNING


def test_reopening_what_was_never_handled_changes_nothing(derived):
    assert derived(registered(), line(REOPENED, 3)) == derived(registered())


# --- what the source promised ---


def test_a_promised_instant_replaces_the_target_and_counts_every_hour(derived):
    promise = after(100)
    one = derived(registered(deadlines={"handled": promise.isoformat()}))["handled", 1]
    assert (one.due_at, one.mode, one.target_seconds) == (promise, Mode.CALENDAR, None)
    assert one.warn_at == (after(80),)


def test_a_source_keeps_only_the_milestones_it_names(derived):
    assert set(derived(registered(deadlines={"handled": None}))) == {("handled", 1)}


def test_a_named_milestone_without_a_promise_takes_the_policy_target(derived):
    assert derived(registered(deadlines={"handled": None}))["handled", 1].due_at == after(48)


def test_a_source_may_keep_no_deadline_at_all(derived):
    assert derived(registered(deadlines={})) == {}


def test_a_source_that_says_nothing_gets_every_milestone_of_the_policy(derived):
    assert {name for name, _ in derived(registered())} == {"assigned", "first_response", "handled"}


def test_a_promise_dated_before_registration_has_no_warning_and_is_overdue_at_once(derived):
    one = derived(registered(deadlines={"handled": after(-1).isoformat()}))["handled", 1]
    assert (one.warn_at, one.due_at) == ((), after(-1))


def test_a_promise_holds_for_the_first_handling_only(derived):
    found = derived(registered(deadlines={"handled": after(9).isoformat()}), line(HANDLED, 5), line(REOPENED, 30))
    assert (found["handled", 1].due_at, found["handled", 2].due_at) == (after(9), after(30 + 48))


def test_a_promise_survives_where_the_policy_has_no_target(derived):
    found = derived(registered(Severity.MAJOR, deadlines={"assigned": after(1).isoformat()}))
    assert found["assigned", 1].due_at == after(1)


# --- terms that change ---


def test_the_severity_stated_last_counts_from_the_beginning(derived):
    found = derived(registered(), line(EventKind.AMENDED, 1, severity="urgent"))
    assert found["handled", 1].due_at == after(24)


def test_last_means_recorded_last(derived):
    """A correction that was recorded later stands, wherever it dates itself."""
    urgent = line(EventKind.AMENDED, 2, recorded=2, severity="urgent")
    back_to_general = line(EventKind.AMENDED, 1, recorded=3, severity="general")
    assert derived(registered(), back_to_general, urgent)["handled", 1].due_at == after(48)


def test_a_severity_without_the_milestone_takes_it_away(derived):
    one = derived(registered(), line(EventKind.AMENDED, 1, severity="major"))["assigned", 1]
    assert (one.state, one.cancelled_at) == (DeadlineState.CANCELLED, after(1))
    assert ("assigned", 1) not in derived(registered(Severity.MAJOR))


def test_a_moved_promise_is_the_one_that_counts(derived):
    before = registered(deadlines={"handled": after(9).isoformat()})
    moved = line(EventKind.AMENDED, 1, deadlines={"handled": after(20).isoformat()})
    assert derived(before, moved)["handled", 1].due_at == after(20)


# --- deciding ---

WARN, DUE = after(8), after(10)


@pytest.mark.parametrize(
    ("at", "notice"),
    [
        (WARN - TICK, None),
        (WARN, None),
        (WARN + TICK, Notice.WARNING),
        (DUE, Notice.WARNING),
        (DUE + TICK, Notice.BREACH),
    ],
    ids=["before the warning", "at the warning", "after it", "at the due instant", "after the due instant"],
)
def test_a_step_is_reached_once_its_instant_lies_in_the_past(at, notice):
    decision = decide([WARN], DUE, 0, None, at)
    assert (decision and decision.notice) is notice


def test_a_warning_leads_to_the_due_instant_and_a_breach_to_nothing():
    warned = decide([WARN], DUE, 0, None, DUE)
    assert (warned.step, warned.instant, warned.next_at) == (1, WARN, DUE)
    breached = decide([WARN], DUE, warned.step, None, DUE + TICK)
    assert (breached.step, breached.instant, breached.next_at) == (2, DUE, None)


def test_a_missed_warning_and_the_due_instant_collapse_into_the_breach():
    decision = decide([WARN], DUE, 0, None, DUE + timedelta(days=3))
    assert (decision.notice, decision.instant, decision.step, decision.next_at) == (Notice.BREACH, DUE, 2, None)


def test_of_several_missed_warnings_the_last_one_speaks():
    decision = decide([after(2), after(4), after(8)], DUE, 0, None, after(5))
    assert (decision.notice, decision.instant, decision.step, decision.next_at) == (
        Notice.WARNING,
        after(4),
        2,
        after(8),
    )


@pytest.mark.parametrize("step", [1, 2])
def test_what_is_decided_is_not_decided_again(step):
    at = DUE if step == 1 else DUE + timedelta(days=3)
    assert decide([WARN], DUE, step, None, at) is None


def test_without_warnings_the_breach_is_the_first_step():
    assert decide([], DUE, 0, None, DUE + TICK).step == 1


@pytest.mark.parametrize("ended", [WARN, WARN - TICK, after(-1)])
def test_what_ended_before_a_step_never_reaches_it(ended):
    assert decide([WARN], DUE, 0, ended, DUE + timedelta(days=3)) is None
    assert next_step([WARN], DUE, 0, ended) is None


def test_what_is_met_exactly_when_due_is_no_breach():
    assert decide([WARN], DUE, 1, DUE, DUE + timedelta(days=3)) is None


def test_what_is_met_a_moment_late_is_a_breach_nobody_needs_telling_of():
    decision = decide([WARN], DUE, 1, DUE + TICK, DUE + timedelta(days=3))
    assert (decision.notice, decision.has_ended) == (Notice.BREACH, True)


def test_what_ended_between_warning_and_due_is_at_most_warned_of():
    decision = decide([WARN], DUE, 0, after(9), DUE + timedelta(days=3))
    assert (decision.notice, decision.next_at, decision.has_ended) == (Notice.WARNING, None, True)


@pytest.mark.parametrize(("later", "has_ended"), [(timedelta(0), True), (TICK, False)])
def test_whether_it_ended_is_judged_at_the_instant_of_deciding(later, has_ended):
    at = DUE + timedelta(hours=1)
    assert decide([WARN], DUE, 0, at + later, at).has_ended is has_ended
