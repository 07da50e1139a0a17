"""Staff and departments as people look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Subquery, func, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Absence, Department, Staff

_S = table_of(Staff).c
_T = table_of(Department).c
_A = table_of(Absence).c
_C = table_of(Complaint).c


def open_load(department_id: int | None = None) -> Subquery:
    """Open complaints by handler, of one department or of all: columns ``handler_id`` and ``open``."""
    mine = select(_C.handler_id, func.count().label("open")).where(_C.handled_at.is_(None), _C.handler_id.is_not(None))
    if department_id is not None:
        mine = mine.where(_C.handler_id.in_(select(_S.id).where(_S.department_id == department_id)))
    return mine.group_by(_C.handler_id).subquery()


def staff_listing(session: Session, at: datetime) -> Sequence[Row[Any]]:
    """Staff by department, heads first, with their open complaints; of a contact only whether there is one.

    ``away_until`` is when the absence ends in which they are at that instant.
    """
    load, other = open_load(), table_of(Staff).alias("other")
    away = select(func.max(_A.ends_at)).where(_A.staff_id == _S.id, _A.starts_at <= at, _A.ends_at > at)
    return session.execute(
        select(_T.code.label("department"), _S.id, _S.code, _S.name, _S.is_head, _S.is_active, _S.is_liaison, _S.roles,
               other.c.code.label("substitute"), away.scalar_subquery().label("away_until"),
               func.coalesce(load.c.open, 0).label("open"), _S.sealed_contact.is_not(None).label("has_contact"),
               _S.sealed_contacts, _S.quiet_from, _S.quiet_until, _S.language, _S.timezone)
        .select_from(table_of(Staff).join(table_of(Department), _T.id == _S.department_id)
                     .outerjoin(load, load.c.handler_id == _S.id).outerjoin(other, other.c.id == _S.substitute_id))
        .order_by(_T.code, _S.is_head.desc(), _S.code)
    ).all()  # fmt: skip
