"""Thirty days of one complaint, lived in milliseconds: the clock is moved, everything else is as in production."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.deadline import check_all
from bihuan.services.integrity import inspect_database
from bihuan.services.outbox import deliver_all
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries import complaint as complaints
from bihuan.store.queries.outbox import audit
from bihuan.testing import RecordingGateway
from schemas.complaint import ComplaintIn, ComplaintState, CustomerIn, EventIn, EventKind, Kind
from schemas.deadline import Deadline
from schemas.outbox import Message, MessageState
from schemas.people import StaffIn

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECRET = "for tests only"
QUARTER = timedelta(minutes=15)


def march(day: int, clock: str) -> datetime:
    """An instant of March 2026 in Shanghai; the 2nd is a Monday."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}").replace(tzinfo=SHANGHAI)


@dataclass
class House:
    """One complaint's world, with a clock that the test moves."""

    db: Database
    policy: Policy
    settings: Settings
    at: datetime = field(default_factory=lambda: march(2, "09:00"))
    mail: RecordingGateway = field(default_factory=RecordingGateway)

    def clock(self) -> datetime:
        return self.at

    def live_until(self, at: datetime) -> None:
        """Let time pass: a sweep and a delivery at every quarter of an hour that finds something due."""
        while (quarter := self._next_quarter()) and quarter <= at:
            self.at = quarter
            check_all(self.db, self.policy, self.at)
            deliver_all(self.db, self.mail, self.settings, self.clock)
        self.at = at

    def _next_quarter(self) -> datetime | None:
        """The first quarter of an hour after the next row comes due."""
        with self.db.read() as session:
            found = [session.scalar(select(func.min(col(table.next_at)))) for table in (Deadline, Message)]
        due_at = min((at for at in found if at), default=None)
        return due_at and due_at + QUARTER - (due_at - march(1, "00:00")) % QUARTER

    def happen(self, number: str, kind: EventKind, at: datetime) -> None:
        self.live_until(at)
        with self.db.write() as session:
            record(session, self.policy, self.clock, number, EventIn(kind=kind, occurred_at=at, actor="anna"))


@pytest.fixture
def house(db: Database, policy: Policy) -> House:
    with db.write() as session:
        save_department(session, "service", "服务部")
        person = StaffIn(code="anna", name="安娜", department="service", contact_url="json://hooks.example.com/anna")
        save_staff(session, person, SECRET)
    return House(db, policy, Settings(secret=SECRET))


def test_a_complaint_lives_through_march(house):
    """Answered in time, handled late, told late, reopened, handled again, and followed up at last."""
    with house.db.write() as session:
        number = register(session, house.policy, house.settings, house.clock, ComplaintIn(
            source="desk", external_id="1", registered_at=house.at, kind=Kind.SERVICE, title="空调不制冷",
            customer=CustomerIn(name="王女士", contact_url="json://hooks.example.com/wang"),
        ))  # fmt: skip
    house.happen(number, EventKind.RESPONDED, march(2, "10:30"))
    house.happen(number, EventKind.HANDLED, march(4, "10:00"))
    house.happen(number, EventKind.RESULT_TOLD, march(5, "11:00"))
    house.happen(number, EventKind.REOPENED, march(6, "09:00"))
    house.happen(number, EventKind.HANDLED, march(7, "09:00"))
    house.happen(number, EventKind.RESULT_TOLD, march(7, "12:00"))
    house.happen(number, EventKind.FOLLOWED_UP, march(12, "09:00"))
    house.happen(number, EventKind.CLOSED, march(12, "10:00"))
    house.live_until(march(31, "09:00"))

    with house.db.read() as session:
        row = complaints.one(session, number)
        deadlines = {(each.milestone, each.round): each for each in complaints.deadlines(session, row.id)}
        told = [
            (each.milestone, each.round, each.notice.value, each.sent_at.astimezone(SHANGHAI).strftime("%d %H:%M"))
            for each in complaints.messages(session, row.id)
            if each.state is MessageState.SENT
        ]
        found = audit(session, SHANGHAI)

    assert (row.state, row.round) == (ComplaintState.CLOSED, 2)
    # 80 % of 2 working hours is 10:36, and it was answered at 10:30; of 48 h it is 23:24 on the second day.
    assert told == [
        (None, None, "receipt", "02 09:15"),
        ("handled", 1, "warning", "03 23:30"),
        ("handled", 1, "breach", "04 09:15"),
        ("result_feedback", 1, "warning", "05 05:15"),
        ("result_feedback", 1, "breach", "05 10:15"),
        ("satisfaction_follow_up", 2, "warning", "09 18:45"),
        ("satisfaction_follow_up", 2, "breach", "10 09:15"),
    ]
    breached = {name for name, each in deadlines.items() if each.breached_at}
    assert breached == {("handled", 1), ("result_feedback", 1), ("satisfaction_follow_up", 2)}
    assert deadlines["satisfaction_follow_up", 1].cancelled_at == march(6, "09:00")
    assert all(each.met_at for name, each in deadlines.items() if name != ("satisfaction_follow_up", 1))
    assert (found.holds, found.due, found.sent) == (True, 7, 7)
    assert inspect_database(house.db, house.policy).is_sound


def test_a_complaint_nobody_touches_is_told_of_once_a_step_and_then_rests(house):
    with house.db.write() as session:
        register(session, house.policy, house.settings, house.clock, ComplaintIn(
            source="desk", external_id="1", registered_at=house.at, kind=Kind.SERVICE,
        ))  # fmt: skip
    house.live_until(march(31, "09:00"))
    assert len(house.mail.sent) == 4  # assigned at once; first response and handling, each warned of and breached
    assert {url for url, _ in house.mail.sent} == {"json://hooks.example.com/anna"}
