"""A year rehearsed: 500,000 complaints under a draft policy beside today's, time and memory; and plain SQL beside it.

A month of a made-up company is taken in as the product does it and then copied, row by row with fresh ids and a later
date, until there are enough. The peer is the least that any answer needs: one pass over the events, grouped in SQL.

    python -m benchmarks.rehearsal [COMPLAINTS]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import func, select, text

from benchmarks.ground import keep, seconds
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.services.rehearsal import Question, rehearse
from bihuan.settings import Settings
from bihuan.simulation.demo import fill
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.queries.history import Window
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent

SINCE = datetime(2025, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
_MONTH = 30
_MONTHS = 12
_COMPLAINT = ("source", "channel", "kind", "severity", "title", "matter", "demand", "product", "region",
              "business_line", "tier", "missing", "attributes", "customer_id", "department_id", "handler_id", "state",
              "round", "handled_at", "is_simulated")  # fmt: skip
_EVENT = ("kind", "actor", "key", "data", "recorded_at")


def main(complaints: int) -> None:
    """Measure and keep."""
    policy = load_policy(None)
    asked = Question((policy, _draft(policy)), Window(SINCE, SINCE + YEAR, {}), SINCE + YEAR, "Asia/Shanghai")
    with (
        tempfile.TemporaryDirectory(prefix="bihuan-bench-") as folder,
        closing(Database(f"sqlite:///{Path(folder)}/year.db")) as db,
    ):
        _fill(db, policy, complaints)
        with db.read() as session:
            stored = session.execute(select(func.count()).select_from(table_of(Complaint))).scalar_one()
        took = seconds(lambda: rehearse(db, asked))
        peer = seconds(lambda: _plain_sql(db))
    parent, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = parent + child * (os.cpu_count() or 1)
    keep("rehearsal", {
        "complaints": stored, "seconds for both policies": took, "seconds of one pass in SQL": peer,
        "ratio to that pass": took / peer, "peak memory, parent and a child a core, MB": peak / 1024,
    })  # fmt: skip


def _draft(policy: Policy) -> Policy:
    written = policy.written()["deadline"]
    written["milestones"]["handled"]["severity"]["general"]["target"] = "30h"
    written["scopes"] = {"pilot": {"when": {"tier": ["premium"]}, "warn": ["50%", "80%"]}}
    return policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})


def _fill(db: Database, policy: Policy, complaints: int) -> None:
    upgrade(db)
    per_day = complaints // (_MONTH * _MONTHS) * 103 // 100 + 1
    fill(
        db,
        policy,
        Settings(secret=SecretStr("none")),
        since=SINCE,
        until=SINCE + timedelta(days=_MONTH),
        per_day=per_day,
    )
    with db.read() as session:
        most = session.execute(select(func.max(table_of(Complaint).c.id))).scalar_one()
    complaint = _copy("complaint", "registered_at", _COMPLAINT, {
        "id": "id + :gap", "number": "number || :month", "external_id": "external_id || :month",
    })  # fmt: skip
    event = _copy("complaint_event", "occurred_at", _EVENT, {"complaint_id": "complaint_id + :gap"})
    for month in range(1, _MONTHS):
        values = {"gap": month * most, "most": most, "month": f"-{month}", "later": f"+{month * _MONTH} days"}
        with db.write() as session:
            session.execute(text(complaint), values)
            session.execute(text(event), values)
    db.analyze()


def _copy(table: str, instant: str, same: tuple[str, ...], changed: dict[str, str]) -> str:
    """The first month's rows once more, so much later, under ids and names of their own."""
    columns = {name: name for name in same} | changed
    columns[instant] = f"strftime('%Y-%m-%d %H:%M:%f', {instant}, :later) || '000'"
    owner = "id" if "id" in columns else "complaint_id"
    names, values = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {owner} <= :most"  # noqa: S608


def _plain_sql(db: Database) -> None:
    e = table_of(ComplaintEvent).c
    with db.read() as session:
        session.execute(select(e.kind, func.count(), func.min(e.occurred_at)).group_by(e.kind)).all()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
