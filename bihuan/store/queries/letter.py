"""What a message is about, and who reads it: the facts from which letters are written, for a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session, SQLModel

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.outbox import DeliveryAttempt, Message
from schemas.people import Customer, Department, Staff

_M = table_of(Message).c
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_A = table_of(DeliveryAttempt).c
_READERS: dict[str, type[SQLModel]] = {"staff": Staff, "department": Department, "customer": Customer}


def letter_facts(session: Session, message_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The complaint, deadline and people behind each message, by message id."""
    department, handler = table_of(Department).c, table_of(Staff).c
    rows = session.execute(
        select(_M.id, _M.notice, _M.is_late, _M.subject_id, _C.number, _C.title, _C.severity, _C.kind, _C.is_simulated,
               _D.milestone, _D.due_at, _D.leg, department.name.label("department"),
               department.name_en.label("department_en"), handler.name.label("handler"))
        .select_from(
            table_of(Message).join(table_of(Complaint), _C.id == _M.subject_id)
            .outerjoin(table_of(Deadline), _D.id == _M.deadline_id)
            .outerjoin(table_of(Department), department.id == _C.department_id)
            .outerjoin(table_of(Staff), handler.id == _C.handler_id))
        .where(_M.id.in_(message_ids))
    ).all()  # fmt: skip
    return {row.id: row for row in rows}


def promises(session: Session, complaint_ids: Collection[int]) -> dict[int, list[tuple[str, datetime]]]:
    """Milestone and due instant of each complaint's running deadlines, soonest first."""
    rows = session.execute(
        select(_D.subject_id, _D.milestone, _D.due_at)
        .where(_D.subject_kind == "complaint", _D.subject_id.in_(complaint_ids), _D.leg == 0)
        .where(_D.met_at.is_(None), _D.cancelled_at.is_(None))
        .order_by(_D.due_at)
    )  # fmt: skip
    found: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append((row.milestone, row.due_at))
    return found


def readers(session: Session, recipients: Collection[str]) -> dict[str, Row[Any]]:
    """The row of each ``staff:ID``, ``department:ID`` and ``customer:ID``."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for recipient in recipients:
        kind, _, row_id = recipient.partition(":")
        if row_id:
            wanted[kind].append(int(row_id))
    found: dict[str, Row[Any]] = {}
    for kind, ids in wanted.items():
        table = table_of(_READERS[kind])
        found |= {f"{kind}:{row.id}": row for row in session.execute(select(table).where(table.c.id.in_(ids)))}
    return found


def sent_since(session: Session, target_keys: Collection[str], since: datetime) -> dict[str, int]:
    """Attempts at each target from ``since`` on."""
    counted = select(_A.target_key, func.count()).where(_A.target_key.in_(target_keys), _A.started_at >= since)
    return dict(session.execute(counted.group_by(_A.target_key)).tuples().all())
