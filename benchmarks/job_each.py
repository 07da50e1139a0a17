"""One job a deadline, as Procrastinate runs it on PostgreSQL, beside our rows and one sweep over them.

Theirs: a job scheduled for each deadline's instant; a worker with ten jobs at a time takes the due ones, and each marks
its deadline and writes its message in a transaction of its own. A deadline that moves is a job cancelled and another
deferred. Ours: the deadline's row is the schedule, moving it is an update of that row, and the sweep decides five
thousand in a transaction; it writes the ladder and its first step as well. Both have the product's tables on the same
server. Run: ``python -m benchmarks.job_each [WAITING [DUE [WAITING_IN_THE_END]]]``.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.ground import NOW, databases, fill, keep, seconds
from benchmarks.peers.install import database_beside, peer, run_peer
from benchmarks.sweep import idle
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.rows import update_rows
from schemas.deadline import Deadline
from schemas.tables import METADATA

REQUIREMENT = "procrastinate==3.10.0"
_SINGLE = 500


def ours(db: Database, waiting: int, due: int, finally_waiting: int) -> dict[str, float]:
    """The same steps as theirs."""
    policy = load_policy(None)
    fill(db, due, due_from=NOW - timedelta(seconds=due))
    fill(db, waiting - due, first=due + 1, due_from=NOW + timedelta(days=1))
    found = {"due_seconds": seconds(lambda: check_all(db, policy, NOW))}
    found["move_us"] = seconds(lambda: _move(db, due + 1)) / _SINGLE * 1e6
    found["idle_ms_few"] = idle(db)
    _wait(db, waiting, finally_waiting)
    found["idle_ms_many"] = idle(db)
    later = finally_waiting + 1
    fill(db, _SINGLE, first=later, due_from=NOW - timedelta(seconds=_SINGLE))
    found["due_ms_each_many"] = seconds(lambda: check_all(db, policy, NOW)) * 1000 / _SINGLE
    return found


def _wait(db: Database, waiting: int, finally_waiting: int) -> None:
    """As many more as are missing, each like the last one there is, due a second after the other from tomorrow on."""
    own = {
        "complaint": {"id": "n", "number": "'W-' || n", "external_id": "'W-' || n"},
        "deadline": {"subject_id": "n", **dict.fromkeys(("due_at", "next_at"), ":due + n * interval '1 second'")},
    }
    last = {"complaint": "id = :last", "deadline": "subject_id = :last"}
    values = {"last": waiting, "until": finally_waiting, "due": NOW + timedelta(days=1)}
    with db.write() as session:
        for table, columns in own.items():
            same = [column.name for column in METADATA.tables[table].c if column.name not in {"id", *columns}]
            names, picked = ", ".join([*columns, *same]), ", ".join([*columns.values(), *same])
            session.execute(text(
                f"INSERT INTO {table} ({names}) SELECT {picked} FROM {table}, "  # noqa: S608
                f"generate_series(CAST(:last AS int) + 1, CAST(:until AS int)) AS n WHERE {last[table]}"
            ), values)  # fmt: skip
    db.analyze()


def _move(db: Database, first: int) -> None:
    """One after the other, a transaction each, to a later instant."""
    due_at = NOW + timedelta(days=30)
    for number in range(first, first + _SINGLE):
        with db.write() as session:
            update_rows(session, Deadline, [{"id": number, "due_at": due_at, "next_at": due_at}])


def theirs(python: Path, db: Database, waiting: int, due: int, finally_waiting: int) -> dict[str, Any]:
    """Their steps, in a database of their own on the same server."""
    url = database_beside(db, "procrastinate")
    other = Database(url)
    upgrade(other)
    fill(other, waiting)
    other.close()
    return run_peer(python, "procrastinate_side.py", url, str(waiting), str(due), str(finally_waiting))


def main(waiting: int = 20_000, due: int = 2_000, finally_waiting: int = 1_000_000) -> None:
    """Measure on PostgreSQL, the only database both have."""
    python = peer("job_each", REQUIREMENT)
    if not python:
        return
    with databases() as found:
        db = found["postgresql"]
        other = theirs(python, db, waiting, due, finally_waiting)
        mine = ours(db, waiting, due, finally_waiting)
    said = {
        "due_seconds": f"{due:,} due of {waiting:,}, seconds",
        "move_us": "a deadline moved, us each", "idle_ms_few": f"a look that finds nothing, {waiting:,} waiting, ms",
        "idle_ms_many": f"a look that finds nothing, {finally_waiting:,} waiting, ms",
        "due_ms_each_many": f"one due of {finally_waiting:,}, ms",
    }  # fmt: skip
    told: dict[str, Any] = {"peer": REQUIREMENT, "procrastinate: a job deferred, beside its row, us": other["defer_us"]}
    for name, what in said.items():
        told |= {f"ours: {what}": mine[name], f"procrastinate: {what}": float(other[name]),
                 f"procrastinate / ours: {what}": other[name] / mine[name]}  # fmt: skip
    keep("job_each", told)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
