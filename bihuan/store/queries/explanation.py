"""What was told of a complaint's deadlines: the messages with their keys, which say the step they stand for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice

_D = table_of(Deadline).c
_M = table_of(Message).c


def told(session: Session, complaint_id: int) -> dict[int, list[Row[Any]]]:
    """The warnings and breach notices of each deadline of a complaint, oldest first, by deadline."""
    rows = session.execute(
        select(_M.deadline_id, _M.key, _M.notice, _M.rung, _M.recipient, _M.state, _M.reason, _M.planned_at, _M.next_at,
               _M.sent_at)
        .join(table_of(Deadline), _M.deadline_id == _D.id)
        .where(_D.subject_kind == "complaint", _D.subject_id == complaint_id,
               _M.notice.in_([Notice.WARNING, Notice.BREACH])).order_by(_M.id))  # fmt: skip
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.deadline_id].append(row)
    return found
