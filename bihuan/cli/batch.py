"""Files of many rows, taken in batch by batch: how commands walk them, and where refused rows go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

BATCH = 2000
"""Rows that are written in one transaction."""
Row = TypeVar("Row")


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists of ``BATCH``, the last one shorter."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def with_progress(rows: Iterator[Row], file: Path, what: str) -> Iterable[Row]:
    """The rows of ``file``, counted on a terminal and silent elsewhere; ``what`` names them."""
    if not sys.stderr.isatty():
        return rows
    from rich.console import Console
    from rich.progress import track

    from bihuan.inbound.table import count_rows

    return track(rows, description=what, total=count_rows(file), console=Console(stderr=True))


def rejects_path(file: Path) -> Path:
    """Where the refused rows of ``file`` go: beside it, or here where nothing can be written beside it."""
    name = f"{file.name.split('.')[0]}.rejects.csv"
    return file.with_name(name) if os.access(file.parent, os.W_OK) else Path(name)
