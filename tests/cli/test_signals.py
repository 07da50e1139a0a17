"""``bihuan kpi signals``: what the charts have said, in words and as data."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from bihuan.cli.main import app
from bihuan.policy.loader import load_policy
from bihuan.services.trend import watch
from bihuan.settings import settings
from bihuan.store.engine import open_database
from bihuan.store.migrations import upgrade
from bihuan.store.rows import insert_rows
from schemas.kpi import Grain, Snapshot

FIRST = date(2026, 4, 6)


def run(*words: str):
    return CliRunner().invoke(app, ["kpi", "signals", *words])


@pytest.fixture
def kept() -> None:
    """Thirty weeks, the last of which fell."""
    here = settings()
    db = open_database(here)
    upgrade(db)
    rows = [
        {"grain": Grain.DAY, "starts_on": FIRST + timedelta(days=day), "indicator": "on_time_handled", "dimension": "",
         "element": "", "survey": "", "x": x, "n": 50, "value": x / 50, "counted_at": datetime(2026, 11, 1, tzinfo=UTC),
         "apart": {}}
        for day in range(210)
        for x in [25.0 if day >= 203 else 45.0 - day % 2]
    ]  # fmt: skip
    with db.write() as session:
        insert_rows(session, Snapshot, rows)
    watch(db, load_policy(None), here, datetime(2026, 11, 9, tzinfo=UTC))
    db.close()


def test_signals_are_listed_with_what_changed_since_when_and_whether_somebody_was_told(kept):
    (row,) = json.loads(run("--json").stdout)
    assert (row["indicator"], row["rule"], row["since_on"], row["is_worse"]) == (
        "on_time_handled", "limit", "2026-10-26", True,
    )  # fmt: skip
    assert row["words"]["signal"].startswith("处理及时率变差：")
    assert row["words"]["status"] == "已通知"
    said = run("--language", "en")
    assert "Since the week of 2026-10-26" in said.stdout.replace("\n", " ")


def test_of_another_indicator_there_are_none(kept):
    assert json.loads(run("--json", "--indicator", "nps").stdout) == []
    assert json.loads(run("--json", "--indicator", "on_time_handled", "--all").stdout) != []
