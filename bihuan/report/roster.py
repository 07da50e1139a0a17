"""A staff book as a file: a workbook with all its sheets, or its sheet of staff as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import xlsxwriter

from bihuan.report.sheet import PLAIN, Column, formats, write_table
from bihuan.rules.formula import guarded
from schemas.people import NO_QUIET, Line, StaffIn
from schemas.roster import ALWAYS, StaffBook

Rows = list[dict[str, str]]


class Cell(NamedTuple):
    """A column: its head, the field of a line that it holds, and how that is written."""

    head: str
    field: str
    written: Callable[[Any], str]


def _plain(value: str | None) -> str:
    return value or ""


def _flag(value: bool) -> str:
    return "yes" if value else "no"


def _quiet(value: tuple[str, str] | None) -> str:
    return "none" if value == NO_QUIET else "-".join(value or ())


def _day(value: date | None) -> str:
    return value.isoformat() if value and value != ALWAYS else ""


def _moment(value: str) -> str:
    return value.replace("T", " ")


def _plainly(*fields: str) -> tuple[Cell, ...]:
    return tuple(Cell(field, field, _plain) for field in fields)


_SHEETS: Mapping[str, tuple[Cell, ...]] = {
    "staff": (
        *_plainly("code", "name", "department"),
        *(Cell(field, field, _flag) for field in ("is_head", "is_active", "is_liaison")),
        Cell("roles", "roles", ",".join), *_plainly("substitute", "contact_url"), Cell("quiet", "quiet", _quiet),
        *_plainly("language", "timezone"),
    ),
    "departments": _plainly("code", "name", "name_en", "contact_url", "language"),
    "duty": (
        *_plainly("rota", "staff"), Cell("weekdays", "weekdays", ",".join), *_plainly("begins", "ends", "timezone"),
        Cell("from", "from_on", _day), Cell("until", "until_on", _day),
    ),
    "absence": (*_plainly("staff"), Cell("from", "begins", _moment), Cell("until", "ends", _moment)),
}  # fmt: skip


def xlsx(book: StaffBook) -> bytes:
    """The workbook as the bytes of a file: text only, nothing in it is a formula or a link."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, PLAIN) as workbook:
        looks = formats(workbook)
        for name, cells in _SHEETS.items():
            heads, rows = _sheet(getattr(book, name), cells)
            columns = [Column(head, head, "text") for head in heads]
            write_table(workbook.add_worksheet(name), columns, rows, looks, UTC)
    return file.getvalue()


def staff_csv(book: StaffBook) -> bytes:
    """The sheet of staff as the bytes of a CSV that spreadsheet programs show well.

    A cell that one of them would take for a formula has ``'`` before it, which the import takes off.
    """
    heads, rows = _sheet(book.staff, _SHEETS["staff"])
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([guarded(row[head]) for head in heads] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _sheet(lines: Sequence[Line], cells: Sequence[Cell]) -> tuple[Sequence[str], Rows]:
    """Heads and rows; further contacts have a column each behind the first."""
    further = sorted({channel for line in lines for channel in _further(line)})
    rows = []
    for line in lines:
        row = {cell.head: cell.written(getattr(line, cell.field)) for cell in cells}
        rows.append(row | {f"contact_{channel}": _further(line).get(channel, "") for channel in further})
    heads = [cell.head for cell in cells]
    at = heads.index("contact_url") + 1 if further else 0
    return [*heads[:at], *(f"contact_{channel}" for channel in further), *heads[at:]], rows


def _further(line: Line) -> Mapping[str, str]:
    return line.contacts if isinstance(line, StaffIn) else {}
