"""What a workbook may be before it is opened: a ZIP that unpacks to a bearable size, and XML without entities.

The sizes in a ZIP's own list bind: nothing unpacks further than they say. A document type is refused, because its
entities can grow without bound, and no spreadsheet program writes one.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from openpyxl.utils.exceptions import InvalidFileException

from bihuan.errors import UsageError

MEBIBYTE = 1 << 20
DAMAGED = (
    zipfile.BadZipFile, InvalidFileException, expat.ExpatError, ParseError, zlib.error, struct.error, EOFError,
    LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, OSError,
)  # fmt: skip
"""What openpyxl raises for a workbook in which something else stands than it expects: it takes XML at its word."""
_PARTS = 5_000
_PIECE = 4096
_SHEETS, _ROW = "xl/worksheets/", b"<row"


class _BegunError(Exception):
    """The root element begins: no document type comes any more."""


class _DocumentTypeError(Exception):
    """There is a document type."""


def require_bearable(file: Path, most: int, rows: int | None = None) -> None:
    """Let a workbook pass that unpacks to at most ``most`` bytes; what is no ZIP is left to who opens it.

    Args:
        file: The workbook.
        most: Bytes.
        rows: In all sheets together, at most; None: as many as there are bytes for.

    Raises:
        UsageError: It is larger, has thousands of parts, or a part declares a document type.
    """
    with _opened(file) as parcel:
        if parcel is None:
            return
        parts = parcel.infolist()
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > most:
            raise UsageError(
                f"{file.name} unpacks to more than {most // MEBIBYTE} MiB, or has too many parts",
                cure="split it into several files, or save it as .csv",
            )
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                _require_plain(file, parcel, part)
        if rows is not None and sum(_rows(parcel, part) for part in parts if part.filename.startswith(_SHEETS)) > rows:
            raise UsageError(f"{file.name} has more than {rows:,} rows", cure="delete the empty ones")


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile | None]:
    try:
        parcel = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile, ValueError):
        yield None
        return
    with parcel:
        yield parcel


def _require_plain(file: Path, parcel: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    try:
        with parcel.open(part) as handle:
            _read_prolog(handle)
    except _DocumentTypeError:
        raise UsageError(
            f"{file.name} holds XML with a document type, which no spreadsheet program writes",
            cure="open it in a spreadsheet program and save it again",
        ) from None
    except DAMAGED:
        return  # damaged, encrypted or of another kind: whoever opens it says so


def _rows(parcel: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> int:
    """How many rows a sheet has; a mark that lies across two pieces counts too. Of a damaged one, none."""
    found, left = 0, b""
    with suppress(*DAMAGED), parcel.open(sheet) as content:
        while piece := content.read(_PIECE):
            whole = left + piece
            found += whole.count(_ROW)
            left = whole[-len(_ROW) + 1 :]
    return found


def _read_prolog(handle: IO[bytes]) -> None:
    """Read what stands before the root element.

    Raises:
        _DocumentTypeError: There is one.
    """
    parser: Any = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = _refuse, _end
    try:
        while piece := handle.read(_PIECE):
            parser.Parse(piece, False)
    except _BegunError:
        return


def _refuse(*_: object) -> NoReturn:
    raise _DocumentTypeError


def _end(*_: object) -> NoReturn:
    raise _BegunError
