"""What signs of gaming are counted from: set by set in the database, and the logs of the few that must be walked.

Both databases compare instants as numbers; what is decided by the microsecond is counted outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlmodel import Session

from bihuan.errors import UsageError
from bihuan.rules.complaint import DROPS, ENDS, LogLine
from bihuan.rules.gaming import NAMES, Charge
from bihuan.store.queries.instant import Microseconds, Seconds
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline, Mode
from schemas.people import Department, Staff

_C, _D, _E = table_of(Complaint).c, table_of(Deadline).c, table_of(ComplaintEvent).c
_P, _S = table_of(Department).c, table_of(Staff).c
_KEYS: dict[str, ColumnElement[Any]] = {
    "department": _P.code,
    "handler": _S.code,
    "channel": _C.channel,
    "kind": _C.kind,
    "severity": _C.severity,
}
DIMENSIONS = tuple(_KEYS)
_FACES = ("", "web", "cli", "policy")
"""Said by whoever sat there, or by nobody: no machine that also writes automatic replies."""
_TURNS = ENDS | {EventKind.WAITING, EventKind.RESUMED, EventKind.REOPENED}
_REACH, _SLACK = 0.2, 0.001
"""Share of the target around due that is of interest, and what makes sure that nothing at its edge is left out."""
_MILLISECOND = 0.001
_PAGE = 10_000
_PAGED = {"yield_per": _PAGE}


@dataclass(frozen=True, slots=True)
class Scope:
    """Complaints registered in [since, until), by a dimension; None: no limit, no dimension.

    Raises:
        UsageError: No such dimension.
    """

    since: datetime | None = None
    until: datetime | None = None
    by: str | None = None

    def __post_init__(self) -> None:
        """Refuse a dimension that there is not."""
        if self.by is not None and self.by not in _KEYS:
            raise UsageError(f"no dimension {self.by!r}", cure=f"one of {', '.join(DIMENSIONS)}")


@dataclass(frozen=True, slots=True)
class Walked:
    """A complaint whose log must be read, and who is in charge of it today."""

    complaint_id: int
    key: str
    has_turned: bool
    """Reopened, withdrawn or merged: not one of ``handled_once``."""
    today: Charge
    """Known where it is asked by department or handler."""
    log: list[LogLine]


def near_due(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """The deadlines of the complaints themselves (leg 0) that were met around due, and some more.

    Left out is what was surely met outside 80..120 % of its time. On the business clock that is what took less than
    80 % of it by every hour: working time is never longer.

    Returns:
        Rows of key, complaint_id, mode, calendar_version, and in microseconds due_us, met_us, target_us.
    """
    started, met, due = (Seconds(column) for column in (_D.started_at, _D.met_at, _D.due_at))
    target = func.coalesce(_D.target_seconds, due - started)
    target_us = func.coalesce(cast(_D.target_seconds * 1_000_000, BigInteger),
                              Microseconds(_D.due_at) - Microseconds(_D.started_at))  # fmt: skip
    columns = (_key(scope).label("key"), _C.id.label("complaint_id"), _D.mode, _D.calendar_version,
               Microseconds(_D.due_at).label("due_us"), Microseconds(_D.met_at).label("met_us"),
               target_us.label("target_us"))  # fmt: skip
    reach = (_REACH + _SLACK) * target
    is_near = or_(_D.mode == Mode.BUSINESS, (met - due).between(-reach, reach))
    is_late = and_(_D.met_at.is_not(None), target > 0, met - started >= (1 - _REACH - _SLACK) * target)
    return session.execute(_within(select(*columns), scope, _OF_COMPLAINT).where(is_late, is_near)).all()


def responded(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """How many times somebody responded: rows of key and n."""
    statement = _within(select(_key(scope).label("key"), func.count().label("n")), scope, _OF_LOG)
    return session.execute(_grouped(statement.where(_E.kind == EventKind.RESPONDED), scope)).all()


def responded_by_machine(session: Session, scope: Scope, within: timedelta) -> Sequence[Row[Any]]:
    """The responses that look like a machine's.

    They came ``within`` of the registration or of an automatic reply to the same complaint, or whoever said them also
    says automatic replies to complaints of the scope.

    Returns:
        Rows of key and complaint_id, one a response.
    """
    said = _within(select(_E.complaint_id, _E.occurred_at), scope, _OF_LOG)
    replies = _apart(said.where(_E.kind == EventKind.AUTOMATIC_REPLY))
    speakers = _within(select(_E.actor).distinct(), scope, _OF_LOG)
    robots = speakers.where(_E.kind == EventKind.AUTOMATIC_REPLY, _E.actor.not_in(_FACES))
    follows = and_(replies.c.complaint_id == _E.complaint_id, _is_near(replies.c.occurred_at, _E.occurred_at, within))
    statement = _within(select(_key(scope).label("key"), _E.id, _E.complaint_id), scope, _OF_LOG)
    statement = statement.outerjoin(replies, follows)
    looks_like_one = or_(
        _is_near(_C.registered_at, _E.occurred_at, within),
        _E.actor.in_(session.scalars(robots).all()),
        replies.c.complaint_id.is_not(None),
    )
    return session.execute(statement.where(_E.kind == EventKind.RESPONDED, looks_like_one).distinct()).all()


def _apart(statement: Select[Any] | CompoundSelect[Any]) -> CTE:
    """Evaluated once, before what it is joined to: SQLite then looks it up by an index of its own."""
    return statement.cte().prefix_with("MATERIALIZED")


def _is_near(one: ColumnElement[Any], other: ColumnElement[Any], within: timedelta) -> ColumnElement[bool]:
    """Not more than ``within`` apart, to the millisecond."""
    limit = within.total_seconds() + _MILLISECOND / 2
    return (Seconds(one) - Seconds(other)).between(-limit, limit)


def handled_once(session: Session, scope: Scope, until: datetime) -> Sequence[Row[Any]]:
    """Complaints handled in their first round and not ended otherwise or reopened: no log needs reading for them.

    Returns:
        Rows of key, ``n`` handled at ``until`` or before, ``left_out`` handled later.
    """
    is_early = _C.handled_at <= until
    sums = (func.count(case((is_early, 1))).label("n"), func.count(case((~is_early, 1))).label("left_out"))
    statement = _within(select(_key(scope).label("key"), *sums), scope)
    return session.execute(_grouped(statement.where(_C.handled_at.is_not(None), ~_HAS_TURNED), scope)).all()


_HAS_TURNED = or_(_C.round > 1, _C.state.in_(tuple(DROPS)))
_OF_COMPLAINT = (table_of(Deadline), and_(_D.subject_kind == "complaint", _D.subject_id == _C.id, _D.leg == 0))
_OF_LOG = (table_of(ComplaintEvent), _E.complaint_id == _C.id)


def walked(session: Session, scope: Scope) -> Iterator[Walked]:
    """The complaints that waited, were reopened, or ended otherwise than by handling, each with its log, by id.

    Of the log come the events that begin and end rounds and waits; where it is asked by department or handler, also
    those that name one.
    """
    asks_who = scope.by in {"department", "handler"}
    waited = _within(select(_C.id), scope, _OF_LOG).where(_E.kind == EventKind.WAITING)
    ids = _apart(waited.union(_within(select(_C.id), scope).where(_HAS_TURNED)))
    columns = (_key(scope).label("key"), _HAS_TURNED.label("has_turned"), _E.complaint_id, _E.kind, _E.occurred_at,
               _E.recorded_at)  # fmt: skip
    people = (_E.data, _P.code.label("department"), _S.code.label("handler")) if asks_who else ()
    statement = _within(select(*columns, *people), scope, _OF_LOG, has_people=asks_who)
    statement = statement.join(ids, ids.c.id == _E.complaint_id)
    kinds = {*_TURNS, *NAMES} if asks_who else _TURNS
    rows = session.execute(statement.where(_E.kind.in_(kinds)).order_by(_E.complaint_id), execution_options=_PAGED)
    for complaint_id, members in groupby(rows, key=lambda row: row.complaint_id):
        first, *rest = members
        today = Charge(first.department, first.handler) if asks_who else Charge(None, None)
        lines = [LogLine(row.kind, row.occurred_at, row.recorded_at, row.data if asks_who else {})
                 for row in (first, *rest)]  # fmt: skip
        yield Walked(complaint_id, first.key, bool(first.has_turned), today, lines)


def stoppable(session: Session, scope: Scope, milestones: Sequence[str]) -> dict[int, list[Row[Any]]]:
    """The deadlines of these milestones during which the complaint began to wait, by complaint; those with a target."""
    waits = _apart(_within(select(_E.complaint_id, _E.occurred_at), scope, _OF_LOG).where(_E.kind == EventKind.WAITING))
    columns = (_D.id, _D.subject_id, _D.round, _D.mode, _D.target_seconds, _D.started_at, _D.met_at, _D.cancelled_at,
               _D.calendar_version)  # fmt: skip
    statement = select(*columns).distinct().select_from(waits.join(table_of(Deadline), and_(
        _D.subject_kind == "complaint", _D.subject_id == waits.c.complaint_id, _D.leg == 0,
        waits.c.occurred_at >= _D.started_at,
        or_(_D.met_at.is_(None), waits.c.occurred_at < _D.met_at),
        or_(_D.cancelled_at.is_(None), waits.c.occurred_at < _D.cancelled_at),
    ))).where(_D.milestone.in_(milestones), _D.target_seconds.is_not(None))  # fmt: skip
    found: dict[int, list[Row[Any]]] = {}
    for row in session.execute(statement):
        found.setdefault(row.subject_id, []).append(row)
    return found


def numbers(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The numbers of these complaints by id."""
    found: dict[int, str] = {}
    for start in range(0, len(ids), _PAGE):
        rows = session.execute(select(_C.id, _C.number).where(id_in(_C.id, ids[start : start + _PAGE])))
        found |= {row.id: row.number for row in rows}
    return found


def staff_departments(session: Session) -> dict[str, str]:
    """The department of each member of staff, by codes."""
    joined = table_of(Staff).join(table_of(Department), _P.id == _S.department_id)
    rows = session.execute(select(_S.code, _P.code.label("department")).select_from(joined))
    return {row.code: row.department for row in rows}


def _key(scope: Scope) -> ColumnElement[Any]:
    """What it is counted by, as text; empty where there is none, or nothing is asked."""
    nothing = literal_column("''", String)
    return nothing if scope.by is None else func.coalesce(type_coerce(_KEYS[scope.by], String), nothing)


def _grouped(statement: Select[Any], scope: Scope) -> Select[Any]:
    """By the key; PostgreSQL groups by no constant."""
    return statement.group_by(_key(scope)) if scope.by else statement


def _within(statement: Select[Any], scope: Scope, joined: Any = None, *, has_people: bool = False) -> Select[Any]:
    """The statement for the complaints of the scope, joined with what it looks at and the people it counts by."""
    table: Any = table_of(Complaint)
    table = table.join(*joined) if joined else table
    if has_people or scope.by == "department":
        table = table.outerjoin(table_of(Department), _P.id == _C.department_id)
    if has_people or scope.by == "handler":
        table = table.outerjoin(table_of(Staff), _S.id == _C.handler_id)
    narrowed = statement.select_from(table)
    if scope.since:
        narrowed = narrowed.where(_C.registered_at >= scope.since)
    if scope.until:
        narrowed = narrowed.where(_C.registered_at < scope.until)
    return narrowed
