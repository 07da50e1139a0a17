"""What the web pages ask of the present: figures by department, what waits longest, lists, names for codes.

These queries know no "as of": they read the partial indexes of what is open and running now, so their cost follows
what is due, not what is stored. ``sla.status`` gives the same figures for any instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlmodel import Session

from bihuan.store.queries.sla import SOON
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState
from schemas.deadline import Deadline
from schemas.installation import Heartbeat
from schemas.people import Department, Staff

_C = table_of(Complaint).c
_D = table_of(Deadline).c
_P = table_of(Department).c
_S = table_of(Staff).c
_E = table_of(ComplaintEvent).c
_RUNNING = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None))
_OF_COMPLAINT = and_(_D.subject_kind == "complaint", _D.subject_id == _C.id)
NO_DEPARTMENT = "-"
"""The code by which a filter asks for complaints without a department."""
PSEUDO_STATES = ("open", "due_soon", "overdue", "breached")
"""What a list can be narrowed to beside the states of a complaint."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Open complaints and their deadlines, of one department or of all."""

    code: str | None = None
    name: str | None = None
    name_en: str | None = None
    open: int = 0
    due_soon: int = 0
    overdue: int = 0
    breached: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Both together, without a name."""
        return Figures(None, None, None, self.open + other.open, self.due_soon + other.due_soon,
                       self.overdue + other.overdue, self.breached + other.breached)  # fmt: skip


def by_department(session: Session, at: datetime) -> list[Figures]:
    """Each department's figures at the present ``at``: most overdue first, then most open, then by code."""
    key, table = _C.department_id, table_of(Complaint)
    in_deadlines = table_of(Deadline).join(table, _OF_COMPLAINT)
    is_overdue = case((_D.due_at < at, 1), else_=0)
    opened = dict(_pairs(session, select(key, func.count()).where(_C.handled_at.is_(None)).group_by(key)))
    breached = dict(_pairs(session, select(key, func.count()).select_from(in_deadlines)
                           .where(_D.breached_at <= at).group_by(key)))  # fmt: skip
    due = {row[0]: (row[1], row[2]) for row in session.execute(
        select(key, func.count(), func.sum(is_overdue)).select_from(in_deadlines)
        .where(_RUNNING, _D.due_at < at + SOON, _D.started_at <= at).group_by(key))}  # fmt: skip
    names = {row.id: row[1:] for row in session.execute(select(_P.id, _P.code, _P.name, _P.name_en))}
    figures = []
    for department_id in {*names, *opened, *breached, *due}:
        code, name, name_en = names.get(department_id, (None, None, None))
        running, overdue = due.get(department_id, (0, 0))
        figures.append(Figures(code, name, name_en, opened.get(department_id, 0), running - overdue, overdue,
                               breached.get(department_id, 0)))  # fmt: skip
    return sorted(figures, key=lambda line: (-line.overdue, -line.open, line.code or ""))


def _pairs(session: Session, statement: Select[Any]) -> list[tuple[Any, int]]:
    return [(key, count) for key, count in session.execute(statement)]


def waiting(session: Session, at: datetime, *, is_overdue: bool, limit: int = 8) -> Sequence[Row[Any]]:
    """Running deadlines with their complaint and handler, earliest due first: those past due, or those to come."""
    table = table_of(Deadline).join(table_of(Complaint), _OF_COMPLAINT)
    return session.execute(
        select(_C.number, _C.title, _C.severity, _D.milestone, _D.due_at, _S.name.label("handler"),
               _P.name.label("department"), _P.name_en.label("department_en"))
        .select_from(table.outerjoin(table_of(Staff), _S.id == _C.handler_id)
                     .outerjoin(table_of(Department), _P.id == _C.department_id))
        .where(_RUNNING, _D.due_at < at if is_overdue else _D.due_at >= at, _D.started_at <= at)
        .order_by(_D.due_at).limit(limit)
    ).all()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader wants listed.

    Attributes:
        department: A code, or ``NO_DEPARTMENT``.
        state: A state of a complaint, or one of ``PSEUDO_STATES``.
        before: Number of the complaint after which the list goes on.
    """

    department: str | None = None
    state: str | None = None
    before: str | None = None


def listing(session: Session, at: datetime, wish: Wish, *, limit: int = 50) -> Sequence[Row[Any]]:
    """At most ``limit`` complaints, newest registered first; the page after one is found without counting."""
    table = table_of(Complaint).outerjoin(table_of(Department), _P.id == _C.department_id)
    statement = (
        select(_C.id, _C.number, _C.title, _C.state, _C.severity, _C.registered_at, _S.name.label("handler"),
               _P.name.label("department"), _P.name_en.label("department_en"))
        .select_from(table.outerjoin(table_of(Staff), _S.id == _C.handler_id))
        .order_by(_C.registered_at.desc(), _C.id.desc()).limit(limit)
    )  # fmt: skip
    if wish.department:
        department_id = select(_P.id).where(_P.code == wish.department).scalar_subquery()
        is_none = wish.department == NO_DEPARTMENT
        statement = statement.where(_C.department_id.is_(None) if is_none else _C.department_id == department_id)
    if wish.state:
        statement = statement.where(_stands(wish.state, at))
    if wish.before and (last := _place(session, wish.before)):
        statement = statement.where(_C.registered_at <= last.registered_at,
                                    or_(_C.registered_at < last.registered_at, _C.id < last.id))  # fmt: skip
    return session.execute(statement).all()


def _place(session: Session, number: str) -> Row[Any] | None:
    """Where the complaint of that number stands in the order of the list."""
    return session.execute(select(_C.id, _C.registered_at).where(_C.number == number)).first()


def _stands(state: str, at: datetime) -> ColumnElement[bool]:
    deadlines = {
        "overdue": and_(_RUNNING, _D.due_at < at, _D.started_at <= at),
        "due_soon": and_(_RUNNING, _D.due_at >= at, _D.due_at < at + SOON, _D.started_at <= at),
        "breached": _D.breached_at <= at,
    }
    stands: ColumnElement[bool]
    if state in deadlines:
        stands = _C.id.in_(select(_D.subject_id).where(deadlines[state], _D.subject_kind == "complaint"))
    elif state == "open":
        stands = _C.handled_at.is_(None)
    else:
        stands = _C.state == ComplaintState(state)
    return stands


def next_due(session: Session, complaint_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Milestone and due instant of the running deadline that is due first, by complaint."""
    rows = session.execute(
        select(_D.subject_id, _D.milestone, _D.due_at)
        .where(_RUNNING, _D.subject_kind == "complaint", _D.subject_id.in_(list(complaint_ids)))
        .order_by(_D.due_at.desc())).all()  # fmt: skip
    return {row.subject_id: row for row in rows}


def departments(session: Session) -> Sequence[Row[Any]]:
    """Every department, by name."""
    return session.execute(select(_P.code, _P.name, _P.name_en).order_by(_P.name)).all()


def handlers(session: Session) -> Sequence[Row[Any]]:
    """Active staff with their department and open complaints, department by department, least loaded first."""
    load = (
        select(_C.handler_id, func.count().label("open"))
        .where(_C.handled_at.is_(None), _C.handler_id.is_not(None)).group_by(_C.handler_id).subquery()
    )  # fmt: skip
    table = table_of(Staff).join(table_of(Department), _P.id == _S.department_id)
    how_many = func.coalesce(load.c.open, 0)
    return session.execute(
        select(_S.code, _S.name, _S.is_head, how_many.label("open"), _P.code.label("department"),
               _P.name.label("department_name"), _P.name_en.label("department_name_en"))
        .select_from(table.outerjoin(load, load.c.handler_id == _S.id))
        .where(_S.is_active).order_by(_P.name, _P.code, _S.is_head, how_many, _S.code)).all()  # fmt: skip


def staff_names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Names of staff by code."""
    rows = session.execute(select(_S.code, _S.name).where(_S.code.in_(list(codes))))
    return {row.code: row.name for row in rows}


def recipient_names(session: Session, recipients: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Names (Chinese or only, English or empty) of the staff and departments among the recipients of messages."""
    ids: dict[str, list[int]] = {"staff": [], "department": []}
    for recipient in set(recipients):
        kind, _, number = recipient.partition(":")
        if kind in ids and number.isdecimal():
            ids[kind].append(int(number))
    staff = session.execute(select(_S.id, _S.name).where(_S.id.in_(ids["staff"])))
    shared = session.execute(select(_P.id, _P.name, _P.name_en).where(_P.id.in_(ids["department"])))
    return ({f"staff:{row.id}": (row.name, "") for row in staff}
            | {f"department:{row.id}": (row.name, row.name_en) for row in shared})  # fmt: skip


def has_event(session: Session, number: str, key: str) -> bool:
    """Whether this piece of news is in the complaint's log already."""
    found = select(_E.id).join(table_of(Complaint), _C.id == _E.complaint_id).where(_C.number == number, _E.key == key)
    return session.execute(found).first() is not None


def heartbeats(session: Session) -> Sequence[Row[Any]]:
    """When each sweep last ran to its end, and how much it did."""
    table = table_of(Heartbeat).c
    return session.execute(select(table.sweep, table.beat_at, table.done).order_by(table.sweep)).all()


def is_simulated(session: Session) -> bool:
    """Whether the departments, and with them everything else, were made up."""
    return session.execute(select(_P.id).where(_P.is_simulated).limit(1)).first() is not None
