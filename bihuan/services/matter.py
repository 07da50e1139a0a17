"""Who answers for what came due: of a complaint its handler, of improvement work whoever owes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from bihuan.clock import fixed
from bihuan.policy.models import Policy
from bihuan.services.approval import waiting_on
from bihuan.services.dossier import dossier
from bihuan.services.improvement_due import AUDIT, HARM_DUTY
from bihuan.services.item_people import staff_by_code
from bihuan.store.queries.due import DueDeadline
from bihuan.store.queries.escalation import DueEscalation
from schemas.item import Item
from schemas.plan import MEASURE, Measure

RowT = TypeVar("RowT", DueDeadline, DueEscalation)
People = tuple[int | None, int | None]
"""Ids of a member of staff and of a department."""


def with_people(session: Session, policy: Policy, rows: Sequence[RowT], at: datetime) -> list[RowT]:
    """The rows with whoever answers for them; complaints have theirs already, and cost nothing."""
    return [row if row.is_complaint else _with(row, _people(session, policy, row, at)) for row in rows]


def _with(row: RowT, people: People) -> RowT:
    return row._replace(handler_id=people[0], department_id=people[1])


def _people(session: Session, policy: Policy, row: DueDeadline | DueEscalation, at: datetime) -> People:
    """Of a measure its owner, of a decision the first who may make it; and the head of whose department is above."""
    measure = session.get(Measure, row.subject_id) if row.subject_kind == MEASURE else None
    item = session.get(Item, measure.item_id if measure else row.subject_id)
    if item is None:
        return None, None
    file = dossier(session, item)
    if measure:
        return measure.owner_id, file.department_id
    if row.duty == AUDIT and file.standard and file.standard.owner_id:
        return file.standard.owner_id, file.department_id
    if row.duty in {AUDIT, HARM_DUTY}:
        return item.owner_id, file.department_id
    for one in waiting_on(session, policy, fixed(at), file):
        if f"{one.gate.value}:{one.role.value}" == row.duty and one.staff:
            return staff_by_code(session, one.staff[0]).id, file.department_id
    return None, file.department_id
