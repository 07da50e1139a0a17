"""What somebody was told, with how its matter stands: what the buttons of a message act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, String, and_, case, cast, func, literal, select
from sqlmodel import Session

from bihuan.store.queries.survey import can_be_written_to
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState, EventKind
from schemas.deadline import Deadline
from schemas.escalation import OVERSIGHT, Escalation, EscalationState, EscalationStep
from schemas.outbox import OF_A_MATTER, Message, MessageState, Notice, Urgency
from schemas.people import Customer, Department, Staff

_M = table_of(Message).c
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_E = table_of(Escalation).c
_V = table_of(ComplaintEvent).c
_S = table_of(EscalationStep).c
_P = table_of(Staff).c
_T = table_of(Department).c
_K = table_of(Customer).c


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
    has_contact: bool
    """The complainant can be written to."""


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
        can_be_written_to(),
    ).select_from(
        table_of(Message).join(table_of(Complaint), and_(_M.subject_kind == "complaint", _C.id == _M.subject_id))
        .outerjoin(table_of(Deadline), _D.id == _M.deadline_id)
        .outerjoin(table_of(Escalation), _E.id == _M.escalation_id)
        .outerjoin(table_of(Customer), _K.id == _C.customer_id)
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
        .where(_M.recipient == recipient, _M.notice.in_(list(OF_A_MATTER)), ended_at.is_(None),
               _M.state != MessageState.SUPPRESSED)
    ).subquery()  # fmt: skip
    mine = _told().join(latest, latest.c.id == _M.id).where(latest.c.place == 1)
    return list(map(Told._make, session.execute(mine.order_by(_D.due_at, _M.id).limit(limit))))


def waiting_for_word(session: Session, complaint_ids: Sequence[int], milestones: Sequence[str]) -> set[int]:
    """Those of the complaints of which such a deadline is running."""
    its = (_D.subject_kind == "complaint") & _D.subject_id.in_(complaint_ids) & _D.milestone.in_(milestones)
    running = select(_D.subject_id).where(its, _D.met_at.is_(None), _D.cancelled_at.is_(None))
    return set(session.execute(running).scalars())


def steps_of(session: Session, escalation_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The rungs told on each ladder, in order."""
    found: dict[int, list[Row[Any]]] = {one: [] for one in escalation_ids}
    for row in session.execute(
        select(table_of(EscalationStep)).where(_S.escalation_id.in_(escalation_ids)).order_by(_S.id)
    ):
        found[row.escalation_id].append(row)
    return found


def acknowledgers(session: Session, escalation_ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """Who acknowledged what they were told on each ladder, and when first."""
    found: dict[int, dict[str, datetime]] = {one: {} for one in escalation_ids}
    for row in session.execute(
        select(_M.escalation_id, _M.recipient, func.min(_M.acknowledged_at))
        .where(_M.escalation_id.in_(escalation_ids), _M.acknowledged_at.is_not(None))
        .group_by(_M.escalation_id, _M.recipient)
    ):  # fmt: skip
        found[row.escalation_id][row.recipient] = row[2]
    return found


def colleagues(session: Session, department_id: int | None, recipient: str) -> Sequence[Row[Any]]:
    """Active staff whom a matter can be handed over to, those of its department first; the reader is not among them."""
    mine = case((_P.department_id == department_id, 0), else_=1)
    other = literal("staff:") + cast(_P.id, String) != recipient
    return session.execute(
        select(_P.code, _P.name, _T.name.label("department"), _T.name_en.label("department_en"))
        .join(table_of(Department), _T.id == _P.department_id)
        .where(_P.is_active, other).order_by(mine, _T.name, _P.name)
    ).all()  # fmt: skip


def staff_code(session: Session, recipient: str) -> str | None:
    """The code of a member of staff, from ``staff:ID``; None for any other recipient."""
    kind, _, number = recipient.partition(":")
    if kind != "staff":
        return None
    found: str | None = session.execute(select(_P.code).where(_P.id == int(number))).scalar()
    return found


def is_there(session: Session, recipient: str) -> bool:
    """Whether a recipient still is somebody to act: a member of staff who has left is not."""
    kind, _, number = recipient.partition(":")
    active = select(_P.id).where(_P.id == int(number or 0), _P.is_active)
    return kind != "staff" or session.execute(active).first() is not None


def own_complaints(session: Session, staff_id: int, limit: int) -> Sequence[Row[Any]]:
    """Open complaints that somebody handles, with the milestone due next, the soonest due first."""
    place = func.row_number().over(partition_by=_D.subject_id, order_by=(_D.due_at, _D.id))
    running = (
        select(_D.subject_id, _D.milestone, _D.due_at, place.label("place"))
        .where(_D.subject_kind == "complaint", _D.met_at.is_(None), _D.cancelled_at.is_(None))
        .where(_D.subject_id.in_(select(_C.id).where(_C.handler_id == staff_id, _C.handled_at.is_(None))))
    ).subquery()
    mine = (_C.handler_id == staff_id) & _C.handled_at.is_(None)
    return session.execute(
        select(_C.number, _C.title, _C.state, _C.severity, running.c.milestone, running.c.due_at)
        .select_from(table_of(Complaint).outerjoin(running, (running.c.subject_id == _C.id) & (running.c.place == 1)))
        .where(mine).order_by(running.c.due_at.is_(None), running.c.due_at, _C.id).limit(limit)
    ).all()  # fmt: skip
