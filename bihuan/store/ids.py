"""Row ids taken ahead of a bulk insert, so that rows which point at each other go in together."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select, text
from sqlmodel import Session, SQLModel


def reserve_ids(session: Session, table: type[SQLModel], count: int) -> Iterator[int]:
    """``count`` fresh ids of ``table``, ascending.

    PostgreSQL takes them from the column's sequence; on SQLite the writer holds the only write lock, so the next ones
    after the greatest are free until it commits.
    """
    if count == 0:
        return iter(())
    name = str(table.__tablename__)
    if session.get_bind().dialect.name == "postgresql":
        taken = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return iter(sorted(session.execute(taken, {"name": name, "count": count}).scalars()))
    greatest = session.execute(select(func.max(table.id))).scalar() or 0  # type: ignore[attr-defined]
    return iter(range(greatest + 1, greatest + count + 1))
