"""What a workbook that came over the network may be, told before it is unpacked: a small file can hold gigabytes."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from bihuan.errors import UsageError

LARGEST_FILE = 5 * 1024 * 1024
"""Bytes, as it comes."""
_LARGEST_CONTENT = 24 * 1024 * 1024
"""Bytes once unpacked; a plan of a hundred items takes less than two million."""
_MOST_PARTS = 200
_MOST_ROWS = 3000
"""In all sheets together."""
_PIECE = 1 << 16
_ROW = b"<row"


def require_modest(file: Path) -> None:
    """Let no workbook through that would keep the installation busy.

    Raises:
        UsageError: It is no workbook, or too large: unpacked, in parts, or in rows.
    """
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
            if len(infos) > _MOST_PARTS or sum(one.file_size for one in infos) > _LARGEST_CONTENT:
                raise UsageError("the workbook is too large once unpacked", cure="send the plan table alone")
            sheets = (one for one in infos if one.filename.startswith("xl/worksheets/"))
            if sum(_rows(parts, one) for one in sheets) > _MOST_ROWS:
                raise UsageError(f"the workbook has more than {_MOST_ROWS} rows", cure="delete the empty ones")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise UsageError("this is not an XLSX workbook", cure="save it as .xlsx") from error


def _rows(parts: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> int:
    """How many rows a sheet has; a mark that lies across two pieces counts too."""
    found, left = 0, b""
    with parts.open(sheet) as content:
        while piece := content.read(_PIECE):
            whole = left + piece
            found += whole.count(_ROW)
            left = whole[-len(_ROW) + 1 :]
    return found
