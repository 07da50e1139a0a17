"""An office with a database of its own, at a time the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, select, text
from sqlmodel import SQLModel
from sqlmodel import select as select_item

from bihuan.clock import fixed, zone
from bihuan.policy.models import Policy
from bihuan.rules.month import next_month
from bihuan.services import complaint as complaints
from bihuan.services.approval import decide
from bihuan.services.cause import confirm_cause
from bihuan.services.cycle import open_month
from bihuan.services.deadline import Checked, check_all
from bihuan.services.intake import Intake, take_in
from bihuan.services.item import amend, draft_from_finding, move
from bihuan.services.item import show as show_item
from bihuan.services.measure import add_measure, implement_measure
from bihuan.services.outbox import Delivered, deliver_all
from bihuan.services.people import save_department, save_staff
from bihuan.services.verification_plan import write_plan
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, audit
from bihuan.testing import RecordingGateway
from schemas.access import Role
from schemas.complaint import (
    Channel,
    Complaint,
    ComplaintEvent,
    ComplaintIn,
    ComplaintState,
    CustomerIn,
    EventIn,
    EventKind,
    Severity,
)
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.effect import EffectCheck
from schemas.improvement import AnalysisRun, Bone, Finding, FindingSource, FindingState, Problem
from schemas.item import Gate, Item, ItemState
from schemas.kpi import Grain, Snapshot
from schemas.outbox import AttemptOutcome, DeliveryAttempt, Message
from schemas.people import Staff, StaffIn
from schemas.tables import METADATA
from schemas.verification import Verdict

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


class Works:
    """An office that improves: quality manager qian, executive eve, head han of ``service`` with li and wang, head bo.

    October's analysis found that washing machines are late; the months before say what can be reached.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        office.at = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
        office.department("quality")
        office.department("shop")
        office.staff("qian", "quality", roles=[Role.QUALITY_MANAGER])
        office.staff("eve", "quality", roles=[Role.EXECUTIVE])
        office.staff("han", is_head=True)
        office.staff("li")
        office.staff("wang")
        office.staff("bo", "shop", is_head=True)
        self.evidence = [office.register(f"e{number}", product="洗衣机") for number in range(2)]
        self.ids = {row.code: row.id for row in office.rows(Staff)}

    def __call__(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do one act of a service, in a transaction of its own."""
        with self.office.db.write() as session:
            return act(session, self.office.policy, self.office.clock, *given, **named)

    def look(self, read: Callable[..., Any], *given: Any) -> Any:
        with self.office.db.read() as session:
            return read(session, *given)

    def show(self, number: str) -> dict[str, Any]:
        return dict(self.look(show_item, number))

    def analysis(self, month_on: date = date(2026, 10, 1), scope: str = "") -> str:
        """Keep what the analysis of a month found: washing machines are late, with a line of the problem list."""
        number = f"M-{month_on:%Y-%m}" + (f"-{scope}" if scope else "")
        run = AnalysisRun(
            number=number, period_on=month_on, until_on=next_month(month_on), scope=scope, as_of=self.office.at,
            sha256="0" * 64, complaints=240, answers=40, params={"baseline": 3}, policy_version="1", code_version="1",
            made_at=self.office.at,
        )  # fmt: skip
        place = {"dimension": "product", "element": "洗衣机", "rank": 1}
        with self.office.db.write() as session:
            session.add(run)
            session.flush()
            session.add(Problem(
                run_id=run.id, count=48, share_ratio=0.2, low=0.1, high=0.3, severity_weight=90.0, tier_weight=1,
                late=33, negative=1, people=40, kind="product", stage="working", **place,
            ))  # fmt: skip
            session.add(Finding(
                number=number.replace("M-", "F-", 1) + "-01", run_id=run.id, source=FindingSource.SLICE,
                indicator="late", state=FindingState.LOCALIZED, bone=Bone.PROCESS, x0=14, n0=140, x1=33, n1=48, q=0.001,
                evidence=self.evidence, **place,
            ))  # fmt: skip
            session.add(Snapshot(
                grain=Grain.MONTH, starts_on=month_on, indicator="on_time_handled", survey=scope, x=230, n=240,
                value=0.96, counted_at=self.office.at,
            ))  # fmt: skip
        return number

    def opened(self) -> str:
        """November's cycle."""
        return str(self(open_month, self.analysis(), "qian"))

    def drafted(self) -> str:
        """An item in November's cycle with a goal that lacks nothing."""
        number = self(draft_from_finding, self.opened(), "F-2026-10-01", "qian")
        goal = {"owner": "li", "target_value": 0.95, "due_on": "2027-03-31", "department": "service"}
        self(amend, number, goal, "qian")
        return str(number)

    def agree(self, number: str, gate: Gate, *codes: str) -> ItemState:
        """Let these people agree; where it stands then."""
        for code in codes:
            state = self(decide, number, gate, self.ids[code], True).state
        return ItemState(state)

    def selected(self) -> str:
        number = self.drafted()
        self.agree(number, Gate.G1, "qian")
        return number

    def confirmed(self) -> str:
        """With one confirmed cause, agreed to."""
        number = self.selected()
        self(move, number, ItemState.ANALYSING, "li")
        self(confirm_cause, self.show(number)["causes"][0]["id"], "data", "33 of 48 wait for a part", "li")
        self.agree(number, Gate.G2, "qian", "han")
        return number

    def planned(self, **facts: Any) -> str:
        """With one measure of wang's and a verification plan, handed in."""
        number = self.confirmed()
        self(move, number, ItemState.PLANNED, "li")
        cause = self.show(number)["causes"][0]["id"]
        plan = {"what": "keep the ten parts asked for most in the shop", "kind": "corrective", "strength": "strong",
                "cause_ids": [cause], "owner": "wang", "start_on": "2026-11-05", "due_on": "2026-11-30"}  # fmt: skip
        self(add_measure, number, plan | facts, "li")
        self(write_plan, number, {"weekly_n": 60}, "li")
        self(move, number, ItemState.PLAN_REVIEW, "li")
        return number

    def approved(self) -> str:
        number = self.planned()
        self.agree(number, Gate.G3, *(["han", "eve"] if self.show(number)["priority"] == "high" else ["han"]))
        return number

    def done(self) -> str:
        """Worked on, and observed."""
        number = self.approved()
        self.office.at = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
        self(
            implement_measure,
            f"{number}.1",
            "wang",
            implemented_on=date(2026, 11, 28),
            coverage=0.9,
            evidence="stock list",
        )
        self(move, number, ItemState.IMPLEMENTED, "li")
        self(move, number, ItemState.OBSERVING, "li")
        return number

    def check(self, number: str, verdict: Verdict, until_on: date = date(2027, 2, 1), **facts: Any) -> None:
        """Keep a final check, as the verification makes one."""
        with self.office.db.write() as session:
            item = session.exec(select_item(Item).where(Item.number == number)).one()
            session.add(EffectCheck(
                item_id=item.id, checked_at=self.office.at, until_on=until_on, is_final=True, plan_hash="p", sha256="s",
                method="newcombe", verdict=verdict, **({"fidelity_ratio": 0.9} | facts),
            ))  # fmt: skip

    def judged(self, verdict: Verdict = Verdict.EFFECTIVE) -> str:
        """With a verdict that was agreed to."""
        number = self.done()
        self.office.at = datetime(2027, 2, 1, 2, 0, tzinfo=UTC)
        self(move, number, ItemState.CHECKING, "qian")
        self.check(number, verdict)
        self.agree(number, Gate.G4, "bo", "qian")
        return number


@pytest.fixture
def works(office: Office) -> Works:
    return Works(office)


class Past:
    """Complaints of the past, as the database holds them: registered at ten in the morning, handled in time or late."""

    def __init__(self, office: Office) -> None:
        self.office, self.made = office, 0
        with office.db.read() as session:
            self.department_id = session.execute(text("SELECT id FROM department WHERE code = 'service'")).scalar()

    def __call__(
        self, first: date, weeks: int, n: int, on_time: int, product: str = "洗衣机", channel: Channel = Channel.PHONE,
        **facts: Any,
    ) -> list[int]:  # fmt: skip
        """``n`` a week for so many weeks, of which ``on_time`` are; their ids."""
        days = [first + timedelta(weeks=week, days=place % 7) for week in range(weeks) for place in range(n)]
        met = [place < on_time for _ in range(weeks) for place in range(n)]
        with self.office.db.write() as session:
            rows = [self._complaint(day, product, channel, facts) for day in days]
            session.add_all(rows)
            session.flush()
            session.add_all(self._deadline(row, is_met) for row, is_met in zip(rows, met, strict=True))
            return [row.id or 0 for row in rows]

    def _complaint(self, day: date, product: str, channel: Channel, facts: dict[str, Any]) -> Complaint:
        self.made += 1
        at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
        return Complaint(
            number=f"P-{self.made:06}", source="past", external_id=f"p{self.made}", channel=channel, product=product,
            severity=Severity.GENERAL, department_id=self.department_id, state=ComplaintState.HANDLED, registered_at=at,
            handled_at=at + timedelta(hours=20), **facts,
        )  # fmt: skip

    @staticmethod
    def _deadline(row: Complaint, is_met: bool) -> Deadline:
        due_at = row.registered_at + timedelta(hours=30 if is_met else 10)
        return Deadline(
            subject_id=row.id or 0, milestone="handled", mode=Mode.CALENDAR, started_at=row.registered_at,
            due_at=due_at, step=0 if is_met else 1, state=DeadlineState.ENDED, met_at=row.handled_at,
            breached_at=None if is_met else due_at, policy_version="1", calendar_version="1",
        )  # fmt: skip


@pytest.fixture
def past(office: Office) -> Past:
    return Past(office)
