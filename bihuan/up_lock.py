"""The lock of a data folder: ``bihuan up`` holds it, and others learn from it on which ports that one serves."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bihuan.errors import RefusedError, UnavailableError
from bihuan.settings import Settings

_PORTS = {"web_port", "prefect_port"}


@contextmanager
def held(here: Settings) -> Iterator[None]:
    """Hold the data folder: two Prefect servers on one database would trip over each other.

    Raises:
        RefusedError: Somebody else holds it.
        UnavailableError: It cannot be written.
    """
    folder = here.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _file(folder).open("a", encoding="ascii")
    except OSError as error:
        raise UnavailableError(
            f"cannot write in {folder}: {error.strerror}", cure="choose another folder with --data or BIHUAN_DATA_DIR"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError(
                f"bihuan is already up on {folder}", cure="end it first, or give --data another folder"
            ) from error
        lock.truncate(0)
        lock.write(json.dumps(here.model_dump(include=_PORTS)))
        lock.flush()
        yield


def as_up(here: Settings) -> Settings:
    """The settings with the ports of the ``bihuan up`` that holds the data folder; as they are where none does."""
    try:
        with _file(here.data_dir).open(encoding="ascii") as lock:
            if _is_free(lock):
                return here
            told = json.load(lock)
        return here.model_copy(update={name: int(told[name]) for name in _PORTS})
    except (OSError, ValueError, KeyError, TypeError):
        return here


def _is_free(lock: TextIO) -> bool:
    """Whether nobody holds it: what a killed one left says nothing of who serves now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(folder: Path) -> Path:
    return folder / "up.lock"
