"""Control charts: the snapshots of indicators as series, sums of their slices, and the signals that were kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, case, func, or_, select
from sqlmodel import Session

from bihuan.analysis.period import Counted
from bihuan.store.rows import table_of
from schemas.kpi import Grain, Signal, Snapshot
from schemas.outbox import Message

SUBJECT = "signal"
"""``subject_kind`` of messages about a signal."""
_K, _S, _M = table_of(Snapshot).c, table_of(Signal).c, table_of(Message).c


class Slice(NamedTuple):
    """Which figures: of everything, or of one value of a dimension; answers of one survey."""

    indicator: str
    dimension: str = ""
    element: str = ""
    survey: str = ""


def slice_of(row: Row[Any]) -> Slice:
    """Whose a signal is."""
    return Slice(row.indicator, row.dimension, row.element, row.survey)


def counted(
    session: Session, indicator: str, grain: Grain, dimension: str, since: date | None = None
) -> dict[Slice, list[Counted]]:
    """The figures of an indicator by period, of each value of a dimension ("" of everything); in order of time."""
    rows = select(_K.element, _K.survey, _K.starts_on, _K.x, _K.n, _K.value).where(
        _K.indicator == indicator, _K.grain == grain, _K.dimension == dimension
    )
    rows = rows.where(_K.starts_on >= since) if since else rows
    found: dict[Slice, list[Counted]] = defaultdict(list)
    for row in session.execute(rows.order_by(_K.element, _K.survey, _K.starts_on)):
        found[Slice(indicator, dimension, row.element, row.survey)].append(Counted(*row[2:]))
    return found


def last_start(session: Session, grain: Grain) -> date | None:
    """The first day of the newest period of which there are snapshots."""
    found: date | None = session.execute(select(func.max(_K.starts_on)).where(_K.grain == grain)).scalar()
    return found


def newest_count(session: Session, indicator: str) -> Any:
    """When the figures of an indicator last changed; None where it has none."""
    return session.execute(select(func.max(_K.counted_at)).where(_K.indicator == indicator)).scalar()


Span = tuple[date, date]
"""From the first day on and before the second."""


def cells(
    session: Session, whole: Slice, grain: Grain, dimensions: Collection[str], spans: tuple[Span, Span]
) -> Sequence[Row[Any]]:
    """The sums of each slice of an indicator in two spans.

    Returns:
        Rows of ``dimension``, ``element``, and ``sum_before``, ``n_before``, ``sum_after``, ``n_after``: the sum is of
        value times n, of shares the numerator.
    """
    inside = [and_(_K.starts_on >= first, _K.starts_on < last) for first, last in spans]
    worth = func.coalesce(_K.value * _K.n, 0.0)
    sums = [
        func.sum(case((is_inside, what), else_=0)).label(f"{name}_{when}")
        for is_inside, when in zip(inside, ("before", "after"), strict=True)
        for name, what in (("sum", worth), ("n", _K.n))
    ]
    return session.execute(
        select(_K.dimension, _K.element, *sums)
        .where(_K.indicator == whole.indicator, _K.survey == whole.survey, _K.grain == grain)
        .where(_K.dimension.in_(sorted(dimensions)), _K.value.is_not(None), or_(*inside))
        .group_by(_K.dimension, _K.element).order_by(_K.dimension, _K.element)
    ).all()  # fmt: skip


def signals(session: Session, *, indicator: str | None = None, limit: int | None = None) -> Sequence[Row[Any]]:
    """The signals kept, newest first; of one indicator, where one is named."""
    rows = select(table_of(Signal)).order_by(_S.starts_on.desc(), _S.id.desc())
    rows = rows.where(_S.indicator == indicator) if indicator else rows
    return session.execute(rows.limit(limit) if limit else rows).all()


def signals_of(session: Session, indicators: Iterable[str]) -> Sequence[Row[Any]]:
    """The signals of these indicators, oldest first."""
    return session.execute(
        select(table_of(Signal)).where(_S.indicator.in_(sorted(set(indicators)))).order_by(_S.id)
    ).all()


def signals_told(session: Session, message_ids: Collection[int]) -> dict[int, Row[Any]]:
    """The signal behind each of these messages that is about one, by message id."""
    rows = session.execute(
        select(_M.id.label("message_id"), table_of(Signal))
        .join(table_of(Signal), and_(_M.subject_kind == SUBJECT, _M.subject_id == _S.id))
        .where(_M.id.in_(sorted(message_ids)))
    )
    return {row.message_id: row for row in rows}
