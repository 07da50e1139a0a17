"""Counts behind the indicators, grouped in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, select
from sqlmodel import Session

from bihuan.errors import UsageError
from bihuan.rules.complaint import ENDS
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Department

_C = table_of(Complaint).c
_D = table_of(Deadline).c
_E = table_of(ComplaintEvent).c
_DIMENSIONS: dict[str, ColumnElement[Any]] = {
    "department": table_of(Department).c.code,
    "channel": _C.channel,
    "kind": _C.kind,
    "severity": _C.severity,
    "region": _C.region,
    "product": _C.product,
    "business_line": _C.business_line,
    "tier": _C.tier,
    "source": _C.source,
}
DIMENSIONS = (*_DIMENSIONS, "month")
APART = ("open_overdue", "no_sla", "corrected")
"""What is counted beside a rate and is no part of it."""
Months = Sequence[tuple[str, datetime]]
"""Each month's name and the instant it begins, ascending."""


def on_time_counts(
    session: Session, milestone: str, since: datetime, until: datetime, by: str | None, months: Months
) -> list[dict[str, Any]]:
    """How a milestone went for the complaints registered in [since, until): the promises to the complainants.

    By department it is the departments' own clocks that count: what went to another one before it was due or met is
    counted for neither by the promise, but for the second by its own time.

    Returns:
        A row a value of ``by`` (one in all without it): ``x`` met in time, ``n`` met at all by ``until`` or later,
        ``open_overdue`` still running, not waiting, and past due at ``until``, ``no_sla`` complaints without this
        milestone, ``corrected`` deadlines of which news came too late to count. A breach decided stays one.

    Raises:
        UsageError: No such dimension.
    """
    if by == "department":
        key = func.coalesce(_D.department, _DIMENSIONS[by])
        return _on_time(session, milestone, since, until, key, func.coalesce(_D.department, by) != "")
    return _on_time(session, milestone, since, until, dimension(by, months, _C.registered_at), _D.leg == 0)


def pilot_counts(
    session: Session, milestone: str, since: datetime, until: datetime, when: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """``on_time_counts`` of the complaints that have one of the words in each dimension, and of the rest.

    Returns:
        A row each, ``key`` 1 for the first and 0 for the rest; none where there are no complaints.
    """
    is_meant = and_(*(_DIMENSIONS[name].in_(words) for name, words in when.items()))
    return _on_time(session, milestone, since, until, case((is_meant, 1), else_=0), _D.leg == 0)


def _on_time(
    session: Session, milestone: str, since: datetime, until: datetime, key: ColumnElement[Any],
    is_counted: ColumnElement[bool],
) -> list[dict[str, Any]]:  # fmt: skip
    is_in_time = and_(_D.met_at <= _D.due_at, _D.breached_at.is_(None))
    is_late_and_open = and_(
        _D.met_at.is_(None), _D.cancelled_at.is_(None), _D.state != DeadlineState.PAUSED, _D.due_at < until
    )
    counted = select(
        key.label("key"),
        func.coalesce(func.sum(case((is_in_time, 1), else_=0)), 0).label("x"),
        func.count(_D.met_at).label("n"),
        func.coalesce(func.sum(case((is_late_and_open, 1), else_=0)), 0).label("open_overdue"),
        func.coalesce(func.sum(case((_D.id.is_(None), 1), else_=0)), 0).label("no_sla"),
        func.count(_D.corrected_at).label("corrected"),
    ).select_from(
        table_of(Complaint)
        .outerjoin(
            table_of(Deadline),
            and_(_D.subject_kind == "complaint", _D.subject_id == _C.id, _D.milestone == milestone, is_counted),
        )
        .outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id)
    )
    return _by_key(session, counted, key, since, until)


def verdict_counts(
    session: Session, since: datetime, until: datetime, by: str | None, months: Months
) -> list[dict[str, Any]]:
    """What the sources themselves say of the complaints registered in [since, until): the last word of each counts.

    Returns:
        A row a value of ``by`` (one in all without it): ``x`` on time, ``n`` with a verdict, ``open_overdue`` 0, as a
        verdict comes with the end, ``no_sla`` complaints without one.

    Raises:
        UsageError: No such dimension.
    """
    key = dimension(by, months, _C.registered_at)
    said = _last_verdicts(since, until)
    counted = select(
        key.label("key"),
        func.coalesce(func.sum(case((said.c.is_on_time, 1), else_=0)), 0).label("x"),
        func.count(said.c.is_on_time).label("n"),
        literal(0).label("open_overdue"),
        (func.count() - func.count(said.c.is_on_time)).label("no_sla"),
        literal(0).label("corrected"),
    ).select_from(
        table_of(Complaint)
        .outerjoin(said, and_(said.c.complaint_id == _C.id, said.c.nth == 1))
        .outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id)
    )
    return _by_key(session, counted, key, since, until)


def _last_verdicts(since: datetime, until: datetime) -> Subquery:
    """The verdicts on each complaint of the span, counted from the last one back."""
    is_on_time = _E.data["on_time"].as_boolean()
    nth = func.row_number().over(partition_by=_E.complaint_id, order_by=(_E.occurred_at.desc(), _E.id.desc()))
    return (
        select(_E.complaint_id, is_on_time.label("is_on_time"), nth.label("nth"))
        .join_from(table_of(ComplaintEvent), table_of(Complaint), _C.id == _E.complaint_id)
        .where(_C.registered_at >= since, _C.registered_at < until, _E.kind.in_(ENDS), is_on_time.is_not(None))
        .subquery()
    )


def _by_key(
    session: Session, counted: Select[Any], key: ColumnElement[Any], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The counts of the complaints registered in [since, until), a row a value of ``key``."""
    registered = counted.where(_C.registered_at >= since, _C.registered_at < until)
    rows = session.execute(registered.group_by(key).order_by(key)).mappings()
    return [{"key": row["key"], **{name: int(row[name]) for name in ("x", "n", *APART)}} for row in rows]


def first_and_last(session: Session) -> tuple[datetime, datetime] | None:
    """When the earliest and the latest complaint were registered; None where there is none."""
    first, last = session.execute(select(func.min(_C.registered_at), func.max(_C.registered_at))).one()
    return (first, last) if first else None


def dimension(by: str | None, months: Months, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """What to group by: a fact of the complaint, or the month in which ``at`` lies; without ``by`` all are one group.

    Raises:
        UsageError: No such dimension.
    """
    if by is None:
        return literal("")
    if by == "month":
        bounds = [(at < start, name) for (name, _), (_, start) in pairwise(months)]
        return case(*bounds, else_=months[-1][0]) if bounds else literal(months[-1][0])
    if by not in _DIMENSIONS:
        raise UsageError(f"no dimension {by!r}", cure=f"one of {', '.join(DIMENSIONS)}")
    return _DIMENSIONS[by]
