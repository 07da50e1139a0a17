"""The telephone worklist 电话回访: who is to be called when, and what whoever calls has to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.people import Customer, Department, Staff
from schemas.survey import CallAttempt, Invitation

_I = table_of(Invitation).c
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_P = table_of(Customer).c
_G = table_of(Department).c
_S = table_of(Staff).c
_A = table_of(CallAttempt).c
_OWED = and_(
    _I.subject_kind == "complaint", _D.subject_kind == "complaint", _D.subject_id == _I.subject_id,
    _D.milestone == _I.duty, _D.round == _I.round, _D.leg == 0,
)  # fmt: skip
_LINE = (
    _I.id, _I.duty, _I.subject_kind, _I.subject_id, _I.customer_id, _I.questionnaire, _I.policy_version, _I.reason,
    _I.state, _I.calls, _I.call_at, _I.started_at, _I.due_at, _I.expires_at, _I.round.label("asked_round"),
    _C.number, _C.title, _C.severity, _C.state.label("complaint_state"), _C.round, _C.handled_at,
    _G.name.label("department"), _G.name_en.label("department_en"), _S.name.label("handler"),
    _P.name.label("customer"), _D.met_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallWish:
    """Which part of the list a reader wants.

    Attributes:
        department: A department's code; None: all of them.
        after: Id of the invitation after which the list goes on.
        limit: Greatest number of rows.
    """

    department: str | None = None
    after: int | None = None
    limit: int = 50


def _whole() -> Select[Any]:
    return select(*_LINE).select_from(
        table_of(Invitation)
        .outerjoin(table_of(Complaint), and_(_I.subject_kind == "complaint", _C.id == _I.subject_id))
        .outerjoin(table_of(Deadline), _OWED)
        .outerjoin(table_of(Customer), _P.id == _I.customer_id)
        .outerjoin(table_of(Department), _G.id == _C.department_id)
        .outerjoin(table_of(Staff), _S.id == _C.handler_id)
    )


def worklist(session: Session, at: datetime, wish: CallWish) -> Sequence[Row[Any]]:
    """Who is to be called, the one whose call was due first before the others; found by the index of ``call_at``."""
    return session.execute(worklist_by(session, at, wish)).all()


def worklist_by(session: Session, at: datetime, wish: CallWish) -> Select[Any]:
    """The statement of ``worklist``: its plan is what the page costs."""
    statement = _whole().where(_I.call_at.is_not(None), _I.expires_at > at)
    if wish.department:
        statement = statement.where(_G.code == wish.department)
    if wish.after is not None:
        start = session.execute(select(_I.call_at).where(_I.id == wish.after)).scalar()
        if start is not None:  # else it left the list while it was read: from the start again
            statement = statement.where(_I.call_at >= start, or_(_I.call_at > start, _I.id > wish.after))
    return statement.order_by(_I.call_at, _I.id).limit(wish.limit)


def due_calls(session: Session, at: datetime) -> int:
    """How many calls are due by ``at``."""
    due = select(func.count()).where(_I.call_at <= at, _I.expires_at > at)
    return int(session.execute(due).scalar_one())


def one_call(session: Session, invitation_id: int) -> Row[Any] | None:
    """One invitation as the list has it, on the list or not, with how and where its person is reached."""
    more = (_P.sealed_contact, _P.language, _P.timezone, _C.matter, _C.demand)
    return session.execute(_whole().add_columns(*more).where(_I.id == invitation_id)).first()


def also_to_call(session: Session, it: Row[Any], at: datetime) -> Sequence[Row[Any]]:
    """What else the person of an invitation is to be called about: one call is enough for all of it."""
    is_same = (_I.subject_kind == it.subject_kind) & (_I.subject_id == it.subject_id)
    if it.customer_id is not None:
        is_same |= _I.customer_id == it.customer_id
    others = _whole().where(is_same, _I.id != it.id, _I.call_at.is_not(None), _I.expires_at > at)
    return session.execute(others.order_by(_I.call_at, _I.id).limit(9)).all()


def attempts(session: Session, invitation_id: int) -> Sequence[Row[Any]]:
    """Every try to reach the person of an invitation, first to last."""
    return session.execute(
        select(table_of(CallAttempt)).where(_A.invitation_id == invitation_id).order_by(_A.number)
    ).all()
