"""What somebody was told, with how its matter stands: what the buttons of a message act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, literal, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState, EventKind
from schemas.deadline import Deadline
from schemas.escalation import OVERSIGHT, Escalation, EscalationState
from schemas.outbox import Message, MessageState, Notice, Urgency

_M = table_of(Message).c
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_E = table_of(Escalation).c
_V = table_of(ComplaintEvent).c


class Told(NamedTuple):
    """One message about a matter; the columns of ``_told``."""

    id: int
    key: str
    notice: Notice
    recipient: str
    rung: int
    urgency: Urgency
    state_of_message: MessageState
    acknowledged_at: datetime | None
    deadline_id: int | None
    escalation_id: int | None
    subject_id: int
    number: str
    title: str
    severity: str
    state: ComplaintState
    handler_id: int | None
    department_id: int | None
    milestone: str | None
    due_at: datetime | None
    ladder_state: EscalationState | None
    ladder_next_at: datetime | None
    ladder_acknowledged_by: str | None
    ladder_acknowledged_at: datetime | None
    ended_at: datetime | None
    """When its matter ended: the deadline, or where it has none the complaint."""
    cannot_key: str | None
    """Key of the note by which its reader said that they cannot; None where they did not."""


def _told() -> Select[Any]:
    own = func.coalesce(_D.met_at, _D.cancelled_at)
    ended_at = case((_M.deadline_id.is_not(None), own), else_=_C.handled_at)
    duty = func.coalesce(_D.milestone, literal(OVERSIGHT))
    said = (
        select(_V.key).where(_V.complaint_id == _C.id, _V.kind == EventKind.NOTE,
                             _V.key == literal("cannot ") + duty + literal(" ") + _M.recipient)
        .limit(1).scalar_subquery()
    )  # fmt: skip
    return select(
        _M.id, _M.key, _M.notice, _M.recipient, _M.rung, _M.urgency, _M.state, _M.acknowledged_at, _M.deadline_id,
        _M.escalation_id, _M.subject_id, _C.number, _C.title, _C.severity, _C.state, _C.handler_id, _C.department_id,
        _D.milestone, _D.due_at, _E.state, _E.next_at, _E.acknowledged_by, _E.acknowledged_at, ended_at, said,
    ).select_from(
        table_of(Message).join(table_of(Complaint), and_(_M.subject_kind == "complaint", _C.id == _M.subject_id))
        .outerjoin(table_of(Deadline), _D.id == _M.deadline_id)
        .outerjoin(table_of(Escalation), _E.id == _M.escalation_id)
    )  # fmt: skip


def told(session: Session, message_id: int) -> Told | None:
    """The message of that id; None where it is about no complaint."""
    row = session.execute(_told().where(_M.id == message_id)).first()
    return Told._make(row) if row else None


def letter_of(session: Session, message_id: int) -> list[Told]:
    """Everything that went out in the letter of that message, the soonest due first."""
    bundle = select(_M.bundle).where(_M.id == message_id).scalar_subquery()
    same = (_M.id == message_id) | (bundle.is_not(None) & (_M.bundle == bundle))
    return list(map(Told._make, session.execute(_told().where(same).order_by(_D.due_at, _M.id))))


def plate(session: Session, recipient: str, limit: int) -> Sequence[Told]:
    """What somebody was told of matters that go on, the latest message of each, the soonest due first."""
    ended_at = case((_M.deadline_id.is_not(None), func.coalesce(_D.met_at, _D.cancelled_at)), else_=_C.handled_at)
    place = func.row_number().over(
        partition_by=(_M.subject_id, func.coalesce(_M.deadline_id, 0)), order_by=_M.id.desc()
    )  # fmt: skip
    latest = (
        select(_M.id.label("id"), place.label("place")).select_from(
            table_of(Message).join(table_of(Complaint), and_(_M.subject_kind == "complaint", _C.id == _M.subject_id))
            .outerjoin(table_of(Deadline), _D.id == _M.deadline_id))
        .where(_M.recipient == recipient, _M.notice.not_in([Notice.RECEIPT]), ended_at.is_(None),
               _M.state != MessageState.SUPPRESSED)
    ).subquery()  # fmt: skip
    mine = _told().join(latest, latest.c.id == _M.id).where(latest.c.place == 1)
    return list(map(Told._make, session.execute(mine.order_by(_D.due_at, _M.id).limit(limit))))
