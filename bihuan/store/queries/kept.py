"""What the snapshot keeps of the indicators, as pages read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.kpi import Grain, Snapshot

_S = table_of(Snapshot).c


def months(session: Session, since: date, until: date, indicator: str | None = None) -> Sequence[Row[Any]]:
    """The totals of the months from ``since`` to ``until``, both included, oldest first; of one indicator or of all."""
    statement = select(table_of(Snapshot)).where(
        _S.grain == Grain.MONTH, _S.dimension == "", _S.starts_on >= since, _S.starts_on <= until
    )
    if indicator is not None:
        statement = statement.where(_S.indicator == indicator)
    return session.execute(statement.order_by(_S.starts_on, _S.survey)).all()


def latest_month(session: Session) -> date | None:
    """The latest month of which anything is kept."""
    return session.execute(
        select(func.max(_S.starts_on)).where(_S.grain == Grain.MONTH, _S.dimension == "", _S.n > 0)
    ).scalar()
