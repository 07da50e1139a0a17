"""A copy of the embedded database, made while it is in use and opened once before anybody trusts it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bihuan.errors import UnavailableError
from bihuan.store.engine import Database


def copy_sound(db: Database, file: Path) -> None:
    """Write the copy to ``file``, which does not exist yet; readable by its owner only.

    Raises:
        UnavailableError: The disk is full, or what was written is not sound.
    """
    with db.read() as session:
        connection = session.connection()
        connection.exec_driver_sql("COMMIT")  # VACUUM stands in no transaction
        connection.exec_driver_sql("VACUUM INTO ?", (str(file),))
    file.chmod(0o600)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
        said = copy.execute("PRAGMA quick_check").fetchone()[0]
    if said != "ok":
        raise UnavailableError(f"the copy is not sound: {said}", cure="check the disk; `bihuan db check` looks further")
