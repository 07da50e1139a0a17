"""The demo on both databases: it begins with a past, tells nobody about it, and lives on from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col

from bihuan.clock import fixed
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.deadline import BACKFILLED, ENDED, check_due
from bihuan.services.reach import reach
from bihuan.settings import Settings, settings
from bihuan.simulation.company import DEPARTMENTS, STAFF
from bihuan.simulation.demo import live, prepare, step
from bihuan.store.engine import Database
from bihuan.store.queries.sla import status
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Message, MessageState, Notice
from schemas.people import NO_QUIET, Customer, Department, Staff

NOW = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
PAST = {"days": 5, "per_day": 12}


@pytest.fixture
def here() -> Settings:
    return settings()


@pytest.fixture
def demo(db: Database, policy: Policy, here: Settings) -> Database:
    prepare(db, policy, here, fixed(NOW), **PAST)
    return db


def count(session: Session, table: type[SQLModel]) -> int:
    return session.execute(select(func.count()).select_from(table)).scalar() or 0


def everything(db: Database) -> list[object]:
    tables = (Complaint, ComplaintEvent, Customer, Deadline, Department, Message, Staff)
    with db.read() as session:
        return [[tuple(row) for row in session.execute(select(table_of(table)).order_by(table.id))] for table in tables]


def log_of(session: Session, number: str) -> list[tuple[EventKind, str]]:
    lines = (
        select(col(ComplaintEvent.kind), col(ComplaintEvent.key))
        .join(Complaint, col(Complaint.id) == col(ComplaintEvent.complaint_id))
        .where(col(Complaint.number) == number)
    )
    lines = lines.order_by(col(ComplaintEvent.occurred_at), col(ComplaintEvent.id))
    return [tuple(line) for line in session.execute(lines)]


def test_the_past_holds_open_overdue_and_breached_complaints_of_a_company(demo):
    with demo.read() as session:
        then = status(session, NOW)
        assert min(then.open, then.overdue, then.due_within_24h, then.breached) > 0
        assert (count(session, Department), count(session, Staff)) == (len(DEPARTMENTS), len(STAFF))


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_every_rung_of_the_company_reaches_somebody_at_any_hour(demo, policy, monkeypatch, hour):
    monkeypatch.setenv("BIHUAN_MAIL_URL", "mailtos://u:p@mail.example")
    settings.cache_clear()
    with demo.read() as session:
        found = reach(session, policy, settings(), NOW + timedelta(hours=hour))
        quiet = {(row.quiet_from, row.quiet_until) for row in session.scalars(select(Staff))}
    assert (found.faults, all(rung.told for rung in found.rungs)) == ([], True)
    assert [one.told for one in found.rungs if (one.department, one.ladder) == ("service", "oversight")] == [("gu",)]
    assert quiet == {NO_QUIET}


def test_nobody_is_told_about_the_past(demo):
    with demo.read() as session:
        found = {tuple(row) for row in session.execute(select(col(Message.state), col(Message.reason)).distinct())}
    assert found == {(MessageState.SUPPRESSED, BACKFILLED), (MessageState.SUPPRESSED, ENDED)}


def test_all_of_it_is_marked_as_simulated(demo):
    with demo.read() as session:
        for table in (Complaint, Customer, Department, Staff):
            marks = session.execute(select(col(table.is_simulated)).distinct()).scalars().all()
            assert marks == [True]


def test_preparing_again_changes_nothing(demo, policy, here):
    before = everything(demo)
    assert prepare(demo, policy, here, fixed(NOW), **PAST) == 0
    assert everything(demo) == before


def test_a_demo_that_was_stopped_fills_its_gap_and_tells_nobody(demo, policy, here):
    later = NOW + timedelta(days=2)
    assert prepare(demo, policy, here, fixed(later), **PAST) > 15
    with demo.read() as session:
        assert set(session.execute(select(col(Message.state))).scalars()) == {MessageState.SUPPRESSED}
        undecided = select(func.count()).where(col(Deadline.next_at) < later)
        assert session.execute(undecided).scalar() == 0
        newest = session.execute(select(func.max(Complaint.registered_at))).scalar()
    assert later - newest < timedelta(hours=8)


def test_a_database_with_real_complaints_is_refused_and_left_alone(db, policy, here):
    with db.write() as session:
        register(session, policy, here, fixed(NOW), ComplaintIn(source="phone", external_id="1", registered_at=NOW))
    with pytest.raises(RefusedError, match=r"not a demo's.*--data"):
        prepare(db, policy, here, fixed(NOW), days=1)
    with db.read() as session:
        assert count(session, Complaint) == 1


def test_a_step_registers_one_complaint_with_handler_and_what_became_due_of_the_others(demo, policy, here):
    later = NOW + timedelta(minutes=90)
    with demo.read() as session:
        lines_before, complaints_before = count(session, ComplaintEvent), count(session, Complaint)
    number = step(demo, policy, here, fixed(later))
    with demo.read() as session:
        assert count(session, Complaint) == complaints_before + 1
        assert [kind for kind, _ in log_of(session, number)] == [EventKind.REGISTERED, EventKind.ASSIGNED]
        assert count(session, ComplaintEvent) > lines_before + 2
        ahead = select(func.count()).where(col(ComplaintEvent.occurred_at) > later)
        assert session.execute(ahead).scalar() == 0


def test_receipts_warnings_and_breaches_are_planned_within_the_first_ten_minutes(demo, policy, here):
    for minute in range(1, 11):
        at = NOW + timedelta(minutes=minute)
        step(demo, policy, here, fixed(at))
        check_due(demo, policy, at)
    with demo.read() as session:
        planned = select(col(Message.notice)).where(col(Message.state) == MessageState.PLANNED)
        assert set(session.execute(planned).scalars()) == {Notice.RECEIPT, Notice.WARNING, Notice.BREACH}


def test_a_live_complaint_is_worked_on_until_it_is_closed(demo, policy, here):
    number = step(demo, policy, here, fixed(NOW))
    step(demo, policy, here, fixed(NOW + timedelta(days=4)))
    with demo.read() as session:
        kinds = [kind for kind, _ in log_of(session, number)]
    assert (kinds[1], kinds[-1]) == (EventKind.ASSIGNED, EventKind.CLOSED)


def test_a_complaint_that_a_person_takes_up_is_left_to_them(demo, policy, here):
    number = step(demo, policy, here, fixed(NOW))
    with demo.write() as session:
        answered = EventIn(kind=EventKind.RESPONDED, occurred_at=NOW + timedelta(seconds=5), actor="visitor")
        record(session, policy, fixed(NOW + timedelta(seconds=9)), number, answered)
    step(demo, policy, here, fixed(NOW + timedelta(days=4)))
    with demo.read() as session:
        kinds = [kind for kind, _ in log_of(session, number)]
    assert kinds == [EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.RESPONDED]


def test_the_living_demo_ends_at_once_when_told_to(demo, policy, here):
    stop = Event()
    living = Thread(target=live, args=(demo, lambda: policy, here, fixed(NOW), stop))
    living.start()
    stop.set()
    living.join(timeout=10)
    assert not living.is_alive()
