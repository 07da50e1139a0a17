"""A plan table 改进计划表 that came back: every cell with its address, what was written and what stands there now.

Sheets and columns are told by the hidden row of keys, whatever their names, order or language; where that row is gone,
by the headings in either language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import openpyxl

from bihuan.errors import UsageError
from bihuan.inbound.parcel import DAMAGED, MEBIBYTE, require_bearable
from bihuan.inbound.plan_cell import Vocabulary
from bihuan.inbound.plan_row import Base, Cell, Grid, Page, read_page
from bihuan.rules.plan_table import BASE_SHEET, FORMAT, SHEETS

_AHEAD = 6
"""Rows among which the keys or headings are."""
_LEAST = 3
"""So many headings are told apart from a record that happens to say the same."""
_LARGEST, _MOST_ROWS = 24 * MEBIBYTE, 10_000
"""Unpacked, of a workbook that is read as a whole, and in all its sheets; a cycle of five hundred items has less."""
_EXPORT = "export it again with `bihuan improvement export CYCLE FILE`"

Headings = Mapping[str, Mapping[str, str]]
"""By sheet: a heading in either language, to its key."""


@dataclass
class PlanFile:
    """Everything that came back."""

    cycle: str
    made_at: str
    """When it was exported."""
    cells: list[Cell] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    """Sheet and number of the rows that are gone."""
    left_out: list[str] = field(default_factory=list)
    """Sheets, and addresses of columns, that nothing reads."""


def read_plan(file: Path, known: Vocabulary, headings: Headings) -> PlanFile:
    """Read a workbook that ``bihuan improvement export`` wrote and somebody edited.

    Raises:
        UsageError: It cannot be read, is no such workbook, or lost the hidden sheet that says what was written.
    """
    grids = _grids(file)
    cycle, made_at, base = _base(file, grids)
    found, seen = PlanFile(cycle, made_at), set()
    for grid in (one for name, one in grids.items() if not name.startswith("_")):
        page = _page(grid, headings)
        if page is None:
            continue
        if page.sheet.name in seen:
            raise UsageError(f"{file.name}: {grid.title} is there twice", cure="keep one of them")
        seen.add(page.sheet.name)
        _take(found, page, base, known)
    if not seen:
        raise UsageError(f"{file.name} has none of the sheets of a plan table", cure=_EXPORT)
    return found


def _take(found: PlanFile, page: Page, base: Base, known: Vocabulary) -> None:
    keys = [one.key for one in page.columns.values()]
    if "number" not in keys or len(set(keys)) < len(keys):
        raise UsageError(f"{page.grid.title} lost its column of numbers, or has a column twice", cure=_EXPORT)
    cells, name = list(read_page(page, base, known)), page.sheet.name
    found.cells += cells
    found.left_out += page.others()
    at = next(at for at, one in page.columns.items() if one.key == "number")
    there = {str(row[at]).strip() for row in page.grid.values[page.begin :] if row[at] is not None}
    numbers = dict.fromkeys(number for sheet, number, _ in base if sheet == name)
    found.missing += [(name, number) for number in numbers if number not in there]


def _grids(file: Path) -> dict[str, Grid]:
    require_bearable(file, _LARGEST, _MOST_ROWS)
    values, formulas = (_opened(file, has_values=has_values) for has_values in (True, False))
    return {
        page.title: Grid(page.title, list(page.values), list(formulas[page.title].values)) for page in values.worksheets
    }


def _opened(file: Path, *, has_values: bool) -> Any:
    try:
        with file.open("rb") as handle, catch_warnings():
            simplefilter("ignore")  # openpyxl's remarks on styles and extensions it leaves out
            return openpyxl.load_workbook(handle, data_only=has_values)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {file}", cure="check the path") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", cure="check its permissions") from error
    except DAMAGED as error:
        raise UsageError(f"{file.name} is not an XLSX workbook", cure="save it as .xlsx") from error


def _base(file: Path, grids: Mapping[str, Grid]) -> tuple[str, str, Base]:
    """The cycle, when it was written, and what."""
    rows = grids[BASE_SHEET].values if BASE_SHEET in grids else []
    if not rows or rows[0][0] != "bihuan plan table":
        raise UsageError(f"{file.name} does not say what was written into it", cure=_EXPORT)
    if str(rows[0][1]) != str(FORMAT):
        raise UsageError(f"{file.name} was written by another version of this program", cure=_EXPORT)
    told = {(str(row[0]), str(row[1]), str(row[2])): str(row[3] or "") for row in rows[1:] if row[0]}
    return str(rows[0][2]), str(rows[0][3]), told


def _page(grid: Grid, headings: Headings) -> Page | None:
    """Which of our sheets it is, by its keys, else by its headings; None where it is none."""
    for row, words in enumerate(_words(grid)):
        for sheet in SHEETS.values():
            keys = {f"{sheet.name}.{one.key}": one for one in sheet.columns}
            if hit := {at: keys[word] for at, word in words.items() if word in keys}:
                return Page(grid, sheet, _begin(grid, row, headings[sheet.name]), hit)
    return _by_headings(grid, headings)


def _words(grid: Grid) -> list[dict[int, str]]:
    """What stands in the first rows, by place."""
    return [{at: str(cell).strip() for at, cell in enumerate(row) if cell is not None} for row in grid.values[:_AHEAD]]


def _begin(grid: Grid, row: int, known: Mapping[str, str]) -> int:
    """The row below the headings, which stand below the keys."""
    for at, words in enumerate(_words(grid)[row + 1 :], start=row + 1):
        if sum(word in known for word in words.values()) >= _LEAST:
            return at + 1
    return row + 2


def _by_headings(grid: Grid, headings: Headings) -> Page | None:
    best: Page | None = None
    for row, words in enumerate(_words(grid)):
        for name, known in headings.items():
            hit = {at: SHEETS[name].column(known[word]) for at, word in words.items() if word in known}
            if 2 * len(hit) >= len(known) and (best is None or len(hit) > len(best.columns)):
                best = Page(grid, SHEETS[name], row + 1, hit)
    return best
