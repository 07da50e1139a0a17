"""Counts behind the indicators, grouped in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlmodel import Session

from bihuan.errors import UsageError
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.people import Department

_C = table_of(Complaint).c
_D = table_of(Deadline).c
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
Months = Sequence[tuple[str, datetime]]
"""Each month's name and the instant it begins, ascending."""


def on_time_counts(
    session: Session, milestone: str, since: datetime, until: datetime, by: str | None, months: Months
) -> list[dict[str, Any]]:
    """How a milestone went for the complaints registered in [since, until).

    Returns:
        A row a value of ``by`` (one in all without it): ``x`` met in time, ``n`` met at all by ``until`` or later,
        ``open_overdue`` still running and past due at ``until``, ``no_sla`` complaints without this milestone.

    Raises:
        UsageError: No such dimension.
    """
    key = _dimension(by, months)
    is_late_and_open = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None), _D.due_at < until)
    rows = session.execute(
        select(
            key.label("key"),
            func.coalesce(func.sum(case((_D.met_at <= _D.due_at, 1), else_=0)), 0).label("x"),
            func.count(_D.met_at).label("n"),
            func.coalesce(func.sum(case((is_late_and_open, 1), else_=0)), 0).label("open_overdue"),
            func.coalesce(func.sum(case((_D.id.is_(None), 1), else_=0)), 0).label("no_sla"),
        )
        .select_from(
            table_of(Complaint)
            .outerjoin(
                table_of(Deadline),
                and_(_D.subject_kind == "complaint", _D.subject_id == _C.id, _D.milestone == milestone),
            )
            .outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id)
        )
        .where(_C.registered_at >= since, _C.registered_at < until)
        .group_by(key)
        .order_by(key)
    ).mappings()
    return [
        {"key": row["key"], **{name: int(row[name]) for name in ("x", "n", "open_overdue", "no_sla")}} for row in rows
    ]


def first_and_last(session: Session) -> tuple[datetime, datetime] | None:
    """When the earliest and the latest complaint were registered; None where there is none."""
    first, last = session.execute(select(func.min(_C.registered_at), func.max(_C.registered_at))).one()
    return (first, last) if first else None


def _dimension(by: str | None, months: Months) -> ColumnElement[Any]:
    if by is None:
        return literal("")
    if by == "month":
        bounds = [(_C.registered_at < start, name) for (name, _), (_, start) in pairwise(months)]
        return case(*bounds, else_=months[-1][0]) if bounds else literal(months[-1][0])
    if by not in _DIMENSIONS:
        raise UsageError(f"no dimension {by!r}", cure=f"one of {', '.join(DIMENSIONS)}")
    return _DIMENSIONS[by]
