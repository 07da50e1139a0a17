"""What retention finds: whatever is past its time, is not erased yet, and is under no legal hold.

Each is found by an index that loses what was erased, so a night with little to do costs little.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.access import AccessEntry, Link, SignInSession
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState
from schemas.installation import Heartbeat
from schemas.outbox import DeliveryAttempt, Message
from schemas.people import Customer
from schemas.retention import LegalHold
from schemas.survey import Answer, Interview, Touchpoint

_C = table_of(Complaint).c
_E = table_of(ComplaintEvent).c
_H = table_of(LegalHold).c
_A = table_of(Answer).c
_T = table_of(Touchpoint).c
_I = table_of(Interview).c
_M = table_of(Message).c
_D = table_of(DeliveryAttempt).c
_L = table_of(Link).c
_S = table_of(SignInSession).c
_B = table_of(Heartbeat).c
_K = table_of(Customer).c
_V = table_of(AccessEntry).c
COMPLAINT = "complaint"
_IS_ADDRESSED = text("delivery_attempt.target <> ''")
"""In the words of the partial index: SQLite sees that it holds only where they are the same."""
ENDED = (ComplaintState.CLOSED, ComplaintState.HANDLED, ComplaintState.WITHDRAWN, ComplaintState.MERGED)
"""Complaints in one of these states need nobody's work any more."""

Statement = Select[Any]


def complaints(before: datetime) -> Statement:
    """Ids of complaints that ended, and of whose log nothing happened or was entered from ``before`` on."""
    return select(_C.id).where(_past(before), ~_is_held(_C.id)).order_by(_C.registered_at, _C.id)


def held(before: datetime) -> Statement:
    """Ids of those that only a legal hold keeps."""
    return select(_C.id).where(_past(before), _is_held(_C.id))


def answers(before: datetime) -> Statement:
    """Ids of answers that belong to no complaint; those of one go with it."""
    is_alone = or_(_A.subject_kind != COMPLAINT, _A.subject_id.is_(None))
    return select(_A.id).where(_A.erased_at.is_(None), _A.answered_at < before, _A.changed_at < before, is_alone)


def touchpoints(before: datetime) -> Statement:
    """Ids of what other systems told."""
    return select(_T.id).where(_T.erased_at.is_(None), _T.occurred_at < before, _T.received_at < before)


def interviews(before: datetime) -> Statement:
    """Ids of interviews about no complaint."""
    is_over = func.coalesce(_I.held_at, _I.planned_at) < before
    return select(_I.id).where(_I.erased_at.is_(None), _I.complaint_id.is_(None), is_over)


def attempts(before: datetime) -> Statement:
    """Ids of attempts to deliver that still say where to."""
    joined = table_of(DeliveryAttempt).join(table_of(Message), _M.id == _D.message_id)
    is_theirs = and_(_M.subject_kind == COMPLAINT, _is_held(_M.subject_id))
    return select(_D.id).select_from(joined).where(_IS_ADDRESSED, _D.ended_at < before, ~is_theirs)


def links(before: datetime) -> Statement:
    """Ids of private links that expired."""
    joined = table_of(Link).join(table_of(Message), _M.id == _L.message_id)
    is_theirs = and_(_M.subject_kind == COMPLAINT, _is_held(_M.subject_id))
    return select(_L.id).select_from(joined).where(_L.expires_at < before, ~is_theirs)


def sign_ins(before: datetime) -> Statement:
    """Ids of sign-ins that expired."""
    return select(_S.id).where(_S.expires_at < before)


def looks(before: datetime) -> Statement:
    """Ids of looks at personal data."""
    return select(_V.id).where(_V.seen_at < before)


def heartbeats(before: datetime, sweeps: Collection[str]) -> Statement:
    """Names of sweeps that are none of these, and have been silent since."""
    return select(_B.sweep).where(_B.sweep.not_in(sweeps), _B.beat_at < before)


def forgotten(session: Session, customers: Collection[int]) -> Sequence[int]:
    """Those of the customers of whom nothing unerased is left that names them."""
    left = [
        exists().where(_C.customer_id == _K.id, _C.erased_at.is_(None)),
        exists().where(_T.customer_id == _K.id, _T.erased_at.is_(None)),
        exists().where(_I.customer_id == _K.id, _I.erased_at.is_(None)),
    ]
    names_somebody = or_(_K.name != "", _K.sealed_contact.is_not(None))
    theirs = select(_K.id).where(_K.id.in_(sorted(customers)), names_somebody, ~or_(*left))
    return session.execute(theirs).scalars().all()


def counted(session: Session, statement: Statement) -> int:
    """How many a statement finds."""
    found: int = session.execute(select(func.count()).select_from(statement.order_by(None).subquery())).scalar_one()
    return found


def _past(before: datetime) -> ColumnElement[bool]:
    is_recent = exists().where(_E.complaint_id == _C.id, or_(_E.occurred_at >= before, _E.recorded_at >= before))
    return and_(_C.erased_at.is_(None), _C.registered_at < before, _C.state.in_(ENDED), ~is_recent)


def _is_held(complaint_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(_H.complaint_id == complaint_id, _H.released_at.is_(None))
