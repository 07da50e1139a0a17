"""What retention finds costs what is left to erase, not what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import sqlite

from bihuan.store.engine import Database
from bihuan.store.queries import retention as queries


@pytest.mark.parametrize(("name", "index"), [
    ("complaints", "ix_complaint_unerased"), ("answers", "ix_answer_unerased"),
    ("touchpoints", "ix_touchpoint_unerased"), ("attempts", "ix_delivery_attempt_addressed"),
])  # fmt: skip
def test_what_is_past_its_time_is_found_by_an_index_that_loses_what_was_erased(
    sqlite_url: str, name: str, index: str
) -> None:
    """Asked of SQLite, which plans the same however many rows there are."""
    statement = getattr(queries, name)(datetime(2026, 11, 26, tzinfo=UTC))
    words = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    db = Database(sqlite_url)
    with db.read() as session:
        plan = [row[-1] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
    db.close()
    assert any(index in line for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN")], plan
