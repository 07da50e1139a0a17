"""Clocks in real life: what other products got wrong, each with the thread that says so, on the whole way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, select

from bihuan.errors import RefusedError
from bihuan.policy.calendar import parse_calendar
from bihuan.policy.frame import DAYS
from bihuan.policy.models import DeadlinePolicy, Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import DerivedDeadline, derive
from bihuan.services.complaint import record, register
from bihuan.services.deadline import Checked, check_all
from bihuan.services.integrity import inspect_database
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.sla import status
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintIn, EventIn, EventKind, Severity
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Message, Notice
from schemas.people import StaffIn

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
SECRET = "for tests only"
REGISTERED, WAITING, RESUMED = EventKind.REGISTERED, EventKind.WAITING, EventKind.RESUMED
RESPONDED, HANDLED, REOPENED = EventKind.RESPONDED, EventKind.HANDLED, EventKind.REOPENED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def with_target(policy: Policy, severity: str, target: str, clock: str = "calendar") -> Policy:
    """The policy with another target for handling."""
    written = policy.written()["deadline"]
    written["milestones"]["handled"]["severity"][severity] = {"target": target, "clock": clock}
    return policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})


@dataclass
class House:
    """One complaint's world; time is hours after Monday's opening."""

    db: Database
    policy: Policy
    at: datetime = MONDAY
    settings: Settings = field(default_factory=lambda: Settings(secret=SECRET))

    def clock(self) -> datetime:
        return self.at

    def open(self) -> None:
        with self.db.write() as session:
            save_department(session, "service", "客服部", contact_url="json://hooks.example.com/desk", secret=SECRET)
            save_department(session, "product", "产品部", contact_url=None, secret=SECRET)
            anna = StaffIn(code="anna", name="Anna", department="service", contact_url="json://hooks.example.com/anna")
            save_staff(session, anna, SECRET)

    def register(self, **facts: Any) -> str:
        complaint = ComplaintIn(source="desk", department="service", registered_at=self.at, **facts)
        with self.db.write() as session:
            return register(session, self.policy, self.settings, self.clock, complaint)

    def happens(self, number: str, kind: EventKind, hours: float, *, at: float | None = None, **data: Any) -> None:
        """What happened at ``hours`` is recorded then, or at ``at``."""
        self.at = max(self.at, after(hours if at is None else at))
        with self.db.write() as session:
            record(session, self.policy, self.clock, number, EventIn(kind=kind, occurred_at=after(hours), data=data))

    def sweep(self, hours: float) -> Checked:
        self.at = after(hours)
        return check_all(self.db, self.policy, self.at)

    def one(self, milestone: str = "handled", round_: int = 1) -> Row[Any]:
        d = table_of(Deadline).c
        with self.db.read() as session:
            return session.execute(select(d).where(d.milestone == milestone, d.round == round_)).one()

    @property
    def complaint(self) -> Row[Any]:
        with self.db.read() as session:
            return session.execute(select(table_of(Complaint)).order_by(table_of(Complaint).c.id)).first()

    def told(self, milestone: str = "handled") -> list[Notice]:
        d, m = table_of(Deadline), table_of(Message)
        told = select(m.c.notice).join(d, d.c.id == m.c.deadline_id).where(d.c.milestone == milestone)
        with self.db.read() as session:
            return list(session.execute(told.order_by(m.c.id)).scalars())

    @property
    def overdue(self) -> int:
        with self.db.read() as session:
            return status(session, self.at).overdue

    def is_sound(self) -> bool:
        return inspect_database(self.db, self.policy).is_sound


@pytest.fixture
def house(db: Database, policy: Policy) -> House:
    house = House(db, policy)
    house.open()
    return house


@pytest.fixture
def answered(house: House) -> str:
    """A complaint somebody has answered: only its handling still runs."""
    number = house.register()
    house.happens(number, RESPONDED, 0.5)
    return number


# --- what a pause costs: hours of the calendar, and no others ---


def handled(policy: Policy, clock: BusinessClock, zone: str, instants: Sequence[str]) -> DerivedDeadline:
    """Registered at the first of the local instants, then waiting and resumed in turn."""
    moments = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for text in instants]
    kinds = [REGISTERED, *[WAITING, RESUMED] * len(moments)]
    log = [
        LogLine(kind, at, at + timedelta(seconds=number), {"severity": "general"})
        for number, (kind, at) in enumerate(zip(kinds, moments, strict=False))
    ]
    return next(one for one in derive(log, policy.deadline, clock) if one.milestone == "handled")


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
    found = handled(eight_hours, BusinessClock(policy.calendars.default), "Asia/Shanghai", instants)
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
    found = handled(two_days, BusinessClock(parse_calendar(always)), "America/New_York", instants)
    assert found.due_at.astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%dT%H:%M") == due


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


# --- what ends, and what starts nothing ---


def test_reopened_after_a_breach_no_instant_alarm(house, answered):
    """osTicket 5955."""
    house.sweep(49)
    house.happens(answered, HANDLED, 50)
    house.happens(answered, REOPENED, 60)
    assert house.sweep(61).decided == 0
    assert house.one(round_=2).due_at == after(108)
    assert house.one(round_=1).breached_at == after(49)


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


def test_another_department_has_no_handler_yet(house, answered):
    assert house.complaint.handler_id is not None
    was = house.complaint.department_id
    house.happens(answered, EventKind.DEPARTMENT_CHANGED, 5, department="product")
    assert (house.complaint.handler_id, house.complaint.department_id != was) == (None, True)


# --- anything, in any order ---

_ANY = sorted(set(EventKind) - {REGISTERED, EventKind.AMENDED, EventKind.MERGED})


def test_after_any_life_the_deadlines_are_those_of_the_log(house):
    """Two hundred pieces of news, some known days later, with sweeps between them."""
    dice, now = random.Random(3), 0.0
    numbers = [house.register(severity=dice.choice(list(Severity))) for _ in range(8)]
    for _ in range(200):
        now += dice.expovariate(1 / 2)
        data = {"severity": dice.choice(list(Severity)).value, "department": dice.choice(["service", "product"])}
        happened = max(0.0, now - dice.choice([0, 0, 0, 5, 60]))
        try:
            house.happens(dice.choice(numbers), dice.choice(_ANY), happened, at=now, **data)
        except RefusedError:
            continue
        if dice.random() < 0.3:
            house.sweep(now)
    house.sweep(now)
    report = inspect_database(house.db, house.policy)
    assert report.is_sound, report.differences
