"""The complaints behind a number: the very rows that an indicator counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, select
from sqlmodel import Session

from bihuan.store.queries.countable import Countable, Outcome, rows
from bihuan.store.queries.cut import Cut
from bihuan.store.rows import table_of
from schemas.complaint import Complaint

_C = table_of(Complaint).c


@dataclass(frozen=True, slots=True)
class Side:
    """Which of the rows: those of these outcomes, and of these the ones above or below an amount.

    Attributes:
        outcomes: Any of them.
        above: Only what is more than this; None: whatever it is.
        below: Only what is less than this; None: whatever it is.
        is_corrected: Only those of which news came too late to count.
        survey: Only the answers of this survey; None: of any.
    """

    outcomes: frozenset[Outcome]
    above: float | None = None
    below: float | None = None
    is_corrected: bool = False
    survey: str | None = None


def behind(
    session: Session, what: Countable, cut: Cut, side: Side, *, limit: int | None = None, offset: int = 0
) -> Sequence[Row[Any]]:
    """The rows that an indicator counts, latest first: one a thing counted, so a complaint may come twice.

    Returns:
        Rows of ``number``, ``title``, ``severity``, ``registered_at`` and ``handled_at`` (None where it is about no
        complaint of ours), ``outcome``, ``amount`` and ``at``, the instant by which it belongs to the period.
    """
    columns = (_C.number, _C.title, _C.severity, _C.registered_at, _C.handled_at, what.at.label("at"))
    wanted = _of_side(rows(what, cut, *columns), what, side)
    ordered = wanted.order_by(what.at.desc(), _C.id.desc(), what.outcome)
    return session.execute(ordered.limit(limit).offset(offset)).all()


def how_many(session: Session, what: Countable, cut: Cut, side: Side) -> int:
    """How many there are."""
    each = _of_side(rows(what, cut), what, side).subquery()
    return int(session.execute(select(func.count()).select_from(each)).scalar_one())


def _of_side(statement: Select[Any], what: Countable, side: Side) -> Select[Any]:
    amount: ColumnElement[Any] = literal(0) if what.amount is None else what.amount
    wishes: list[ColumnElement[bool]] = [what.outcome.in_(sorted(side.outcomes))]
    wishes += [amount > side.above] if side.above is not None else []
    wishes += [amount < side.below] if side.below is not None else []
    wishes += [what.is_corrected == 1] if side.is_corrected and what.is_corrected is not None else []
    wishes += [what.survey == side.survey] if side.survey is not None and what.survey is not None else []
    return statement.where(and_(*wishes))
