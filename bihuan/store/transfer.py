"""A whole database into an empty one, also from SQLite to PostgreSQL and back: counted and compared, or not at all.

The source is read in one consistent look. Everything goes into the target in one transaction: whatever stops it leaves
the target as empty as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Float, Table, bindparam, func, insert, inspect, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError

from bihuan.errors import RefusedError, UnavailableError
from bihuan.store.engine import Database
from bihuan.store.migrations import current, head, upgrade
from schemas.tables import METADATA

BATCH = 2000
_MODULUS = 1 << 256
_VERSIONS = "alembic_version"


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows, and a hash of all of them, the same on both sides, in whatever order they lie."""

    table: str
    rows: int
    sha256: str


def copy_database(source: Database, target: Database, tell: Callable[[str], None] = lambda _: None) -> list[Copied]:
    """Copy every table; the target is brought to this version's shape first.

    Args:
        source: At this version's revision; it is not changed, and may be in use.
        target: Without tables, or with empty ones.
        tell: Hears the name of each table that is done.

    Returns:
        What was copied, table by table.

    Raises:
        RefusedError: The source has another version's shape, or the target holds something.
        UnavailableError: A database did not answer, did not take a row, or holds something else than was written.
    """
    with _one_line():
        _require_head(source)
        _prepare(target)
        with source.read_still() as reading, target.write() as writing:
            _require_empty(writing.connection(), target)  # once more, behind the lock
            old, new = reading.connection(), writing.connection()
            done = [_copied(old, new, table, tell) for table in METADATA.sorted_tables]
            _set_sequences(new, target)
    target.analyze()
    return done


@contextmanager
def _one_line() -> Iterator[None]:
    """Whatever a database says of a row that it does not take, said in one line."""
    try:
        yield
    except DBAPIError as error:
        said = f"{type(error.orig).__name__}: {error.orig}".splitlines()[0]
        raise UnavailableError(
            f"a row was not taken: {said}", cure="mend it in the source, and copy again; the target is still empty"
        ) from error


def _require_head(source: Database) -> None:
    with source.read() as session:
        has = current(session.connection())
    if has != head():
        raise RefusedError(
            f"{_name(source)} stands at {has or 'nothing'}, this version needs {head()}",
            cure="run `bihuan db upgrade` with BIHUAN_DATABASE_URL naming it, then copy again",
        )


def _prepare(target: Database) -> None:
    """Refuse what is in use before it is touched, then make the tables."""
    with target.read() as session:
        _require_empty(session.connection(), target)
    upgrade(target)


def _require_empty(connection: Connection, target: Database) -> None:
    ours = METADATA.tables
    for name in inspect(connection).get_table_names():
        if name == _VERSIONS:
            continue
        rows = text(f'SELECT 1 FROM "{name}" LIMIT 1')  # noqa: S608 - a name that the database itself gave
        if name not in ours or connection.execute(rows).first() is not None:
            raise RefusedError(
                f"{_name(target)} is not empty: it has {'rows' if name in ours else 'a foreign table'} in {name}",
                cure="name an empty database, or a file that does not exist",
            )


def _copied(reading: Connection, writing: Connection, table: Table, tell: Callable[[str], None]) -> Copied:
    """One table, and what was read of it compared with what is there now."""
    later = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    count, read = 0, 0
    pointing: list[dict[str, Any]] = []
    for rows in _batches(reading, table):
        count, read = count + len(rows), (read + _hashed(table, rows)) % _MODULUS
        writing.execute(insert(table), [{**row, **dict.fromkeys(later)} for row in rows])
        pointing += [row for row in rows if any(row[name] is not None for name in later)]
    _point(writing, table, later, pointing)
    found = sum(_hashed(table, rows) for rows in _batches(writing, table)) % _MODULUS
    there = writing.execute(select(func.count()).select_from(table)).scalar_one()
    if (there, found) != (count, read):
        raise UnavailableError(
            f"table {table.name} is another one there: {count} rows were read, {there} stand there, or one differs",
            cure="nothing was kept; report it, with `bihuan --version`",
        )
    tell(f"{table.name}: {count}")
    return Copied(table.name, count, f"{read:064x}")


def _point(writing: Connection, table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Let rows point at others of their own table, once all of them are there."""
    if rows:
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names}
        bound = [{"row_id": row["id"], **{f"to_{name}": row[name] for name in names}} for row in rows]
        writing.execute(update(table).where(table.c.id == bindparam("row_id")).values(values), bound)


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    found = connection.execute(
        select(table).order_by(*table.primary_key), execution_options={"yield_per": BATCH, "stream_results": True}
    )
    for rows in found.mappings().partitions():
        yield [dict(row) for row in rows]


def _hashed(table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """The hashes of rows added up: the databases order texts differently, and none of that is a difference."""
    floats = {column.name for column in table.c if isinstance(column.type, Float)}
    names = sorted(column.name for column in table.c)
    return sum(
        int.from_bytes(hashlib.sha256(
            "\x1f".join(_spelled(row[name], name in floats) for name in names).encode("utf-8", "surrogatepass")
        ).digest())
        for row in rows
    )  # fmt: skip


def _spelled(value: Any, is_float: bool) -> str:
    """A value as a text that both databases give alike."""
    if value is None:
        return "\x00"
    if is_float:
        return float(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)


def _set_sequences(writing: Connection, target: Database) -> None:
    """Let the next row get an id of its own; SQLite looks at the greatest by itself."""
    if target.is_sqlite:
        return
    numbered = (table for table in METADATA.sorted_tables if "id" in table.c)
    for table in numbered:
        greatest = writing.execute(select(func.max(table.c.id))).scalar()
        if greatest is not None:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            writing.execute(select(func.setval(sequence, greatest, literal_column("true"))))


def _name(db: Database) -> str:
    return db.engine.url.render_as_string(hide_password=True)
