"""The workbook of a month, read back by another library."""

from __future__ import annotations

from io import BytesIO

import pytest
from openpyxl import load_workbook

from bihuan.notify.words import LANGUAGES, words
from bihuan.report.month_workbook import xlsx
from bihuan.rules.formula import begins_formula

EVIL = "<script>alert('月')</script>"
SHEETS = ("problems", "candidates", "indicators", "pareto", "delays", "about")


def sheets(review, imprint, language="zh"):
    """The sheets by the word of their name, each a list of rows by head."""
    book = load_workbook(BytesIO(xlsx(review, words(language), imprint)))
    found = {}
    for name in SHEETS:
        head, *rows = book[words(language)["month"][f"sheet_{name}"]].iter_rows(values_only=True)
        found[name] = [dict(zip(head, row, strict=True)) for row in rows] if name != "about" else [head, *rows]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_is_there_in_the_readers_language(month, imprint, language):
    found = sheets(month, imprint, language)
    assert all(found[name] for name in SHEETS)


def test_every_problem_stands_in_the_list_with_its_figures(month, imprint):
    rows = sheets(month, imprint)["problems"]
    assert len(rows) == len(month.problems.lines)
    first, line = rows[0], month.problems.lines[0]
    said = words("zh")["month"]
    assert (first[said["problem"]], first[said["count"]], first[said["previous"]]) == (
        line.element, line.count, line.previous)  # fmt: skip
    assert first[said["share"]] == pytest.approx(line.share_ratio)
    assert first[said["severity_weight"]] == pytest.approx(line.severity_weight)
    assert first[said["low"]] < first[said["share"]] < first[said["high"]]
    assert line.evidence[0] in first[said["evidence"]]
    assert first[said["negative"]] is None


def test_candidates_carry_size_counts_and_what_speaks_against_them(month, imprint):
    rows, said = sheets(month, imprint)["candidates"], words("zh")["month"]
    assert len(rows) == len(month.found.candidates)
    for row, it in zip(rows, month.found.candidates, strict=True):
        assert row[said["size"]] == pytest.approx(it.size)
        assert row[said["q"]] == pytest.approx(it.q)
        assert (row[said["x1"]], row[said["n1"]]) == (it.x1, it.n1)
        assert row[said["refuted_by"]] == words("zh")["refutation"][it.refuted_by]


def test_indicators_stand_with_every_month(month, imprint):
    rows, said = sheets(month, imprint)["indicators"], words("zh")["month"]
    of_one = [row for row in rows if row[said["indicator"]] == "处理及时率"]
    assert [row[said["month_name"]] for row in of_one] == ["2026-11", "2026-10", "2026-09", "2026-08"]
    assert [row[said["n"]] for row in of_one] == [960, 950, 950, 950]
    assert [row[said["verdict"]] for row in of_one] == ["未达标", None, None, None]


def test_the_conclusion_and_the_definitions_stand_at_the_end(month, imprint):
    about = sheets(month, imprint)["about"]
    names = {row[0] for row in about}
    assert {"数据 SHA-256", "哪些还不知道", "怎样算出来的"} <= names
    assert ("数据 SHA-256", "0" * 64) in about


def test_nothing_that_people_wrote_is_a_formula_or_a_link(hostile, imprint):
    book = load_workbook(BytesIO(xlsx(hostile, words("zh"), imprint)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if str(cell.value).startswith('=HYPERLINK("evil")')]
    assert [cell.value for cell in cells if EVIL in str(cell.value)]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert {cell.quotePrefix for cell in cells if begins_formula(str(cell.value)) and cell.data_type == "s"} == {True}
    assert [cell for cell in cells if cell.hyperlink] == []


def test_a_month_without_complaints_is_a_workbook_too(empty, imprint):
    found = sheets(empty, imprint)
    assert found["problems"] == found["candidates"] == []


def test_the_same_review_gives_the_same_workbook(month, imprint):
    assert xlsx(month, words("en"), imprint) == xlsx(month, words("en"), imprint)
