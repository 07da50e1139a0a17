"""Files that only their owner reads: they name people, or hold what opens a contact."""

from __future__ import annotations

import os
from pathlib import Path

from bihuan.errors import RefusedError, UnavailableError


def keep(content: bytes, file: Path, *, is_forced: bool) -> None:
    """Write a file for its owner's eyes only.

    Raises:
        RefusedError: It is there.
        UnavailableError: It cannot be written.
    """
    how = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if is_forced else os.O_EXCL)
    try:
        with os.fdopen(os.open(file, how, 0o600), "wb") as handle:
            os.fchmod(handle.fileno(), 0o600)
            handle.write(content)
    except FileExistsError as error:
        raise RefusedError(f"{file} exists", cure="name another file, or add --force") from error
    except OSError as error:
        raise UnavailableError(f"cannot write {file}: {error.strerror}", cure="name another file") from error
