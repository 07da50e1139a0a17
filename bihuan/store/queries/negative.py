"""Negative answers 负面反馈 and how far the work they opened has come: a page of them, and how many there are.

The answers are found by the partial index of negative ones; what became of each is looked up in its complaint's log by
that log's own key. ``bihuan.rules.negative.progress`` says the same of one log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlmodel import Session

from bihuan.rules.negative import DROPPED, Wanted
from bihuan.store.queries.board import NO_DEPARTMENT
from bihuan.store.queries.survey import can_be_written_to
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Customer, Department, Staff
from schemas.survey import Answer, Invitation

_A, _I, _C = table_of(Answer).c, table_of(Invitation).c, table_of(Complaint).c
_D, _P, _S, _K = table_of(Deadline).c, table_of(Department).c, table_of(Staff).c, table_of(Customer).c
_IS_NEGATIVE: ColumnElement[bool] = literal_column("answer.is_negative")
"""As the partial index has it: SQLite would not find that by ``= 1``."""
_RUNNING = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None), _D.subject_kind == "complaint", _D.leg == 0)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part of the list a reader wants.

    Attributes:
        department: A code, or ``NO_DEPARTMENT``; None: all.
        state: None: all.
        own: The department whose answers come first; None: none does.
        after: Id of the answer after which the list goes on.
        limit: Greatest number of rows.
    """

    department: str | None = None
    state: Wanted | None = None
    own: int | None = None
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Duties:
    """The milestones that a negative answer starts, and those that a complaint has once it is reopened."""

    answered: tuple[str, ...]
    reopened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The answers that are open, those of them that are overdue, and of how many the complainant was told lately."""

    open: tuple[int, ...] = ()
    overdue: tuple[int, ...] = ()
    told: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are open, how many of those overdue, and of how many the complainant was told since an instant."""

    open: int = 0
    overdue: int = 0
    told: int = 0


def _opened_at() -> ColumnElement[Any]:
    """When the answer was taken into its complaint's log; null where it opened nothing."""
    e = table_of(ComplaintEvent).alias("opening")
    keys = [func.substr(f"{kind} by " + _I.key, 1, 120) for kind in (EventKind.ANSWERED_NEGATIVE, EventKind.REOPENED)]
    opening = select(func.min(e.c.occurred_at)).where(e.c.complaint_id == _A.subject_id, e.c.key.in_(keys))
    return opening.correlate(table_of(Answer), table_of(Invitation)).scalar_subquery()


_OPENED_AT = _opened_at()
_HEARD = (EventKind.NEGATIVE_TOLD, EventKind.RESULT_TOLD, EventKind.REOPENED)


def _standing() -> Subquery:
    """Every negative answer about a complaint with ``told_at`` and ``is_open``, in one pass over the log lines behind.

    The complainant heard what was done of the answer itself, or of the complaint that was handled again.
    """
    bad, e, result = _bad(), table_of(ComplaintEvent).alias("heard"), table_of(ComplaintEvent).alias("result")
    since = func.coalesce(bad.c.opened_at, bad.c.answered_at)
    its = and_(e.c.complaint_id == bad.c.subject_id, e.c.kind.in_(_HEARD), e.c.occurred_at >= since)

    def first(kind: EventKind) -> ColumnElement[Any]:
        return func.min(case((e.c.kind == kind, e.c.occurred_at)))

    it = (
        select(*bad.c, first(EventKind.NEGATIVE_TOLD).label("told"), first(EventKind.RESULT_TOLD).label("result"),
               first(EventKind.REOPENED).label("again"))
        .select_from(bad.outerjoin(e, its)).group_by(*bad.c)
    ).subquery("it").c  # fmt: skip
    after = select(func.min(result.c.occurred_at)).where(
        result.c.complaint_id == it.subject_id, result.c.kind == EventKind.RESULT_TOLD,
        result.c.occurred_at >= it.again,
    )  # fmt: skip
    told_at = case(
        (it.told.is_not(None), it.told),
        (it.opened_at.is_(None), it.result),
        (it.again.is_not(None), after.scalar_subquery()),
    )
    is_open = told_at.is_(None) & it.state.not_in(list(DROPPED))
    line = (it.id, it.subject_id, it.round, told_at.label("told_at"), is_open.label("is_open"))
    return select(*line).subquery("standing")


def _bad() -> Subquery:
    """Every negative answer about a complaint, and since when what happens counts."""
    line = (_A.id, _A.subject_id, _A.answered_at, _I.round, _C.state, _OPENED_AT.label("opened_at"))
    table = table_of(Answer).join(table_of(Invitation), _I.id == _A.invitation_id)
    found = select(*line).select_from(table.join(table_of(Complaint), _C.id == _A.subject_id))
    return found.where(_A.subject_kind == "complaint", _IS_NEGATIVE).subquery("bad")


_STANDING = _standing()
_W = _STANDING.c


def _is_overdue(duties: Duties, at: datetime) -> ColumnElement[bool]:
    its_own = _D.milestone.in_(duties.answered) & (_D.round >= _W.round)
    its_next = _D.milestone.in_(duties.reopened) & (_D.round > _W.round)
    late = (_D.due_at < at) & (_D.state != DeadlineState.PAUSED)
    is_late = exists().where(_RUNNING, _D.subject_id == _W.subject_id, late, or_(its_own, its_next))
    return is_late.correlate(_STANDING)


def _answers(*columns: Any) -> Select[Any]:
    """Negative answers about complaints, with the complaint and its people."""
    table = (
        table_of(Answer).join(table_of(Invitation), _I.id == _A.invitation_id)
        .join(table_of(Complaint), _C.id == _A.subject_id)
        .outerjoin(table_of(Department), _P.id == _C.department_id)
        .outerjoin(table_of(Staff), _S.id == _C.handler_id)
        .outerjoin(table_of(Customer), _K.id == _C.customer_id)
    )  # fmt: skip
    return select(*columns).select_from(table).where(_A.subject_kind == "complaint")


_OF_COMPLAINT = (
    _C.number, _C.title, _C.severity, _C.state, _C.department_id,
    _P.code.label("department_code"), _P.name.label("department"), _P.name_en.label("department_en"),
    _S.name.label("handler"), can_be_written_to().label("has_contact"),
)  # fmt: skip
_LINE = (
    _A.id.label("place"), _A.subject_id, _A.answered_at, _A["values"].label("values"), _A.is_solved, _A.csat, _A.nps,
    _A.index.label("satisfaction"), _A.comment, _A.review, _I.round, _I.questionnaire, _I.policy_version,
    _OPENED_AT.label("opened_at"),
    *_OF_COMPLAINT,
)  # fmt: skip


def answers(session: Session, wish: Wish, seen: Seen) -> Sequence[Row[Any]]:
    """Negative answers, those of the reader's own department first, newest first in each part."""
    statement = _wished(_answers(*_LINE).where(_IS_NEGATIVE), wish, seen)
    start = None
    if wish.after is not None:
        cursor = _answers(_A.answered_at, _C.department_id).where(_A.id == wish.after)
        start = session.execute(cursor).first()
    if wish.own is None:
        return _page(session, statement, start, wish.after, wish.limit)
    is_own = _C.department_id == wish.own
    found: list[Row[Any]] = []
    if start is None or start.department_id == wish.own:
        found += _page(session, statement.where(is_own), start, wish.after, wish.limit)
        start = None
    if len(found) < wish.limit:
        others = statement.where(or_(_C.department_id.is_(None), ~is_own))
        found += _page(session, others, start, wish.after if start else None, wish.limit - len(found))
    return found


def answers_about(session: Session, complaint_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """The negative answers about these complaints, newest first; found by their invitations."""
    theirs = (_I.subject_kind == "complaint") & _I.subject_id.in_(complaint_ids)
    found = _answers(*_LINE).where(theirs, _IS_NEGATIVE)
    return session.execute(found.order_by(_A.answered_at.desc(), _A.id.desc())).all()


def _wished(statement: Select[Any], wish: Wish, seen: Seen) -> Select[Any]:
    if wish.department:
        is_none = wish.department == NO_DEPARTMENT
        statement = statement.where(_C.department_id.is_(None) if is_none else _P.code == wish.department)
    match wish.state:
        case Wanted.OPEN:
            return statement.where(id_in(_A.id, seen.open))
        case Wanted.OVERDUE:
            return statement.where(id_in(_A.id, seen.overdue))
        case Wanted.DONE:
            return statement.where(~id_in(_A.id, seen.open))
        case _:
            return statement


def _page(
    session: Session, statement: Select[Any], start: Row[Any] | None, after: int | None, limit: int
) -> list[Row[Any]]:  # fmt: skip
    """The rows after a place in the order of the index: by when they were answered, newest first."""
    if start is not None:
        at = start.answered_at
        statement = statement.where(_A.answered_at <= at, or_(_A.answered_at < at, _A.id < after))
    return list(session.execute(statement.order_by(_A.answered_at.desc(), _A.id.desc()).limit(limit)))


def look(session: Session, duties: Duties, at: datetime, since: datetime) -> Seen:
    """Look once at how far all of them have come.

    Args:
        session: Where to look.
        duties: Of the policy.
        at: Now.
        since: Those told from then on are counted as told.
    """
    is_told = since <= _W.told_at
    rows = session.execute(
        select(_W.id, _W.is_open, (_W.is_open & _is_overdue(duties, at)).label("is_overdue"))
        .select_from(_STANDING).where(_W.is_open | is_told)
    ).all()  # fmt: skip
    opened = tuple(row.id for row in rows if row.is_open)
    return Seen(opened, tuple(row.id for row in rows if row.is_overdue), len(rows) - len(opened))


def running(session: Session, duties: Duties, at: datetime) -> Counts:
    """How many complaints have such a deadline running, and how many one that is overdue: of what is open now only."""
    late = case(((_D.due_at < at) & (_D.state != DeadlineState.PAUSED), _D.subject_id))
    columns = (func.count(_D.subject_id.distinct()), func.count(late.distinct()))
    counted = select(*columns).where(_RUNNING, _D.milestone.in_(duties.answered))
    return Counts(*map(int, session.execute(counted).one()))


def _unanswered(*columns: Any, duties: Duties) -> Select[Any]:
    """Running deadlines of negative answers in whose round no bad answer is on record, one line a round."""
    answered = exists().where(
        _I.subject_kind == "complaint", _I.subject_id == _D.subject_id, _I.round == _D.round,
        _A.invitation_id == _I.id, _IS_NEGATIVE,
    )  # fmt: skip
    return (
        select(*columns)
        .select_from(
            table_of(Deadline).join(table_of(Complaint), _C.id == _D.subject_id)
            .outerjoin(table_of(Department), _P.id == _C.department_id)
            .outerjoin(table_of(Staff), _S.id == _C.handler_id)
            .outerjoin(table_of(Customer), _K.id == _C.customer_id))
        .where(_RUNNING, _D.milestone.in_(duties.answered), ~answered)
    )  # fmt: skip


def unanswered(session: Session, wish: Wish, duties: Duties, at: datetime) -> Sequence[Row[Any]]:
    """Open work without a bad answer on record, what is due first before the rest; as ``answers`` has its rows."""
    due_at, started_at = func.min(_D.due_at), func.min(_D.started_at)
    grouped = _unanswered(
        null().label("place"), _D.subject_id, _D.round, started_at.label("opened_at"), started_at.label("answered_at"),
        *_OF_COMPLAINT, duties=duties,
    )  # fmt: skip
    if wish.department:
        is_none = wish.department == NO_DEPARTMENT
        grouped = grouped.where(_C.department_id.is_(None) if is_none else _P.code == wish.department)
    if wish.state is Wanted.OVERDUE:
        grouped = grouped.where(_D.due_at < at, _D.state != DeadlineState.PAUSED)
    grouped = grouped.group_by(_D.subject_id, _D.round, _C.id, _P.id, _S.id, _K.id)
    return session.execute(grouped.order_by(due_at, _D.subject_id).limit(wish.limit)).all()


def count_unanswered(session: Session, duties: Duties, at: datetime) -> Counts:
    """How many complaints have such work."""
    late = case(((_D.due_at < at) & (_D.state != DeadlineState.PAUSED), _D.subject_id))
    columns = (func.count(_D.subject_id.distinct()), func.count(late.distinct()))
    return Counts(*map(int, session.execute(_unanswered(*columns, duties=duties)).one()))
