"""The rows of a plan table that came back, cell by cell: what was written, what stands there, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from openpyxl.utils import get_column_letter

from bihuan.inbound.plan_cell import Vocabulary, read_cell
from bihuan.policy.flaw import Flaw
from bihuan.rules.plan_table import MEASURES, NEEDED, Column, Sheet

Base = Mapping[tuple[str, str, str], str]
"""What was written, by sheet, number and key."""
Wrong = tuple[str, str]
"""What is wrong, and the cure."""
NEW = "new "
"""Before the line of a row that has no number."""
_SHOWN = 80


class Cell(NamedTuple):
    """One cell that came back."""

    sheet: str
    number: str
    """Of its record; ``new N`` of a row without one."""
    key: str
    address: str
    """``计划表!C4``."""
    base: str
    """What was written into it; empty in a new row."""
    theirs: str
    """What it says now; where it says nothing of the kind, as it stands there."""
    flaw: Wrong | None = None


class Grid(NamedTuple):
    """One sheet of the workbook, its formulas beside its values."""

    title: str
    values: Sequence[Sequence[Any]]
    formulas: Sequence[Sequence[Any]]

    def address(self, row: int, at: int) -> str:
        """A cell as spreadsheet programs call it."""
        title = self.title if self.title.isalnum() else f"'{self.title}'"
        return f"{title}!{get_column_letter(at + 1)}{row + 1}"


class Page(NamedTuple):
    """A sheet of the workbook as one of ours."""

    grid: Grid
    sheet: Sheet
    begin: int
    """The row in which its records begin."""
    columns: Mapping[int, Column]
    """By place."""

    def others(self) -> list[str]:
        """Addresses of the columns that hold something and that nothing reads."""
        width = max((len(cells) for cells in self.grid.values), default=0)
        rows = self.grid.values[self.begin :]
        places = (at for at in range(width) if at not in self.columns and any(row[at] is not None for row in rows))
        return [self.grid.address(self.begin - 1, at) for at in places]


class _Row(NamedTuple):
    page: Page
    row: int
    number: str
    wrong: Wrong | None
    """With the row as a whole."""


def read_page(page: Page, base: Base, known: Vocabulary) -> Iterator[Cell]:
    """The cells of a sheet, row by row; a row in which nothing stands is none."""
    grid, seen = page.grid, set()
    at_number = next(at for at, one in page.columns.items() if one.key == "number")
    for row in range(page.begin, len(grid.values)):
        if all(cells[row][at] in {None, ""} for at in page.columns for cells in (grid.values, grid.formulas)):
            continue
        told = _number_of(grid.values[row][at_number])
        is_known = (page.sheet.name, told, "number") in base
        wrong = _wrong(page.sheet, told, is_again=told in seen, is_known=is_known)
        seen.add(told)
        yield from _cells(_Row(page, row, told or f"{NEW}{row + 1}", wrong), base, known)


def _number_of(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _wrong(sheet: Sheet, told: str, *, is_again: bool, is_known: bool) -> Wrong | None:
    if not told:
        return None if sheet is MEASURES else (
            "stands in a row without a number: only measures are added in a sheet", "add it in the program instead"
        )  # fmt: skip
    if not is_known:
        return f"stands in a row {told}, which was not in the export", "leave the number of a new row empty"
    return (f"stands in a second row {told}", "leave the number of a new row empty") if is_again else None


def _cells(where: _Row, base: Base, known: Vocabulary) -> Iterator[Cell]:
    page = where.page
    for at, column in page.columns.items():
        was = base.get((page.sheet.name, where.number, column.key), "")
        theirs, flaw = _said(where, at, column, known)
        address = page.grid.address(where.row, at)
        cell = Cell(page.sheet.name, where.number, column.key, address, was, theirs, flaw)
        if where.wrong:
            if theirs and (column.is_editable or column.key == "number"):
                yield cell._replace(flaw=where.wrong)
        elif where.number.startswith(NEW):
            yield from _new(cell, column)
        elif column.is_editable:
            yield cell
        elif flaw or theirs != was:
            yield _locked(cell)


def _locked(cell: Cell) -> Cell:
    cure = f"write {cell.base[:_SHOWN]!r} there again, or undo it" if cell.base else "leave it empty"
    return cell._replace(flaw=("is computed: what is written there is not read", cure))


def _new(cell: Cell, column: Column) -> Iterator[Cell]:
    """A cell of a new row: what it has to have is there though it is empty."""
    if not cell.theirs and not cell.flaw and column.key in NEEDED:
        yield cell._replace(flaw=("is empty", "a new measure needs its item, what, kind and strength"))
    elif cell.theirs or cell.flaw:
        yield cell


def _said(where: _Row, at: int, column: Column, known: Vocabulary) -> tuple[str, Wrong | None]:
    """What a cell says; where it says nothing of the kind, as it stands there and what is wrong."""
    value, formula = (cells[where.row][at] for cells in (where.page.grid.values, where.page.grid.formulas))
    if value is None and isinstance(formula, str) and formula.startswith("="):
        return formula[:_SHOWN], (f"is a formula without a value ({formula[:_SHOWN]})", "write the value itself")
    try:
        return read_cell(column, value, known), None
    except Flaw as flaw:
        return str(value), (flaw.what, flaw.cure)
