"""The plan table as a spreadsheet program shows it: what is locked, what is chosen from, how it prints."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import openpyxl
import pytest

from bihuan.errors import UsageError
from bihuan.notify.words import LANGUAGES, words
from bihuan.report.plan_workbook import xlsx
from bihuan.rules.plan_table import CAUSES, MEASURES, PLAN, SHEETS, VERIFICATION
from bihuan.services.cause import add_cause
from bihuan.services.item import amend
from bihuan.services.measure import add_measure
from bihuan.services.plan_book import plan_book

CYCLE = "PDCA-2026-11"


@pytest.fixture
def database_url(sqlite_url):
    """A workbook is the same from either database."""
    return sqlite_url


@pytest.fixture
def book(works):
    def made(language: str = "zh"):
        with works.office.db.read() as session:
            told = plan_book(session, works.office.policy, works.office.clock, CYCLE)
        return openpyxl.load_workbook(BytesIO(xlsx(told, words(language))))

    return made


def page_of(book, sheet):
    return next(page for page in book.worksheets if str(page["A1"].value).startswith(f"{sheet.name}."))


def records(page):
    """The rows below the headings as dictionaries by key."""
    keys = [cell.value.partition(".")[2] for cell in page[1] if cell.value]
    top = page.freeze_panes[1:]
    rows = (list(row[: len(keys)]) for row in page.iter_rows(min_row=int(top)))
    return [dict(zip(keys, row, strict=True)) for row in rows if row[0].value is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_has_its_words_and_the_nine_columns_of_a_plan(works, book, language):
    works.approved()
    found, said = book(language), words(language)["plan_table"]
    visible = [page.title for page in found.worksheets if page.sheet_state == "visible"]
    assert visible == [said[f"sheet_{one}"] for one in ("plan", "measures", "causes", "gantt", "verification", "about")]
    groups = [cell.value for cell in page_of(found, PLAN)[2] if cell.value]
    assert groups == [said[f"group_{one}"] for one in ("item", "problem", "target", "measures", "people", "dates",
                                                       "progress", "effect", "remarks", "priority")]  # fmt: skip
    for sheet in SHEETS.values():
        page = page_of(found, sheet)
        heads = [cell.value for cell in page[int(page.freeze_panes[1:]) - 1]]
        assert heads == [said[f"head_{column.key}"] for column in sheet.columns]
    assert {page.sheet_state for page in found.worksheets[-2:]} == {"hidden", "veryHidden"}


def test_days_are_days_shares_are_percentages_and_the_effect_is_told_with_its_interval(works, book):
    number = works.judged()
    with works.office.db.write() as session:
        from sqlmodel import select

        from schemas.effect import EffectCheck

        check = session.exec(select(EffectCheck)).one()
        check.x0, check.n0, check.x1, check.n1, check.low, check.high = 126, 140, 290, 300, 0.02, 0.11
    (row,) = records(page_of(book("en"), PLAN))
    assert (row["due_on"].value, row["due_on"].number_format) == (datetime.fromisoformat("2027-03-31"), "yyyy-mm-dd")
    assert (row["target_value"].value, row["target_value"].number_format) == (0.95, "0.0%")
    assert (row["progress"].value, row["progress"].number_format) == (1, "0%")
    assert row["baseline"].value.endswith("90.0% (126/140), 2026-07-01 to 2026-09-30")
    assert row["effect"].value == "90.0% → 96.7%, difference +2.0 to +11.0 (95 % CI): effective"
    assert row["measures"].value == "1. keep the ten parts asked for most in the shop (Wang, 2026-11-30, done)"
    assert works.show(number)["verdict"] == "effective"


def test_what_is_computed_is_locked_and_grey_and_what_is_edited_is_open(works, book):
    works.approved()
    found = book()
    for sheet in (PLAN, MEASURES, CAUSES, VERIFICATION):
        page = page_of(found, sheet)
        assert page.protection.sheet is True
        assert page.protection.password is None
        (row,) = records(page)
        for column in sheet.columns:
            cell = row[column.key]
            assert cell.protection.locked is not column.is_editable, column.key
            assert (cell.fill.fgColor.rgb == "FFEEF1F4") is not column.is_editable, column.key


def test_a_new_measure_has_rows_that_are_open_but_for_the_number(works, book):
    number = works.approved()
    page = page_of(book(), MEASURES)
    empty = [row for row in page.iter_rows(min_row=3) if row[0].value is None]
    assert len(empty) == 20
    assert {cell.protection.locked for row in empty for cell in row[1 : len(MEASURES.columns)]} == {False}
    assert all(row[0].protection.locked for row in empty)
    items = next(rule for rule in page.data_validations.dataValidation if rule.formula1 == "list_item")
    assert "B3:B23" in str(items.sqref)
    assert [cell.value for cell in book()["_lists"]["B"]][:1] == [number]


def test_owners_states_strengths_kinds_and_priorities_are_chosen_from_lists(works, book):
    works.approved()
    found = book("zh")
    rules = {
        sheet.name: {
            rule.formula1 for rule in page_of(found, sheet).data_validations.dataValidation if rule.type == "list"
        }
        for sheet in (PLAN, MEASURES, CAUSES)
    }
    assert rules == {
        "plan": {"list_priority", "list_people"},
        "measures": {"list_item", "list_measure_kind", "list_strength", "list_people", "list_measure_state"},
        "causes": {"list_bone", "list_cause_kind", "list_cause_method"},
    }
    for name in set().union(*rules.values()):
        sheet, _, cells = found.defined_names[name].value.partition("!")
        values = [cell.value for (cell,) in found[sheet][cells.replace("$", "")]] if ":" in cells else []
        assert all([*values, len(values) > 0]), name
    people = found.defined_names["list_people"].value.partition("!")[2].replace("$", "")
    assert [cell.value for (cell,) in found["_lists"][people]] == [
        "Bo (bo)", "Eve (eve)", "Han (han)", "Li (li)", "Qian (qian)", "Wang (wang)",
    ]  # fmt: skip


def test_it_prints_on_a4_across_with_its_headings_on_every_page(works, book):
    works.approved()
    for page in book().worksheets[:6]:
        assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
        assert page.sheet_properties.pageSetUpPr.fitToPage
        assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight) == (1, 0)
        assert page.print_title_rows is not None
    plan = page_of(book(), PLAN)
    assert plan.row_dimensions[1].hidden
    assert plan.freeze_panes == "B4"


def test_nothing_that_people_write_becomes_a_formula_or_a_link(works, book):
    number = works.approved()
    evil = '=HYPERLINK("http://evil.example","x")'
    works(
        amend,
        number,
        {"name": evil, "remarks": "+49 30 1", "problem": "@SUM(A1)", "target_text": "http://a.example"},
        "li",
    )
    works(add_cause, number, {"statement": "=1+1", "bone": "process"}, "li")
    works(add_measure, number, {"what": "-2+3", "kind": "systemic", "strength": "strong"}, "li")
    found = book()
    (row,) = records(page_of(found, PLAN))
    assert (row["name"].value, row["name"].data_type, row["name"].quotePrefix) == (evil, "s", True)
    assert all(cell.data_type != "f" and cell.hyperlink is None for page in found for cells in page for cell in cells)
    assert [one["what"].value for one in records(page_of(found, MEASURES))][1] == "-2+3"


def test_causes_stand_as_a_tree_and_the_gantt_says_what_is_late(works, book):
    number = works.approved()
    first = works.show(number)["causes"][0]["id"]
    works(add_cause, number, {"statement": "another bone", "bone": "people"}, "li")
    works(add_cause, number, {"statement": "why", "parent": first}, "li")
    found = book("en")
    rows = records(page_of(found, CAUSES))
    assert [(row["statement"].value, row["level"].value) for row in rows] == [
        ("产品“洗衣机”", 1), ("why", 2), ("another bone", 1),
    ]  # fmt: skip
    assert [row["statement"].alignment.indent for row in rows] == [0, 1, 0]
    works.office.at = datetime.fromisoformat("2026-12-16T02:00+00:00")
    gantt = book("en")["Gantt"]
    rows = {row[0].value: [cell.value for cell in row[6:]] for row in gantt.iter_rows(min_row=3)}
    heads = [cell.value for cell in gantt[2][6:]]
    late = [head for head, mark in zip(heads, rows[f"{number}.1"], strict=True) if mark == "!"]
    assert late == ["11-30", "12-07", "12-14"]
    assert heads[[cell.value for cell in gantt[1][6:]].index("▼")] == "12-14"


def test_a_cycle_without_items_has_its_sheets(works, book):
    works.opened()
    found = book()
    assert records(page_of(found, PLAN)) == []
    with pytest.raises(UsageError, match="no improvement cycle"), works.office.db.read() as session:
        plan_book(session, works.office.policy, works.office.clock, "PDCA-1999-01")


def test_the_same_cycle_gives_a_file_without_anything_of_this_machine(works):
    works.approved()
    with works.office.db.read() as session:
        told = plan_book(session, works.office.policy, works.office.clock, CYCLE)
    made = xlsx(told, words("zh"))
    assert made == xlsx(told, words("zh"))
    with ZipFile(BytesIO(made)) as file:
        text = b"".join(file.read(name) for name in file.namelist())
    assert b"/tmp" not in text
