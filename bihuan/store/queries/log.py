"""What the logs of complaints say that indicators count: answers, hand-overs, and what sources say of themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Text, and_, case, cast, func, or_, select

from bihuan.rules.complaint import ENDS
from bihuan.rules.gaming import HANDLES
from bihuan.store.queries.countable import View
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind

_C, _E = table_of(Complaint).c, table_of(ComplaintEvent).c
_ANSWERS = (EventKind.RESPONDED, *HANDLES)
"""Somebody answered; what was handled was answered by that."""
_NAMES_WHO = (EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.AMENDED)
_IS_ON_TIME = _E.data["on_time"].as_boolean()
_SAYS_SOMETHING = cast(_E.data, Text) != "{}"
"""Looked at first: most events say nothing, and need no reading."""


def verdicts(view: View) -> Subquery:
    """The verdicts on each complaint looked at, counted from the last one back."""
    nth = func.row_number().over(partition_by=_E.complaint_id, order_by=(_E.occurred_at.desc(), _E.id.desc()))
    said = _log(select(_E.complaint_id, _IS_ON_TIME.label("is_on_time"), nth.label("nth")), view)
    return said.where(_E.kind.in_(sorted(ENDS)), _IS_ON_TIME.is_not(None)).subquery()


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


def first_answers(view: View) -> Subquery:
    """When somebody first answered, of each complaint looked at that was: complaint_id, answered_at."""
    said = _log(select(_E.complaint_id, func.min(_E.occurred_at).label("answered_at")), view)
    return said.where(_E.kind.in_(_ANSWERS)).group_by(_E.complaint_id).subquery()


def hand_overs(view: View) -> Subquery:
    """The complaints looked at that were handed over: complaint_id."""
    said = _log(select(_E.complaint_id), view).where(_E.kind.in_([*_NAMES_WHO, EventKind.DEPARTMENT_CHANGED]))
    return said.group_by(_E.complaint_id).having(_is_handed_over()).subquery()


def read(view: View) -> Subquery:
    """All of it in one pass: complaint_id, answered_at, was_handed_over, has_verdict (0 or 1)."""
    is_verdict = and_(_SAYS_SOMETHING, _E.kind.in_(sorted(ENDS)), _IS_ON_TIME.is_not(None))
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
    names = and_(_SAYS_SOMETHING, _E.kind.in_(_NAMES_WHO))
    person, place = case((names, handler)), case((names, department))
    return or_(
        func.min(person) != func.max(person), func.min(place) != func.max(place),
        func.max(case((_E.kind == EventKind.DEPARTMENT_CHANGED, 1), else_=0)) == 1,
    )  # fmt: skip


def _log(statement: Select[Any], view: View) -> Select[Any]:
    """The statement over the events of the complaints looked at, as far as they are known by then."""
    said = statement.where(_E.complaint_id.between(*view.ids))
    return said.where(_E.occurred_at <= view.known_at) if view.known_at else said
