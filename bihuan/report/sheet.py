"""One sheet of a workbook: a table under a frozen head, or sentences beside their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from bihuan.rules.formula import begins_formula

PLAIN = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""How a workbook is made whose text is never read as a formula, a link or a number."""
_LONGEST = 32767
"""Characters that a cell of Excel holds."""
_LOOKS: dict[str, dict[str, Any]] = {
    "text": {},
    "quoted": {"quote_prefix": True},
    "count": {"num_format": "#,##0"},
    "figure": {"num_format": "#,##0.0##"},
    "change": {"num_format": "+#,##0;-#,##0;0", "bold": True},
    "share": {"num_format": "0.0%"},
    "points": {"num_format": "+0.0%;-0.0%;0.0%", "bold": True},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "at": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    "head": {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E3F1EE", "bottom": 1},
    "name": {"bold": True, "valign": "top"},
    "said": {"text_wrap": True, "valign": "top"},
    "quoted_said": {"text_wrap": True, "valign": "top", "quote_prefix": True},
}
_WIDTHS = {"text": 18, "count": 11, "figure": 11, "change": 11, "share": 11, "points": 12, "day": 14, "at": 21}
_HEAD_HEIGHT = 48
"""Points: three lines."""
_SAID_WIDTHS = (24, 100)

Formats = Mapping[str, Format]


class Column(NamedTuple):
    """What stands in a column."""

    head: str
    key: str
    kind: str
    """text, count, figure (a number with decimals), change (of counts), share, points (of shares), day or at (an aware
    instant, shown in a zone)."""
    width: int = 0
    """Characters; 0: as usual for the kind."""


def formats(book: xlsxwriter.Workbook) -> Formats:
    """How each kind of value looks."""
    return {kind: book.add_format(look) for kind, look in _LOOKS.items()}


def write_table(
    sheet: Worksheet, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], looks: Formats, here: tzinfo
) -> None:
    """Write rows under a head that stays in sight; the first column stays too.

    Args:
        sheet: An empty one.
        columns: In their order.
        rows: Values by key; NaN, NaT and None leave their cell empty. Text is never read as a formula or a link.
        looks: From ``formats``.
        here: The zone in which instants are shown; Excel's own times have none.
    """
    last = 0
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width or _WIDTHS[column.kind])
        sheet.write_string(0, at, column.head, looks["head"])
    for last, row in enumerate(rows, start=1):
        for at, column in enumerate(columns):
            _write(sheet, last, at, row[column.key], column.kind, looks, here)
    sheet.set_row(0, _HEAD_HEIGHT)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(columns) - 1)


def _write(sheet: Worksheet, row: int, at: int, value: Any, kind: str, looks: Formats, here: tzinfo) -> None:
    look = looks[kind]
    if pd.isna(value):
        sheet.write_blank(row, at, None, look)
    elif kind == "text":
        text = str(value)[:_LONGEST]
        sheet.write_string(row, at, text, looks["quoted"] if begins_formula(text) else look)
    elif kind == "at":
        sheet.write_datetime(row, at, value.astimezone(here).replace(tzinfo=None), look)
    elif kind == "day":
        sheet.write_datetime(row, at, value, look)
    else:
        sheet.write_number(row, at, value, look)


def write_sentences(sheet: Worksheet, lines: Iterable[tuple[str, str]], looks: Formats) -> None:
    """Write sentences, each beside its name."""
    for at, width in enumerate(_SAID_WIDTHS):
        sheet.set_column(at, at, width)
    for row, (name, said) in enumerate(lines):
        sheet.write_string(row, 0, name, looks["name"])
        sheet.write_string(row, 1, said[:_LONGEST], looks["quoted_said" if begins_formula(said) else "said"])
