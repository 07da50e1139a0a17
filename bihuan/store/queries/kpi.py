"""What the indicators of complaints count: one function an indicator, each complaint or deadline with its outcome.

Numerator, denominator and what stands apart are one expression, so counts, lists and snapshots cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlmodel import Session

from bihuan.rules.complaint import DROPS
from bihuan.rules.gaming import HANDLES
from bihuan.store.queries.countable import Countable, Outcome, View, counted
from bihuan.store.queries.cut import Cut, key
from bihuan.store.queries.instant import Seconds, minutes
from bihuan.store.queries.log import first_answer, last_verdict_line, owed_answers, says_on_time, was_handed_over
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState, EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Department

_C, _D, _E = table_of(Complaint).c, table_of(Deadline).c, table_of(ComplaintEvent).c
_IS_DROPPED = _C.state.in_(sorted(DROPS))
_IS_HANDLED = _C.state.in_([ComplaintState.HANDLED, ComplaintState.CLOSED])


def on_time(milestone: str, view: View, *, is_by_department: bool) -> Countable:
    """The deadlines of a milestone: met in time, of all that were met. What was decided a breach stays one.

    Apart: still running and past due, or not due yet; cancelled (overtaken, withdrawn, merged); no such deadline.
    By department it is the departments' own clocks that count: what went to another one before it was due or met is
    counted for neither by the promise, but for the second by its own time.
    """
    key_of = func.coalesce(_D.department, table_of(Department).c.code)
    is_counted = func.coalesce(_D.department, "-") != "" if is_by_department else _D.leg == 0
    is_of = and_(_D.subject_kind == "complaint", _D.subject_id == _C.id, _D.milestone == milestone, is_counted)
    if view.known_at:
        is_of = and_(is_of, _D.started_at <= view.known_at)
    return Countable(
        table_of(Complaint).outerjoin(table_of(Deadline), is_of), deadline_outcome(view),
        is_corrected=case((_D.corrected_at.is_not(None), 1), else_=0),
        own={"department": key_of} if is_by_department else {},
    )  # fmt: skip


def deadline_outcome(view: View) -> ColumnElement[str]:
    """What a deadline came to; where there is none, that."""
    met_at = _known(_D.met_at, view)
    return case(
        (_D.id.is_(None), Outcome.NO_SLA),
        (and_(met_at <= _D.due_at, _D.breached_at.is_(None)), Outcome.YES),
        (met_at.is_not(None), Outcome.NO),
        (_known(_D.cancelled_at, view).is_not(None), Outcome.NOT_APPLICABLE),
        (and_(_D.state != DeadlineState.PAUSED, _D.due_at < view.at), Outcome.OVERDUE),
        else_=Outcome.OPEN,
    )


def source_verdict(view: View) -> Countable:
    """What the sources themselves say of the complaints: on time, of those with a verdict; the last word counts.

    Apart: not ended yet; ended without a verdict.
    """
    said = last_verdict_line(view)
    return Countable(table_of(Complaint).outerjoin(*said), verdict_outcome(says_on_time(said.log), view))


def verdict_outcome(is_on_time: ColumnElement[Any], view: View) -> ColumnElement[str]:
    """What the source's last verdict makes of a complaint."""
    return case(
        (is_on_time, Outcome.YES),
        (is_on_time.is_not(None), Outcome.NO),
        (_known(_C.handled_at, view).is_(None), Outcome.OPEN),
        else_=Outcome.UNKNOWN,
    )


def resolved(within: timedelta, view: View) -> Countable:
    """The complaints whose handling has stood for ``within``, of all of which that can be told by now.

    Not resolved: reopened and not handled again; still open so long after the deadline of its handling.
    Apart: handled less long ago; open and not so late; open without a promise; withdrawn or merged.
    """
    return Countable(table_of(Complaint), resolution(within, view))


def resolution(within: timedelta, view: View) -> ColumnElement[str]:
    """Whether a complaint is resolved."""
    settled_at = view.at - within
    promised = select(_D.id).where(
        _D.subject_kind == "complaint", _D.subject_id == _C.id, _D.milestone == EventKind.HANDLED.value, _D.leg == 0
    )
    is_late = promised.where(
        _D.due_at <= settled_at, _D.state != DeadlineState.PAUSED, _D.met_at.is_(None), _D.cancelled_at.is_(None)
    ).exists()
    return case(
        (_is_dropped(view), Outcome.NOT_APPLICABLE),
        (and_(_is_handled(view), _C.handled_at <= settled_at), Outcome.YES),
        (_is_handled(view), Outcome.EARLY),
        (_C.round > 1, Outcome.NO),
        (is_late, Outcome.NO),
        (~promised.exists(), Outcome.NO_SLA),
        else_=Outcome.OPEN,
    )


def reopened(within: timedelta, view: View) -> Countable:
    """The complaints that were reopened within so long of their handling, of those handled that long ago.

    Apart: handled less long ago; not handled yet; withdrawn or merged.
    """
    return Countable(table_of(Complaint), reopening(within, view))


def reopening(within: timedelta, view: View) -> ColumnElement[str]:
    """Whether a complaint came back."""
    one, other = table_of(ComplaintEvent).alias("handling"), table_of(ComplaintEvent).alias("reopening")
    limit = within.total_seconds()
    since = Seconds(other.c.occurred_at) - Seconds(one.c.occurred_at)
    is_known = other.c.occurred_at <= view.known_at if view.known_at else literal(True)
    came_back = (
        select(one.c.id)
        .where(one.c.complaint_id == _C.id, other.c.complaint_id == _C.id, one.c.kind.in_(HANDLES), is_known)
        .where(other.c.kind == EventKind.REOPENED, other.c.occurred_at >= one.c.occurred_at, since <= limit)
        .exists()
    )
    was_handled = select(_E.id).where(_E.complaint_id == _C.id, _E.kind.in_(HANDLES)).exists()
    return case(
        (_is_dropped(view), Outcome.NOT_APPLICABLE),
        (and_(_C.round > 1, came_back), Outcome.YES),
        (and_(_is_handled(view), _C.handled_at <= view.at - within), Outcome.NO),
        (_is_handled(view), Outcome.EARLY),
        (and_(_C.round > 1, was_handled), Outcome.NO),
        else_=Outcome.OPEN,
    )


def first_contact(within: timedelta, view: View) -> Countable:
    """The complaints handled in one round by whoever had them first, of all that were handled so long ago.

    A hand-over is a change of department, or a second person it is assigned to. Apart: as with ``reopened``.
    """
    return Countable(table_of(Complaint), contact(was_handed_over(view), within, view))


def contact(was_handed_over: ColumnElement[bool], within: timedelta, view: View) -> ColumnElement[str]:
    """Whether a complaint was solved at first contact."""
    return case(
        (_is_dropped(view), Outcome.NOT_APPLICABLE),
        (_C.round > 1, Outcome.NO),
        (~_is_handled(view), Outcome.OPEN),
        (_C.handled_at > view.at - within, Outcome.EARLY),
        (was_handed_over, Outcome.NO),
        else_=Outcome.YES,
    )


def first_response_time(view: View) -> Countable:
    """How long it took until somebody answered, from registration on; who still waits is counted as waiting.

    Handling answers too. Apart: withdrawn or merged before anybody answered; answered before it was registered, by the
    clocks of its source.
    """
    answer = first_answer(view)
    return _time(table_of(Complaint).outerjoin(*answer), answer.log.c.occurred_at, view)


def handling_time(view: View) -> Countable:
    """How long it took from registration until it was handled (for good, where reopened); what is open is waiting.

    Apart: withdrawn or merged; handled before it was registered, by the clocks of its source.
    """
    return _time(table_of(Complaint), handled_at(view), view)


def handled_at(view: View) -> ColumnElement[Any]:
    """When a complaint was handled, in the round that stands; None where it was not."""
    return case((_is_handled(view), _C.handled_at))


def waited(ended_at: ColumnElement[Any], view: View) -> tuple[ColumnElement[str], ColumnElement[int]]:
    """Whether a wait from registration on has ended, and its minutes until then or until now.

    Where a source's clocks put the end before the registration, how long it took is not known.
    """
    outcome = case(
        (ended_at < _C.registered_at, Outcome.UNKNOWN),
        (ended_at.is_not(None), Outcome.YES),
        (_is_dropped(view), Outcome.NOT_APPLICABLE),
        else_=Outcome.OPEN,
    )
    return outcome, minutes(_C.registered_at, func.coalesce(ended_at, literal(view.at, _C.registered_at.type)))


def _time(table: Any, ended_at: ColumnElement[Any], view: View) -> Countable:
    outcome, lasted = waited(ended_at, view)
    return Countable(table, outcome, amount=lasted, counted=frozenset({Outcome.YES, Outcome.OPEN}))


def response_time(view: View) -> Countable:
    """How long each answer took that was owed: to the registration, and to every reopening. Handling answers too.

    Apart: nobody has answered the registration yet; withdrawn or merged before.
    """
    owed = owed_answers(view)
    outcome, _ = waited(owed.answered_at, view)
    return Countable(owed.table, outcome, amount=minutes(owed.asked_at, owed.answered_at), only=owed.is_owed,
                     counted=frozenset({Outcome.YES}))  # fmt: skip


def _known(at: ColumnElement[Any], view: View) -> ColumnElement[Any]:
    """The instant, as far as it is known by then."""
    return case((at <= view.known_at, at)) if view.known_at else at


def _is_handled(view: View) -> ColumnElement[bool]:
    return and_(_IS_HANDLED, _known(_C.handled_at, view).is_not(None))


def _is_dropped(view: View) -> ColumnElement[bool]:
    return and_(_IS_DROPPED, _known(_C.handled_at, view).is_not(None))


def pilot_counts(
    session: Session, milestone: str, since: datetime, until: datetime, when: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """``on_time`` of the complaints that have one of the words in each dimension, and of the rest.

    Returns:
        A row each, ``key`` 1 for the first and 0 for the rest; none where there are no complaints.
    """
    is_meant = and_(*(key(Cut(by=name), _C.registered_at, {}).in_(words) for name, words in when.items()))
    what = on_time(milestone, View(until), is_by_department=False)
    table = what.table.outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id)
    meant = Countable(table, what.outcome, is_corrected=what.is_corrected, key=case((is_meant, 1), else_=0))
    return counted(session, meant, Cut(since, until))


def first_and_last(session: Session) -> tuple[datetime, datetime] | None:
    """When the earliest and the latest complaint were registered; None where there is none."""
    first, last = session.execute(select(func.min(_C.registered_at), func.max(_C.registered_at))).one()
    return (first, last) if first else None
