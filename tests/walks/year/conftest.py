"""A company that makes household goods: its people, a year of complaints thrown by seeded dice, and its clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.rows import insert_rows, table_of
from bihuan.testing import RecordingGateway
from schemas.access import Role
from schemas.complaint import Channel, Complaint, ComplaintEvent, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.effect import EffectCheck, Lesson, Standard, SustainWatch
from schemas.improvement import AnalysisRun, Finding, Problem
from schemas.item import Approval, Cycle, Item, ItemEvent, ItemState
from schemas.outbox import Message
from schemas.people import Customer, Department, Staff, StaffIn
from schemas.plan import Cause, Checkpoint, Measure, VerificationPlan
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

SECRET = "for tests only"
CUSTOMERS = 400
KEPT = (
    AnalysisRun, Finding, Problem, Cycle, Item, ItemEvent, Approval, Cause, Measure, VerificationPlan, Checkpoint,
    EffectCheck, Standard, SustainWatch, Lesson, Message, Deadline,
)  # fmt: skip
"""What improvements leave in the database: of none of it may a second run change anything."""


class Turn(NamedTuple):
    """From a day on so many of a product's complaints are handled on time, or answered with bad feedback."""

    on: date
    ratio: float


class Product(NamedTuple):
    """What is complained about: so many a day, of one department, and how it turns."""

    name: str
    department: str
    a_day: int
    turns: tuple[Turn, ...]
    sad: tuple[Turn, ...] = ()
    """How many of the answers are bad; none: nobody is asked."""


START = date(2025, 10, 1)
EVERYWHERE = date(2026, 10, 1)
"""Carriers, shops and workshops share one system: what was slow before is handled nine times in ten on time."""


def turns(*pairs: tuple[date, float]) -> tuple[Turn, ...]:
    return tuple(Turn(*pair) for pair in pairs)


PRODUCTS = (
    Product("洗衣机", "service", 5, turns(
        (START, 0.9), (date(2026, 1, 1), 0.62), (date(2026, 4, 1), 0.94), (date(2026, 11, 1), 0.55),
    )),
    Product("冰箱", "delivery", 5, turns((START, 0.66), (date(2026, 3, 16), 0.8), (date(2026, 7, 6), 0.95))),
    Product("空调", "repair", 5, turns((START, 0.8),)),
    Product("电视", "shop", 5, turns((START, 0.86), (date(2026, 5, 4), 0.68), (date(2026, 8, 3), 0.9))),
    Product("微波炉", "delivery", 5, turns((START, 0.7), (date(2026, 7, 20), 0.93))),
    Product("热水器", "service", 5, turns((START, 0.72))),
    Product("电饭煲", "repair", 5, turns((START, 0.72))),
    Product("净水器", "shop", 5, turns((START, 0.93)), turns(
        (START, 0.34), (date(2026, 7, 6), 0.1), (EVERYWHERE, 0.06),
    )),
)  # fmt: skip
RARE = Product("吸尘器", "shop", 1, turns((START, 0.7), (date(2026, 3, 16), 0.74)))
"""Complained about twice a week."""
_RARE_DAYS = (1, 4)


def _ratio(turned: tuple[Turn, ...], day: date) -> float:
    return _turn(turned, day).ratio


def _on_time(product: Product, day: date) -> float:
    turn = _turn(product.turns, day)
    return max(turn.ratio, 0.9) if turn.on < EVERYWHERE <= day else turn.ratio


def _turn(turned: tuple[Turn, ...], day: date) -> Turn:
    return next(turn for turn in reversed(turned) if turn.on <= day)


@dataclass
class Company:
    """Its database and clock; ``day`` is the last one whose complaints have come in."""

    db: Database
    policy: Policy
    settings: Settings
    at: datetime = datetime(2026, 2, 2, 2, tzinfo=UTC)
    fed_until: date = START
    made: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(2026))
    ids: dict[str, int] = field(default_factory=dict)
    mail: RecordingGateway = field(default_factory=RecordingGateway)

    def clock(self) -> datetime:
        return self.at

    @property
    def today(self) -> date:
        return self.at.date()

    def __call__(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do one act of a service, in a transaction of its own."""
        with self.db.write() as session:
            return act(session, self.policy, self.clock, *given, **named)

    def look(self, read: Callable[..., Any], *given: Any) -> Any:
        with self.db.read() as session:
            return read(session, *given)

    def rows(self, table: type[SQLModel]) -> list[Any]:
        with self.db.read() as session:
            return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))

    def digest(self) -> str:
        """Of everything that improvements left, but for the deadlines of complaints, which dice threw."""
        held = sha256()
        with self.db.read() as session:
            for table in KEPT:
                own = " WHERE subject_kind IN ('item', 'measure')" if table is Deadline else ""
                said = f"SELECT * FROM {table_of(table).name}{own} ORDER BY id"  # noqa: S608 - names of our tables
                held.update(repr(session.connection().exec_driver_sql(said).fetchall()).encode())
        return held.hexdigest()

    def twice(self, act: Callable[[], Any]) -> Any:
        """What the act gives; done again at the same instant it changes nothing."""
        done = act()
        before = self.digest()
        act()
        assert self.digest() == before, act
        return done

    def state(self, number: str) -> ItemState:
        """Where an item stands."""
        with self.db.read() as session:
            return session.execute(select(table_of(Item).c.state).where(table_of(Item).c.number == number)).scalar_one()

    def on_time(self, product: str, since: date, until: date) -> tuple[int, int]:
        """How many of a product's complaints of these days were handled on time, and of how many."""
        c, d = table_of(Complaint).c, table_of(Deadline).c
        spans = [datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8) for day in (since, until)]
        both = select(func.count(), func.count(d.breached_at)).where(
            d.subject_id == c.id, d.subject_kind == "complaint", c.product == product,
            c.registered_at >= spans[0], c.registered_at < spans[1],
        )  # fmt: skip
        with self.db.read() as session:
            n, late = session.execute(both).one()
        return n - late, n

    def sad(self, product: str, since: date, until: date) -> tuple[int, int]:
        """How many of the answers of these days about a product were bad, and of how many."""
        c, a = table_of(Complaint).c, table_of(Answer).c
        spans = [datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8) for day in (since, until)]
        both = select(a.is_negative).where(
            a.subject_id == c.id, c.product == product, a.answered_at >= spans[0], a.answered_at < spans[1]
        )
        with self.db.read() as session:
            found = session.execute(both).scalars().all()
        return sum(found), len(found)

    def complaints_about(self, product: str, most: int) -> list[str]:
        """The newest of a product."""
        c = table_of(Complaint).c
        newest = select(c.number).where(c.product == product).order_by(c.id.desc()).limit(most)
        with self.db.read() as session:
            return list(session.execute(newest).scalars())

    def hire(self) -> None:
        with self.db.write() as session:
            for code, name in (("service", "客服部"), ("delivery", "物流部"), ("repair", "维修部"), ("shop", "门店部"),
                               ("quality", "质量部")):  # fmt: skip
                save_department(session, code, name)
            for code, department, is_head, roles in (
                ("qian", "quality", False, [Role.QUALITY_MANAGER]), ("eve", "quality", False, [Role.EXECUTIVE]),
                ("mei", "quality", False, []), ("han", "service", True, []), ("li", "service", False, []),
                ("wang", "service", False, []), ("du", "delivery", True, []), ("sun", "delivery", False, []),
                ("hu", "delivery", False, []), ("bo", "repair", True, []), ("zhao", "repair", False, []),
                ("ren", "repair", False, []), ("shen", "shop", True, []), ("zhou", "shop", False, []),
                ("lin", "shop", False, []),
            ):  # fmt: skip
                person = StaffIn(code=code, name=code.title(), department=department, is_head=is_head, roles=roles)
                save_staff(session, person, SECRET)
        with self.db.write() as session:
            insert_rows(session, Customer, [_customer(number) for number in range(1, CUSTOMERS + 1)])
        self.ids = {row.code: row.id for row in self.rows(Staff)}
        self._places = {row.code: row.id for row in self.rows(Department)}

    def feed(self, until: date) -> None:
        """Let the complaints of all days before ``until`` come in, each with its log, its verdict and its answer."""
        days = [self.fed_until + timedelta(days=n) for n in range((until - self.fed_until).days)]
        lives = [life for day in days for life in self._day(day)]
        self.fed_until = until
        with self.db.write() as session:
            for place, table in enumerate((Complaint, ComplaintEvent, Deadline, Invitation, Answer)):
                insert_rows(session, table, [row for life in lives for row in life[place]])

    def _day(self, day: date) -> Iterator[tuple[list[dict[str, Any]], ...]]:
        for product in (*PRODUCTS, *((RARE,) if day.weekday() in _RARE_DAYS else ())):
            for _ in range(product.a_day):
                self.made += 1
                yield self._life(day, product)

    def _life(self, day: date, product: Product) -> tuple[list[dict[str, Any]], ...]:
        number, chance = self.made, self.chance
        at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(480))
        is_met = chance.random() < _on_time(product, day)
        handled_at = at + timedelta(hours=20 if is_met else 60)
        asked = product.sad and chance.random() < 0.6
        said = _said(number, handled_at, is_sad=chance.random() < _ratio(product.sad, day)) if asked else ([], [])
        complaint = {
            "id": number, "number": f"C-{number:06}", "source": "desk", "external_id": str(number),
            "channel": chance.choice((Channel.PHONE, Channel.CHAT)), "kind": chance.choice(tuple(Kind)[:2]),
            "severity": Severity.GENERAL, "title": "", "matter": "", "demand": "",
            "product": product.name, "missing": [], "attributes": {}, "customer_id": chance.randrange(CUSTOMERS) + 1,
            "department_id": self._places[product.department], "state": ComplaintState.HANDLED, "round": 1,
            "registered_at": at, "handled_at": handled_at, "is_simulated": False,
        }  # fmt: skip
        return [complaint], list(_log(number, at, handled_at)), [_verdict(number, at, handled_at, is_met)], *said


def _customer(number: int) -> dict[str, Any]:
    """Nine in ten can be written to."""
    contact = seal(f"json://hooks.example.com/c{number}", SECRET) if number % 10 else None
    return {"id": number, "source": "desk", "external_id": f"c{number}", "name": f"顾客{number}", "language": "zh",
            "sealed_contact": contact, "is_simulated": False}  # fmt: skip


def _log(number: int, at: datetime, handled_at: datetime) -> Iterator[dict[str, Any]]:
    for kind, when in ((EventKind.REGISTERED, at), (EventKind.HANDLED, handled_at)):
        yield {"complaint_id": number, "kind": kind, "occurred_at": when, "recorded_at": when, "actor": "desk",
               "key": kind.value, "data": {}}  # fmt: skip


def _verdict(number: int, at: datetime, handled_at: datetime, is_met: bool) -> dict[str, Any]:
    due_at = at + timedelta(hours=48)
    return {
        "subject_kind": "complaint", "subject_id": number, "milestone": "handled", "round": 1, "leg": 0,
        "mode": Mode.CALENDAR, "target_seconds": 172_800.0, "started_at": at, "due_at": due_at, "warn_at": [],
        "step": 0 if is_met else 1, "next_at": None, "state": DeadlineState.ENDED, "met_at": handled_at,
        "breached_at": None if is_met else due_at, "policy_version": "1", "calendar_version": "1",
    }  # fmt: skip


def _said(number: int, handled_at: datetime, *, is_sad: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    at = handled_at + timedelta(hours=30)
    asked = {
        "id": number, "key": f"asked {number}", "subject_kind": "complaint", "subject_id": number,
        "duty": "satisfaction_follow_up", "round": 1, "questionnaire": "satisfaction", "policy_version": "1",
        "started_at": handled_at, "send_at": handled_at, "due_at": handled_at + timedelta(hours=72),
        "expires_at": handled_at + timedelta(days=14), "state": InvitationState.ANSWERED, "reminders": 0, "calls": 0,
        "invited_at": handled_at, "answered_at": at,
    }  # fmt: skip
    answer = {
        "invitation_id": number, "source": "bihuan", "external_id": str(number), "subject_kind": "complaint",
        "subject_id": number, "channel": AnswerSource.WEB, "language": "zh", "values": {}, "csat": 2 if is_sad else 5,
        "weight": 1.0, "comment": "", "is_negative": is_sad, "answered_at": at, "changed_at": at, "revision": 1,
    }  # fmt: skip
    return [asked], [answer]


@pytest.fixture(scope="module")
def opened(policy: Policy) -> Iterator[Callable[[str, Path], Company]]:
    """Open a company since October 2025 on an upgraded database, with a data folder; its clock stands in February."""
    databases: list[Database] = []

    def made(url: str, folder: Path) -> Company:
        databases.append(Database(url))
        company = Company(databases[-1], policy, Settings(secret=SECRET, data_dir=folder))
        company.hire()
        company.feed(company.today)
        company.db.analyze()
        return company

    yield made
    for database in databases:
        database.close()
