"""`bihuan db copy`: a whole company from one kind of database to the other, the same there, or nothing there."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from bihuan.clock import fixed
from bihuan.errors import RefusedError, UnavailableError
from bihuan.policy.models import Policy
from bihuan.services.complaint import register
from bihuan.services.deadline import check_all
from bihuan.services.integrity import inspect_database
from bihuan.settings import settings
from bihuan.simulation.demo import prepare
from bihuan.store import transfer
from bihuan.store.engine import Database
from bihuan.store.migrations import downgrade
from bihuan.store.rows import table_of
from bihuan.store.transfer import copy_database
from schemas.complaint import Complaint, ComplaintIn
from schemas.item import Cycle, CycleKind
from schemas.plan import Cause
from schemas.tables import METADATA

NOW = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest) -> Any:
    """Two databases of different kinds: the one to copy, and an upgraded, empty one."""
    both = [str(request.getfixturevalue(f"{kind}_url")) for kind in ("sqlite", "postgresql")]
    one, other = (Database(url) for url in (both if request.param == "sqlite" else reversed(both)))
    yield one, other
    one.close()
    other.close()


def company(db: Database, policy: Policy) -> None:
    """The demo's, with some decisions made, and rows that point at each other within a table, against their order."""
    prepare(db, policy, settings(), fixed(NOW), days=3, per_day=10)
    check_all(db, policy, NOW + timedelta(days=2))
    common = {"kind": CycleKind.SPECIAL, "opened_at": NOW, "policy_version": "1", "title": "多行\n文字 ♥"}
    with db.write() as session:
        for number in (1, 2):
            session.add(Cycle(number=f"S-{number}", period_on=NOW.date() + timedelta(days=number), **common))
        session.flush()
        session.execute(table_of(Cycle).update().where(Cycle.id == 1).values(previous_id=2))


def counts(db: Database) -> dict[str, int]:
    with db.read() as session:
        return {name: session.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in METADATA.tables.items()}  # fmt: skip


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    with db.read() as session:
        found = {}
        for name, table in METADATA.tables.items():
            rows = [tuple(row) for row in session.execute(select(table))]
            found[name] = sorted(rows, key=repr)
        return found


def test_everything_is_there_afterwards_and_the_same_and_work_goes_on(pair: Any, policy: Policy) -> None:
    old, new = pair
    company(old, policy)
    before = counts(old)
    done = copy_database(old, new)
    assert {table.table: table.rows for table in done} == before == counts(new)
    assert before["complaint"] > 20
    assert before["message"] > 20
    assert contents(old) == contents(new)
    assert inspect_database(new, policy).is_sound
    with new.write() as session:
        complaint = ComplaintIn(source="new", registered_at=NOW + timedelta(days=2))
        number = register(session, policy, settings(), fixed(NOW + timedelta(days=3)), complaint)
        greatest = session.execute(select(func.max(table_of(Complaint).c.id))).scalar_one()
    assert number.endswith(f"{greatest:06d}")
    assert greatest == before["complaint"] + 1


def test_there_and_back_gives_the_same_hashes(pair: Any, policy: Policy, tmp_path: Path) -> None:
    old, new = pair
    company(old, policy)
    third = Database(f"sqlite:///{tmp_path / 'third.db'}")
    there = copy_database(old, new)
    back = copy_database(new, third)
    assert there == back
    assert len({table.sha256 for table in there if table.rows}) == len([table for table in there if table.rows])
    third.close()


def test_a_target_that_is_not_empty_is_refused_and_not_touched(pair: Any, policy: Policy) -> None:
    old, new = pair
    company(old, policy)
    with new.write() as session:
        session.execute(text("INSERT INTO installation_fact (name, value) VALUES ('x', 'y')"))
    before = counts(new)
    with pytest.raises(RefusedError, match="is not empty: it has rows in installation_fact"):
        copy_database(old, new)
    assert counts(new) == before


def test_a_foreign_table_is_nobodys_empty_database(pair: Any, policy: Policy) -> None:
    old, new = pair
    with new.write() as session:
        session.execute(text("CREATE TABLE somebodys (x integer)"))
    with pytest.raises(RefusedError, match="a foreign table in somebodys"):
        copy_database(old, new)


def test_an_older_source_is_refused_with_the_cure(pair: Any) -> None:
    old, new = pair
    downgrade(old, "-1")
    with pytest.raises(RefusedError, match="bihuan db upgrade"):
        copy_database(old, new)


def test_what_stops_it_on_the_way_leaves_the_target_empty(
    pair: Any, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = pair
    company(old, policy)

    def stops(words: str) -> None:
        if words.startswith("complaint_event"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(old, new, stops)
    assert set(counts(new).values()) == {0}
    assert copy_database(old, new)
    assert counts(new) == counts(old)


def test_a_row_that_differs_there_is_noticed_and_nothing_is_kept(
    pair: Any, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = pair
    company(old, policy)

    def falsified(writing: Any, table: Any, *_: object) -> None:
        if table.name == "customer":
            writing.execute(table.update().where(table.c.id == 1).values(tier="other"))

    monkeypatch.setattr(transfer, "_point", falsified)
    with pytest.raises(UnavailableError, match="table customer is another one there"):
        copy_database(old, new)
    assert set(counts(new).values()) == {0}


def test_what_the_other_database_does_not_take_is_one_line_without_the_words(
    sqlite_url: str, postgresql_url: str, policy: Policy
) -> None:
    """SQLite keeps texts longer than their column, PostgreSQL does not."""
    old, new = Database(sqlite_url), Database(postgresql_url)
    with old.write() as session:
        session.execute(text("INSERT INTO installation_fact (name, value) VALUES ('x', :long)"), {"long": "王" * 501})
    with pytest.raises(UnavailableError) as refused:
        copy_database(old, new)
    assert "\n" not in str(refused.value)
    assert "王" not in str(refused.value)
    assert set(counts(new).values()) == {0}
    old.close()
    new.close()


def test_causes_that_point_at_each_other_keep_their_parents(sqlite_url: str) -> None:
    """Whatever points within a table is told apart from what points out of it."""
    later = {table.name: [key.parent.name for key in table.foreign_keys if key.column.table is table]
             for table in METADATA.sorted_tables}  # fmt: skip
    assert later[table_of(Cause).name] == ["parent_id"]
    assert sorted(later["improvement_item"]) == ["parent_id", "recurrence_of_id"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bihuan.cli.main", "db", "copy", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_says_what_it_did_and_hides_passwords(sqlite_url: str, tmp_path: Path, policy: Policy) -> None:
    db = Database(sqlite_url)
    company(db, policy)
    db.close()
    target = f"sqlite:///{tmp_path / 'copy.db'}"
    done = run(sqlite_url, target, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rows"] == sum(table["rows"] for table in said["tables"]) > 100
    again = run(sqlite_url, target)
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (3, "", 1)
    missing = run(f"sqlite:///{tmp_path / 'none.db'}", target)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "none.db").exists()
    silent = run(sqlite_url, "postgresql://bihuan:s3cret@127.0.0.1:9/none")
    assert (silent.returncode, silent.stderr.count("\n")) == (3, 1)
    assert "s3cret" not in silent.stderr
