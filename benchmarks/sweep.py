"""The sweep's cost follows what is due: idle among a million open deadlines, and ten thousand due at once.

The bound is the plain SQL that does the same: ``UPDATE … RETURNING`` of what is due, and a bulk insert of one message
row each, committed. Run: ``python -m benchmarks.sweep [OPEN [DUE]]``.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.ground import NOW, databases, fill, keep, middle, seconds
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.store.engine import Database
from bihuan.store.queries.due import deadlines_due_before

_ROUNDS = 5
_UPDATE = (
    "UPDATE deadline SET breached_at = {at}, step = 2, next_at = NULL WHERE next_at < {at} "
    "RETURNING id, subject_id, milestone, round, due_at"
)
_COLUMNS = (
    "key", "subject_kind", "subject_id", "deadline_id", "notice", "audience", "recipient", "channel", "is_late",
    "is_repeated", "state", "planned_at", "next_at", "attempts",
)  # fmt: skip


def plain_sqlite(db: Database, at: datetime) -> None:
    """The same work by sqlite3 alone."""
    connection = db.engine.raw_connection()
    stamp = f"{at:%Y-%m-%d %H:%M:%S.%f}"
    try:
        connection.execute("BEGIN IMMEDIATE")
        due = connection.execute(_UPDATE.format(at="?"), (stamp, stamp)).fetchall()
        handlers = dict(
            connection.execute(
                "SELECT id, handler_id FROM complaint JOIN (SELECT DISTINCT subject_id FROM deadline "
                "WHERE breached_at = ?) ON subject_id = id",
                (stamp,),
            ).fetchall()
        )
        marks = ", ".join("?" * len(_COLUMNS))
        connection.executemany(
            f"INSERT INTO message ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING",  # noqa: S608
            [_message(row, handlers[row[1]], stamp) for row in due],
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def plain_postgresql(db: Database, at: datetime) -> None:
    """The same work by psycopg alone, rows sent in by COPY."""
    with db.engine.connect() as wrapped:
        connection: Any = wrapped.connection.driver_connection
        names = ", ".join(_COLUMNS)
        with connection.transaction(), connection.cursor() as cursor:
            due = cursor.execute(_UPDATE.format(at="%s"), (at, at)).fetchall()
            handlers = dict(
                cursor.execute(
                    "SELECT id, handler_id FROM complaint WHERE id = ANY(%s)", ([row[1] for row in due],)
                ).fetchall()
            )
            cursor.execute(f"CREATE TEMP TABLE fresh ON COMMIT DROP AS SELECT {names} FROM message LIMIT 0")  # noqa: S608
            with cursor.copy(f"COPY fresh ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for row in due:
                    copy.write_row(_message(row, handlers[row[1]], at))
            cursor.execute(f"INSERT INTO message ({names}) SELECT {names} FROM fresh ON CONFLICT (key) DO NOTHING")  # noqa: S608


def _message(row: tuple[Any, ...], handler_id: int, at: object) -> tuple[Any, ...]:
    deadline_id, subject_id, milestone, number, due_at = row
    key = f"complaint:{subject_id}|{milestone}|0|staff:{handler_id}|preferred|{number}.0@{due_at}Z breach"
    return (
        key,
        "complaint",
        subject_id,
        deadline_id,
        "breach",
        "staff",
        f"staff:{handler_id}",
        "preferred",
        False,
        False,
        "planned",
        at,
        at,
        0,
    )


def rows_examined(db: Database) -> int:
    """Rows that the idle sweep's own statement touches; fails where its plan leaves the partial index.

    PostgreSQL counts them. SQLite does not: there the plan must be a search of the index bounded by ``next_at<?``,
    which reads nothing where nothing is due.
    """
    statement = deadlines_due_before(NOW, 5000).compile(db.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if db.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF)"
    with db.engine.connect() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}".replace("%", "%%")))
    if "ix_deadline_next_at" not in plan or "SCAN deadline" in plan or "Seq Scan on deadline" in plan:
        raise AssertionError(plan)
    return sum(int(float(rows)) for rows in re.findall(r"actual rows=([\d.]+)", plan))


def idle(db: Database) -> float:
    """Median of 200 sweeps that find nothing, milliseconds."""
    policy = load_policy(None)
    return middle(lambda: check_all(db, policy, NOW), 200) * 1000


def due(db: Database, count: int, first: int) -> dict[str, float]:
    """Ours and plain SQL in turn, each on ``count`` deadlines of its own; seconds, and the median ratio."""
    policy, plain = load_policy(None), plain_sqlite if db.is_sqlite else plain_postgresql
    ours: list[float] = []
    bound: list[float] = []
    for turn in range(_ROUNDS * 2):
        at = NOW + timedelta(minutes=turn)
        fill(db, count, first=first, due_from=at - timedelta(seconds=count))
        first += count
        if turn % 2:
            ours.append(seconds(lambda at=at: check_all(db, policy, at)))  # type: ignore[misc]
        else:
            bound.append(seconds(lambda at=at: plain(db, at)))  # type: ignore[misc]
    ratios = [mine / theirs for mine, theirs in zip(ours, bound, strict=True)]
    return {
        "ours_seconds": median(ours),
        "plain_sql_seconds": median(bound),
        "ratio": median(ratios),
        "ratio_worst": max(ratios),
    }


def main(opened: int = 1_000_000, due_at_once: int = 10_000) -> None:
    """Measure on both databases."""
    figures: dict[str, Any] = {}
    with databases() as found:
        for name, db in found.items():
            fill(db, 10_000)
            figures[f"{name} idle ms, 10,000 open"] = idle(db)
            few = rows_examined(db)
            fill(db, opened - 10_000, first=10_001, due_from=NOW + timedelta(days=2))
            figures[f"{name} idle ms, {opened:,} open"] = idle(db)
            figures[f"{name} rows examined idle, 10,000 | {opened:,}"] = f"{few} | {rows_examined(db)}"
            figures |= {
                f"{name} {due_at_once:,} due {key}": value for key, value in due(db, due_at_once, opened + 1).items()
            }
    keep("sweep", figures)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
