"""In-depth interviews 深度访谈: who is offered for one, and those that are planned, held or cancelled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, func, or_, select
from sqlmodel import Session

from bihuan.policy.survey import InterviewPolicy
from bihuan.store.queries.survey import opted_out
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintState
from schemas.people import Customer, Staff
from schemas.survey import Interview, OptOut

_T = table_of(Interview).c
_C = table_of(Complaint).c
_P = table_of(Customer).c
_O = table_of(OptOut).c
_S = table_of(Staff).c
_IS_OPEN = _T.held_at.is_(None) & _T.cancelled_at.is_(None)
_LEFT_OUT = (ComplaintState.WITHDRAWN, ComplaintState.MERGED)


def candidates(session: Session, policy: InterviewPolicy, at: datetime, limit: int) -> Sequence[Row[Any]]:
    """Customers worth an interview: high-value ones first, then by number of complaints, then who complained last.

    Left out: whoever does not want to be asked, has one planned, or had one within the policy's span.

    Returns:
        Rows of ``id``, ``name``, ``tier``, ``complaints`` (within the span), ``last_at`` and ``last_id``.
    """
    since = at - policy.within
    count, last_at = func.count(_C.id), func.max(_C.registered_at)
    is_high_value = _P.tier.in_(policy.tiers)
    is_asked_no_more = select(_O.id).where(_O.customer_id == _P.id, opted_out(at)).exists()
    has_one = select(_T.id).where(_T.customer_id == _P.id, or_(_IS_OPEN, _T.held_at > since)).exists()
    found = (
        select(_P.id, _P.name, _P.tier, count.label("complaints"), last_at.label("last_at"),
               func.max(_C.id).label("last_id"))
        .join(table_of(Complaint), _C.customer_id == _P.id)
        .where(_C.registered_at > since, _C.registered_at <= at, _C.state.not_in(_LEFT_OUT))
        .where(~is_asked_no_more, ~has_one)
        .group_by(_P.id, _P.name, _P.tier)
        .having(or_(is_high_value, count >= policy.complaints_at_least))
        .order_by(case((is_high_value, 0), else_=1), count.desc(), last_at.desc(), _P.id)
        .limit(limit)
    )  # fmt: skip
    return session.execute(found).all()


def _whole() -> Select[Any]:
    return select(
        table_of(Interview), _P.name.label("customer"), _P.tier, _P.language, _P.is_simulated, _C.number, _C.title,
        _S.id.label("staff_id"), _S.name.label("interviewer_name"),
    ).select_from(
        table_of(Interview).join(table_of(Customer), _P.id == _T.customer_id)
        .outerjoin(table_of(Complaint), _C.id == _T.complaint_id)
        .outerjoin(table_of(Staff), _S.code == _T.interviewer)
    )  # fmt: skip


def planned(session: Session, interviewer: str | None = None) -> Sequence[Row[Any]]:
    """Interviews that are to take place, the next one first; of one interviewer where a staff code is given."""
    statement = _whole().where(_IS_OPEN)
    if interviewer is not None:
        statement = statement.where(_T.interviewer == interviewer)
    return session.execute(statement.order_by(_T.planned_at, _T.id)).all()


def over(session: Session, limit: int) -> Sequence[Row[Any]]:
    """Interviews that were held or cancelled, the latest first."""
    ended = func.coalesce(_T.held_at, _T.cancelled_at)
    return session.execute(_whole().where(~_IS_OPEN).order_by(ended.desc(), _T.id.desc()).limit(limit)).all()


def one(session: Session, interview_id: int) -> Row[Any] | None:
    """The interview of that id, with how its customer is reached."""
    return session.execute(_whole().add_columns(_P.sealed_contact).where(_T.id == interview_id)).first()


def some(session: Session, interview_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Interviews by id."""
    return {row.id: row for row in session.execute(_whole().where(_T.id.in_(interview_ids)))}


def open_one(session: Session, customer_id: int) -> Row[Any] | None:
    """The interview of a customer that is to take place; None where none is."""
    return session.execute(_whole().where(_T.customer_id == customer_id, _IS_OPEN)).first()


def last_complaint(session: Session, customer_id: int) -> int | None:
    """Id of the last complaint of a customer."""
    last = select(func.max(_C.id)).where(_C.customer_id == customer_id)
    found: int | None = session.execute(last).scalar_one()
    return found
