"""Clocks in real life: what other products got wrong, each with the thread that says so, on the whole way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bihuan.errors import PolicyError, RefusedError
from bihuan.policy.book import PolicyBook
from bihuan.policy.calendar import CalendarPolicy, WorkCalendar, parse_calendar
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.frame import DAYS
from bihuan.policy.models import Policy
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import DerivedDeadline, derive
from bihuan.store.rows import table_of
from schemas.complaint import EventKind, Severity
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Notice

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
REGISTERED, WAITING, RESUMED = EventKind.REGISTERED, EventKind.WAITING, EventKind.RESUMED
RESPONDED, HANDLED, REOPENED = EventKind.RESPONDED, EventKind.HANDLED, EventKind.REOPENED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def with_target(policy: Policy, severity: str, target: str, clock: str = "calendar") -> Policy:
    """The policy with another target for handling."""
    written = policy.written()["deadline"]
    written["milestones"]["handled"]["severity"][severity] = {"target": target, "clock": clock}
    return policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})


# --- what a pause costs: hours of the calendar, and no others ---


def handled(policy: Policy, calendar: WorkCalendar, zone: str, instants: Sequence[str]) -> DerivedDeadline:
    """Registered at the first of the local instants, then waiting and resumed in turn."""
    moments = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for text in instants]
    kinds = [REGISTERED, *[WAITING, RESUMED] * len(moments)]
    log = [
        LogLine(kind, at, at + timedelta(seconds=number), {"severity": "general"})
        for number, (kind, at) in enumerate(zip(kinds, moments, strict=False))
    ]
    calendars = CalendarPolicy(default="only", calendars={"only": calendar})
    book = PolicyBook.of(policy.deadline, calendars)
    return next(one for one in derive(log, book) if one.milestone == "handled")


@pytest.mark.parametrize(
    ("instants", "due"),
    [
        (["2026-11-16T09:00"], "2026-11-16T18:00"),
        (["2026-11-16T09:00", "2026-11-16T18:00", "2026-11-17T12:00"], "2026-11-16T18:00"),
        (["2026-11-16T18:00"], "2026-11-17T18:00"),
        (["2026-11-16T16:00", "2026-11-16T17:00", "2026-11-17T10:00"], "2026-11-17T18:00"),
        (["2026-11-16T16:00", "2026-11-16T19:00", "2026-11-17T08:00"], "2026-11-17T16:00"),
        (["2026-11-16T09:00", "2026-11-16T12:00", "2026-11-16T13:00"], "2026-11-16T18:00"),
        (["2026-11-20T16:00", "2026-11-20T17:00", "2026-11-23T09:00"], "2026-11-23T17:00"),
        (["2026-09-30T16:00", "2026-09-30T17:00", "2026-10-08T10:00"], "2026-10-08T18:00"),
        (["2026-10-09T16:00", "2026-10-09T17:00", "2026-10-10T10:00"], "2026-10-10T18:00"),
        (["2026-11-16T09:00", "2026-11-16T09:00", "2026-11-16T10:00", "2026-11-16T10:00", "2026-11-16T11:00"],
         "2026-11-17T11:00"),
    ],
    ids=["due at closing", "a pause from the due instant on", "begun at closing", "a night", "all in closed hours",
         "the lunch break", "a weekend", "a holiday of eight days", "into a make-up Saturday", "two that touch"],
)  # fmt: skip
def test_a_pause_costs_the_open_hours_it_covers(policy, instants, due):
    eight_hours = with_target(policy, "general", "8h", "business")
    found = handled(eight_hours, policy.calendars.default, "Asia/Shanghai", instants)
    assert found.due_at == datetime.fromisoformat(due).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("clock", ["calendar", "business"])
@pytest.mark.parametrize(
    ("instants", "due"),
    [
        (["2026-03-07T12:00", "2026-03-07T20:00", "2026-03-08T08:00"], "2026-03-10T00:00"),
        (["2026-10-31T12:00", "2026-10-31T20:00", "2026-11-01T08:00"], "2026-11-03T00:00"),
        (["2026-06-01T23:00"], "2026-06-03T23:00"),
    ],
    ids=["spring forward", "fall back", "around the clock over midnight (Zammad 3180)"],
)
def test_a_pause_over_a_change_of_daylight_saving_costs_its_real_hours(policy, clock, instants, due):
    """The night in spring has one hour less, the night in autumn one more; the due instant shows neither twice."""
    always = {"timezone": "America/New_York", "weekly": {day: [["00:00", "24:00"]] for day in DAYS}}
    two_days = with_target(policy, "general", "48h", clock)
    found = handled(two_days, parse_calendar(always), "America/New_York", instants)
    assert found.due_at.astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%dT%H:%M") == due


def test_no_working_day_is_an_error_and_no_endless_loop():
    with pytest.raises(PolicyError, match="holds no working time"):
        parse_calendar({"timezone": "Asia/Shanghai", "weekly": {}})


# --- waiting ---


def test_handled_without_going_back_to_work_first_the_wait_still_counts(house, answered):
    """frappe/helpdesk PR 3776: "42 days"."""
    house.happens(answered, WAITING, 10, reason="photos of the damage")
    house.sweep(10 + 42 * 24 - 1)
    house.happens(answered, HANDLED, 10 + 42 * 24)
    house.sweep(10 + 42 * 24 + 1)
    one = house.one()
    assert (one.met_at, one.breached_at, one.due_at) == (after(1018), None, after(1018 + 38))
    assert house.told() == []
    assert house.is_sound()


def test_violated_while_pending_never_happens(house, answered):
    """GLPI 24481."""
    house.happens(answered, WAITING, 10)
    assert (house.one().state, house.one().next_at) == (DeadlineState.PAUSED, None)
    assert [house.sweep(hours).decided for hours in (48, 49, 500)] == [0, 0, 0]
    assert house.overdue == 0
    assert house.is_sound()
    house.happens(answered, RESUMED, 500)
    assert (house.one().state, house.one().due_at) == (DeadlineState.RUNNING, after(538))
    assert [house.sweep(hours).breached for hours in (537, 538.1)] == [0, 1]
    assert house.is_sound()


def test_a_warning_given_before_the_pause_is_not_given_again_after_it(house, answered):
    house.sweep(39)
    house.happens(answered, WAITING, 40)
    house.happens(answered, RESUMED, 100)
    assert [house.sweep(hours).decided for hours in (101, 107, 108.1)] == [0, 0, 1]
    assert house.told() == [Notice.WARNING, Notice.BREACH]


def test_a_warning_that_late_news_of_a_pause_move_ahead_is_given_anew(house, answered):
    """The due instant moved, so its notices speak of another one (Zammad 4348)."""
    house.sweep(39)
    house.happens(answered, WAITING, 20, at=40)
    house.happens(answered, RESUMED, 39.5, at=40)
    assert house.one().step == 0
    house.sweep(60)
    assert house.told() == [Notice.WARNING, Notice.WARNING]


def test_a_pause_before_the_first_response_hides_nothing(house):
    """The shipped policy: the handling waits, the first response does not."""
    number = house.register()
    house.happens(number, WAITING, 1)
    house.sweep(2.1)
    assert house.one("first_response").breached_at == after(2.1)
    assert house.one().state is DeadlineState.PAUSED


def test_two_overlapping_pauses_cost_their_time_once(house, answered):
    for hours, kind, reason in ((1, WAITING, "photos"), (3, WAITING, "receipt"), (11, RESUMED, "")):
        house.happens(answered, kind, hours, reason=reason)
    assert house.one().due_at == after(58)


def test_a_pause_severity_raised_then_policy_swapped_and_the_pause_is_kept(house, answered):
    """GLPI 6902, 15605."""
    house.happens(answered, WAITING, 1)
    house.happens(answered, RESUMED, 11)
    house.happens(answered, EventKind.SEVERITY_CHANGED, 12, severity="urgent")
    assert (house.one().due_at, house.complaint.severity) == (after(34), Severity.URGENT)
    house.policy = with_target(house.policy, "urgent", "30h")
    house.happens(answered, EventKind.NOTE, 13, note="another policy from now on")
    assert house.one().due_at == after(34)
    house.applies(14)
    assert house.one().due_at == after(40)
    assert house.is_sound()


def test_severity_raised_while_waiting_keeps_waiting(house, answered):
    house.happens(answered, WAITING, 1)
    house.happens(answered, EventKind.SEVERITY_CHANGED, 60, severity="urgent")
    assert (house.one().state, house.sweep(200).decided) == (DeadlineState.PAUSED, 0)
    house.happens(answered, RESUMED, 200)
    assert house.one().due_at == after(223)


def test_news_of_a_pause_that_come_after_the_due_instant_move_nothing(house, answered):
    """Or every breach could be waited away afterwards."""
    house.sweep(47)
    house.happens(answered, WAITING, 40, at=48.5)
    assert (house.one().state, house.one().due_at) == (DeadlineState.RUNNING, after(48))
    assert house.sweep(49).breached == 1
    house.happens(answered, RESUMED, 50)
    assert house.one().due_at == after(48)
    assert house.is_sound()


# --- how much waiting the policy allows ---


def test_beyond_the_longest_pause_the_clock_runs_on(house):
    """It is known from the beginning until when it stands still; going on sooner gives the rest back."""
    house.decides(pause={"longest": "24h"})
    number = house.register()
    house.happens(number, WAITING, 10)
    assert (house.one().state, house.one().due_at) == (DeadlineState.RUNNING, after(72))
    house.happens(number, RESUMED, 20)
    assert house.one().due_at == after(58)
    house.happens(number, WAITING, 30)
    assert (house.sweep(81.9).breached, house.sweep(82.1).breached) == (1, 1)  # the first response, then this
    assert house.one().due_at == after(82)
    assert house.is_sound()


def test_only_so_many_pauses_stop_the_clock(house):
    house.decides(pause={"at_most": 1})
    number = house.register()
    for hours, kind in ((1, WAITING), (11, RESUMED), (12, WAITING)):
        house.happens(number, kind, hours)
    assert (house.one().state, house.one().due_at) == (DeadlineState.RUNNING, after(58))
    assert house.is_sound()


def test_only_whom_the_policy_names_stops_the_clock(house):
    house.staff("lead", "service", is_head=True)
    house.decides(pause={"who": ["department_head"]})
    number = house.register()
    for actor in ("", "anna", "nobody"):
        with pytest.raises(RefusedError, match="may not stop the clock"):
            house.happens(number, WAITING, 1, actor=actor)
    assert house.one().due_at == after(48)
    house.happens(number, WAITING, 1, actor="lead")
    assert house.one().state is DeadlineState.PAUSED


# --- what ends, and what starts nothing ---


def test_reopened_after_a_breach_no_instant_alarm(house, answered):
    """osTicket 5955."""
    house.sweep(49)
    house.happens(answered, HANDLED, 50)
    house.happens(answered, REOPENED, 60)
    assert house.sweep(61).decided == 0
    assert house.one(round_=2).due_at == after(108)
    assert house.one(round_=1).breached_at == after(49)


def test_reopened_before_the_survey_the_survey_is_cancelled(house, answered):
    """Chatwoot 4526."""
    house.happens(answered, HANDLED, 5)
    house.happens(answered, REOPENED, 30)
    one = house.one("satisfaction_follow_up")
    assert (one.state, one.cancelled_at, one.next_at) == (DeadlineState.CANCELLED, after(30), None)
    house.sweep(79)
    assert house.told("satisfaction_follow_up") == []
    assert house.is_sound()


def test_reopened_after_an_answer_it_is_asked_anew(house, answered):
    """Chatwoot 10628: the second handling has a follow-up of its own; the first answer stands."""
    for hours, kind in ((5, HANDLED), (40, EventKind.FOLLOWED_UP), (50, REOPENED), (60, HANDLED)):
        house.happens(answered, kind, hours)
    first, second = house.rows("satisfaction_follow_up")
    assert (first.round, first.state, first.met_at) == (1, DeadlineState.ENDED, after(40))
    assert (second.round, second.state, second.due_at) == (2, DeadlineState.RUNNING, after(60 + 72))
    house.sweep(132.1)
    assert [row.breached_at for row in house.rows("satisfaction_follow_up")] == [None, after(132.1)]
    assert house.is_sound()


@pytest.mark.parametrize("kind", [EventKind.NOTE, EventKind.AUTOMATIC_REPLY])
def test_thanks_after_handling_starts_nothing(house, answered, kind):
    """Chatwoot 10178."""
    house.happens(answered, HANDLED, 5)
    with house.db.read() as session:
        before = session.execute(select(table_of(Deadline))).all()
    house.happens(answered, kind, 6, note="thanks")
    with house.db.read() as session:
        assert session.execute(select(table_of(Deadline))).all() == before
    assert (house.complaint.state, house.complaint.round) == ("handled", 1)


@pytest.mark.parametrize("kind", [EventKind.NOTE, EventKind.AUTOMATIC_REPLY])
def test_neither_a_note_nor_a_machine_is_a_first_response(house, kind):
    """And what is written later does not overrule a first response (Zammad 5177)."""
    number = house.register()
    house.happens(number, kind, 0.5)
    assert house.one("first_response").met_at is None
    house.happens(number, RESPONDED, 1)
    house.happens(number, kind, 9)
    assert house.one("first_response").met_at == after(1)


def test_withdrawn_all_its_clocks_stop_and_nobody_is_told(house, answered):
    house.happens(answered, WAITING, 10)
    house.happens(answered, EventKind.WITHDRAWN, 20)
    assert (house.one().cancelled_at, house.one().state) == (after(20), DeadlineState.CANCELLED)
    assert (house.sweep(500).decided, house.complaint.handled_at) == (0, after(20))
    with pytest.raises(RefusedError, match="withdrawn"):
        house.happens(answered, RESPONDED, 501)
    house.happens(answered, REOPENED, 502)
    assert house.one(round_=2).due_at == after(550)
    assert house.is_sound()


def test_merged_it_goes_on_as_the_other(house, answered):
    other = house.register()
    house.happens(answered, EventKind.MERGED, 5, into=other)
    assert (house.complaint.state, house.complaint.handled_at) == ("merged", after(5))
    assert house.is_sound()
