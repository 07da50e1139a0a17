"""What the board and the lists ask of the present: figures by department, deadlines by how they stand, complaints.

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

from bihuan.store.engine import Look
from bihuan.store.queries.sla import PROMISED, SOON
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState
from schemas.deadline import Deadline, DeadlineState
from schemas.installation import Heartbeat
from schemas.people import Department, Staff

_C = table_of(Complaint).c
_D = table_of(Deadline).c
_P = table_of(Department).c
_S = table_of(Staff).c
_E = table_of(ComplaintEvent).c
_RUNNING = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None))
_IS_PAUSED = _D.state == DeadlineState.PAUSED
_OF_COMPLAINT = and_(_D.subject_kind == "complaint", _D.subject_id == _C.id)
_LINE = (
    _C.number, _C.title, _C.state, _C.severity, _C.registered_at,
    _S.name.label("handler"), _P.name.label("department"), _P.name_en.label("department_en"),
)  # fmt: skip
SIMULATED = select(_P.id).where(_P.is_simulated).limit(1)
"""Finds something where the departments, and with them everything else, were made up."""
NO_DEPARTMENT = "-"
"""The code by which a filter asks for complaints without a department."""
DEADLINE_STATES = ("due_soon", "overdue", "breached")
"""How deadlines can stand on the board."""


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
    key = _C.department_id
    are_open = select(key, func.count()).where(_C.handled_at.is_(None)).group_by(key)
    opened = {row[0]: row[1] for row in session.execute(are_open)}
    stood = {row[0]: row[1:] for row in session.execute(_soon_and_late(at))}
    broken = {row[0]: row[1] for row in session.execute(_broken(at))}
    names = {row[0]: row[1:] for row in session.execute(select(_P.id, _P.code, _P.name, _P.name_en))}
    figures = []
    for one in {*names, *opened, *stood, *broken}:
        code, name, name_en = names.get(one, (None, None, None))
        due_soon, overdue = stood.get(one, (0, 0))
        counts = opened.get(one, 0), due_soon, overdue, broken.get(one, 0)
        figures.append(Figures(code, name, name_en, *map(int, counts)))
    return sorted(figures, key=lambda line: (-line.overdue, -line.open, line.code or ""))


def _soon_and_late(at: datetime) -> Select[Any]:
    """Running promises due soon and overdue, by department."""
    is_overdue = case((_D.due_at < at, 1), else_=0)
    is_told = and_(_D.due_at < at + SOON, or_(_D.due_at >= at, ~_IS_PAUSED), _D.started_at <= at)
    return _counted(func.sum(1 - is_overdue), func.sum(is_overdue)).where(_RUNNING, is_told)


def _broken(at: datetime) -> Select[Any]:
    """Promises ever broken, by department."""
    return _counted(func.count()).where(_D.breached_at <= at)


def _counted(*columns: ColumnElement[Any]) -> Select[Any]:
    key = _D.complaint_department_id
    return select(key, *columns).where(PROMISED).group_by(key)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part of a list a reader wants.

    Attributes:
        department: A code, or ``NO_DEPARTMENT``.
        state: ``open``, or a state of a complaint; of a list of deadlines one of ``DEADLINE_STATES``.
        after: ``place`` of the row after which the list goes on.
        limit: Greatest number of rows.
    """

    department: str | None = None
    state: str | None = None
    after: int | None = None
    limit: int = 50


def complaints(session: Session, wish: Wish) -> Sequence[Row[Any]]:
    """Complaints, newest registered first."""
    statement = _with_people(select(_C.id.label("place"), *_LINE).select_from(table_of(Complaint)), wish)
    if wish.state == "open":
        statement = statement.where(_C.handled_at.is_(None))
    elif wish.state:
        statement = statement.where(_C.state == ComplaintState(wish.state))
    return _paged(session, statement, wish, _C.registered_at, _C.id, is_rising=False)


def deadlines(session: Session, at: datetime, wish: Wish) -> Sequence[Row[Any]]:
    """Deadlines with their complaint: running ones by due instant, earliest first; breached ones, latest first."""
    table = table_of(Deadline).join(table_of(Complaint), _OF_COMPLAINT)
    columns = (_D.id.label("place"), *_LINE, _D.milestone, _D.due_at, _D.met_at)
    statement = _with_people(select(*columns).select_from(table).where(PROMISED), wish)
    if wish.state == "breached":
        return _paged(session, statement.where(_D.breached_at <= at), wish, _D.breached_at, _D.id, is_rising=False)
    is_overdue, is_soon = and_(_D.due_at < at, ~_IS_PAUSED), and_(_D.due_at >= at, _D.due_at < at + SOON)
    is_wanted = is_overdue if wish.state == "overdue" else is_soon
    return _paged(session, statement.where(_RUNNING, is_wanted, _D.started_at <= at), wish, _D.due_at, _D.id)


def _with_people(statement: Any, wish: Wish) -> Select[Any]:
    """The statement with department and handler, narrowed to the department wished for."""
    joined: Select[Any] = statement.outerjoin(table_of(Department), _P.id == _C.department_id)
    joined = joined.outerjoin(table_of(Staff), _S.id == _C.handler_id)
    if wish.department == NO_DEPARTMENT:
        return joined.where(_C.department_id.is_(None))
    if wish.department:
        department_id = select(_P.id).where(_P.code == wish.department).correlate(None).scalar_subquery()
        return joined.where(_C.department_id == department_id)
    return joined


def _paged(
    session: Session, statement: Any, wish: Wish, by: ColumnElement[Any], tie: ColumnElement[Any], *,
    is_rising: bool = True,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The rows after ``wish.after`` in the order of ``by``, then ``tie``; found by index, however far down they are."""
    if wish.after is not None:
        start = session.execute(select(by).where(tie == wish.after)).scalar()
        further, next_tie = (by >= start, tie > wish.after) if is_rising else (by <= start, tie < wish.after)
        statement = statement.where(further, or_(by != start, next_tie))
    order = (by, tie) if is_rising else (by.desc(), tie.desc())
    return session.execute(statement.order_by(*order).limit(wish.limit)).all()


def next_due(session: Session, complaint_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Milestone and due instant of the running deadline that is due first, by complaint."""
    rows = session.execute(
        select(_D.subject_id, _D.milestone, _D.due_at, _D.met_at)
        .where(_RUNNING, _D.subject_kind == "complaint", _D.subject_id.in_(list(complaint_ids)))
        .order_by(_D.due_at.desc())).all()  # fmt: skip
    return {row.subject_id: row for row in rows}


def heartbeats(session: Session) -> Sequence[Row[Any]]:
    """When each sweep last ran to its end, and how much it did."""
    table = table_of(Heartbeat).c
    return session.execute(select(table.sweep, table.beat_at, table.done).order_by(table.sweep)).all()


def is_simulated(session: Look) -> bool:
    """Whether the departments, and with them everything else, were made up."""
    return session.execute(SIMULATED).first() is not None
