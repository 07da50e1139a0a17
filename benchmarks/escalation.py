"""The ladders' cost follows what is due: idle among a million that wait, and ten thousand second rungs due at once.

The bound is the plain SQL that does the same: ``UPDATE … RETURNING`` of what is due and not ended, and bulk inserts of
a step and a message each, committed. The audit of the ledger that results is timed too.
Run: ``python -m benchmarks.escalation [WAITING [DUE]]``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.ground import HEAD, NOW, databases, fill, keep, middle, seconds
from benchmarks.plain import MESSAGE, STEP, instant, message, step, transaction
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.services.escalation import climb_all
from bihuan.store.engine import Database
from bihuan.store.queries.escalation import escalations_due_by
from bihuan.store.queries.outbox import audit
from bihuan.store.rows import insert_new_alike
from schemas.escalation import Escalation, EscalationState, Trigger

_ROUNDS = 5
_PAGE = 50_000
_UPDATE = (
    "UPDATE escalation SET rung = 2, next_at = ?, state = 'climbing', trigger = 'silence' WHERE next_at <= ? "
    "AND deadline_id IN (SELECT id FROM deadline WHERE met_at IS NULL AND cancelled_at IS NULL) "
    "RETURNING id, subject_id, deadline_id, occasion"
)
_DEPARTMENTS = "SELECT id, department_id FROM complaint WHERE id BETWEEN ? AND ?"
_WAITS = timedelta(hours=4)


def wait(db: Database, count: int) -> None:
    """So many ladders whose next rung comes in the days after tomorrow."""
    later, each = NOW + timedelta(days=3650), timedelta(seconds=1)
    for start in range(0, count, _PAGE):
        with db.write() as session:
            shared = {
                "duty": "handled", "occasion": "1.0@x", "ladder": "general", "policy_version": "bench",
                "started_at": NOW, "rung": 1, "state": EscalationState.CLIMBING, "trigger": Trigger.SILENCE,
                "next_at": later + start * each,
            }  # fmt: skip
            rows = [{"key": f"waiting {number}", "subject_id": number}
                    for number in range(start, min(start + _PAGE, count))]  # fmt: skip
            insert_new_alike(session, Escalation, rows, ["key"], shared)
    db.analyze()


def plain(db: Database, at: datetime) -> None:
    """The same work by the driver alone."""
    now, recipient = instant(db, at), f"staff:{HEAD}"
    with transaction(db) as (read, write):
        due = read(_UPDATE, (instant(db, at + _WAITS), now))
        subjects = [subject_id for _, subject_id, _, _ in due]
        departments = dict(read(_DEPARTMENTS, (min(subjects), max(subjects))))
        assert set(departments) >= set(subjects)
        write("escalation_step", STEP, [step(one, 2, "silence", recipient, now) for one, _, _, _ in due])
        write("message", MESSAGE, [
            message(one, subject_id, deadline_id, occasion, 2, recipient, now)
            for one, subject_id, deadline_id, occasion in due
        ])  # fmt: skip


def rows_examined(db: Database) -> int:
    """Rows that the idle sweep's own statement touches; fails where its plan leaves the partial index."""
    statement = escalations_due_by(NOW, 5000).compile(db.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if db.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF)"
    with db.engine.connect() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}".replace("%", "%%")))
    if "ix_escalation_next_at" not in plan or "SCAN escalation" in plan or "Seq Scan on escalation" in plan:
        raise AssertionError(plan)
    return sum(int(float(rows)) for rows in re.findall(r"actual rows=([\d.]+)", plan))


def idle(db: Database) -> float:
    """Median of 200 sweeps that find nothing, milliseconds."""
    policy = load_policy(None)
    return middle(lambda: climb_all(db, policy, NOW), 200) * 1000


def broken(db: Database, count: int, first: int, at: datetime) -> datetime:
    """So many promises broken by ``at``, their first rung told; when the second comes."""
    fill(db, count, first=first, due_from=at - timedelta(seconds=count))
    check_all(db, load_policy(None), at)
    return at + timedelta(days=1)


def due(db: Database, count: int) -> dict[str, float]:
    """Ours and plain SQL in turn, each on ``count`` ladders of its own; seconds, and the median ratio."""
    policy = load_policy(None)
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn, at in enumerate(_mondays()):
        second_at = broken(db, count, 1 + turn * count, at)
        db.analyze()
        if is_ours := bool(turn % 2):
            times[is_ours].append(seconds(lambda at=second_at: climb_all(db, policy, at)))  # type: ignore[misc]
        else:
            times[is_ours].append(seconds(lambda at=second_at: plain(db, at)))  # type: ignore[misc]
        _let_be(db)
    ratios = [mine / theirs for mine, theirs in zip(times[True], times[False], strict=True)]
    return {
        "ours_seconds": median(times[True]), "plain_sql_seconds": median(times[False]),
        "ratio": median(ratios), "ratio_worst": max(ratios),
    }  # fmt: skip


def _mondays() -> Iterator[datetime]:
    """One for each turn."""
    yield from (datetime(2026, 11, 23, 2, tzinfo=NOW.tzinfo) + timedelta(weeks=turn) for turn in range(_ROUNDS * 2))


def _let_be(db: Database) -> None:
    """Nothing that was climbed comes due again in a later turn."""
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE escalation SET next_at = NULL WHERE duty = 'handled' AND rung = 2")


def main(waiting: int = 1_000_000, due_at_once: int = 10_000) -> None:
    """Measure on both databases."""
    figures: dict[str, Any] = {}
    with databases() as found:
        for name, db in found.items():
            figures |= {f"{name} {due_at_once:,} due {key}": value for key, value in due(db, due_at_once).items()}
            with db.read() as session:
                figures[f"{name} audit seconds"] = seconds(lambda held=session: audit(held, ZoneInfo("Asia/Shanghai")))  # type: ignore[misc]
            figures[f"{name} idle ms, none waiting"] = idle(db)
            few = rows_examined(db)
            wait(db, waiting)
            figures[f"{name} idle ms, {waiting:,} waiting"] = idle(db)
            figures[f"{name} rows examined idle, none | {waiting:,}"] = f"{few} | {rows_examined(db)}"
    keep("escalation", figures)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
