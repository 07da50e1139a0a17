"""Which complaints indicators look at, and by what they are grouped: a span, values of dimensions, periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, String, Text, case, cast, literal, select, type_coerce

from bihuan.errors import UsageError
from bihuan.policy.kpi import DIMENSIONS as STORED
from bihuan.policy.scope import When
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Department, Staff

_C, _P, _S = table_of(Complaint).c, table_of(Department).c, table_of(Staff).c
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "department": _P.code,
    "handler": _S.code,
    **{name: _C[name] for name in STORED if name not in {"department", "handler"}},
}
PERIODS = ("month", "day")
_NOTHING: Mapping[str, Any] = {}
ATTRIBUTE = "attribute:"
"""Before the name of an attribute of complaints."""
DIMENSIONS = (*_COLUMNS, *PERIODS)

Periods = Sequence[tuple[str, datetime]]
"""Each period's name and the instant it begins, ascending."""
Where = Mapping[str, str | None]
"""Values of dimensions; None: those without one."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What lies in [since, until) and has these values, by a dimension.

    Attributes:
        since: None: from the first on.
        until: None: up to the last.
        by: A dimension, or one of ``PERIODS``; None: all together.
        periods: That ``by`` cuts into, where it is a period.
        where: The values that are looked at.
        scope: Whose complaints are looked at, and what is about them; None: everything.

    Raises:
        UsageError: No such dimension.
    """

    since: datetime | None = None
    until: datetime | None = None
    by: str | None = None
    periods: Periods = ()
    where: Where = field(default_factory=dict)
    scope: When | None = None

    def __post_init__(self) -> None:
        """Refuse a dimension that there is not."""
        for name in (self.by, *self.where):
            if name is not None and name not in DIMENSIONS and not _attribute(name):
                cure = f"one of {', '.join(DIMENSIONS)}, or {ATTRIBUTE}NAME"
                raise UsageError(f"no dimension {name!r}", cure=cure)
        for name in self.where:
            if name in PERIODS:
                raise UsageError(f"{name} is no value to look for", cure="name the span by its first and last instant")

    @property
    def names(self) -> frozenset[str]:
        """The dimensions that it asks for, in whichever way."""
        return frozenset({*self.where, *([self.by] if self.by else [])})


def key(cut: Cut, at: ColumnElement[Any], own: Where | Mapping[str, Any]) -> ColumnElement[Any]:
    """What to group by: a fact of the complaint, or the period in which ``at`` lies; "" where all are one group.

    Args:
        cut: By what.
        at: The instant by which what is counted belongs to a period.
        own: Dimensions that what is counted has of its own, in place of the complaint's.
    """
    if cut.by is None:
        return literal("")
    if cut.by not in PERIODS:
        return column(cut.by, own)
    bounds = [(at < start, name) for (name, _), (_, start) in pairwise(cut.periods)]
    return case(*bounds, else_=cut.periods[-1][0]) if bounds else literal(cut.periods[-1][0])


def within(
    statement: Select[Any], table: FromClause, cut: Cut, at: ColumnElement[Any], own: Mapping[str, Any]
) -> Select[Any]:
    """The statement over ``table``, which holds the complaint, with the people it asks for, narrowed to the cut."""
    if "department" in cut.names:
        table = table.outerjoin(table_of(Department), _P.id == _C.department_id)
    if "handler" in cut.names:
        table = table.outerjoin(table_of(Staff), _S.id == _C.handler_id)
    narrowed = statement.select_from(table)
    if cut.since:
        narrowed = narrowed.where(at >= cut.since)
    if cut.until:
        narrowed = narrowed.where(at < cut.until)
    for name, value in cut.where.items():
        found = type_coerce(column(name, own), String)
        narrowed = narrowed.where(found.is_(None) if value is None else found == value)
    return narrowed.where(*of_scope(cut.scope)) if cut.scope else narrowed


def of_scope(when: When) -> list[ColumnElement[bool]]:
    """The conditions of a scope, on the complaint and its department of today."""
    words = {name: said for name, said in when.named.items() if name != "department"}
    conditions: list[ColumnElement[bool]] = [_C[name].in_(said) for name, said in words.items()]
    ids = select(_P.id).where(_P.code.in_(when.department))
    return [*conditions, _C.department_id.in_(ids)] if when.department else conditions


def column(name: str, own: Mapping[str, Any] = _NOTHING) -> ColumnElement[Any]:
    """The column of a dimension, as what is counted has it of its own, else the complaint's."""
    if name in own:
        its_own: ColumnElement[Any] = own[name]
        return its_own
    attribute = _attribute(name)
    return cast(_C.attributes[attribute].as_string(), Text) if attribute else _COLUMNS[name]


def _attribute(name: str) -> str:
    return name.removeprefix(ATTRIBUTE) if name.startswith(ATTRIBUTE) else ""
