"""The shape of the database: up, as the models say, down, and up again."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from bihuan.store.migrations import _config, current, differences, downgrade, head, upgrade
from schemas.installation import Heartbeat
from schemas.tables import METADATA

TABLES = set(METADATA.tables)
PARTIAL = {
    "ix_deadline_next_at": "next_at IS NOT NULL",
    "ix_deadline_running_due_at": "met_at IS NULL",
    "ix_message_next_at": "next_at IS NOT NULL",
    "ix_complaint_open": "handled_at IS NULL",
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


def test_there_is_one_way_up():
    assert len(ScriptDirectory.from_config(_config(None)).get_heads()) == 1
