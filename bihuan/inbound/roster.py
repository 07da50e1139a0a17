"""The staff book 名册 as a spreadsheet gives it: sheets of staff, departments, duty and absence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from bihuan.errors import UsageError
from bihuan.inbound import roster_cell as cell
from bihuan.inbound.roster_sheet import SHEETS, Column, Sheet
from bihuan.inbound.table import open_table, sheet_names
from bihuan.policy.flaw import Flaw, nearest
from bihuan.rules.formula import unguarded
from schemas.people import Line, StaffIn
from schemas.roster import StaffBook

_MEND = "mend it; nothing of the file was kept"
_MOST = 50_000
"""Lines of a sheet, which are held together."""
_NOTE = "#"
"""A column whose head begins with it is somebody's own and is not read."""
_CONTACT = re.compile(r"(?:contact|联系地址|联系方式)_(?!preferred$)([a-z][a-z0-9_]{0,19})")
"""``preferred`` is what a policy calls ``contact_url``."""

LineT = TypeVar("LineT", bound=Line)


def read_book(file: Path) -> StaffBook:
    """Everything the file states.

    A workbook has sheets named as in ``SHEETS``, at least one of them; one of another name is left out. Where all have
    other names, the first is ``staff``. A file that is no workbook is ``staff``.

    Raises:
        UsageError: The file cannot be read, has a column that nothing reads or lacks one, or a line is wrong: names
            sheet, line and column, and never shows a contact.
    """
    names = sheet_names(file)
    ours = {name: known for name in names if (known := _sheet_of(name))}
    if len(set(ours.values())) < len(ours):
        raise UsageError(f"{file.name} has a sheet twice: {', '.join(ours)}", cure="keep one of each")
    if not ours:
        return StaffBook(staff=tuple(_lines(_Source(file, "staff", None, bool(names)), StaffIn)))
    found = {
        known: tuple(_lines(_Source(file, known, name, is_workbook=True), SHEETS[known].line))
        for name, known in ours.items()
    }
    return StaffBook.model_validate(found | {"left_out": tuple(name for name in names if name not in ours)})


def _sheet_of(name: str) -> str | None:
    return next((known for known, sheet in SHEETS.items() if name.strip().lower() in {known, *sheet.chinese}), None)


class _Source(NamedTuple):
    """A sheet of a file: which it is, and what a workbook calls it."""

    file: Path
    known: str
    name: str | None
    is_workbook: bool

    @property
    def title(self) -> str:
        return f"{self.file.name}, sheet {self.name}," if self.name else self.file.name

    def place(self, line: int) -> str:
        return f"sheet {self.name} line {line}" if self.name else f"line {line}"


def _lines(source: _Source, line: type[LineT]) -> Iterator[LineT]:
    table = open_table(source.file, sheet=source.name)
    # read to its end, so that a workbook is closed whatever is wrong with it
    rows = list(islice(table.rows, _MOST + 1))
    if len(rows) > _MOST:
        raise UsageError(f"{source.title} has more than {_MOST:,} lines", cure=f"it is no staff book; {_MEND}")
    columns = _columns(table.header, source)
    for row in rows:
        place = source.place(row.line)
        if row.fault:
            raise UsageError(f"{place}: {row.fault}", cure=_MEND)
        if any(row.cells):
            cells = row.cells if source.is_workbook else [unguarded(text) for text in row.cells]
            told = {column: text for column, text in zip(columns, cells, strict=True) if column}
            yield _line(told, SHEETS[source.known], place, line)


def _columns(header: Sequence[str], source: _Source) -> list[Column | None]:
    """The column behind each head; None for one that is not read."""
    known = SHEETS[source.known].columns
    columns = [_column(head, known, source.title) for head in header]
    names = [column.name for column in columns if column]
    if absent := [column.name for column in known if column.is_needed and column.name not in names]:
        raise UsageError(f"{source.title} has no column {', '.join(absent)}", cure=f"it has: {', '.join(header)}")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise UsageError(f"{source.title} has two columns {twice[0]}", cure="keep one of them")
    return columns


def _column(head: str, known: Sequence[Column], title: str) -> Column | None:
    for column in known:
        if head.lower() == column.name or head in column.chinese:
            return column._replace(head=head)
    if (found := _CONTACT.fullmatch(head)) and known is SHEETS["staff"].columns:
        return Column(f"contact_{found[1]}", (), found[1], cell.contact, head=head)
    if not head or head.startswith(_NOTE):
        return None
    cure = f"{nearest(head, (column.name for column in known))}; put {_NOTE} before the head of a column of your own"
    raise UsageError(f"{title} has a column {head!r} that nothing reads", cure=cure)


def _line(cells: Mapping[Column, str], sheet: Sheet, place: str, line: type[LineT]) -> LineT:
    """The line that the cells state; what is empty takes the usual value, but a contact stays as it is known."""
    said = [column for column, text in cells.items() if text]
    if sheet.is_whole and [column.name for column in said] == [sheet.columns[0].name]:
        cells = {said[0]: cells[said[0]]}
    elif empty := [column.head for column in cells if column.is_needed and column not in said]:
        raise UsageError(f"{place}: {empty[0]} is empty", cure=_MEND)
    told: dict[str, Any] = {"place": place}
    for column, text in cells.items():
        field = column.field or column.name
        if text and column.read is cell.contact and column.name != "contact_url":
            told.setdefault("contacts", {})[field] = cell.contact(text)
        elif text:
            told[field] = _value(column, text, place)
        elif column.read is not cell.contact:
            told[field] = line.model_fields[field].get_default(call_default_factory=True)
    return _validated(line, told, place, {column.field or column.name: column for column in cells})


def _value(column: Column, text: str, place: str) -> Any:
    try:
        return column.read(text)
    except Flaw as flaw:
        raise UsageError(f"{place}: {column.head} {flaw.what}", cure=flaw.cure) from flaw


def _validated(line: type[LineT], told: Mapping[str, Any], place: str, columns: Mapping[str, Column]) -> LineT:
    try:
        return line.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        column = columns[str(next(part for part in first["loc"] if part != "contacts"))]
        said = f"is {told[column.field or column.name][:40]!r}" if column.read is not cell.contact else "is not usable"
        what = f"{place}: {column.head} {said}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise UsageError(what, cure=_MEND) from error
