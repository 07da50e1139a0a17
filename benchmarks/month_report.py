"""A month of half a million complaints and a hundred thousand answers, from both databases to its report.

Measured, each in a process of its own as the flows have them: the first snapshot of the month, and the month analysed:
problem list and candidates, then page, PDF and workbook in both languages with the data pack, kept. Wall and processor
seconds (those of a PostgreSQL server and of the process beside are not in the latter) and the most memory that both
held at once. Aim: under 60 s and 1.5 GB on two cores.
Run: ``python -m benchmarks.month_report [COMPLAINTS [ANSWERS]]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.ground import databases, keep
from benchmarks.month import DAYS, START, fill_month
from bihuan.clock import zone
from bihuan.policy.loader import load_policy
from bihuan.services import month_report
from bihuan.services.kpi_snapshot import take_all
from bihuan.services.month import Due
from bihuan.settings import Settings, settings
from bihuan.store.engine import Database

_HERE = "Asia/Shanghai"
_ANALYSED = datetime(2026, 11, 2, 2, tzinfo=UTC)
_MB = 1024
_LOOK_EVERY = 0.3
Part = Callable[[Database, Settings], dict[str, float]]


def snapshot(db: Database, _: Settings) -> dict[str, float]:
    """The month kept by day and slice, for the first time."""
    began = _now()
    if not take_all(db, load_policy(None), zone(_HERE), START + timedelta(days=DAYS, minutes=20)).new:
        raise AssertionError("nothing was kept")
    return _since(began, "snapshot")


def month(db: Database, here: Settings) -> dict[str, float]:
    """The month analysed and kept with its report; the time of both is told apart where the report begins."""
    policy, report, marks = load_policy(None), month_report.files, []

    def files(*facts: Any) -> dict[str, bytes]:
        marks.append(_now())
        return report(*facts)

    month_report.files = files
    began = _now()
    if month_report.analyse(db, policy, here, Due(date(2026, 10, 1)), _ANALYSED) is None:
        raise AssertionError("the month had been analysed")
    (between,) = marks
    return _since(began, "analysis", between) | _since(between, "report")


PARTS: dict[str, Part] = {"snapshot": snapshot, "month": month}


def _now() -> tuple[float, float]:
    """Wall and processor time."""
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float], name: str, until: tuple[float, float] | None = None) -> dict[str, Any]:
    wall, cpu = until or _now()
    return {f"{name}, wall seconds": wall - began[0], f"{name}, processor seconds": cpu - began[1]}


def run(part: str) -> None:
    """One part, in this process; prints what it measured."""
    here = settings()
    db = Database(here.database_url)
    try:
        print(json.dumps(PARTS[part](db, here)))
    finally:
        db.close()


def measure(url: str, part: str) -> dict[str, float]:
    """One part in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as folder:
        told = os.environ | {"BIHUAN_DATABASE_URL": url, "BIHUAN_DATA_DIR": folder, "BIHUAN_TIMEZONE": _HERE}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.month_report", part]
        with subprocess.Popen(  # noqa: S603 - this module itself
            command, env=told, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True
        ) as process:
            most = _most_memory(process)
            figures: dict[str, float] = json.loads(process.communicate()[0].splitlines()[-1])
    return figures | {f"{part}, most MB": most // _MB}


def _most_memory(process: subprocess.Popen[str]) -> int:
    """The most kilobytes that it and the processes beside it held at once, until it ends; looked at often."""
    most = 0
    while process.poll() is None:
        most = max(most, sum(map(_held, _family(process.pid))))
        time.sleep(_LOOK_EVERY)
    return most


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # it has just ended
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            yield from _family(int(child))


def _held(pid: int) -> int:
    """Kilobytes of memory of its own: what is shared is counted in parts."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").split("Pss:")[1].split()[0])
    return 0


def main(complaints: int = 500_000, answers: int = 100_000) -> None:
    """Measure on both databases."""
    figures: dict[str, Any] = {"complaints": complaints, "answers": answers}
    with databases() as found:
        for name, db in found.items():
            fill_month(db, complaints, answers)
            url = db.engine.url.render_as_string(hide_password=False)
            told = {what: figure for part in PARTS for what, figure in measure(url, part).items()}
            figures |= {f"{name}, {what}": figure for what, figure in told.items()}
            figures[f"{name}, wall seconds in all"] = sum(told[key] for key in told if key.endswith("wall seconds"))
    keep("month_report", figures)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        run(sys.argv[1])
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
