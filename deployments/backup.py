"""``python -m deployments.backup FOLDER --keep DAYS``: one back-up of database and secret, proved to be readable.

SQLite is copied while it is in use, as `bihuan db backup` does, PostgreSQL with ``pg_dump``. What is half done has
another name; what is older than ``--keep`` days goes only after the new one is whole. `bihuan doctor` knows the last.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from bihuan.clock import Clock, wall_clock
from bihuan.errors import BihuanError, RefusedError, UnavailableError
from bihuan.log import ended
from bihuan.services.backup import note_backup
from bihuan.settings import Settings, settings
from bihuan.store.engine import open_database
from bihuan.store.sound_copy import copy_sound

_SECRET = "secret.key"  # noqa: S105 - a file name
_STARTS = "bihuan-"


def main(words: Sequence[str] | None = None) -> int:
    """Back up; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deployments.backup", description="Back up database and secret.")
    parser.add_argument("folder", type=Path, help="Where back-ups lie; made where it is missing.")
    parser.add_argument("--keep", type=int, default=14, metavar="DAYS", help="Older ones are deleted (default: 14).")
    asked = parser.parse_args(words)
    try:
        sys.stdout.write(f"{back_up(settings(), asked.folder, timedelta(days=asked.keep), wall_clock)}\n")
    except BihuanError as error:
        sys.stderr.write(f"{ended(str(error))}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{ended(f'{error.filename}: {error.strerror} - check free space and permissions')}\n")
        return 3
    return 0


def back_up(here: Settings, folder: Path, keep: timedelta, clock: Clock) -> Path:
    """Make one back-up, prove it, delete those older than ``keep``; its file.

    Raises:
        RefusedError: ``keep`` would delete the one just made.
        UnavailableError: The database does not answer, its tool is missing, or what was written cannot be read.
    """
    if keep < timedelta(days=1):
        raise RefusedError("--keep under a day would delete what was just made", cure="keep at least one day")
    at = clock()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_database(here)) as db:
        file = folder / f"{_STARTS}{at:%Y%m%dT%H%M%SZ}{'.db' if db.is_sqlite else '.dump'}"
        part = file.with_name(f"{file.name}.part")
        part.unlink(missing_ok=True)
        try:
            copy_sound(db, part) if db.is_sqlite else _dump(here, part)
            part.chmod(0o600)
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        _keep_secret(here, folder)
        with db.write() as session:
            note_backup(session, at)
    _delete_old(folder, at.timestamp() - keep.total_seconds())
    return file


def _dump(here: Settings, part: Path) -> None:
    """The password goes through the environment: a command line may be read by everyone on the machine."""
    url = make_url(here.database())
    own = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password,
           "PGDATABASE": url.database, "PGHOST_QUERY": url.query.get("host")}  # fmt: skip
    given = {name: str(value) for name, value in own.items() if value is not None}
    if socket := given.pop("PGHOST_QUERY", None):
        given["PGHOST"] = socket
    _run("pg_dump", ["--format=custom", "--no-owner", f"--file={part}"], given)
    _run("pg_restore", ["--list", str(part)], {})


def _run(tool: str, words: Sequence[str], given: Mapping[str, str]) -> None:
    found = shutil.which(tool)
    if found is None:
        raise UnavailableError(f"there is no {tool}", cure="apt-get install postgresql-client, of the server's version")
    done = subprocess.run(  # noqa: S603 - a tool of PostgreSQL with words of our own
        [found, *words], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(
            f"{tool}: {said.removeprefix(f'{tool}: ')}", cure="check BIHUAN_DATABASE_URL, and that the server runs"
        )


def _keep_secret(here: Settings, folder: Path) -> None:
    """Beside the database: without it no contact can be read."""
    secret, kept = here.data_dir / _SECRET, folder / _SECRET
    if secret.is_file() and not (kept.is_file() and kept.read_bytes() == secret.read_bytes()):
        kept.unlink(missing_ok=True)
        shutil.copyfile(secret, kept)
        kept.chmod(0o600)


def _delete_old(folder: Path, before: float) -> None:
    for file in folder.glob(f"{_STARTS}*"):
        if file.is_file() and file.stat().st_mtime < before:
            file.unlink()


if __name__ == "__main__":
    sys.exit(main())
