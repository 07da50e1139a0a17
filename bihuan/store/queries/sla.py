"""How the deadlines stand at an instant: blind to whatever happened after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, or_, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Department

_D = table_of(Deadline).c
_C = table_of(Complaint).c
SOON = timedelta(hours=24)
_ENDS = (EventKind.HANDLED, EventKind.CLOSED, EventKind.WITHDRAWN, EventKind.MERGED)


@dataclass(frozen=True, slots=True)
class SlaStatus:
    """Open complaints, and the promises made to complainants by how they stand; ``breached``: decided by then."""

    at: datetime
    open: int
    overdue: int
    due_within_24h: int
    breached: int
    by_milestone: list[dict[str, Any]]
    by_department: list[dict[str, Any]]


def is_running(at: datetime) -> ColumnElement[bool]:
    """The deadline had begun by ``at`` and was neither met nor cancelled."""
    return and_(
        _D.started_at <= at,
        or_(_D.met_at.is_(None), _D.met_at > at),
        or_(_D.cancelled_at.is_(None), _D.cancelled_at > at),
    )


def is_open(at: datetime) -> ColumnElement[bool]:
    """The complaint was registered by ``at`` and not handled, or reopened since."""
    event, later = table_of(ComplaintEvent).alias("ended"), table_of(ComplaintEvent).alias("again")
    ended_for_good = exists().where(
        event.c.complaint_id == _C.id, event.c.kind.in_(_ENDS),
        event.c.occurred_at <= at,
        ~exists().where(later.c.complaint_id == event.c.complaint_id, later.c.kind == EventKind.REOPENED,
                        later.c.occurred_at >= event.c.occurred_at, later.c.occurred_at <= at),
    )  # fmt: skip
    in_first_round = and_(_C.round == 1, or_(_C.handled_at.is_(None), _C.handled_at > at))
    return and_(_C.registered_at <= at, or_(in_first_round, and_(_C.round > 1, ~ended_for_good)))


def status(session: Session, at: datetime) -> SlaStatus:
    """How things stood at ``at``, in all, by milestone and by department."""
    milestones = _by(session, at, _D.milestone)
    departments = {row["key"]: row for row in _by(session, at, _C.department_id)}
    opened = session.execute(
        select(_C.department_id, func.count().label("open")).where(is_open(at)).group_by(_C.department_id)
    ).all()
    names = {row.id: row for row in session.execute(select(table_of(Department)))}
    return SlaStatus(
        at=at,
        open=sum(row.open for row in opened),
        overdue=sum(row["overdue"] for row in milestones),
        due_within_24h=sum(row["due_within_24h"] for row in milestones),
        breached=sum(row["breached"] for row in milestones),
        by_milestone=[{"milestone": row.pop("key"), **row} for row in milestones],
        by_department=_departments(opened, departments, names),
    )


def _by(session: Session, at: datetime, key: ColumnElement[Any]) -> list[dict[str, Any]]:
    running = is_running(at)
    overdue = and_(running, _D.state != DeadlineState.PAUSED, _D.due_at < at)  # nothing is late while it is paused
    rows = session.execute(
        select(
            key.label("key"),
            func.sum(case((running, 1), else_=0)).label("running"),
            func.sum(case((overdue, 1), else_=0)).label("overdue"),
            func.sum(case((and_(running, _D.due_at >= at, _D.due_at < at + SOON), 1), else_=0)).label("due_within_24h"),
            func.sum(case((_D.breached_at <= at, 1), else_=0)).label("breached"),
        )
        .select_from(table_of(Deadline).join(table_of(Complaint), _C.id == _D.subject_id))
        .where(_D.subject_kind == "complaint", _D.leg == 0, or_(running, _D.breached_at <= at))
        .group_by(key).order_by(key)
    ).mappings()  # fmt: skip
    return [{name: int(value) if name != "key" else value for name, value in row.items()} for row in rows]


def _departments(
    opened: Sequence[Row[Any]], counts: dict[Any, dict[str, Any]], names: dict[Any, Any]
) -> list[dict[str, Any]]:
    open_in = {row.department_id: int(row.open) for row in opened}
    zero = {"running": 0, "overdue": 0, "due_within_24h": 0, "breached": 0}
    table = [
        {"department": names[key].code if key else None, "name": names[key].name if key else None,
         "name_en": names[key].name_en if key else None, "open": open_in.get(key, 0),
         **{name: value for name, value in counts.get(key, zero).items() if name != "key"}}
        for key in open_in.keys() | counts.keys()
    ]  # fmt: skip
    return sorted(table, key=lambda row: (-row["overdue"], -row["open"], row["department"] or ""))
