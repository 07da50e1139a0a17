"""Files as rows of text: CSV, CSV.gz, XLSX and JSON lines, judged before the first row is given."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple
from warnings import catch_warnings, simplefilter

import openpyxl

from bihuan.errors import UsageError
from bihuan.inbound.parcel import DAMAGED, MEBIBYTE, require_bearable

_CSV, _JSON, _WORKBOOK = {".csv", ".tsv", ".txt"}, {".jsonl", ".ndjson"}, {".xlsx", ".xlsm"}
_OBJECTS_AHEAD = 100
"""JSON lines have no header: the columns are the keys of so many objects at the top."""
_LARGEST_WORKBOOK = 1024 * MEBIBYTE
"""Unpacked: a million rows of a few hundred characters each. They are read one by one, but their texts together."""
_LONGEST_LINE = 8 * MEBIBYTE
"""Characters of a line of text, which is held as a whole: what decompresses into one endless line ends here."""


class Row(NamedTuple):
    """One row: ``cells`` as the header has them, stripped, "" where there is nothing."""

    line: int
    cells: list[str]
    fault: str = ""
    """Why the row cannot be read; then ``cells`` is what there was of it."""


class Table(NamedTuple):
    """A file's columns and its rows, which can be walked once."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def open_table(file: Path, *, encoding: str = "utf-8-sig", delimiter: str = ",", sheet: str | None = None) -> Table:
    """The table in ``file``, by its suffix; text may be compressed (``.gz``).

    Text is decoded to its end before anything is given, so that a file which breaks off, or is of another encoding,
    is refused as a whole. Characters NUL are dropped: no database keeps them.

    Raises:
        UsageError: The file is absent, unreadable, cut short, empty, of another encoding or of a kind nobody reads.
    """
    kind = _kind(file)
    if kind in _WORKBOOK:
        return _workbook(file, sheet)
    for _ in _lines(file, encoding):
        pass
    return _json_lines(file, encoding) if kind in _JSON else _csv(file, encoding, delimiter)


def sheet_names(file: Path) -> tuple[str, ...]:
    """Names of the sheets of a workbook, in their order; none where ``file`` is of another kind.

    Raises:
        UsageError: The file is absent, unreadable or no workbook.
    """
    if _kind(file) not in _WORKBOOK:
        return ()
    book = _book(file)
    book.close()
    return tuple(book.sheets.sheetnames)


def count_rows(file: Path) -> int | None:
    """About how many rows ``file`` has, for a progress bar; None where only reading it would tell.

    Raises:
        UsageError: The file cannot be read.
    """
    kind = _kind(file)
    if kind in _WORKBOOK:
        return None
    with _refusing(file), _opened(file, "rb") as handle:
        lines: int = sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))
    return lines if kind in _JSON else max(lines - 1, 0)


def _kind(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if kind not in _CSV | _JSON | _WORKBOOK or (kind in _WORKBOOK and suffixes[-1] == ".gz"):
        raise UsageError(f"{file} is of a kind that is not read", cure="save it as .csv, .csv.gz, .xlsx or .jsonl")
    return kind


@contextmanager
def _refusing(file: Path, encoding: str = "") -> Iterator[None]:
    """Turns what reading a file can raise into one line about that file."""
    try:
        yield
    except UnicodeError as error:
        raise UsageError(
            f"{file} is not {encoding} text", cure="set `encoding:` in the mapping, for example gb18030 or cp1252"
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{file} is cut short or not gzip", cure="fetch or save it again") from error
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {file}", cure="check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"{file} is a folder", cure="name a file in it") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", cure="check its permissions") from error


def _opened(file: Path, mode: str, **how: Any) -> IO[Any]:
    opener: Callable[..., IO[Any]] = gzip.open if file.suffix.lower() == ".gz" else open
    return opener(file, mode, **how)


def _lines(file: Path, encoding: str) -> Iterator[str]:
    with _refusing(file, encoding), _opened(file, "rt", encoding=encoding, newline="") as handle:
        for number, line in enumerate(iter(partial(handle.readline, _LONGEST_LINE + 1), ""), start=1):
            if len(line) > _LONGEST_LINE:
                raise UsageError(
                    f"{file}:{number} is a line of more than {_LONGEST_LINE:,} characters",
                    cure="check whether it is a text file; each record has a line of its own",
                )
            yield line.replace("\0", "")


def _csv(file: Path, encoding: str, delimiter: str) -> Table:
    reader = csv.reader(_lines(file, encoding), delimiter=delimiter)
    try:
        header = next((cells for cells in reader if any(cells)), None)
    except csv.Error as error:
        raise UsageError(f"{file} has no header: {error}", cure="check the first line and `delimiter:`") from error
    return Table(_header(file, header), _csv_rows(reader, len(header or ())))


def _csv_rows(reader: Any, width: int) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, [], str(error))
            continue
        if not any(cells):
            continue
        if len(cells) == width:
            yield Row(line, [cell.strip() for cell in cells])
        else:
            yield Row(line, cells, f"has {len(cells)} cells where the header has {width}: is a quote left open?")


def _header(file: object, cells: list[str] | None) -> tuple[str, ...]:
    if not cells:
        raise UsageError(f"{file} is empty", cure="the first line names the columns; export it again")
    return tuple(cell.strip() for cell in cells)


def _json_lines(file: Path, encoding: str) -> Table:
    rows = _json_rows(file, encoding)
    ahead = list(islice(rows, _OBJECTS_AHEAD))
    if ahead and isinstance(ahead[0][1], str):
        raise UsageError(f"{file}:{ahead[0][0]} {ahead[0][1]}", cure='each line holds one object: {"id": "1", …}')
    found = [found for _, found in ahead if isinstance(found, dict)]
    header = _header(file, list(dict.fromkeys(chain.from_iterable(found))))
    return Table(header, (_json_row(line, found, header) for line, found in chain(ahead, rows)))


def _json_rows(file: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line number and object, or what is wrong with the line."""
    for number, line in enumerate(_lines(file, encoding), start=1):
        if not line.isspace():
            try:
                found = json.loads(line, parse_constant=lambda _: None)
            except (ValueError, RecursionError):
                yield number, "is not JSON"
            else:
                yield number, found if isinstance(found, dict) else "is not a JSON object"


def _json_row(line: int, found: dict[str, Any] | str, header: tuple[str, ...]) -> Row:
    if isinstance(found, str):
        return Row(line, [], found)
    return Row(line, [_text(found.get(column)) for column in header])


class _Book(NamedTuple):
    """A workbook that is read row by row, and its file: openpyxl leaves the latter open where it gives up."""

    sheets: Any
    handle: IO[bytes]

    def close(self) -> None:
        self.sheets.close()
        self.handle.close()


def _book(file: Path) -> _Book:
    with _refusing(file):
        handle = file.open("rb")
    try:
        require_bearable(file, _LARGEST_WORKBOOK)
        with catch_warnings():
            simplefilter("ignore")  # openpyxl's remarks on styles and extensions it leaves out
            return _Book(openpyxl.load_workbook(handle, read_only=True, data_only=True), handle)
    except DAMAGED as error:
        handle.close()
        raise _no_workbook(file) from error
    except UsageError:
        handle.close()
        raise


def _no_workbook(file: Path) -> UsageError:
    return UsageError(f"{file} is not an XLSX workbook", cure="save it as .xlsx or .csv")


def _workbook(file: Path, sheet: str | None) -> Table:
    book = _book(file)
    names = book.sheets.sheetnames
    if sheet is not None and sheet not in names:
        book.close()
        raise UsageError(f"{file} has no sheet {sheet!r}", cure=f"its sheets are: {', '.join(names)}")
    try:
        rows = _sheet_rows(file, book, book.sheets[sheet] if sheet else book.sheets.worksheets[0])
        first = next(rows, None)
    except DAMAGED as error:
        book.close()
        raise _no_workbook(file) from error
    header = list(first.cells) if first else []
    while header and not header[-1]:
        header.pop()
    place = f"{file}, sheet {sheet}," if sheet else str(file)
    return Table(_header(place, header), (_fitted(row, len(header)) for row in rows))


def _sheet_rows(file: Path, book: _Book, sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # some programs write a wrong size, and openpyxl would believe it
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if any(cell is not None for cell in cells):
                yield Row(number, [_text(cell) for cell in cells])
    except DAMAGED as error:
        raise UsageError(f"{file} is damaged", cure="open it in a spreadsheet program and save it again") from error
    finally:
        book.close()


def _fitted(row: Row, width: int) -> Row:
    """The row as wide as the header: a workbook leaves out empty cells at the end."""
    cells = row.cells + [""] * (width - len(row.cells))
    if any(cells[width:]):
        return Row(row.line, cells, f"has cells beyond the last column of the header, which has {width}")
    return Row(row.line, cells[:width])


def _text(cell: Any) -> str:
    """A typed cell as a CSV would have it; a date as ISO, a whole number without a fraction."""
    match cell:
        case None:
            return ""
        case str():
            return cell.replace("\0", "").encode("utf-8", "replace").decode().strip()
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case date():
            return cell.isoformat()
        case dict() | list():
            return _text(json.dumps(cell, ensure_ascii=False))
        case _:
            return str(cell)
