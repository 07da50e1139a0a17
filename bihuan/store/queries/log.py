"""What the logs of complaints say that indicators count: answers, hand-overs, and what sources say of themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from bihuan.rules.complaint import ENDS
from bihuan.rules.gaming import HANDLES
from bihuan.store.queries.countable import View
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind

_E_TABLE = table_of(ComplaintEvent)
_C, _E = table_of(Complaint).c, _E_TABLE.c
_ANSWERS = (EventKind.RESPONDED, *HANDLES)
"""Somebody answered; what was handled was answered by that."""
_NAMES_WHO = (EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.AMENDED)
_IS_ON_TIME = _E.data["on_time"].as_boolean()
SAYS_SOMETHING = cast(_E.data, Text) != "{}"
"""Looked at first: most events say nothing, and need no reading."""


class Line(NamedTuple):
    """A line of the log to join to the complaint that it belongs to, at most one each.

    It is the line that no other one comes before, not the least instant of a grouped log: a database that has no
    statistics takes what a log is grouped into for a row or two, and groups it anew for each complaint.
    """

    log: FromClause
    is_it: ColumnElement[bool]
    """Whether a line of ``log`` is the one meant."""


class Owed(NamedTuple):
    """The answers that were owed to complaints: to the registration, answered or not, and to each reopening."""

    table: FromClause
    """The complaints, with a row an answer among others."""
    is_owed: ColumnElement[bool]
    """Which of its rows are answers that were owed."""
    asked_at: ColumnElement[Any]
    answered_at: ColumnElement[Any]
    """None: nobody has answered the registration."""


def last_verdict_line(view: View) -> Line:
    """The last verdict of its source on a complaint; ``says_on_time`` reads it."""
    verdict, later = _E_TABLE.alias("verdict"), _E_TABLE.alias("later_verdict")
    is_later = and_(_is_verdict(later, view), _comes_before(verdict, later))
    return Line(verdict, and_(_of_complaint(verdict), _is_verdict(verdict, view), ~_exists(later, verdict, is_later)))


def says_on_time(log: FromClause) -> ColumnElement[bool]:
    """What a verdict of a source says; None in a line that is none."""
    said: ColumnElement[bool] = log.c.data["on_time"].as_boolean()
    return said


def first_answer(view: View) -> Line:
    """Where somebody first answered a complaint."""
    answer = _E_TABLE.alias("answer")
    return Line(answer, and_(_of_complaint(answer), _is_answer(answer, view), _is_first(answer, view)))


def owed_answers(view: View) -> Owed:
    """The answers that were owed; an answer to a reopening is one that comes right after it."""
    turn = union_all(select(literal(0).label("is_again")), select(literal(1))).subquery("turn")
    is_first, answer = turn.c.is_again == 0, _E_TABLE.alias("answer")
    came_again = _turn_before(answer, "kind", view) == EventKind.REOPENED
    is_it = case((is_first, _is_first(answer, view)), else_=came_again)
    complaints = table_of(Complaint).join(turn, or_(is_first, _C.round > 1))
    return Owed(
        complaints.outerjoin(answer, and_(_of_complaint(answer), _is_answer(answer, view), is_it)),
        or_(is_first, answer.c.id.is_not(None)),
        case((is_first, _C.registered_at), else_=_turn_before(answer, "occurred_at", view)), answer.c.occurred_at,
    )  # fmt: skip


def _turn_before(answer: FromClause, name: str, view: View) -> ColumnElement[Any]:
    """A column of the last answer or reopening that an answer comes after."""
    before = _E_TABLE.alias("turn_before")
    is_turn = and_(before.c.kind.in_([*_ANSWERS, EventKind.REOPENED]), _is_known(before, view))
    found = select(before.c[name]).where(_comes_before(before, answer), is_turn)
    return found.order_by(before.c.occurred_at.desc(), before.c.id.desc()).limit(1).correlate(answer).scalar_subquery()


def _is_first(answer: FromClause, view: View) -> ColumnElement[bool]:
    earlier = _E_TABLE.alias("earlier_answer")
    return ~_exists(earlier, answer, and_(_is_answer(earlier, view), _comes_before(earlier, answer)))


def _exists(log: FromClause, beside: FromClause, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(log.c.id).where(condition).correlate(beside).exists()


def _of_complaint(log: FromClause) -> ColumnElement[bool]:
    return log.c.complaint_id == _C.id


def _comes_before(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Whether a line stands before another one of the same complaint."""
    same = and_(one.c.occurred_at == other.c.occurred_at, one.c.id < other.c.id)
    return and_(one.c.complaint_id == other.c.complaint_id, or_(one.c.occurred_at < other.c.occurred_at, same))


def _is_answer(log: FromClause, view: View) -> ColumnElement[bool]:
    return and_(log.c.kind.in_(_ANSWERS), _is_known(log, view))


def _is_verdict(log: FromClause, view: View) -> ColumnElement[bool]:
    return and_(log.c.kind.in_(sorted(ENDS)), says_on_time(log).is_not(None), _is_known(log, view))


def _is_known(log: FromClause, view: View) -> ColumnElement[bool]:
    return log.c.occurred_at <= view.known_at if view.known_at else true()


def answers_again(view: View) -> Subquery:
    """The answers to reopenings of the complaints looked at: complaint_id, asked_at, answered_at."""
    order: dict[str, Any] = {"partition_by": _E.complaint_id, "order_by": (_E.occurred_at, _E.id)}
    turns = select(
        _E.complaint_id, _E.kind, _E.occurred_at, func.lag(_E.kind).over(**order).label("kind_before"),
        func.lag(_E.occurred_at).over(**order).label("asked_at"),
    )  # fmt: skip
    went_on = select(_C.id).where(_C.round > 1, _C.id.between(*view.ids))
    of_turns = _E.kind.in_([*_ANSWERS, EventKind.REOPENED])
    each = _log(turns, view).where(_E.complaint_id.in_(went_on), of_turns).subquery()
    is_answer = and_(each.c.kind != EventKind.REOPENED, each.c.kind_before == EventKind.REOPENED)
    return select(each.c.complaint_id, each.c.asked_at, each.c.occurred_at.label("answered_at")).where(
        is_answer
    ).subquery()  # fmt: skip


def was_handed_over(view: View) -> ColumnElement[bool]:
    """Whether a complaint was handed over, looked up for it alone."""
    said = select(_is_handed_over()).where(_E.complaint_id == _C.id, _is_known(_E_TABLE, view))
    found: ColumnElement[bool] = said.where(_E.kind.in_([*_NAMES_WHO, EventKind.DEPARTMENT_CHANGED])).scalar_subquery()
    return func.coalesce(found, false())


def read(view: View) -> Subquery:
    """All of it in one pass: complaint_id, answered_at, was_handed_over, has_verdict (0 or 1)."""
    is_verdict = and_(SAYS_SOMETHING, _E.kind.in_(sorted(ENDS)), _IS_ON_TIME.is_not(None))
    said = select(
        _E.complaint_id,
        func.min(case((_E.kind.in_(_ANSWERS), _E.occurred_at))).label("answered_at"),
        case((_is_handed_over(), 1), else_=0).label("was_handed_over"),
        func.max(case((is_verdict, 1), else_=0)).label("has_verdict"),
    )
    return _log(said, view).group_by(_E.complaint_id).subquery()


def last_verdict(view: View) -> ColumnElement[bool]:
    """The last verdict on a complaint, looked up for it alone."""
    said = select(_IS_ON_TIME).where(_E.complaint_id == _C.id, _E.kind.in_(sorted(ENDS)), _IS_ON_TIME.is_not(None))
    said = said.where(_E.occurred_at <= view.known_at) if view.known_at else said
    return said.order_by(_E.occurred_at.desc(), _E.id.desc()).limit(1).scalar_subquery()


def _is_handed_over() -> ColumnElement[bool]:
    """Of a log: it names two people, or two departments, or says that it went to another department."""
    handler, department = _E.data["handler"].as_string(), _E.data["department"].as_string()
    names = and_(SAYS_SOMETHING, _E.kind.in_(_NAMES_WHO))
    person, place = case((names, handler)), case((names, department))
    return or_(
        func.min(person) != func.max(person), func.min(place) != func.max(place),
        func.max(case((_E.kind == EventKind.DEPARTMENT_CHANGED, 1), else_=0)) == 1,
    )  # fmt: skip


def _log(statement: Select[Any], view: View) -> Select[Any]:
    """The statement over the events of the complaints looked at, as far as they are known by then."""
    said = statement.where(_E.complaint_id.between(*view.ids))
    return said.where(_E.occurred_at <= view.known_at) if view.known_at else said
