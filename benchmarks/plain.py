"""The bound of the sweeps: the rows they write, written by sqlite3 and psycopg alone, the fastest way each has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bihuan.store.engine import Database

Rows = Sequence[tuple[Any, ...]]
Read = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
Write = Callable[[str, Sequence[str], Rows], None]

ESCALATION = (
    "id", "key", "subject_kind", "subject_id", "deadline_id", "duty", "occasion", "ladder", "policy_version",
    "started_at", "cycle", "rung", "next_at", "state", "trigger",
)  # fmt: skip
STEP = ("escalation_id", "cycle", "rung", "trigger", "told_at", "told", "passed")
MESSAGE = (
    "key", "subject_kind", "subject_id", "deadline_id", "escalation_id", "rung", "notice", "audience", "recipient",
    "channel", "urgency", "is_late", "is_repeated", "state", "planned_at", "next_at", "attempts",
)  # fmt: skip


@contextmanager
def transaction(db: Database) -> Iterator[tuple[Read, Write]]:
    """One transaction of the driver: what reads (``?`` marks a value) and what writes rows that are not there yet."""
    yield from (_sqlite(db) if db.is_sqlite else _postgresql(db))


def _sqlite(db: Database) -> Iterator[tuple[Read, Write]]:
    connection = db.engine.raw_connection()

    def write(table: str, columns: Sequence[str], rows: Rows) -> None:
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        connection.executemany(insert, rows)

    try:
        connection.execute("BEGIN IMMEDIATE")
        yield lambda statement, values: connection.execute(statement, values).fetchall(), write
        connection.execute("COMMIT")
    finally:
        connection.close()


def _postgresql(db: Database) -> Iterator[tuple[Read, Write]]:
    with db.engine.connect() as wrapped:
        connection: Any = wrapped.connection.driver_connection
        with connection.transaction(), connection.cursor() as cursor:

            def write(table: str, columns: Sequence[str], rows: Rows) -> None:
                names = ", ".join(columns)
                fresh = f"CREATE TEMP TABLE fresh_{table} ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"  # noqa: S608
                cursor.execute(fresh)
                with cursor.copy(f"COPY fresh_{table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                insert = f"INSERT INTO {table} ({names}) SELECT {names} FROM fresh_{table} ON CONFLICT DO NOTHING"  # noqa: S608
                cursor.execute(insert)

            yield lambda statement, values: cursor.execute(statement.replace("?", "%s"), values).fetchall(), write


def instant(db: Database, at: datetime) -> Any:
    """As the driver takes it."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}" if db.is_sqlite else at


def new_ids(db: Database, read: Read, table: str, count: int) -> list[int]:
    """Ids for rows that others will point at."""
    if db.is_sqlite:
        ((greatest,),) = read(f"SELECT coalesce(max(id), 0) FROM {table}", ())  # noqa: S608
        return list(range(greatest + 1, greatest + count + 1))
    taken = "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)"
    return [number for (number,) in read(taken, (table, count))]


def step(escalation_id: int, rung: int, trigger: str, recipient: str, at: Any) -> tuple[Any, ...]:
    """A row of ``STEP``."""
    return escalation_id, 0, rung, trigger, at, json.dumps([recipient]), "[]"


def message(
    escalation_id: int, subject_id: int, deadline_id: int, occasion: str, rung: int, recipient: str, at: Any
) -> tuple[Any, ...]:
    """A row of ``MESSAGE``."""
    key = f"complaint:{subject_id}|handled|{rung}|{recipient}|preferred|{occasion} breach"
    notice = "breach" if rung == 1 else "escalation"
    return (
        key, "complaint", subject_id, deadline_id, escalation_id, rung, notice, "staff", recipient, "preferred",
        "usual", False, False, "planned", at, at, 0,
    )  # fmt: skip
