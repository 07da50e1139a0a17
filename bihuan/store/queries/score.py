"""Tallies of what surveys were answered, grouped in the database: as many rows as there are different answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, true
from sqlmodel import Session

from bihuan.analysis.score import SATISFIED_FROM
from bihuan.policy.kpi import Counts
from bihuan.store.queries.countable import Countable, Outcome, View, rows
from bihuan.store.queries.cut import Cut
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.survey import Answer, Invitation, InvitationState

OURS = "bihuan"
"""The survey of our own invitations, as its answers have it."""
_A = table_of(Answer).c
_I = table_of(Invitation).c
_C = table_of(Complaint).c
SCORES: dict[Counts, ColumnElement[Any]] = {
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
ASKED_AT = func.coalesce(_I.invited_at, _I.send_at)
"""When an invitation went out."""
_IS_ASKED = and_(
    or_(_I.invited_at.is_not(None), _I.calls > 0, _I.answered_at.is_not(None)),
    _I.state.not_in([InvitationState.PLANNED, InvitationState.CANCELLED, InvitationState.SUPPRESSED]),
)
"""Went out, or was called about, and was not taken back."""
_CAN_STILL_ANSWER = (InvitationState.INVITED, InvitationState.PHONE)


def tallies(session: Session, counts: Counts, cut: Cut) -> list[dict[str, Any]]:
    """How often each value was answered in the cut, by its key and the survey.

    An answer about one of our complaints has that complaint's dimensions; any other has its survey as its source, and
    no other dimension.

    Returns:
        Rows of ``key`` (of the dimension), ``survey``, ``value``, ``n``, ``weight`` and ``weight_squared`` (sums of the
        sampling weights and of their squares) and ``index_weight`` (sum of the shares of an index that were answered).
    """
    each = rows(
        answered(counts), cut, _A.source.label("survey"), _A.weight, _A.index_weight.label("index_weight")
    ).subquery()
    keys = (each.c.key, each.c.survey, each.c.amount)
    counted = select(
        each.c.key,
        each.c.survey,
        each.c.amount.label("value"),
        func.count().label("n"),
        func.sum(each.c.weight).label("weight"),
        func.sum(each.c.weight * each.c.weight).label("weight_squared"),
        func.coalesce(func.sum(each.c.index_weight), 0.0).label("index_weight"),
    ).where(each.c.amount.is_not(None))
    return _rows(session, counted.group_by(*keys).order_by(*keys))


def choices(session: Session, question: str, cut: Cut) -> list[dict[str, Any]]:
    """What was chosen in a question by those who gave a recommendation score, by key, survey and score.

    Returns:
        Rows of ``key``, ``survey``, ``choice`` (text; a list as JSON where several were chosen), ``value`` and ``n``.
    """
    choice = _A["values"][question].as_string()
    each = rows(answered(Counts.NPS), cut, _A.source.label("survey"), choice.label("choice")).subquery()
    keys = (each.c.key, each.c.survey, each.c.choice, each.c.amount)
    counted = select(*keys[:3], each.c.amount.label("value"), func.count().label("n"))
    said = counted.where(each.c.amount.is_not(None), each.c.choice.is_not(None))
    return _rows(session, said.group_by(*keys))


def answered(counts: Counts) -> Countable:
    """The answers that say what is counted, with what they say; apart: those that do not say it.

    In the numerator are the negative ones, and of satisfaction the top two boxes; elsewhere every score is.
    """
    score = SCORES[counts]
    is_in = {Counts.NEGATIVE: _A.is_negative, Counts.CSAT_TOP_TWO: _A.csat >= SATISFIED_FROM}.get(counts, true())
    outcome = case((score.is_(None), Outcome.UNKNOWN), (is_in, Outcome.YES), else_=Outcome.NO)
    own = {"source": func.coalesce(_C.source, _A.source)}
    return Countable(_of_complaints(table_of(Answer), _A), outcome, at=_A.answered_at, amount=score, own=own,
                     survey=_A.source)  # fmt: skip


def responded(view: View) -> Countable:
    """The invitations that went out: answered, or not, or (counted as not answered) still able to be.

    So the rate is the least that it will come to.
    """
    answered_at = case((_I.answered_at <= view.known_at, _I.answered_at)) if view.known_at else _I.answered_at
    outcome = case(
        (answered_at.is_not(None), Outcome.YES), (_I.state.in_(_CAN_STILL_ANSWER), Outcome.OPEN), else_=Outcome.NO
    )
    own = {"source": func.coalesce(_C.source, literal(OURS))}
    return Countable(
        _of_complaints(table_of(Invitation), _I), outcome, at=ASKED_AT, own=own, only=_IS_ASKED, survey=literal(OURS),
        counted=frozenset({Outcome.YES, Outcome.NO, Outcome.OPEN}),
    )  # fmt: skip


def first_and_last_score(session: Session, counts: Counts) -> tuple[datetime, datetime] | None:
    """When the earliest and the latest of what is counted was answered, or asked; None where there is nothing."""
    at = ASKED_AT if counts is Counts.RESPONSE else _A.answered_at
    found = select(func.min(at), func.max(at))
    first, last = session.execute(found.where(_IS_ASKED) if counts is Counts.RESPONSE else found).one()
    return (first, last) if first else None


def _of_complaints(table: Any, columns: Any) -> Any:
    """The rows beside the complaints that they are about, where they are about one."""
    return table.outerjoin(table_of(Complaint), and_(columns.subject_kind == "complaint", columns.subject_id == _C.id))


def _rows(session: Session, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(query).mappings()]
