"""A month of half a million complaints and a hundred thousand answers, kept by day and slice, on both databases.

Measured: the first snapshot of the whole month, the same again with nothing new, and the most memory it took. The bound
is one look at every row that it has to read.
Run: ``python -m benchmarks.snapshot [COMPLAINTS [ANSWERS]]``.
"""

from __future__ import annotations

import resource
import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.ground import databases, keep, seconds
from benchmarks.month import DAYS, START, fill_month
from bihuan.policy.loader import load_policy
from bihuan.services.kpi_snapshot import take_all
from bihuan.store.engine import Database

_HERE = ZoneInfo("Asia/Shanghai")
_COLUMNS = {
    "complaint": "state",
    "deadline": "met_at",
    "complaint_event": "kind",
    "answer": "csat",
    "invitation": "state",
}


def look(db: Database) -> None:
    """Read one column of every row, as the database does it quickest."""
    with db.read() as session:
        for table, column in _COLUMNS.items():
            session.connection().exec_driver_sql(f"SELECT max({column}) FROM {table}").all()  # noqa: S608


def measure(db: Database, at: datetime) -> dict[str, Any]:
    """Take the month twice; the second time nothing may change."""
    policy = load_policy(None)
    first = seconds(lambda: take_all(db, policy, _HERE, at))
    again = seconds(lambda: _unchanged(db, at))
    return {
        "first, seconds": first,
        "again, seconds": again,
        "times one look at every row": first / seconds(lambda: look(db)),
    }


def _unchanged(db: Database, at: datetime) -> None:
    done = take_all(db, load_policy(None), _HERE, at)
    if done.new or done.changed:
        raise AssertionError(done)


def main(complaints: int = 500_000, answers: int = 100_000) -> None:
    """Measure on both databases."""
    figures: dict[str, Any] = {"complaints": complaints, "answers": answers}
    with databases() as found:
        for name, db in found.items():
            fill_month(db, complaints, answers)
            told = measure(db, START + timedelta(days=DAYS, minutes=20))
            figures |= {f"{name}, {what}": figure for what, figure in told.items()}
    figures["most memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    keep("snapshot", figures)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
