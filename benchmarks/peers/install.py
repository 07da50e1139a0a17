"""Environments for peers, made once by pip and kept in the user's cache; a peer that pip cannot get is left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bihuan.store.engine import Database

_HERE = Path(__file__).parent
_DRIVER = "psycopg[binary,pool]==3.3.9"


def peer(name: str, requirement: str) -> Path | None:
    """The Python that has the peer, made where it is missing; None, and one line on stderr, where that cannot be."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bihuan-peers" / requirement
    python, done = folder / "bin" / "python", folder / "done"
    if done.exists():
        return python
    print(f"{name}: installing {requirement} into {folder}", file=sys.stderr)
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement, _DRIVER]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], install):
        if subprocess.run(command, check=False, capture_output=True, cwd="/").returncode:  # noqa: S603 - our own words
            print(f"{name}: skipped, pip cannot get {requirement} here", file=sys.stderr)
            return None
    done.touch()
    return python


def run_peer(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    """What a script beside this file prints as JSON, run by the peer's Python.

    Raises:
        RuntimeError: It failed; the end of what it said.
    """
    command: Sequence[str] = [str(python), "-I", str(_HERE / script), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def database_beside(db: Database, name: str) -> str:
    """The URL of an empty database of that name: another file in the same folder, or another on the same server."""
    url = db.engine.url
    if db.is_sqlite:
        return str(url.set(database=str(Path(url.database or "").with_name(f"{name}.db"))))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return make_url(url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
