"""The document of the staff book: its examples can be brought in, and every column that is read stands in it."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from bihuan.inbound.roster import read_book
from bihuan.inbound.roster_sheet import SHEETS
from bihuan.services.roster import save_book

DOCS = Path(__file__).resolve().parents[1] / "docs"
ENGLISH, CHINESE = "staff.md", "staff.zh-CN.md"


def book(document: str, folder: Path):
    """The examples of a document as one workbook, read."""
    text = (DOCS / document).read_text(encoding="utf-8")
    examples = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, example in zip(("staff", "duty", "absence"), examples, strict=True):
        sheet = made.create_sheet(name)
        for row in csv.reader(example.splitlines()):
            sheet.append(row)
    made.save(folder / "book.xlsx")
    return read_book(folder / "book.xlsx")


@pytest.mark.parametrize("document", [ENGLISH, CHINESE])
def test_the_examples_can_be_brought_in(document, tmp_path, db, policy):
    with db.write() as session:
        told = save_book(
            session, policy, book(document, tmp_path), "for tests only", datetime(2026, 11, 25, tzinfo=UTC)
        )
    assert [tally.added for tally in told.values()] == [3, 2, 2, 2]


def test_both_languages_show_the_same_book_but_for_names(tmp_path):
    english, chinese = (book(document, tmp_path).model_dump() for document in (ENGLISH, CHINESE))
    for person in (*english["staff"], *chinese["staff"]):
        del person["name"]
    assert english == chinese


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_column_that_is_read_is_documented_in_both_languages(sheet):
    english, chinese = ((DOCS / document).read_text(encoding="utf-8") for document in (ENGLISH, CHINESE))
    for column in SHEETS[sheet].columns:
        assert f"`{column.name}`" in english
        assert f"`{column.name}`" in chinese
        assert column.chinese[0] in chinese
