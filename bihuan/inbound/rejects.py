"""The rejects file: rows that were not taken, each with its line and the reason."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bihuan.errors import UnavailableError
from bihuan.inbound.cell import Reject
from bihuan.rules.formula import guarded


class RejectFile:
    """Writes rejects to a CSV at ``path``, made anew with the first of them; without any, nothing is written.

    Cells that a spreadsheet program would run as a formula get an apostrophe in front.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None
        self._rows: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, reject: Reject) -> None:
        """Append one.

        Raises:
            UnavailableError: The file cannot be written.
        """
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8-sig", newline="")
                self._rows = csv.writer(self._file)
                self._rows.writerow(map(guarded, ["line", "reason", *reject.row]))
            self._rows.writerow(map(guarded, [str(reject.line), reject.reason, *reject.row.values()]))
        except OSError as error:
            raise UnavailableError(
                f"cannot write {self.path}: {error.strerror}",
                cure="free some space, or name another file for the rejects",
            ) from error
        self.count += 1
