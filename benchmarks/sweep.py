"""The sweep's cost follows what is due: idle among a million open deadlines, and ten thousand due at once.

The bound is the plain SQL that does the same: ``UPDATE … RETURNING`` of what is due, and bulk inserts of the ladder
that begins with each, its first rung and its message, committed. Run: ``python -m benchmarks.sweep [OPEN [DUE]]``.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.ground import NOW, databases, fill, keep, middle, seconds
from benchmarks.plain import ESCALATION, MESSAGE, STEP, instant, message, new_ids, step, transaction
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.store.engine import Database
from bihuan.store.queries.due import deadlines_due_before

_ROUNDS = 5
_UPDATE = (
    "UPDATE deadline SET breached_at = ?, step = 2, next_at = NULL WHERE next_at < ? "
    "RETURNING id, subject_id, round, due_at"
)
_HANDLERS = (
    "SELECT id, handler_id FROM complaint JOIN (SELECT DISTINCT subject_id FROM deadline WHERE breached_at = ?) AS due "
    "ON subject_id = id"
)


def plain(db: Database, at: datetime) -> None:
    """The same work by the driver alone: breach, ladder, first rung and message of each."""
    now, next_at = instant(db, at), instant(db, at + timedelta(hours=2))
    with transaction(db) as (read, write):
        due = read(_UPDATE, (now, now))
        handlers = dict(read(_HANDLERS, (now,)))
        ids = new_ids(db, read, "escalation", len(due))
        occasions = [f"{number}.0@{due_at}" for _, _, number, due_at in due]
        told = [f"staff:{handlers[subject_id]}" for _, subject_id, _, _ in due]
        rows = list(zip(ids, due, occasions, told, strict=True))
        write("escalation", ESCALATION, [
            (one, f"complaint:{subject_id}|handled|{occasion}", "complaint", subject_id, deadline_id, "handled",
             occasion, "general", "bench", now, 0, 1, next_at, "climbing", "silence")
            for one, (deadline_id, subject_id, _, _), occasion, _ in rows
        ])  # fmt: skip
        write("escalation_step", STEP, [step(one, 1, "breach", recipient, now) for one, _, _, recipient in rows])
        write("message", MESSAGE, [
            message(one, subject_id, deadline_id, occasion, 1, recipient, now)
            for one, (deadline_id, subject_id, _, _), occasion, recipient in rows
        ])  # fmt: skip


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
    policy = load_policy(None)
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
