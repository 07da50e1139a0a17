"""Bulk writes that both databases do fast: lists of dictionaries, one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    Table,
    Update,
    bindparam,
    insert,
    literal,
    literal_column,
    null,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlmodel import Session, SQLModel

Row = Mapping[str, Any]
_MANY = 20
"""From so many rows on a statement of their own is worth the time that it takes to compile."""


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model: queries and bulk writes work on it, without the cost of loading objects."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def id_in(column: ColumnElement[int], ids: Sequence[int] | str) -> ColumnElement[bool]:
    """The column is one of these ids, written into the statement: thousands of bound parameters cost more than it.

    Where ``ids`` is a name, they are given under it when the statement is executed.
    """
    if isinstance(ids, str):
        return column.in_(bindparam(ids, expanding=True, literal_execute=True))
    return column.in_(bindparam(None, list(ids), expanding=True, literal_execute=True))


def padded(values: Sequence[Any]) -> list[Any]:
    """The values, the last one repeated up to a power of two: for IN, so that there are few statements to plan."""
    whole = 1 << max(len(values) - 1, 0).bit_length()
    return [*values, *[values[-1]] * (whole - len(values))] if values else []


def insert_rows(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert all of them; every row names the same columns."""
    if rows:
        session.execute(insert(table_of(table)), rows)


def insert_new_rows(session: Session, table: type[SQLModel], rows: Sequence[Row], unique: Sequence[str]) -> None:
    """Insert those whose ``unique`` columns are not there yet; the others are left as they are."""
    if rows:
        connection = session.connection()
        written = _compiled(connection.dialect, table_of(table), tuple(unique), tuple(rows[0]))
        connection.execute(written, rows)


def insert_new_alike(
    session: Session, table: type[SQLModel], rows: Sequence[Row], unique: Sequence[str], shared: Row
) -> None:
    """``insert_new_rows`` for rows that are alike but for a few plain values; for thousands of them half the time.

    Args:
        session: Inside a transaction.
        table: Where they go.
        rows: What differs, the same columns in each: numbers, text and None, handed to the driver as they are; a
            document as its text.
        unique: Columns whose values must be new.
        shared: What all have in common, of any type: written into the statement once.
    """
    if not rows:
        return
    columns = table_of(table).c
    if len(rows) < _MANY and not any(isinstance(columns[name].type, JSON) for name in rows[0]):
        insert_new_rows(session, table, [{**shared, **row} for row in rows], unique)
        return
    dialect = session.get_bind().dialect
    values: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in rows[0]}
    usual = {
        column.name: column.default.arg for column in columns if isinstance(column.default, ScalarElementColumnDefault)
    }
    values |= {
        name: _written(value, columns[name], dialect)
        for name, value in (usual | dict(shared)).items()
        if name not in values
    }
    compiled: Any = _insert_new(dialect, table_of(table), unique).values(values).compile(dialect=dialect)
    plain = [tuple(row[name] for name in compiled.positiontup) for row in rows] if compiled.positional else list(rows)
    session.connection().exec_driver_sql(str(compiled), plain)


def update_rows(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Overwrite columns of rows by id; every row names the same columns, ``id`` among them."""
    if not rows:
        return
    names = tuple(name for name in rows[0] if name != "id")
    bound = [{"row_id": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
    session.connection().execute(_update(table_of(table), names), bound)


@lru_cache(maxsize=256)
def _update(table: Table, names: tuple[str, ...]) -> Update:
    values: dict[str, ColumnElement[Any]] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


@lru_cache(maxsize=256)
def _compiled(dialect: Dialect, table: Table, unique: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    """SQLAlchemy compiles an insert with ON CONFLICT anew each time: that takes longer than a small insert itself."""
    return _insert_new(dialect, table, unique).compile(dialect=dialect, column_keys=list(columns), for_executemany=True)


def _insert_new(dialect: Dialect, table: Table, unique: Sequence[str]) -> Any:
    make = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing(index_elements=list(unique))


def _written(value: Any, column: ColumnElement[Any], dialect: Dialect) -> ColumnElement[Any]:
    """The value as the dialect spells it, quoted by its own literal processor."""
    if value is None:
        return null()
    spelled = literal(value, column.type).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return literal_column(str(spelled), column.type)
