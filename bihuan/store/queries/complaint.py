"""Complaints as people look at them: a list, and one with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.errors import UsageError
from bihuan.store.queries.survey import can_be_written_to
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState
from schemas.deadline import Deadline
from schemas.outbox import Message
from schemas.people import Customer, Department, Staff
from schemas.retention import LegalHold

_C = table_of(Complaint).c
_D = table_of(Deadline).c
_E = table_of(ComplaintEvent).c
_M = table_of(Message).c
_WITH_PEOPLE = (
    table_of(Complaint)
    .outerjoin(table_of(Department), _C.department_id == Department.id)
    .outerjoin(table_of(Staff), _C.handler_id == Staff.id)
    .outerjoin(table_of(Customer), _C.customer_id == Customer.id)
)
_NAMES = (
    table_of(Department).c.code.label("department"),
    table_of(Department).c.name.label("department_name"),
    table_of(Department).c.name_en.label("department_name_en"),
    table_of(Staff).c.code.label("handler"),
    table_of(Staff).c.name.label("handler_name"),
    table_of(Customer).c.name.label("customer_name"),
)
_IS_REACHABLE = can_be_written_to().label("customer_has_contact")


def one(session: Session, number: str) -> Row[Any]:
    """The complaint of that number with the names of its people.

    Raises:
        UsageError: There is none.
    """
    row = session.execute(
        select(table_of(Complaint), *_NAMES, _IS_REACHABLE).select_from(_WITH_PEOPLE).where(_C.number == number)
    ).first()
    if row is None:
        raise UsageError(f"no complaint {number!r}", cure="see `bihuan complaint list`")
    return row


def holds(session: Session, complaint_id: int) -> Sequence[Row[Any]]:
    """The legal holds of a complaint, oldest first; one that stands has no ``released_at``."""
    table = table_of(LegalHold).c
    columns = (table.id, table.placed_at, table.placed_by, table.why,
               table.released_at, table.released_by, table.released_why)  # fmt: skip
    return session.execute(select(*columns).where(table.complaint_id == complaint_id).order_by(table.id)).all()


def listing(
    session: Session,
    *,
    department: str | None = None,
    state: ComplaintState | None = None,
    is_open: bool | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Sequence[Row[Any]]:
    """Complaints, newest first."""
    statement = select(_C.number, _C.title, _C.kind, _C.severity, _C.channel, _C.state, _C.registered_at, _C.handled_at,
                       _C.is_simulated, *_NAMES).select_from(_WITH_PEOPLE)  # fmt: skip
    if department is not None:
        statement = statement.where(table_of(Department).c.code == department)
    if state is not None:
        statement = statement.where(_C.state == state)
    if is_open is not None:
        statement = statement.where(_C.handled_at.is_(None) if is_open else _C.handled_at.is_not(None))
    return session.execute(statement.order_by(_C.registered_at.desc(), _C.id.desc()).limit(limit).offset(offset)).all()


def events(session: Session, complaint_id: int) -> Sequence[Row[Any]]:
    """Its log, in the order in which things happened."""
    return session.execute(
        select(_E.kind, _E.occurred_at, _E.recorded_at, _E.actor, _E.data)
        .where(_E.complaint_id == complaint_id).order_by(_E.occurred_at, _E.recorded_at, _E.id)).all()  # fmt: skip


def deadlines(session: Session, complaint_id: int) -> Sequence[Row[Any]]:
    """Its deadlines, in the order in which they fall due."""
    return session.execute(
        select(table_of(Deadline)).where(_D.subject_kind == "complaint", _D.subject_id == complaint_id)
        .order_by(_D.round, _D.due_at, _D.id)).all()  # fmt: skip


def messages(session: Session, complaint_id: int) -> Sequence[Row[Any]]:
    """What was or is to be sent about it, oldest first."""
    return session.execute(
        select(_M.notice, _M.recipient, _M.state, _M.reason, _M.planned_at, _M.next_at, _M.sent_at, _M.is_late,
               _M.is_repeated, _D.milestone, _D.round)
        .select_from(table_of(Message).outerjoin(table_of(Deadline), _M.deadline_id == _D.id))
        .where(_M.subject_kind == "complaint", _M.subject_id == complaint_id).order_by(_M.id)).all()  # fmt: skip
