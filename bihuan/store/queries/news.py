"""What has happened since indicators were last counted, as the instants by which it belongs to a day.

Nothing here reads what has not changed: events and answers are found by their ids, deadlines and handlings by indexes.
Instants come by the quarter of an hour in which they lie, which no zone's midnight divides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlmodel import Session

from bihuan.store.queries.instant import Microseconds
from bihuan.store.queries.score import ASKED_AT
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline
from schemas.people import Department
from schemas.survey import Answer, CallAttempt, Invitation

_C, _D, _E = table_of(Complaint).c, table_of(Deadline).c, table_of(ComplaintEvent).c
_A, _I, _L = table_of(Answer).c, table_of(Invitation).c, table_of(CallAttempt).c
_QUARTER = 900 * 1_000_000
"""Microseconds."""
SLACK = timedelta(hours=1)
"""A transaction may commit what others have long passed by: the news of so long are looked at again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the news have been read: an instant, and the ids of the last event and answer of an hour before it."""

    at: datetime
    event: int
    answer: int


class News(NamedTuple):
    """Something about a day that was counted before; ``is_late``: it occurred before that, and was heard of after."""

    at: datetime
    is_late: bool


def mark(session: Session, at: datetime) -> Mark:
    """How far the news may be taken as read at ``at``."""
    return Mark(at, _last(session, _E.id, _E.recorded_at, at - SLACK), _last(session, _A.id, _A.changed_at, at - SLACK))


def _last(session: Session, column: ColumnElement[int], at: ColumnElement[Any], until: datetime) -> int:
    """The last id from before an instant: found from the end, where new rows are."""
    found = session.execute(select(column).where(at <= until).order_by(column.desc()).limit(1)).scalar()
    return found or 0


def first(session: Session) -> datetime | None:
    """The first instant by which anything belongs to a day; None where there is nothing."""
    firsts = (select(func.min(at)) for at in (_C.registered_at, _A.answered_at))
    return min((at for at in (session.execute(statement).scalar() for statement in firsts) if at), default=None)


def news(session: Session, since: Mark, until: Mark, spans: Collection[timedelta]) -> Iterator[News]:
    """The news between two marks.

    Args:
        session: Where to look.
        since: The older mark.
        until: The younger one.
        spans: How long handlings have to stand: what has stood so long by now is news too.
    """
    yield from _events(session, since, until)
    yield from _answers(session, since, until)
    for statement in (
        *_due(since, until, (timedelta(0), *spans)),
        *_settled(since, until, spans),
        *_asked(since, until),
    ):
        yield from (News(_instant(quarter), is_late=False) for quarter in session.execute(statement).scalars())


def _events(session: Session, since: Mark, until: Mark) -> Iterator[News]:
    """Whatever was recorded of a complaint: its own day, and those of its invitations and answers."""
    is_late = and_(_E.occurred_at <= since.at, _E.recorded_at > since.at, _E.recorded_at <= until.at)
    late = func.max(case((is_late, 1), else_=0))
    joined = table_of(ComplaintEvent).join(table_of(Complaint), _C.id == _E.complaint_id)
    asked = joined.join(table_of(Invitation), and_(_I.subject_kind == "complaint", _I.subject_id == _C.id))
    answered = asked.join(table_of(Answer), _A.invitation_id == _I.id)
    for table, at in ((joined, _C.registered_at), (asked, ASKED_AT), (answered, _A.answered_at)):
        statement = select(_quarter(at), late).select_from(table).where(_E.id > since.event)
        yield from _told(session, statement)


def _answers(session: Session, since: Mark, until: Mark) -> Iterator[News]:
    """Answers that are new or changed: their own day, and that of their invitation."""
    is_late = and_(_A.answered_at <= since.at, _A.changed_at > since.at, _A.changed_at <= until.at)
    late = func.max(case((is_late, 1), else_=0))
    asked = table_of(Answer).join(table_of(Invitation), _I.id == _A.invitation_id)
    is_changed = and_(_A.revision > 1, _A.changed_at > since.at - SLACK)
    for wanted in (_A.id > since.answer, is_changed):
        yield from _told(session, select(_quarter(_A.answered_at), late).select_from(table_of(Answer)).where(wanted))
        yield from _told(session, select(_quarter(ASKED_AT), late).select_from(asked).where(wanted))


def _told(session: Session, statement: Select[Any]) -> Iterator[News]:
    column = statement.selected_columns[0]
    for quarter, late in session.execute(statement.group_by(column)):
        yield News(_instant(quarter), bool(late))


def _due(since: Mark, until: Mark, spans: Sequence[timedelta]) -> Iterator[Select[Any]]:
    """Complaints with a deadline that has come due, or has been overdue for long enough."""
    for span in spans:
        yield (
            select(_quarter(_C.registered_at)).distinct()
            .join_from(table_of(Deadline), table_of(Complaint), _D.subject_id == _C.id)
            .where(_D.subject_kind == "complaint", _D.met_at.is_(None), _D.cancelled_at.is_(None))
            .where(_D.due_at > since.at - span, _D.due_at <= until.at - span)
        )  # fmt: skip


def _settled(since: Mark, until: Mark, spans: Collection[timedelta]) -> Iterator[Select[Any]]:
    """Complaints whose handling has come to stand for long enough; found by department, as the index is."""
    somewhere = _C.department_id.in_(select(table_of(Department).c.id))
    for span in spans:
        for where in (somewhere, _C.department_id.is_(None)):
            yield select(_quarter(_C.registered_at)).distinct().where(
                where, _C.handled_at > since.at - span, _C.handled_at <= until.at - span
            )  # fmt: skip


def _asked(since: Mark, until: Mark) -> Iterator[Select[Any]]:
    """Invitations that nobody can answer any more, and those that somebody was called about."""
    expired = and_(_I.expires_at > since.at, _I.expires_at <= until.at, _I.answered_at.is_(None))
    yield select(_quarter(ASKED_AT)).distinct().where(expired)
    called = table_of(CallAttempt).join(table_of(Invitation), _I.id == _L.invitation_id)
    yield select(_quarter(ASKED_AT)).distinct().select_from(called).where(_L.called_at > since.at - SLACK)


def _quarter(at: ColumnElement[Any]) -> ColumnElement[int]:
    return Microseconds(at) // _QUARTER


def _instant(quarter: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(quarter) * _QUARTER)
