"""The shape of the database: up, as the models say, down, and up again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text

from bihuan.rules.complaint import LogLine
from bihuan.rules.terms import facts_in_force
from bihuan.services.integrity import inspect_database
from bihuan.store.migrations import _config, current, differences, downgrade, head, upgrade
from bihuan.store.rows import table_of
from schemas.complaint import Channel, Complaint, ComplaintEvent, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.installation import Heartbeat
from schemas.tables import METADATA

TABLES = set(METADATA.tables)
PARTIAL = {
    "ix_deadline_next_at": "next_at IS NOT NULL",
    "ix_deadline_running_due_at": "met_at IS NULL",
    "ix_message_next_at": "next_at IS NOT NULL",
    "ix_message_recipient": "sent_at IS NOT NULL",
    "ix_complaint_open": "handled_at IS NULL",
    "ix_complaint_unerased": "erased_at IS NULL",
    "ix_message_trouble": "unknown",
    "ix_complaint_open_department": "handled_at IS NULL",
    "ix_deadline_promise_running": "met_at IS NULL",
    "ix_deadline_promise_broken": "breached_at IS NOT NULL",
    "ix_deadline_cancelled_at": "cancelled_at IS NOT NULL",
}


def tables(db) -> set[str]:
    return set(inspect(db.engine).get_table_names())


def revision(db) -> str:
    with db.read() as session:
        return current(session.connection())


def different(db) -> list[object]:
    with db.read() as session:
        return differences(session.connection())


def test_an_upgraded_database_is_as_the_models_say(db):
    assert tables(db) == TABLES | {"alembic_version"}
    assert different(db) == []
    assert revision(db) == head()


def test_upgrading_twice_changes_nothing(db):
    at = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    with db.write() as session:
        session.add(Heartbeat(sweep="sla-check", beat_at=at, done=7))
    assert upgrade(db) == upgrade(db) == head()
    with db.read() as session:
        kept = session.get_one(Heartbeat, "sla-check")
    assert (kept.beat_at, kept.done) == (at, 7)


def test_what_goes_down_comes_up_again(db):
    downgrade(db, "base")
    assert tables(db) == {"alembic_version"}
    assert revision(db) == ""
    assert len(different(db)) >= len(TABLES)
    upgrade(db)
    assert different(db) == []


def test_what_a_sweep_reads_holds_only_what_is_open(db):
    """Alembic does not compare the condition of a partial index, and without it the cost follows what is stored."""
    looked = inspect(db.engine)
    conditions = {
        index["name"]: str(index["dialect_options"].get(f"{db.engine.dialect.name}_where", ""))
        for table in ("complaint", "deadline", "message")
        for index in looked.get_indexes(table)
    }
    assert all(words in conditions[name] for name, words in PARTIAL.items())


# --- from the first shape to editions of the policy ---

FIRST = "2026_11_22_first"
AT = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
PROMISES = {"deadlines": {"handled": "2026-11-20T01:00:00+00:00", "result_feedback": None}}
TERMS = {"channel": "email", "kind": "product", "region": "华东", "business_line": "cards", "tier": "premium"}
LOGS = {
    1: (TERMS, [(EventKind.REGISTERED, {"severity": "urgent", **PROMISES}), (EventKind.NOTE, {"note": "a remark"})]),
    2: (dict.fromkeys(TERMS) | {"channel": "phone"}, [(EventKind.REGISTERED, {"severity": "general"})]),
    3: (TERMS, [(EventKind.REGISTERED, {"severity": "general", "tier": "basic"}), (EventKind.NOTE, {"tier": "x"})]),
    4: (TERMS, [(EventKind.REGISTERED, {})]),
}
"""Complaints by id: their columns, and their logs as the first version wrote them."""


def filled(db) -> None:
    """A database of the first shape with complaints in it, and a deadline of the first policy."""
    downgrade(db, FIRST)
    with db.write() as session:
        session.execute(text("INSERT INTO department (id, code, name, name_en, language, is_simulated) "
                             "VALUES (5, 'x', 'X', '', 'zh', false)"))  # fmt: skip
        for number, (facts, log) in LOGS.items():
            session.execute(insert(table_of(Complaint)).values(
                id=number, number=f"20261116-{number:06}", source="desk", severity=Severity.GENERAL, registered_at=AT,
                state=ComplaintState.REGISTERED, round=1, department_id=5, title="", matter="", demand="", missing=[],
                attributes={}, is_simulated=False, **_worded(facts)))  # fmt: skip
            session.execute(insert(table_of(ComplaintEvent)), [
                {"complaint_id": number, "kind": kind, "occurred_at": AT, "recorded_at": AT, "actor": "",
                 "key": f"{kind}", "data": data} for kind, data in log])  # fmt: skip
        later = {"department", "corrected_due_at", "survey_at", "complaint_department_id"}
        columns = [column for column in table_of(Deadline).c if column.name not in later]
        values = {
            "id": 1, "subject_kind": "complaint", "subject_id": 2, "milestone": "handled", "round": 1, "leg": 0,
            "mode": Mode.CALENDAR, "target_seconds": 3600.0, "started_at": AT, "due_at": AT + timedelta(hours=1),
            "warn_at": [], "step": 0, "next_at": AT + timedelta(hours=1), "state": DeadlineState.RUNNING,
            "policy_version": "0" * 16, "calendar_version": "0" * 16,
        }  # fmt: skip
        session.execute(insert(table_of(Deadline)).values({column: values.get(column.name) for column in columns}))


def _worded(facts):
    return {**facts, "channel": Channel(facts["channel"]), "kind": Kind(facts["kind"]) if facts["kind"] else None}


def stored(db, table, *without):
    with db.read() as session:
        columns = [column for column in table_of(table).c if column.name not in without]
        return list(session.execute(select(*columns).order_by(table_of(table).c.id)))


def test_complaints_of_the_first_version_stay_and_their_logs_remember_the_terms(db):
    filled(db)
    before = stored(db, Complaint, "erased_at")
    assert upgrade(db) == head()
    assert different(db) == []
    assert stored(db, Complaint, "erased_at") == before
    registered = {row.complaint_id: row.data for row in stored(db, ComplaintEvent) if row.kind is EventKind.REGISTERED}
    assert registered == {
        1: {"severity": "urgent", **PROMISES, **TERMS},
        2: {"severity": "general", **dict.fromkeys(TERMS), "channel": "phone"},
        3: {"severity": "general", **TERMS, "tier": "basic"},
        4: TERMS,
    }
    others = [row.data for row in stored(db, ComplaintEvent) if row.kind is not EventKind.REGISTERED]
    assert others == [{"note": "a remark"}, {"tier": "x"}]


def test_what_the_log_remembers_is_what_scopes_look_at(db):
    filled(db)
    upgrade(db)
    [registered, _] = [row for row in stored(db, ComplaintEvent) if row.complaint_id == 1]
    facts = facts_in_force([LogLine(registered.kind, AT, AT, registered.data)])
    assert {name: getattr(facts, name) for name in TERMS} == TERMS
    assert facts.severity == "urgent"


def test_a_deadline_of_the_first_version_stays_and_nothing_of_it_is_called_wrong(db, policy):
    """Its policy was never kept, so only what no policy has a say in is compared."""
    filled(db)
    upgrade(db)
    [row] = stored(db, Deadline)
    assert (row.due_at, row.policy_version, row.department, row.corrected_due_at, row.complaint_department_id) == (
        AT + timedelta(hours=1), "0" * 16, None, None, 5,
    )  # fmt: skip
    missing = [found for found in inspect_database(db, policy).differences if found["complaint_id"] == 2]
    assert "handled" not in {found["milestone"] for found in missing}


def test_down_and_up_again_keeps_what_was_registered(db):
    filled(db)
    upgrade(db)
    before = stored(db, ComplaintEvent)
    downgrade(db, FIRST)
    upgrade(db)
    assert stored(db, ComplaintEvent) == before
    assert len(stored(db, Deadline)) == 1


def test_there_is_one_way_up():
    assert len(ScriptDirectory.from_config(_config(None)).get_heads()) == 1
