"""The doors of the database: what is written is kept whole or not at all, and errors say what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from traceback import format_exception

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from bihuan.errors import UnavailableError, UsageError
from bihuan.settings import Settings
from bihuan.store.engine import Database, open_database
from schemas.complaint import Complaint, ComplaintState, Severity
from schemas.installation import Heartbeat, InstallationFact
from schemas.people import Staff

AT = datetime(2026, 11, 16, 1, 0, 0, 123456, tzinfo=UTC)


def fact(db, name: str = "name") -> str | None:
    with db.read() as session:
        found = session.get(InstallationFact, name)
        return found and found.value


def put(session: Session, value: str, name: str = "name") -> None:
    session.merge(InstallationFact(name=name, value=value))


def complaint(**facts) -> Complaint:
    told = {"number": "1", "source": "desk", "channel": "phone", "severity": Severity.GENERAL}
    return Complaint(**{**told, "state": ComplaintState.REGISTERED, "registered_at": AT, **facts})


# --- what is kept ---


def test_what_is_written_is_kept_at_the_end(db):
    with db.write() as session:
        put(session, "kept")
    assert fact(db) == "kept"


def test_an_error_undoes_everything_of_its_transaction(db):
    def fail() -> None:
        with db.write() as session:
            put(session, "half done")
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert fact(db) is None


def test_the_other_door_keeps_nothing(db):
    with db.read() as session:
        put(session, "by the way")
        session.flush()
    assert fact(db) is None


def test_what_is_not_finished_is_not_seen(db):
    with db.write() as session:
        put(session, "unfinished")
        session.flush()
        assert fact(db) is None
    assert fact(db) == "unfinished"


def test_a_look_finds_what_was_kept_and_keeps_nothing_open(db):
    with db.write() as session:
        put(session, "kept")
    with db.look() as connection:
        assert connection.execute(select(InstallationFact.value)).scalar() == "kept"
        with db.write() as session:  # nobody waits for whoever looks, and they see at once what is new
            put(session, "changed")
        assert connection.execute(select(InstallationFact.value)).scalar() == "changed"
    assert fact(db) == "changed"


def test_a_connection_that_died_while_it_rested_is_replaced(postgresql_url, monkeypatch):
    monkeypatch.setattr("bihuan.store.engine._RESTED_SECONDS", 0.0)
    db, killer = Database(postgresql_url), Database(postgresql_url)
    kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()")  # fmt: skip
    for door in (db.read, db.look, db.write):
        with door() as session:
            session.execute(text("SELECT 1"))
        with killer.read() as session:
            session.execute(kill)
        with door() as session:
            assert session.execute(text("SELECT 2")).scalar() == 2
    db.close()
    killer.close()


@pytest.mark.parametrize(("looks", "patience"), [(100_000, 0), (0, 30)])
def test_a_writer_on_sqlite_waits_for_another_looking_often_at_first_then_as_sqlite_does(
    sqlite_url, monkeypatch, looks, patience
):
    """SQLite itself looks after 1, 3, 8, 18, 33 … ms: with two writers most of the time nobody writes."""
    monkeypatch.setattr("bihuan.store.engine._LOOKS", looks)
    monkeypatch.setattr("bihuan.store.engine._BUSY_SECONDS", patience)
    db, begun = Database(sqlite_url), Event()

    def hold() -> None:
        with db.write() as session:
            put(session, "first", "a")
            session.flush()
            begun.set()
            Event().wait(0.05)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        begun.wait(5)
        with db.write() as session:
            put(session, "second", "b")
        holder.result()
    assert (fact(db, "a"), fact(db, "b")) == ("first", "second")
    db.close()


def test_rows_can_be_read_after_their_session_ended(db):
    with db.write() as session:
        row = InstallationFact(name="name", value="still here")
        session.add(row)
    assert row.value == "still here"


def test_writers_do_not_lose_updates(db, database_url):
    """Each reads, adds one and writes: none may have read what another is about to change."""
    with db.write() as session:
        put(session, "0")

    def add(times: int) -> None:
        own = Database(database_url)
        for _ in range(times):
            with own.write() as session:
                row = session.get_one(InstallationFact, "name", with_for_update=True)
                row.value = str(int(row.value) + 1)
        own.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [10] * 4))
    assert fact(db) == "40"


# --- what is refused ---


def test_a_row_that_points_nowhere_is_refused(db):
    def orphan() -> None:
        with db.write() as session:
            session.add(Staff(code="anna", name="Anna", department_id=999))

    with pytest.raises(IntegrityError):
        orphan()


def test_what_was_bound_to_a_statement_shows_in_no_error(db):
    """Neither the values nor, on PostgreSQL, the row that it refuses: both may be a person's."""

    def nameless() -> None:
        with db.write() as session:
            session.execute(
                text("INSERT INTO staff (code, name) VALUES (:code, :name)"), {"code": "anna", "name": "李"}
            )

    with pytest.raises(IntegrityError) as refused:
        nameless()
    said = "".join(format_exception(refused.value)).replace('"code": "anna", "name": "李"', "")
    assert "李" not in said
    assert "anna" not in said
    assert "constraint" in said


def test_a_word_the_product_does_not_know_is_refused(db):
    def write() -> None:
        with db.write() as session:
            session.add(complaint(severity="dreadful"))

    with pytest.raises(StatementError, match="dreadful"):
        write()


def test_an_instant_without_a_zone_is_refused(db):
    def write() -> None:
        with db.write() as session:
            session.add(Heartbeat(sweep="sla-check", beat_at=AT.replace(tzinfo=None)))

    with pytest.raises(StatementError):
        write()


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-4))], ids=str)
def test_an_instant_comes_back_as_the_same_one(db, zone):
    with db.write() as session:
        session.add(Heartbeat(sweep="sla-check", beat_at=AT.astimezone(zone)))
    with db.read() as session:
        found = session.get_one(Heartbeat, "sla-check").beat_at
    assert found == AT
    assert found.tzinfo is not None


def test_a_word_comes_back_as_its_member(db):
    with db.write() as session:
        session.add(complaint())
    with db.read() as session:
        row = session.get_one(Complaint, session.execute(text("SELECT id FROM complaint")).scalar_one())
    assert (row.severity, row.state, row.kind) == (Severity.GENERAL, ComplaintState.REGISTERED, None)


def test_sqlite_writes_to_the_disk_before_it_says_so(sqlite_url):
    """What was recorded as sending must survive a power cut; readers never wait for the writer."""
    db = Database(sqlite_url)
    with db.read() as session:
        found = {name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                 for name in ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip
    db.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


# --- what goes wrong ---


def ask(db: Database) -> None:
    try:
        with db.read() as session:
            session.execute(text("SELECT * FROM complaint"))
    finally:
        db.close()


def no_folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}"


def no_database(tmp_path: Path) -> str:
    (tmp_path / "a.db").write_text("complaints, complaints, complaints " * 100, encoding="ascii")
    return f"sqlite:///{tmp_path / 'a.db'}"


def not_upgraded(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


def no_server(tmp_path: Path) -> str:
    return f"postgresql://clerk:open-sesame@/complaints?host={tmp_path}"


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        (no_folder, "folder exists"),
        (no_database, "no SQLite database"),
        (not_upgraded, "bihuan db upgrade"),
        (no_server, "the server runs"),
    ],
)
def test_a_database_that_does_not_answer_is_one_line_with_its_cure(tmp_path, url, cure):
    with pytest.raises(UnavailableError) as said:
        ask(Database(url(tmp_path)))
    assert cure in said.value.cure
    assert "\n" not in str(said.value)
    assert "open-sesame" not in str(said.value)


def test_a_postgresql_that_was_not_upgraded_says_so_too(postgresql_server):
    with pytest.raises(UnavailableError) as said:
        ask(Database(postgresql_server("postgres")))
    assert "bihuan db upgrade" in said.value.cure


@pytest.mark.parametrize("url", ["", "nonsense", "oracle://here/there", "file.db"])
def test_a_url_of_no_database_is_wrong_use(url):
    with pytest.raises(UsageError, match="BIHUAN_DATABASE_URL"):
        Database(url)


def test_the_folder_of_an_embedded_database_is_made(tmp_path):
    db = open_database(Settings(data_dir=tmp_path / "some" / "where"))
    assert (tmp_path / "some" / "where").is_dir()
    db.close()


def test_a_folder_that_cannot_be_made_is_said_with_its_cure(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot make"):
        open_database(Settings(data_dir=tmp_path / "file" / "inside"))


def test_the_planner_is_told_of_a_bulk_load(db):
    """Without it PostgreSQL took 106 s for the indicators of 58,119 fresh complaints, with it a twentieth of one."""
    with db.write() as session:
        session.execute(text("INSERT INTO department (code, name, name_en, language, is_simulated) "
                             "VALUES ('a', 'a', '', 'zh', :no), ('b', 'b', '', 'zh', :no)"), {"no": False})  # fmt: skip
    db.analyze()
    known = ("SELECT reltuples FROM pg_class WHERE relname = 'department'" if not db.is_sqlite
             else "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE tbl = 'department'")  # fmt: skip
    with db.read() as session:
        assert session.execute(text(known)).scalar() == 2
