"""Millions of complaints on PostgreSQL, copied from a month that the product itself took in and decided.

A made-up company's thirty days are taken in by the product; its closed complaints, with deadlines, notices and log,
become the model of those kept, its answered ones the model of those open. Copies have ids, numbers and instants of
their own. Of nine in ten closed complaints that were never reopened the log stays out: no statement that is measured
reads it, and it would be half of the disk.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, DateTime, text

from benchmarks.ground import NOW
from bihuan.clock import fixed
from bihuan.policy.loader import load_policy
from bihuan.settings import Settings
from bihuan.simulation.demo import prepare
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline
from schemas.outbox import Message

BYTES_EACH = 2700
"""What a complaint kept takes on disk with all that belongs to it."""
_YEARS = timedelta(days=365 * 20)
"""Over which the closed ones are spread: 500,000 a year are ten million."""
_MONTH = timedelta(days=30)
"""Over which those open come due."""
_PAGE = 300_000
_LOGGED = 10
"""Of so many copies of a closed complaint one has its log."""
_TURNS = 20
_MARKED = "SELECT relname FROM pg_class WHERE relname = ANY(:tables) AND relallvisible >= relpages * 0.98"
_TABLES = {"complaint": Complaint, "deadline": Deadline, "message": Message, "complaint_event": ComplaintEvent}
_MODELS = {
    "complaint": "SELECT row_number() OVER (ORDER BY id) AS place, * FROM complaint WHERE {which}",
    "deadline": "SELECT row_number() OVER (ORDER BY c.place, d.id) AS line, c.place, d.* FROM deadline AS d "
                "JOIN {kind}_complaint AS c ON d.subject_kind = 'complaint' AND d.subject_id = c.id",
    "message": "SELECT d.line, d.place, m.* FROM message AS m JOIN {kind}_deadline AS d ON m.deadline_id = d.id",
    "complaint_event": "SELECT c.place, c.round, e.* FROM complaint_event AS e "
                       "JOIN {kind}_complaint AS c ON e.complaint_id = c.id",
}  # fmt: skip
_NUMBER = ":first + k * :size + m.place - 1"
_LINE = ":line + k * :lines + m.line - 1"
_OWN = {
    "complaint": {"id": _NUMBER, "number": f"'B-' || lpad(({_NUMBER})::text, 10, '0')",
                  "external_id": f"lpad(({_NUMBER})::text, 10, '0')"},
    "deadline": {"id": _LINE, "subject_id": _NUMBER},
    "message": {"key": f"m.key || '#' || {_NUMBER}", "subject_id": _NUMBER, "deadline_id": _LINE, "state": "'sent'",
                "reason": "NULL", "sent_at": "m.planned_at + moved.by"},
    "complaint_event": {"complaint_id": _NUMBER},
}  # fmt: skip
"""What differs in each copy; instants move all by the same span."""
_DUE = "(:due + (k * :size + m.place - 1) * CAST(:apart AS interval))"
_RUNS = "CASE WHEN m.state = 'running' THEN {} ELSE {} END"


def _running(then: str, name: str) -> str:
    """The value in the deadline that runs; the others move like everything else."""
    return _RUNS.format(then, f"m.{name} + moved.by" if name.endswith("_at") else f"m.{name}")


_OPEN = {"due_at": _running(_DUE, "due_at"), "next_at": _running(f"{_DUE} - interval '9 hours'", "next_at")}
_DUE_NOW = {"due_at": _running(_DUE, "due_at"), "next_at": _running(_DUE, "next_at"), "step": _running("1", "step"),
            "warned_at": _running(f"{_DUE} - interval '9 hours'", "warned_at")}  # fmt: skip
_OVERDUE = _DUE_NOW | {"next_at": "NULL", "step": _running("2", "step"), "breached_at": _running(_DUE, "breached_at")}


def model(db: Database) -> None:
    """Let the product take a month in, and keep the closed and the answered complaints of it aside as models."""
    prepare(db, load_policy(None), Settings(secret=SecretStr("none")), fixed(NOW), days=30, per_day=60)
    with db.engine.begin() as connection:
        for kind, which in (("closed", "state = 'closed'"), ("open", "state = 'responded' AND round = 1")):
            for table, rows in _MODELS.items():
                statement = f"CREATE TABLE {kind}_{table} AS {rows.format(kind=kind, which=which)}"
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("TRUNCATE complaint, complaint_event, deadline, message CASCADE")


def keep_closed(db: Database, count: int) -> None:
    """At least ``count`` more closed complaints, registered over the twenty years before now."""
    _copy(db, "closed", count, {}, spread=_YEARS)


def keep_open(db: Database, count: int) -> None:
    """At least ``count`` more open ones, due over the next month; one in twenty is overdue, and that is decided."""
    late = count // 20
    apart = _MONTH / max(count, 1)
    _copy(db, "open", late, _OVERDUE, due=NOW - _MONTH, apart=apart * 20)
    _copy(db, "open", count - late, _OPEN, due=NOW + timedelta(hours=10), apart=apart)


def keep_due(db: Database, count: int, at: datetime) -> int:
    """At least ``count`` open ones whose time was up just before ``at``, the warning told; how many they are."""
    return _copy(db, "open", count, _DUE_NOW, due=at - timedelta(hours=1), apart=timedelta(hours=1) / (2 * count))


def forget_after(db: Database, last: int) -> None:
    """Take away the complaints after that id, with all that was decided and said of them."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("TRUNCATE escalation, escalation_step")
        for table, name in (("message", "subject_id"), ("deadline", "subject_id"), ("complaint_event", "complaint_id"),
                            ("complaint", "id")):  # fmt: skip
            connection.execute(text(f"DELETE FROM {table} WHERE {name} > :last"), {"last": last})  # noqa: S608


def last_id(db: Database) -> int:
    """Of the complaints."""
    with db.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM complaint").scalar_one())


def settle(db: Database) -> None:
    """What autovacuum does in time: dead rows away, pages marked as seen by all, figures for the planner.

    While an older look still runs anywhere nothing newer can be marked: then it is done once more.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wanted = list(_TABLES)
        for _ in range(_TURNS):
            for table in wanted:
                connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")
            marked = connection.execute(text(_MARKED), {"tables": list(_TABLES)}).scalars().all()
            if not (wanted := [table for table in _TABLES if table not in marked]):
                return
            time.sleep(1)


def count_rows(db: Database) -> dict[str, int]:
    """Rows by table, as far as the planner knows."""
    with db.engine.connect() as connection:
        statement = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:table)")
        return {table: connection.execute(statement, {"table": table}).scalar_one() for table in _TABLES}


def _copy(
    db: Database, kind: str, count: int, deadlines: dict[str, str], *, spread: timedelta | None = None,
    due: datetime = NOW, apart: timedelta = timedelta(0),
) -> int:  # fmt: skip
    """So many, and up to a whole model more, page by page; how many."""
    with db.engine.connect() as connection:
        sizes = {name: connection.execute(text(f"SELECT count(*) FROM {kind}_{table}")).scalar_one()  # noqa: S608
                 for name, table in (("size", "complaint"), ("lines", "deadline"))}  # fmt: skip
    copies, page = -(-count // sizes["size"]), max(_PAGE // sizes["size"], 1)
    values = {**sizes, "due": due, "apart": apart, "until": copies, "logged": _LOGGED, "moving": spread is not None,
              "back": spread or timedelta(0), "each": (spread or timedelta(0)) / max(copies, 1)}  # fmt: skip
    for start in range(0, copies, page):
        with db.engine.begin() as connection:
            _page(connection, kind, deadlines, values | {"since": start, "until": min(start + page, copies) - 1})
    return int(copies * sizes["size"])


def _page(connection: Connection, kind: str, deadlines: dict[str, str], values: dict[str, Any]) -> None:
    # The rows are copies of checked ones; checking every reference again takes longer than all the rest.
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    values |= {
        name: connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").scalar_one()  # noqa: S608
        - values["since"] * values[size]
        for name, table, size in (("first", "complaint", "size"), ("line", "deadline", "lines"))
    }
    for table in _TABLES:
        own = _OWN[table] | (deadlines if table == "deadline" else {})
        connection.execute(text(_statement(kind, table, own)), values)
    for table in ("complaint", "deadline"):
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
        )


def _statement(kind: str, table: str, own: dict[str, str]) -> str:
    columns = table_of(_TABLES[table]).c
    values = {
        column.name: f"m.{column.name} + moved.by" if isinstance(column.type, DateTime) else f"m.{column.name}"
        for column in columns if column.name != "id"
    } | own  # fmt: skip
    which = " WHERE m.round > 1 OR k % :logged = 0" if table == "complaint_event" and kind == "closed" else ""
    return (
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "  # noqa: S608
        f"FROM generate_series(CAST(:since AS bigint), CAST(:until AS bigint)) AS k CROSS JOIN LATERAL "
        f"(SELECT CASE WHEN :moving THEN k * CAST(:each AS interval) - CAST(:back AS interval) "
        f"ELSE interval '0' END AS by) AS moved CROSS JOIN {kind}_{table} AS m{which}"
    )
