"""What a message is about, and who reads it: the facts from which letters are written, for a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, false, func, or_, select
from sqlmodel import Session, SQLModel

from bihuan.rules.negative import RESULT
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline
from schemas.escalation import Escalation, EscalationStep
from schemas.outbox import DeliveryAttempt, Message
from schemas.people import Customer, Department, Staff
from schemas.survey import Invitation

_M = table_of(Message).c
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_A = table_of(DeliveryAttempt).c
_E = table_of(Escalation).c
_S = table_of(EscalationStep).c
_V = table_of(ComplaintEvent).c
_I = table_of(Invitation).c
_READERS: dict[str, type[SQLModel]] = {"staff": Staff, "department": Department, "customer": Customer}


def letter_facts(session: Session, message_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The complaint, deadline and people behind each message, by message id.

    A message about a member of staff has no complaint, but the person: ``has_contact`` says whether one is known. Of
    one that comes of an invitation ``asked_about`` is what that was about.
    """
    department, handler, person = table_of(Department).c, table_of(Staff).c, table_of(Staff).alias("person")
    rows = session.execute(
        select(_M.id, _M.key, _M.notice, _M.is_late, _M.reason, _M.deadline_id, _M.subject_kind, _M.subject_id,
               _M.escalation_id, _M.rung, _M.planned_at,
               _C.number, _C.title, _C.severity, _C.kind, _C.registered_at,
               func.coalesce(_C.is_simulated, person.c.is_simulated, false()).label("is_simulated"),
               _D.milestone, _D.due_at, _D.leg, department.name.label("department"),
               department.name_en.label("department_en"), handler.name.label("handler"),
               person.c.sealed_contact.is_not(None).label("has_contact"), _I.subject_kind.label("asked_about"))
        .select_from(
            table_of(Message)
            .outerjoin(table_of(Complaint), and_(_M.subject_kind == "complaint", _C.id == _M.subject_id))
            .outerjoin(person, and_(_M.subject_kind == "staff", person.c.id == _M.subject_id))
            .outerjoin(table_of(Deadline), _D.id == _M.deadline_id)
            .outerjoin(table_of(Invitation), _I.id == _M.invitation_id)
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


def resolutions(session: Session, complaint_ids: Collection[int]) -> dict[int, str]:
    """What was last said to have been done about a bad answer, by complaint."""
    said = select(_V.complaint_id, _V.data).where(
        _V.complaint_id.in_(complaint_ids), _V.kind == EventKind.NEGATIVE_RESOLVED
    )
    rows = session.execute(said.order_by(_V.occurred_at, _V.id))
    return {row.complaint_id: str(row.data.get(RESULT, "")) for row in rows}


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


def told_before(session: Session, escalation_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    """The rungs told on each of these ladders, in order, with why each was."""
    steps = select(_S.escalation_id, _S.cycle, _S.rung, _S.trigger, _S.told_at, _S.told, _E.acknowledged_by).join(
        table_of(Escalation), _E.id == _S.escalation_id
    )
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(steps.where(_S.escalation_id.in_(escalation_ids)).order_by(_S.id)):
        found[row.escalation_id].append(row)
    return found


def notes(session: Session, complaint_ids: Collection[int], starts: Sequence[str]) -> dict[int, list[Row[Any]]]:
    """The events of complaints whose keys begin like that, oldest first, by complaint; the actor is a staff code."""
    begins = or_(*(_V.key.startswith(start, autoescape=True) for start in starts))
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(
        select(_V.complaint_id, _V.key, _V.actor, _V.occurred_at, _V.data)
        .where(_V.complaint_id.in_(complaint_ids), begins).order_by(_V.id)
    ):  # fmt: skip
        found[row.complaint_id].append(row)
    return found
