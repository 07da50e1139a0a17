"""One sheet of the plan table: white cells to edit, grey ones locked, lists to choose from, and what was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from bihuan.report.plan_lines import BASE, Values, rows
from bihuan.report.plan_wording import PlanWording
from bihuan.rules.formula import begins_formula
from bihuan.rules.plan_table import BASE_SHEET, FORMAT, MEASURES, Column, Kind, Sheet, canonical

LONGEST = 32_767
"""Characters that a cell of Excel holds."""
SPARE = 20
"""Empty rows below the measures, for new ones."""
LIST_SHEET = "_lists"
_FORMATS = {Kind.DAY: "yyyy-mm-dd", Kind.SHARE: "0%", Kind.NUMBER: "#,##0.##", Kind.WHOLE: "0"}
_VALUE_FORMATS = {"share": "0.0%", "hours": "#,##0.##", "points": "#,##0.##"}
_GREY, _HEAD, _LINE = "#EEF1F4", "#E3F1EE", "#C9D1D8"
_A4 = 9
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)


class Desk:
    """A workbook being written: its looks, each made once, and what was written into its cells."""

    def __init__(self, book: xlsxwriter.Workbook, wording: PlanWording) -> None:
        """Begin with nothing written."""
        self.book, self.wording = book, wording
        self.base: list[tuple[str, str, str, str]] = []
        """Sheet, number, key and text of every cell of every row."""
        self._looks: dict[tuple[tuple[str, Any], ...], Format] = {}

    def look(self, **properties: Any) -> Format:
        """A format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._looks:
            self._looks[key] = self.book.add_format({"valign": "top", **properties})
        return self._looks[key]

    def head(self) -> Format:
        """Of the headings."""
        return self.look(bold=True, text_wrap=True, bg_color=_HEAD, border=1, border_color=_LINE)


def write_sheet(desk: Desk, sheet: Sheet, lists: Mapping[str, str]) -> Worksheet:
    """Write a sheet: a hidden row of keys, the groups where it has any, headings, and a row a record.

    Args:
        desk: Where to.
        sheet: Which.
        lists: The names of the ranges that cells are chosen from, by the kind of list.
    """
    page = desk.book.add_worksheet(desk.wording.say(f"sheet_{sheet.name}"))
    top, told = _heads(desk, page, sheet), list(rows(sheet, desk.wording))
    for row, values in enumerate(told, start=top):
        _row(desk, page, sheet, row, values)
        _remember(desk, sheet, values)
    below = top + len(told)
    if sheet is MEASURES:
        below = _spare(desk, page, sheet, below)
    written = max(below - 1, top)
    for at, column in enumerate(sheet.columns):
        if column.is_editable or (sheet is MEASURES and column.key == "item"):
            _choose(desk, page, column, (top, at, written, at), lists)
    page.autofilter(top - 1, 0, written, len(sheet.columns) - 1)
    set_up(desk, page, sheet.name, top)
    page.protect("", {"format_columns": True, "format_rows": True, "autofilter": True, "sort": True})
    return page


def _heads(desk: Desk, page: Worksheet, sheet: Sheet) -> int:
    """The rows above the records; the first row of those."""
    has_groups = any(column.group for column in sheet.columns)
    row = 2 if has_groups else 1
    page.set_row(0, None, None, {"hidden": True})
    for at, column in enumerate(sheet.columns):
        page.set_column(at, at, column.width)
        page.write_string(0, at, f"{sheet.name}.{column.key}")
        page.write_string(row, at, desk.wording.say(f"head_{column.key}"), desk.head())
    if has_groups:
        _groups(desk, page, sheet)
    page.set_row(row, 48)
    return row + 1


def _groups(desk: Desk, page: Worksheet, sheet: Sheet) -> None:
    """The nine columns of a plan above those they consist of."""
    look = desk.look(bold=True, bg_color=_HEAD, border=1, border_color=_LINE, align="center", text_wrap=True)
    at = 0
    while at < len(sheet.columns):
        group = sheet.columns[at].group
        end = at
        while end + 1 < len(sheet.columns) and sheet.columns[end + 1].group == group and group:
            end += 1
        said = desk.wording.say(f"group_{group}") if group else ""
        if end > at:
            page.merge_range(1, at, 1, end, said, look)
        else:
            page.write_string(1, at, said, look)
        at = end + 1
    page.set_row(1, 32)


def _row(desk: Desk, page: Worksheet, sheet: Sheet, row: int, values: Values) -> None:
    for at, column in enumerate(sheet.columns):
        indent = values["level"] - 1 if column.key == "statement" else 0
        look = _look(desk, column, values.get("unit", ""), values[column.key], indent)
        write(page, row, at, values[column.key], look)


def _look(desk: Desk, column: Column, unit: str, value: Any, indent: int = 0, *, is_open: bool = False) -> Format:
    is_locked = not (column.is_editable or is_open)
    shape: dict[str, Any] = {"locked": is_locked, "border": 1, "border_color": _LINE, "text_wrap": True}
    if is_locked:
        shape |= {"bg_color": _GREY, "font_color": "#55626F"}
    number = _VALUE_FORMATS.get(unit) if column.kind is Kind.VALUE else _FORMATS.get(column.kind, "@")
    shape["num_format"] = number or "General"
    if isinstance(value, str) and begins_formula(value):  # once somebody edits it
        shape["quote_prefix"] = True
    return desk.look(**shape, **({"indent": indent} if indent else {}))


def write(page: Worksheet, row: int, at: int, value: Any, look: Format) -> None:
    """Write a cell: text is never read as a formula, nothing leaves it empty."""
    if value is None or value == "":
        page.write_blank(row, at, None, look)
    elif isinstance(value, str):
        page.write_string(row, at, value[:LONGEST], look)
    elif hasattr(value, "isoformat"):
        page.write_datetime(row, at, value, look)
    else:
        page.write_number(row, at, value, look)


def _remember(desk: Desk, sheet: Sheet, values: Values) -> None:
    number = str(values["number"])
    for column in sheet.columns:
        said = values.get(BASE, {}).get(column.key)
        text = canonical(column.kind, values[column.key]) if said is None else said
        desk.base.append((sheet.name, number, column.key, text[:LONGEST]))


def _spare(desk: Desk, page: Worksheet, sheet: Sheet, begin: int) -> int:
    """Empty rows for new measures, open but for their number; the row below them."""
    for row in range(begin, begin + SPARE):
        for at, column in enumerate(sheet.columns):
            page.write_blank(row, at, None, _look(desk, column, "", None, is_open=column.key == "item"))
    return begin + SPARE


def _choose(
    desk: Desk, page: Worksheet, column: Column, where: tuple[int, int, int, int], lists: Mapping[str, str]
) -> None:  # fmt: skip
    """What a spreadsheet program lets people write into a column."""
    if rule := _rule(desk.wording, column, lists):
        page.data_validation(*where, {"error_type": "stop", "ignore_blank": True, **rule})


def _rule(wording: PlanWording, column: Column, lists: Mapping[str, str]) -> dict[str, Any] | None:
    name = "people" if column.kind is Kind.PERSON else column.words or column.key
    if column.kind in {Kind.PERSON, Kind.WORD} or column.key == "item":
        return {"validate": "list", "source": f"={lists[name]}", "error_message": wording.say("pick")}
    if column.kind is Kind.DAY:
        return {
            "validate": "date",
            "criteria": "between",
            "minimum": _FIRST,
            "maximum": _LAST,
            "error_message": wording.say("pick_day"),
        }
    if column.kind is Kind.SHARE:
        return {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": 1,
            "error_message": wording.say("pick_share"),
        }
    if column.kind is Kind.WHOLE:
        return {
            "validate": "integer",
            "criteria": "between",
            "minimum": 1,
            "maximum": 5,
            "error_message": wording.say("pick_grade"),
        }
    if column.kind is Kind.NUMBER:
        return {"validate": "decimal", "criteria": ">=", "value": 0, "error_message": wording.say("pick_amount")}
    return None


def set_up(desk: Desk, page: Worksheet, name: str, top: int, columns: int = 1) -> None:
    """Keep the head in sight, and print on A4 across, as wide as one sheet of paper."""
    page.freeze_panes(top, columns)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0, top - 1)
    page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    title = f"{desk.wording.book.number} {desk.wording.say(f'sheet_{name}')}".replace("&", "&&")
    page.set_header(f"&L{title}")
    page.set_footer("&R&P / &N")


def write_lists(desk: Desk, sheets: Iterable[Sheet]) -> dict[str, str]:
    """Write what cells are chosen from onto a hidden sheet; the names of the ranges by the kind of list."""
    wording = desk.wording
    lists: dict[str, Sequence[str]] = {
        "people": [wording.person(code) for code in wording.book.active],
        "item": [str(item["number"]) for item in wording.book.items],
    }
    for sheet in sheets:
        lists |= {
            one.words: [wording.code(one.words, code) for code in one.codes] for one in sheet.columns if one.words
        }
    page, named = desk.book.add_worksheet(LIST_SHEET), {}
    page.hide()
    for at, (name, words) in enumerate(lists.items()):
        for row, word in enumerate(words or [""]):
            page.write_string(row, at, word)
        letter = xlsxwriter.utility.xl_col_to_name(at)
        named[name] = f"list_{name}"
        desk.book.define_name(named[name], f"={LIST_SHEET}!${letter}$1:${letter}${max(len(words), 1)}")
    return named


def write_base(desk: Desk) -> None:
    """Write what was written onto a sheet that only a program shows: the import compares with it."""
    page, told = desk.book.add_worksheet(BASE_SHEET), desk.wording.book
    page.very_hidden()
    page.write_row(0, 0, ["bihuan plan table", str(FORMAT), told.number, told.made_at.isoformat()])
    for row, cells in enumerate(desk.base, start=1):
        for at, text in enumerate(cells):
            page.write_string(row, at, text)
