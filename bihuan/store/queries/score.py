"""Tallies of what surveys were answered, grouped in the database: as many rows as there are different answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlmodel import Session

from bihuan.policy.kpi import Counts
from bihuan.store.queries.kpi import Months, dimension
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Department
from schemas.survey import Answer, Invitation, InvitationState

OURS = "bihuan"
"""The survey of our own invitations, as its answers have it."""
_A = table_of(Answer).c
_I = table_of(Invitation).c
_C = table_of(Complaint).c
_COUNTED: dict[Counts, ColumnElement[Any]] = {
    Counts.CSAT_MEAN: _A.csat,
    Counts.CSAT_TOP_TWO: _A.csat,
    Counts.NPS: _A.nps,
    Counts.INDEX: _A.index,
    Counts.NEGATIVE: case(
        (_A.is_negative, 1),
        (or_(_A.csat.is_not(None), _A.nps.is_not(None), _A.is_solved.is_not(None)), 0),
    ),
}
"""What is counted; None where nothing was said that it could be read from."""
_ASKED_AT = func.coalesce(_I.invited_at, _I.send_at)
_IS_ASKED = and_(
    or_(_I.invited_at.is_not(None), _I.calls > 0, _I.answered_at.is_not(None)),
    _I.state.not_in([InvitationState.PLANNED, InvitationState.CANCELLED, InvitationState.SUPPRESSED]),
)
"""Went out, or was called about, and was not taken back."""
_CAN_STILL_ANSWER = (InvitationState.INVITED, InvitationState.PHONE)
Span = tuple[datetime | None, datetime | None]
"""From when on, and until before when; None: without end."""


def tallies(session: Session, counts: Counts, span: Span, by: str | None, months: Months) -> list[dict[str, Any]]:
    """How often each value was answered in the span, by dimension and survey.

    An answer about one of our complaints has that complaint's dimensions; any other has its survey as its source, and
    no other dimension.

    Returns:
        Rows of ``key`` (of the dimension), ``survey``, ``value``, ``n``, ``weight`` and ``weight_squared`` (sums of the
        sampling weights and of their squares) and ``index_weight`` (sum of the shares of an index that were answered).

    Raises:
        UsageError: No such dimension.
    """
    key, value = _key(by, months, _A.answered_at, _A.source), _COUNTED[counts]
    counted = select(
        key.label("key"),
        _A.source.label("survey"),
        value.label("value"),
        func.count().label("n"),
        func.sum(_A.weight).label("weight"),
        func.sum(_A.weight * _A.weight).label("weight_squared"),
        func.coalesce(func.sum(_A.index_weight), 0.0).label("index_weight"),
    ).where(value.is_not(None), *_within(_A.answered_at, span))
    grouped = _of_complaints(counted, table_of(Answer), _A).group_by(key, _A.source, value)
    return _rows(session, grouped.order_by(key, _A.source, value))


def choices(session: Session, question: str, span: Span, by: str | None, months: Months) -> list[dict[str, Any]]:
    """What was chosen in a question by those who gave a recommendation score, by dimension, survey and score.

    Returns:
        Rows of ``key``, ``survey``, ``choice`` (text; a list as JSON where several were chosen), ``value`` and ``n``.
    """
    key, choice = _key(by, months, _A.answered_at, _A.source), _A["values"][question].as_string()
    counted = select(
        key.label("key"),
        _A.source.label("survey"),
        choice.label("choice"),
        _A.nps.label("value"),
        func.count().label("n"),
    ).where(_A.nps.is_not(None), choice.is_not(None), *_within(_A.answered_at, span))
    grouped = _of_complaints(counted, table_of(Answer), _A).group_by(key, _A.source, choice, _A.nps)
    return _rows(session, grouped)


def responses(session: Session, span: Span, by: str | None, months: Months) -> list[dict[str, Any]]:
    """What became of the invitations that went out in the span, by dimension.

    Whoever may still answer is counted among those asked: the rate is the least that it will come to.

    Returns:
        Rows of ``key``, ``survey``, ``x`` answered, ``n`` asked, ``awaited`` may still answer.

    Raises:
        UsageError: No such dimension.
    """
    key = _key(by, months, _ASKED_AT, literal(OURS))
    counted = select(
        key.label("key"),
        literal(OURS).label("survey"),
        func.count(_I.answered_at).label("x"),
        func.count().label("n"),
        func.coalesce(func.sum(case((_is_awaited(), 1), else_=0)), 0).label("awaited"),
    ).where(_IS_ASKED, *_within(_ASKED_AT, span))
    return _rows(session, _of_complaints(counted, table_of(Invitation), _I).group_by(key).order_by(key))


def first_and_last_score(session: Session, counts: Counts) -> tuple[datetime, datetime] | None:
    """When the earliest and the latest of what is counted was answered, or asked; None where there is nothing."""
    at = _ASKED_AT if counts is Counts.RESPONSE else _A.answered_at
    found = select(func.min(at), func.max(at))
    first, last = session.execute(found.where(_IS_ASKED) if counts is Counts.RESPONSE else found).one()
    return (first, last) if first else None


def _is_awaited() -> ColumnElement[bool]:
    return and_(_I.state.in_(_CAN_STILL_ANSWER), _I.answered_at.is_(None))


def _key(by: str | None, months: Months, at: ColumnElement[Any], survey: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(_C.source, survey) if by == "source" else dimension(by, months, at)


def _of_complaints(counted: Select[Any], table: Any, columns: Any) -> Select[Any]:
    """The rows beside the complaints that they are about, where they are about one."""
    is_about = and_(columns.subject_kind == "complaint", columns.subject_id == _C.id)
    joined = table.outerjoin(table_of(Complaint), is_about)
    return counted.select_from(joined.outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id))


def _within(at: ColumnElement[Any], span: Span) -> Sequence[ColumnElement[bool]]:
    since, until = span
    bounds = (at >= since if since else None, at < until if until else None)
    return [bound for bound in bounds if bound is not None]


def _rows(session: Session, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(query).mappings()]
