"""The plan table on a page: taken away, brought back cell by cell, and what is not let in; and the week of an item."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bihuan.services.checkpoint import review_week
from bihuan.services.item import amend
from bihuan.web import improvement_plan
from schemas.item import ItemEvent

CYCLE = "PDCA-2026-12"
PAGE = f"/improvement/cycles/{CYCLE}"


class Table:
    """The workbook as somebody has it on the desk."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))

    def write(self, sheet: str, row: int, key: str, value: Any) -> str:
        page = next(one for one in self.book.worksheets if str(one["A1"].value).startswith(f"{sheet}."))
        column = next(cell.column for cell in page[1] if cell.value == f"{sheet}.{key}")
        rows = [at for at in range(2, 40) if str(page.cell(at, 1).value or "").startswith("PDCA")]
        page.cell(rows[row], column).value = value
        return f"{page.title}!{page.cell(rows[row], column).coordinate}"

    @property
    def content(self) -> bytes:
        file = io.BytesIO()
        self.book.save(file)
        return file.getvalue()


@pytest.fixture
def table(improving: Any, browser: Any) -> Table:
    improving.doing()
    return Table(browser.get(f"{PAGE}/plan.xlsx?lang=zh").content)


def test_the_table_is_taken_away_in_the_readers_language(improving: Any, browser: Any) -> None:
    improving.doing()
    answer = browser.get(f"{PAGE}/plan.xlsx?lang=en")
    assert "attachment" in answer.headers["content-disposition"]
    assert f"{CYCLE}-en.xlsx" in answer.headers["content-disposition"]
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames[0] == "Plan"


@pytest.mark.parametrize(("lang", "said"), [
    ("zh", ("可以接受的内容已经写入", "修改 2，", "拒绝 1。", "责任人", "没有写入任何内容")),
    ("en", ("What was accepted is written", "Cells changed: 2,", "refused: 1.", "Owner", "Nothing was written")),
])  # fmt: skip
def test_what_was_edited_is_written_and_every_cell_is_told(
    improving: Any, browser: Any, table: Table, lang: str, said: tuple[str, ...]
) -> None:
    places = [table.write("measures", 0, "resources", "两名仓管"), table.write("plan", 0, "remarks", "每周五核对")]
    refused = table.write("plan", 0, "owner", "谁也不是")
    trial = browser.upload(f"{PAGE}?lang={lang}", PAGE, table.content, dry="yes", who="zhao")
    assert said[4] in trial.text
    assert improving.show()["remarks"] == ""
    answer = browser.upload(f"{PAGE}?lang={lang}", PAGE, table.content, dry="no", who="zhao")
    assert answer.status_code == 200
    assert [one for one in (*said[:4], *places, refused, "两名仓管", "谁也不是") if one not in answer.text] == []
    it = improving.show()
    assert (it["remarks"], it["measures"][0]["resources"], it["owner"]) == ("每周五核对", "两名仓管", "li")
    assert {event.actor for event in improving.rows(ItemEvent)[-2:]} == {"zhao"}


def test_what_was_changed_here_meanwhile_is_a_conflict_with_all_three(
    improving: Any, browser: Any, table: Table
) -> None:
    table.write("plan", 0, "remarks", "表里的话")
    improving(amend, improving.number, {"remarks": "系统里的话"}, "li")
    answer = browser.upload(f"{PAGE}?lang=zh", PAGE, table.content, dry="no", who="zhao")
    assert [
        one for one in ("冲突 1", "下载时：–", "系统里：系统里的话", "表格里：表里的话") if one not in answer.text
    ] == []
    assert improving.show()["remarks"] == "系统里的话"


def test_the_same_file_again_changes_nothing(improving: Any, browser: Any, table: Table) -> None:
    table.write("plan", 0, "remarks", "每周五核对")
    browser.upload(PAGE, PAGE, table.content, dry="no", who="zhao")
    before = improving.show()["revision"]
    answer = browser.upload(f"{PAGE}?lang=zh", PAGE, table.content, dry="no", who="zhao")
    assert "修改 0，" in answer.text
    assert improving.show()["revision"] == before


def bomb(rows: int = 0, size: int = 0) -> bytes:
    """A workbook small as a file, with so many rows or bytes once unpacked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"<row/>" * rows + b" " * size)
    return file.getvalue()


@pytest.mark.parametrize("content", [
    pytest.param(b"not a workbook", id="no workbook"), pytest.param(bomb(size=30_000_000), id="huge once unpacked"),
    pytest.param(bomb(rows=11_000), id="too many rows"), pytest.param(b"", id="nothing"),
    pytest.param(bomb(rows=2), id="another workbook"),
])  # fmt: skip
def test_what_is_no_plan_table_is_refused_in_words_and_writes_nothing(
    improving: Any, browser: Any, content: bytes
) -> None:
    improving.doing()
    before = improving.show()
    answer = browser.upload(f"{PAGE}?lang=zh", PAGE, content, dry="no", who="zhao")
    assert (answer.status_code, 'role="alert"' in answer.text, improving.show()) == (400, True, before)
    assert tempfile.gettempdir() not in answer.text


def test_a_file_that_is_too_large_is_not_read_to_its_end(improving: Any, browser: Any) -> None:
    improving.doing()
    answer = browser.upload(PAGE, PAGE, b"x" * (improvement_plan.LARGEST_FILE + 1), dry="no", who="zhao")
    assert answer.status_code == 413


def test_the_table_of_another_cycle_is_not_taken_in_here(improving: Any, browser: Any, table: Table) -> None:
    table.write("plan", 0, "remarks", "每周五核对")
    hidden = next(one for one in table.book.worksheets if one.cell(1, 1).value == "bihuan plan table")
    hidden.cell(1, 3).value = "PDCA-2026-11"
    answer = browser.upload(f"{PAGE}?lang=zh", PAGE, table.content, dry="no", who="zhao")
    assert (answer.status_code, improving.show()["remarks"]) == (400, "")


@pytest.mark.parametrize("sent", [{"headers": {"Origin": "http://evil.example"}}, {}])
def test_a_forged_form_is_refused(improving: Any, browser: Any, sent: dict[str, Any], tmp_path: Path) -> None:
    improving.doing()
    browser.get(PAGE)
    answer = browser.send("POST", PAGE, data={"who": "zhao"}, files={"file": ("plan.xlsx", b"x")}, **sent)
    assert answer.status_code == 403


def test_only_a_form_with_a_file_is_taken(improving: Any, browser: Any) -> None:
    improving.doing()
    assert browser.submit(PAGE, PAGE, who="zhao").status_code == 415


def test_the_chart_is_drawn_for_a_cycle_and_for_an_item_and_says_what_it_shows(improving: Any, browser: Any) -> None:
    improving.doing()
    for address in (PAGE, f"/improvement/{improving.number}"):
        page = browser.get(f"{address}?lang=zh").text
        assert f'src="{address}/gantt.svg"' in page
        assert "甘特图，" in page or "的甘特图" in page
        wide, narrow = (browser.get(f"{address}/gantt.svg{width}") for width in ("?width=wide", ""))
        assert [one.headers["content-type"] for one in (wide, narrow)] == ["image/svg+xml"] * 2
        assert "门店备齐" in wide.text
        assert len(wide.text) > 1000 < len(narrow.text)


def test_why_an_item_is_behind_is_said_on_its_page(improving: Any, browser: Any) -> None:
    improving.doing()
    form = f"/improvement/{improving.number}?lang=zh"
    assert 'value="deviation"' not in browser.get(form).text
    review_week(improving.office.db, improving.office.policy, improving.office.clock)
    assert 'value="deviation"' in browser.get(form).text
    told = {"deviation": "供应商晚了两周", "decision": "先用库存"}
    answer = browser.submit("/complaints/new", form, act="deviation", who="li", **told)
    assert answer.headers["location"].endswith("?done=deviation#measures")
    (row,) = improving.show()["checkpoints"]
    assert (row["deviation"], row["decision"], row["reviewed_by"]) == ("供应商晚了两周", "先用库存", "li")
    page = browser.get(form).text
    assert "供应商晚了两周 · 先用库存" in page
    empty = browser.submit("/complaints/new", form, act="deviation", who="li", deviation="")
    assert (empty.status_code, 'role="alert"' in empty.text) == (400, True)
