"""The demo: an empty database becomes a company with a past, and then lives on, one complaint a minute."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

from sqlalchemy import func, select
from sqlmodel import Session, col

from bihuan.clock import Clock, fixed
from bihuan.errors import BihuanError, RefusedError
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.deadline import check_due
from bihuan.services.intake import take_in
from bihuan.services.people import save_department
from bihuan.services.roster import save_book
from bihuan.services.survey_plan import pass_over
from bihuan.settings import Settings
from bihuan.simulation import arrival
from bihuan.simulation.arrival import Arrival
from bihuan.simulation.company import DEPARTMENTS, SOURCE, Company, contact, staff_book
from bihuan.simulation.life import SCRIPTED
from bihuan.simulation.stream import complaint
from bihuan.store.engine import Database
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState, EventIn, EventKind
from schemas.installation import InstallationFact
from schemas.people import Customer, Department, Staff

IS_DEMO = "is_demo"
"""Name of the fact that a database holds a simulated company."""
SEED = 20261122
COMPANY = Company(SEED)
"""Always the same people."""
EVERY_SECONDS = 60.0
_BATCH = 500
_BY_PRODUCT = frozenset({EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.AMENDED})

log = logging.getLogger(__name__)


def prepare(
    db: Database, policy: Policy, settings: Settings, clock: Clock, *, days: int = 90, per_day: int = 40
) -> int:
    """Make an upgraded, empty database a demo, or fill the gap in one that was stopped. Nothing is sent about the past.

    Deadlines that passed are decided day by day, with their notices suppressed as back-filled. Running it again, or
    after it was interrupted, adds what is missing and nothing twice.

    Args:
        db: Upgraded.
        policy: Sets the deadlines.
        settings: Whose secret seals the contacts.
        clock: The present.
        days: Length of the past.
        per_day: Complaints on an average day.

    Returns:
        How many complaints were added.

    Raises:
        RefusedError: The database holds something and is not a demo.
    """
    now = clock()
    with db.write() as session:
        if _claim(session):
            _move_in(session, policy, settings, now)
        last = select(func.max(Complaint.registered_at)).where(col(Complaint.source) == SOURCE)
        since = session.execute(last).scalar()
    arrivals = list(arrival.history(SEED, now, days=days, per_day=per_day, since=since))
    if since is None:
        arrivals += arrival.planted(now)
    _arrive(db, policy, settings, clock, arrivals)
    _catch_up(db, policy, COMPANY, clock)
    _decide_past(db, policy, since or now - timedelta(days=days), now)
    return len(arrivals)


def fill(db: Database, policy: Policy, settings: Settings, *, since: datetime, until: datetime, per_day: int) -> int:
    """Make an upgraded, empty database the company of a service not yet launched, from ``since`` up to ``until``.

    Nothing is decided and nothing sent: it is there to be replayed.

    Returns:
        How many complaints were made up.
    """
    with db.write() as session:
        _claim(session)
        _move_in(session, policy, settings, until)
    days = -(-(until - since) // timedelta(days=1))
    arrivals = list(arrival.history(SEED, until, days=days, per_day=per_day, since=since))
    _arrive(db, policy, settings, fixed(until), arrivals)
    return len(arrivals)


def _arrive(db: Database, policy: Policy, settings: Settings, clock: Clock, arrivals: Sequence[Arrival]) -> None:
    for start in range(0, len(arrivals), _BATCH):
        batch = [complaint(COMPANY, one, until=clock()) for one in arrivals[start : start + _BATCH]]
        with db.write() as session:
            take_in(session, policy, settings, clock, batch)


def live(db: Database, policy: Callable[[], Policy], settings: Settings, clock: Clock, stop: Event) -> None:
    """Take one step a minute until ``stop`` is set; a step that fails is logged, the next one makes up for it."""
    while not stop.is_set():
        try:
            step(db, policy(), settings, clock)
        except BihuanError as error:
            log.warning("no simulated step this minute", extra={"what": error.what, "cure": error.cure})
        stop.wait(EVERY_SECONDS)


def step(db: Database, policy: Policy, settings: Settings, clock: Clock) -> str:
    """Register the complaint that arrives now, and record what has happened to the others since the last step.

    Returns:
        The new complaint's number.
    """
    _catch_up(db, policy, COMPANY, clock)
    arriving = complaint(COMPANY, arrival.live(clock()), until=clock())
    with db.write() as session:
        return register(session, policy, settings, clock, arriving)


def _claim(session: Session) -> bool:
    """Mark an empty database as a demo's; whether it was empty."""
    if session.get(InstallationFact, IS_DEMO):
        return False
    tables = (Complaint, Customer, Staff, Department)
    if any(session.execute(select(col(table.id)).limit(1)).first() for table in tables):
        raise RefusedError(
            "this database holds data that is not a demo's",
            cure="give the demo a folder of its own: bihuan up --demo --data ./demo-data",
        )
    session.add(InstallationFact(name=IS_DEMO, value="true"))
    return True


def _move_in(session: Session, policy: Policy, settings: Settings, now: datetime) -> None:
    """Save every department, everybody who works there and who is on duty when."""
    secret = settings.secret_value()
    for department in DEPARTMENTS:
        save_department(session, department.code, department.name, name_en=department.name_en,
                        contact_url=contact(department.code), secret=secret, is_simulated=True)  # fmt: skip
    save_book(session, policy, staff_book(), secret, now)


def _catch_up(db: Database, policy: Policy, company: Company, clock: Clock) -> None:
    """Record the scripted events of open complaints that have come due."""
    now = clock()
    with db.read() as session:
        due = list(_due_events(session, company, now))
    for start in range(0, len(due), _BATCH):
        with db.write() as session:
            for number, event in due[start : start + _BATCH]:
                try:
                    record(session, policy, clock, number, event)
                except RefusedError as error:
                    log.info("script left", extra={"number": number, "what": error.what})


def _due_events(session: Session, company: Company, now: datetime) -> Iterator[tuple[str, EventIn]]:
    """Number and next events of each open complaint nobody but the script has worked on."""
    is_open = (col(Complaint.source) == SOURCE) & (col(Complaint.state) != ComplaintState.CLOSED)
    handler = col(Complaint.handler_id) == col(Staff.id)
    rows = session.execute(
        select(col(Complaint.id), col(Complaint.number), col(Complaint.external_id), col(Staff.name))
        .outerjoin(Staff, handler).where(is_open).order_by(col(Complaint.id))
    ).all()  # fmt: skip
    logs = defaultdict(list)
    for line in session.execute(
        select(col(ComplaintEvent.complaint_id), col(ComplaintEvent.kind), col(ComplaintEvent.key))
        .join(Complaint, col(Complaint.id) == col(ComplaintEvent.complaint_id)).where(is_open)
    ):  # fmt: skip
        logs[line.complaint_id].append((line.kind, line.key))
    for row in rows:
        if _is_scripted(logs[row.id]):
            known = {key for _, key in logs[row.id]}
            for event in complaint(company, Arrival.of(row.external_id), until=now).events:
                if event.key not in known:
                    yield row.number, event.model_copy(update={"actor": row.name or event.actor})


def _is_scripted(lines: Iterable[tuple[EventKind, str]]) -> bool:
    """Whether no person took a hand in it: then the script leaves it to them."""
    return all(kind in _BY_PRODUCT or key.startswith(SCRIPTED) for kind, key in lines)


def _decide_past(db: Database, policy: Policy, first: datetime, now: datetime) -> None:
    at = first.astimezone(UTC)
    while at < now:
        at = min(at + timedelta(days=1), now)
        while check_due(db, policy, at, is_sending=False).decided:
            pass
    with db.write() as session:
        pass_over(session, now.astimezone(UTC))
