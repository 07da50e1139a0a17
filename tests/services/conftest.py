"""An office with a database of its own, at a time the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, select, text
from sqlmodel import SQLModel

from bihuan.clock import fixed, zone
from bihuan.policy.models import Policy
from bihuan.services import complaint as complaints
from bihuan.services.deadline import Checked, check_all
from bihuan.services.intake import Intake, take_in
from bihuan.services.outbox import Delivered, deliver_all
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, audit
from bihuan.testing import RecordingGateway
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import AttemptOutcome, DeliveryAttempt, Message
from schemas.people import StaffIn
from schemas.tables import METADATA

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai: at opening."""
SECRET = "for tests only"


class Office:
    """Registers, records, checks and delivers at ``at``; ``mail`` keeps every letter."""

    def __init__(self, db: Database, policy: Policy, settings: Settings) -> None:
        self.db, self.policy, self.settings, self.at = db, policy, settings, MONDAY
        self.mail = RecordingGateway()

    def clock(self) -> datetime:
        return self.at

    def after(self, hours: float) -> datetime:
        """That many hours after Monday's opening."""
        return MONDAY + timedelta(hours=hours)

    def department(self, code: str, contact: str | None = None) -> int:
        with self.db.write() as session:
            return save_department(session, code, f"{code} 部", contact_url=contact, secret=SECRET)

    def staff(self, code: str, department: str = "service", *, contact: bool = True, **facts: Any) -> str:
        """Someone who reads at ``json://hooks.example.com/CODE``; gives them as a recipient."""
        url = f"json://hooks.example.com/{code}" if contact else None
        person = StaffIn(code=code, name=code.title(), department=department, contact_url=url, **facts)
        with self.db.write() as session:
            return f"staff:{save_staff(session, person, SECRET)}"

    def complaint(self, external_id: str | None = "1", hours: float = 0, **facts: Any) -> ComplaintIn:
        """As it arrives, registered ``hours`` after Monday's opening."""
        told = {"source": "desk", "department": "service", "registered_at": self.after(hours)} | facts
        return ComplaintIn(external_id=external_id, **told)

    def register(self, external_id: str | None = "1", hours: float | None = None, **facts: Any) -> str:
        """Register one now; its number."""
        since = (self.at - MONDAY) / timedelta(hours=1) if hours is None else hours
        with self.db.write() as session:
            return complaints.register(session, self.policy, self.settings, self.clock,
                                       self.complaint(external_id, since, **facts))  # fmt: skip

    def take_in(self, *batch: ComplaintIn, at: datetime | None = None) -> Intake:
        """Import a batch, recorded at ``at``."""
        with self.db.write() as session:
            return take_in(session, self.policy, self.settings, fixed(at or self.at), batch)

    def record(self, number: str, kind: EventKind, at: datetime | None = None, **data: Any) -> None:
        """Record what happened at ``at``, or happens now."""
        event = EventIn(kind=kind, occurred_at=at or self.at, data=data)
        with self.db.write() as session:
            complaints.record(session, self.policy, self.clock, number, event)

    def check(self, hours: float | None = None, **how: Any) -> Checked:
        """Let the clock reach that hour, and decide what is due."""
        self.at = self.at if hours is None else self.after(hours)
        return check_all(self.db, self.policy, self.at, **how)

    def deliver(self, hours: float | None = None, *, outcomes: Iterable[AttemptOutcome] | None = None) -> Delivered:
        """Let the clock reach that hour, and deliver what is due; to a gateway that answers with ``outcomes`` first."""
        self.at = self.at if hours is None else self.after(hours)
        if outcomes is not None:
            self.mail = RecordingGateway(outcomes)
        return deliver_all(self.db, self.mail, self.settings, self.clock, contact=self.policy.survey.contact)

    def rows(self, table: type[SQLModel]) -> list[Row[Any]]:
        """Everything in a table, oldest first."""
        with self.db.read() as session:
            return list(session.execute(select(table.__table__).order_by(table.id)))

    @property
    def complaints(self) -> list[Row[Any]]:
        return self.rows(Complaint)

    @property
    def events(self) -> list[Row[Any]]:
        return self.rows(ComplaintEvent)

    @property
    def deadlines(self) -> dict[tuple[str, int], Row[Any]]:
        """By milestone and round: for tests of one complaint."""
        return {(row.milestone, row.round): row for row in self.rows(Deadline)}

    @property
    def messages(self) -> list[Row[Any]]:
        return self.rows(Message)

    @property
    def attempts(self) -> list[Row[Any]]:
        return self.rows(DeliveryAttempt)

    def audit(self) -> Audit:
        with self.db.read() as session:
            return audit(session, zone(self.settings.timezone))


@pytest.fixture(scope="session")
def _shared_postgresql(_postgresql_template: str, postgresql_server: Callable[[str], str]) -> Iterator[Engine]:
    admin = create_engine(postgresql_server("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE bihuan_services TEMPLATE {_postgresql_template}"))
    admin.dispose()
    engine = create_engine(postgresql_server("bihuan_services"))
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_url(_shared_postgresql: Engine) -> Iterator[str]:
    """One upgraded database for every test here, emptied after each: cloning one a test takes a second."""
    yield _shared_postgresql.url.render_as_string(hide_password=False)
    with _shared_postgresql.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def settings() -> Settings:
    return Settings(secret=SECRET)


@pytest.fixture
def office(db: Database, policy: Policy, settings: Settings) -> Office:
    """Empty but for the department ``service``."""
    office = Office(db, policy, settings)
    office.department("service")
    return office


@pytest.fixture
def complainant() -> CustomerIn:
    """Someone an answer can reach."""
    return CustomerIn(external_id="c1", name="王女士", contact_url="json://hooks.example.com/wang")
