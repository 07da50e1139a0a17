"""A house in which complaints live through hours, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, func, select
from sqlmodel import SQLModel

from bihuan.errors import RefusedError
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.deadline import Checked, check_all
from bihuan.services.integrity import inspect_database
from bihuan.services.people import save_department, save_staff
from bihuan.services.policy import Adoption, adopt, apply_to_open
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.sla import status
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintIn, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice
from schemas.people import StaffIn

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
SECRET = "for tests only"


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


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
        # These days are no real ones: nothing read from a file today is older or newer than they.
        self.policy = self.policy.model_copy(update={"loaded_at": None})
        with self.db.write() as session:
            save_department(session, "service", "客服部", contact_url="json://hooks.example.com/desk", secret=SECRET)
            save_department(session, "product", "产品部", contact_url=None, secret=SECRET)
        self.staff("anna", "service")

    def staff(self, code: str, department: str, **facts: Any) -> None:
        url = f"json://hooks.example.com/{code}"
        with self.db.write() as session:
            person = StaffIn(code=code, name=code.title(), department=department, contact_url=url, **facts)
            save_staff(session, person, SECRET)

    def decides(self, **written: Any) -> None:
        """Other deadlines from now on: sections of the file, or single milestones, in place of what they said."""
        said = self.policy.written()["deadline"]
        for name, words in written.items():
            if name not in said["milestones"]:
                said[name] = words
            elif words is None:
                del said["milestones"][name]
            else:
                said["milestones"][name] |= words
        self.policy = self.policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(said)})

    def closes(self, *days: str) -> None:
        """Another list of holidays."""
        said = self.policy.written()["calendar"]
        said["calendars"]["china"]["holidays"] = list(days)
        self.calendars(said)

    def calendars(self, said: dict[str, Any]) -> None:
        """Other calendars from now on."""
        self.policy = self.policy.model_copy(update={"calendars": CalendarPolicy.model_validate(said)})

    def register(self, hours: float | None = None, **facts: Any) -> str:
        self.at = self.at if hours is None else after(hours)
        told = {"source": "desk", "department": "service", "registered_at": self.at} | facts
        complaint = ComplaintIn(**told)
        with self.db.write() as session:
            return register(session, self.policy, self.settings, self.clock, complaint)

    def happens(
        self, number: str, kind: EventKind, hours: float, *, at: float | None = None, actor: str = "", **data: Any
    ) -> None:
        """What happened at ``hours`` is recorded then, or at ``at``."""
        self.at = max(self.at, after(hours if at is None else at))
        with self.db.write() as session:
            event = EventIn(kind=kind, occurred_at=after(hours), actor=actor, data=data)
            record(session, self.policy, self.clock, number, event)

    def tries(self, number: str, kind: EventKind, hours: float, **data: Any) -> None:
        """What happened, where it makes sense."""
        with suppress(RefusedError):
            self.happens(number, kind, hours, **data)

    def sweep(self, hours: float) -> Checked:
        self.at = after(hours)
        return check_all(self.db, self.policy, self.at)

    def applies(self, hours: float) -> Adoption:
        """Today's policy is applied to what is open."""
        self.at = after(hours)
        with self.db.write() as session:
            return apply_to_open(session, self.policy, self.at)

    def adopts(self, hours: float) -> Adoption:
        """Today's policy is taken in, as the next sweep would."""
        self.at = after(hours)
        with self.db.write() as session:
            return adopt(session, self.policy, self.at)

    def one(self, milestone: str = "handled", round_: int = 1, leg: int = 0) -> Row[Any]:
        d = table_of(Deadline).c
        with self.db.read() as session:
            return session.execute(select(d).where(d.milestone == milestone, d.round == round_, d.leg == leg)).one()

    @property
    def complaint(self) -> Row[Any]:
        with self.db.read() as session:
            return session.execute(select(table_of(Complaint)).order_by(table_of(Complaint).c.id)).first()

    def rows(self, milestone: str = "handled") -> list[Row[Any]]:
        d = table_of(Deadline).c
        with self.db.read() as session:
            return list(session.execute(select(d).where(d.milestone == milestone).order_by(d.id)))

    def told(self, milestone: str = "handled") -> list[Notice]:
        d, m = table_of(Deadline), table_of(Message)
        told = select(m.c.notice).join(d, d.c.id == m.c.deadline_id).where(d.c.milestone == milestone)
        with self.db.read() as session:
            return list(session.execute(told.order_by(m.c.id)).scalars())

    def count(self, table: type[SQLModel]) -> int:
        with self.db.read() as session:
            return session.execute(select(func.count()).select_from(table_of(table))).scalar_one()

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
def house_on(request: pytest.FixtureRequest, policy: Policy) -> Iterator[Callable[[str], House]]:
    """A house on the kind of database that is named."""
    opened: list[Database] = []

    def made(kind: str) -> House:
        opened.append(Database(str(request.getfixturevalue(f"{kind}_url"))))
        house = House(opened[-1], policy)
        house.open()
        return house

    yield made
    for database in opened:
        database.close()


@pytest.fixture
def answered(house: House) -> str:
    """A complaint somebody has answered: only its handling still runs."""
    number = house.register()
    house.happens(number, EventKind.RESPONDED, 0.5)
    return number
