"""What an indicator counts, as rows with one outcome each: numbers and the complaints behind them come from these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, literal, select
from sqlmodel import Session

from bihuan.store.queries.cut import Cut, key, within
from bihuan.store.rows import table_of
from schemas.complaint import Complaint

_C = table_of(Complaint).c


class Outcome(StrEnum):
    """What one thing that is counted came to; each has exactly one."""

    YES = "y"
    """Counted, and in the numerator."""
    NO = "n"
    """Counted, and not in the numerator."""
    OVERDUE = "l"
    OPEN = "o"
    EARLY = "e"
    NOT_APPLICABLE = "a"
    NO_SLA = "s"
    UNKNOWN = "u"


NAMES = {
    Outcome.OVERDUE: "open_overdue", Outcome.OPEN: "open", Outcome.EARLY: "too_early",
    Outcome.NOT_APPLICABLE: "not_applicable", Outcome.NO_SLA: "no_sla", Outcome.UNKNOWN: "unknown",
}  # fmt: skip
"""What is counted apart, as rows of indicators call it."""
CORRECTED = "corrected"
"""Of which news came too late to count; it stands beside, and is counted among the others too."""
APART = (*NAMES.values(), CORRECTED)


@dataclass(frozen=True, slots=True)
class View:
    """From where complaints are looked at.

    Attributes:
        at: What is open is late, and has lasted, as of this instant.
        known_at: What happened later is not known; None: all that is written counts.
        ids: The least and the greatest id of the complaints looked at: logs are read by these.
    """

    at: datetime
    known_at: datetime | None = None
    ids: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Countable:
    """Rows that an indicator counts.

    Attributes:
        table: The complaints, joined with whatever they are counted by.
        outcome: Of each row.
        at: The instant by which a row belongs to a period.
        amount: The minutes it took, or what was scored; None where neither is told.
        is_corrected: Whether news came too late to count.
        own: Dimensions that a row has of its own.
        counted: The outcomes that n counts.
        only: What rows have to be, to be looked at at all.
        key: What rows are grouped by, in place of what the cut says.
        survey: Which survey a row is from; None where it is from none.
    """

    table: FromClause
    outcome: ColumnElement[Any]
    at: ColumnElement[Any] = field(default_factory=lambda: _C.registered_at)
    amount: ColumnElement[Any] | None = None
    is_corrected: ColumnElement[bool] | None = None
    own: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    counted: frozenset[Outcome] = frozenset({Outcome.YES, Outcome.NO})
    only: ColumnElement[bool] | None = None
    key: ColumnElement[Any] | None = None
    survey: ColumnElement[Any] | None = None


def rows(what: Countable, cut: Cut, *columns: ColumnElement[Any]) -> Select[Any]:
    """A row for each thing that is counted: its key, outcome, amount, whether it was corrected, and further columns."""
    by = key(cut, what.at, what.own) if what.key is None else what.key
    corrected = literal(0) if what.is_corrected is None else what.is_corrected
    amount = literal(0) if what.amount is None else what.amount
    statement = select(
        by.label("key"), what.outcome.label("outcome"), amount.label("amount"), corrected.label("corrected"), *columns
    )
    if what.only is not None:
        statement = statement.where(what.only)
    return within(statement, what.table, cut, what.at, what.own)


def counted(session: Session, what: Countable, cut: Cut) -> list[dict[str, Any]]:
    """How many there are of each outcome.

    Returns:
        A row a key: ``key``, ``x`` in the numerator, ``n`` in the denominator, and each of ``APART``.
    """
    each = rows(what, cut).subquery()
    counts = select(each.c.key, each.c.outcome, func.count().label("n"), func.sum(each.c.corrected).label(CORRECTED))
    grouped = counts.group_by(each.c.key, each.c.outcome).order_by(each.c.key)
    return added(what, session.execute(grouped).mappings())


def added(what: Countable, tallies: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Tallies of key, outcome, ``n`` and corrected, added up as ``counted`` gives them."""
    found: defaultdict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("x", "n", *APART), 0))
    for tally in tallies:
        row, outcome, n = found[tally["key"]], Outcome(tally["outcome"]), tally["n"]
        row["x"] += n * (outcome is Outcome.YES)
        row["n"] += n * (outcome in what.counted)
        row[CORRECTED] += int(tally[CORRECTED])
        if outcome in NAMES:
            row[NAMES[outcome]] += n
    return [{"key": at, **row} for at, row in found.items()]


def lasted(session: Session, what: Countable, cut: Cut) -> list[dict[str, Any]]:
    """How often each time was taken, to the minute: key, outcome, ``amount``, ``n`` and corrected."""
    each = rows(what, cut).subquery()
    is_counted = each.c.outcome.in_(what.counted)
    minutes = case((is_counted, each.c.amount))
    parts = select(each.c.key, each.c.outcome, minutes.label("amount")).subquery()
    grouped = select(*parts.c, func.count().label("n"), literal(0).label(CORRECTED)).group_by(*parts.c)
    return [dict(row) for row in session.execute(grouped.order_by(parts.c.key)).mappings()]


def summed(session: Session, what: Countable, cut: Cut) -> list[dict[str, Any]]:
    """The sums of the minutes, and of their squares, by outcome: key, outcome, amount, squares, ``n``, corrected."""
    each = rows(what, cut).subquery()
    grouped = select(
        each.c.key, each.c.outcome, func.count().label("n"), func.sum(each.c.amount).label("amount"),
        func.sum(each.c.amount * each.c.amount).label("squares"), literal(0).label(CORRECTED),
    ).group_by(each.c.key, each.c.outcome)  # fmt: skip
    return [dict(row) for row in session.execute(grouped.order_by(each.c.key)).mappings()]


def ids(session: Session, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The least and the greatest id of the complaints registered in [since, until); two zeros where there are none."""
    statement = select(func.min(_C.id), func.max(_C.id))
    if since:
        statement = statement.where(_C.registered_at >= since)
    if until:
        statement = statement.where(_C.registered_at < until)
    first, last = session.execute(statement).one()
    return (first, last) if first is not None else (0, 0)
