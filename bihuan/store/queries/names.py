"""Names for codes: the departments and handlers a page offers, and whom an event or a message speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.queries.people import open_load
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.people import Department, Staff

_P = table_of(Department).c
_S = table_of(Staff).c


def departments(session: Session) -> Sequence[Row[Any]]:
    """Every department, by name."""
    return session.execute(select(_P.code, _P.name, _P.name_en).order_by(_P.name, _P.code)).all()


def handlers(session: Session) -> Sequence[Row[Any]]:
    """Active staff with their department and open complaints, department by department, least loaded first."""
    load = open_load()
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


def departments_of_staff(session: Session) -> dict[str, str]:
    """The code of the department of each of the staff, by theirs; also of those who have left."""
    table = table_of(Staff).join(table_of(Department), _P.id == _S.department_id)
    rows = session.execute(select(_S.code, _P.code.label("department")).select_from(table))
    return {row.code: row.department for row in rows}


def numbers(session: Session, complaint_ids: Iterable[int]) -> dict[int, str]:
    """Numbers of complaints by id."""
    c = table_of(Complaint).c
    return {
        row.id: row.number for row in session.execute(select(c.id, c.number).where(id_in(c.id, list(complaint_ids))))
    }


def recipient_names(session: Session, recipients: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Names (Chinese or only, English or empty) of the staff and departments among the recipients of messages."""
    ids: dict[str, list[int]] = {"staff": [], "department": []}
    for recipient in set(recipients):
        kind, _, number = recipient.partition(":")
        if kind in ids and number.isdecimal():
            ids[kind].append(int(number))
    staff = session.execute(select(_S.id, _S.name).where(_S.id.in_(ids["staff"])))
    shared = session.execute(select(_P.id, _P.name, _P.name_en).where(_P.id.in_(ids["department"])))
    found = {f"staff:{row.id}": (row.name, "") for row in staff}
    return found | {f"department:{row.id}": (row.name, row.name_en) for row in shared}
