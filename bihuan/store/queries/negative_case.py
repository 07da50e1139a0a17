"""What belongs to the complaints of bad answers: deadlines, log and letters, for a page of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.store.queries.negative import Duties
from bihuan.store.rows import table_of
from schemas.complaint import ComplaintEvent
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice

_D, _E, _M = table_of(Deadline).c, table_of(ComplaintEvent).c, table_of(Message).c


def deadlines(session: Session, complaint_ids: Sequence[int], duties: Duties) -> Sequence[Row[Any]]:
    """The deadlines of these complaints that negative answers are about, in the order of their rounds."""
    names = (*duties.answered, *duties.reopened)
    its = (_D.subject_kind == "complaint") & _D.subject_id.in_(complaint_ids) & _D.milestone.in_(names) & (_D.leg == 0)
    return session.execute(select(table_of(Deadline)).where(its).order_by(_D.round, _D.due_at, _D.id)).all()


def logs(session: Session, complaint_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The events of these complaints in the order in which they happened, by complaint."""
    its = select(_E.complaint_id, _E.kind, _E.occurred_at, _E.actor, _E.data).where(_E.complaint_id.in_(complaint_ids))
    found: dict[int, list[Row[Any]]] = {one: [] for one in complaint_ids}
    for row in session.execute(its.order_by(_E.occurred_at, _E.recorded_at, _E.id)):
        found[row.complaint_id].append(row)
    return found


def letters(session: Session, complaint_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The letters about bad answers of these complaints, newest first, by complaint."""
    its = (_M.subject_kind == "complaint") & _M.subject_id.in_(complaint_ids) & (_M.notice == Notice.NEGATIVE_TOLD)
    found: dict[int, list[Row[Any]]] = {}
    for row in session.execute(select(_M.subject_id, _M.state, _M.planned_at).where(its).order_by(_M.id.desc())):
        found.setdefault(row.subject_id, []).append(row)
    return found
