"""The plan table out and back in, edited as a person would, rightly and wrongly, on both databases."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from bihuan.errors import UsageError
from bihuan.notify.words import LANGUAGES, words
from bihuan.report.plan_workbook import xlsx
from bihuan.rules.formula import begins_formula
from bihuan.rules.plan_table import Became
from bihuan.services.item import amend, cancel
from bihuan.services.measure import add_measure, edit_measure
from bihuan.services.plan_book import plan_book
from bihuan.services.plan_import import import_plan
from schemas.item import Gate

CYCLE = "PDCA-2026-11"


class Paper:
    """A workbook as somebody has it on the desk: cells by sheet, number and key."""

    def __init__(self, works, file: Path, language: str = "zh") -> None:
        self.works, self.file, self.language = works, file, language
        self.export()

    def export(self) -> None:
        with self.works.office.db.read() as session:
            book = plan_book(session, self.works.office.policy, self.works.office.clock, CYCLE)
        self.file.write_bytes(xlsx(book, words(self.language)))
        self.open()

    def open(self) -> None:
        self.book = openpyxl.load_workbook(self.file)

    def page(self, sheet: str):
        return next(page for page in self.book.worksheets if str(page["A1"].value).startswith(f"{sheet}."))

    def column(self, sheet: str, key: str) -> int:
        return next(cell.column for cell in self.page(sheet)[1] if cell.value == f"{sheet}.{key}")

    def row(self, sheet: str, number) -> int:
        at = self.column(sheet, "number")
        return next(row for row in range(2, 60) if str(self.page(sheet).cell(row, at).value) == str(number))

    def cell(self, sheet: str, number, key: str):
        return self.page(sheet).cell(self.row(sheet, number), self.column(sheet, key))

    def write(self, sheet: str, number, **values) -> list[str]:
        """Write cells; their addresses."""
        return [self._put(self.cell(sheet, number, key), value) for key, value in values.items()]

    def add(self, **values) -> list[str]:
        """Write a new measure into the first empty row."""
        page, what = self.page("measures"), self.column("measures", "what")
        row = next(row for row in range(3, 60) if page.cell(row, what).value is None)
        return [self._put(page.cell(row, self.column("measures", key)), value) for key, value in values.items()]

    def _put(self, cell, value) -> str:
        cell.value = value
        return f"{cell.parent.title}!{cell.coordinate}"

    def bring(self, *, is_dry_run: bool = False, by: str = "li"):
        self.book.save(self.file)
        return self.works(import_plan, self.file, by, is_dry_run=is_dry_run)


@pytest.fixture
def paper(works, tmp_path):
    def made(language: str = "zh") -> Paper:
        return Paper(works, tmp_path / f"plan_{language}.xlsx", language)

    return made


def counts(done) -> dict[str, int]:
    return {became.value: done.count(became) for became in {one.became for one in done.cells}}


def told(done, became: str) -> dict[str, str]:
    """Address to why."""
    return {one.address: one.why for one in done.cells if one.became == became}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_nobody_edited_changes_nothing(works, paper, language):
    number = works.approved()
    before = works.show(number)
    done = paper(language).bring()
    assert set(counts(done)) == {"unchanged"}
    assert done.is_clean
    assert works.show(number) == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_cell_comes_back_as_it_was_edited(works, paper, language):
    number = works.approved()
    mine, one = paper(language), f"{number}.1"
    cause = works.show(number)["causes"][0]["id"]
    low = words(language)["priority"]["low"]
    mine.write("plan", number, name="配件缺货导致维修超时", problem="48 件中 33 件超时\n主要等配件",
               target_text="按时率 96%", target_value=0.96, target_on=date(2027, 3, 15), target_reason="配件常备",
               owner="Wang (wang)",
               budget=50000, start_on=date(2026, 11, 3), due_on="2027年3月20日", remarks="等供应商",
               importance=4, urgency="3", feasibility=5.0, priority=low, priority_reason="人手不够")  # fmt: skip
    mine.write("measures", one, what="常备十种配件", kind="preventive", strength="medium", owner="li",
               collaborators="Bo (bo)、wang；Li", resources="货架", budget=30000, spent="1,200", why="等配件",
               due_on=date(2026, 12, 4), effort=2, ratio="40%", place_of_work="门店", how="每周盘点",
               evidence="清单")  # fmt: skip
    mine.write("causes", cause, statement="配件不在门店", kind="escape", method="on_site", evidence="看了三天")
    mine.add(item=number, what="缺货自动补单", kind="systemic", strength="strong", cause_ids=cause, depends_on="1",
             owner="Li (li)", start_on=date(2026, 12, 5), due_on=datetime.fromisoformat("2026-12-20"))  # fmt: skip
    done = mine.bring()
    assert told(done, "refused") | told(done, "conflict") == {}
    item, (first, second) = works.show(number), works.show(number)["measures"]
    assert (item["name"], item["target_value"], item["target_on"], item["due_on"], item["owner"], item["priority"]) == (
        "配件缺货导致维修超时", 0.96, date(2027, 3, 15), date(2027, 3, 20), "wang", "low",
    )  # fmt: skip
    assert (item["importance"], item["urgency"], item["feasibility"], item["budget"]) == (4, 3, 5, 50000)
    assert (first["kind"], first["strength"], first["owner"], first["collaborators"]) == (
        "preventive", "medium", "li", ["bo", "wang", "li"],
    )  # fmt: skip
    assert (first["progress_ratio"], first["spent"], first["state"], first["due_on"]) == (
        0.4, 1200, "doing", date(2026, 12, 4),
    )  # fmt: skip
    assert (second["reference"], second["what"], second["depends_on"], second["cause_ids"], second["owner"]) == (
        f"{number}.2", "缺货自动补单", [1], [cause], "li",
    )  # fmt: skip
    assert done.added == [f"{number}.2"]
    assert (item["causes"][0]["statement"], item["causes"][0]["kind"], item["causes"][0]["method"]) == (
        "配件不在门店", "escape", "on_site",
    )  # fmt: skip
    assert {one["gate"] for one in done.voided} == {"g1"}
    assert item["state"] == "draft"
    assert done.count(Became.CHANGED) == len([one for one in done.cells if one.base != one.theirs])


def test_the_same_file_again_changes_nothing(works, paper):
    number = works.approved()
    mine = paper()
    mine.write("plan", number, remarks="在等供应商")
    mine.write("measures", f"{number}.1", ratio=0.5, evidence="  两行\r\n文字 ")
    mine.add(item=number, what="缺货自动补单", kind="系统", strength="强", owner="li")
    assert mine.bring().count(Became.CHANGED) == 8
    before = works.show(number)
    again = mine.bring()
    assert set(counts(again)) == {"unchanged"}
    assert (again.added, again.voided, works.show(number)) == ([], [], before)


def test_a_measure_is_done_and_another_dropped_in_a_sheet(works, paper):
    number = works.planned()
    works(
        add_measure,
        number,
        {
            "what": "每日提醒",
            "kind": "corrective",
            "strength": "weak",
            "depends_on": "1",
            "cause_ids": works.show(number)["causes"][0]["id"],
            "owner": "li",
            "due_on": "2026-12-04",
        },
        "li",
    )
    works.office.at = datetime.fromisoformat("2026-11-30T02:00+00:00")
    works.agree(number, Gate.G3, *(["han", "eve"] if works.show(number)["priority"] == "high" else ["han"]))
    mine = paper("en")
    mine.write(
        "measures", f"{number}.1", implemented_on=date(2026, 11, 28), evidence="stock list", coverage=0.9, spent=900
    )
    mine.write("measures", f"{number}.2", state="cancelled", reason="nobody reads them")
    done = mine.bring(by="wang")
    assert told(done, "refused") == {}
    first, second = works.show(number)["measures"]
    assert (first["state"], first["implemented_on"], first["coverage_ratio"], first["spent"]) == (
        "done", date(2026, 11, 28), 0.9, 900,
    )  # fmt: skip
    assert second["state"] == "cancelled"
    assert set(counts(mine.bring())) == {"unchanged"}
    fresh = paper("zh")
    assert [fresh.cell("measures", f"{number}.2", key).value for key in ("reason", "state")] == [
        "nobody reads them", "已取消",
    ]  # fmt: skip


WRONG = [
    ("plan", "state", "已关闭", "is computed"),
    ("plan", "progress", 1, "is computed"),
    ("plan", "effect", "很好", "is computed"),
    ("plan", "revision", 99, "is computed"),
    ("plan", "owner", "小明", "no active member of staff"),
    ("plan", "due_on", "明年三月", "is '明年三月'"),
    ("plan", "due_on", "46000", "is '46000'"),
    ("plan", "due_on", date(2026, 10, 1), "due before it starts"),
    ("plan", "target_value", 0.5, "worse than the baseline"),
    ("plan", "target_value", 0.9, "the target is the baseline"),
    ("plan", "target_value", 96, "is no share"),
    ("plan", "target_value", "高", "no number"),
    ("plan", "target_value", "=B99*2", "formula without a value"),
    ("plan", "name", "#REF!", "broken formula"),
    ("plan", "name", "长" * 301, "longer than 300"),
    ("plan", "name", None, "it is empty"),
    ("plan", "priority", "特高", "none of its words"),
    ("plan", "priority", "低", "matrix says"),
    ("plan", "importance", 6, "out of range"),
    ("plan", "importance", 2.5, "no whole number"),
    ("plan", "budget", -1, "out of range"),
    ("measures", "item", "PDCA-2026-11-77", "is computed"),
    ("measures", "state", "快好了", "none of its words"),
    ("measures", "state", "已完成", "the day on which it was done is missing"),
    ("measures", "state", "进行中", "progress is 0%"),
    ("measures", "state", "已取消", "a reason is missing"),
    ("measures", "reason", "不需要了", "the measure is not cancelled"),
    ("measures", "coverage", 0.9, "once it is done"),
    ("measures", "implemented_on", date(2027, 5, 1), "has not come"),
    ("measures", "ratio", 40, "is no share"),
    ("measures", "kind", None, "it is empty"),
    ("measures", "strength", "超强", "none of its words"),
    ("measures", "collaborators", "Bo (bo)、nobody", "no active member of staff"),
    ("measures", "cause_ids", "999", "has no cause 999"),
    ("measures", "depends_on", "1", "would wait for itself"),
    ("measures", "due_on", date(2026, 11, 1), "due before it starts"),
    ("causes", "method", "猜测", "none of its words"),
    ("causes", "evidence", None, "keeps its method and evidence"),
    ("causes", "state", "候选", "is computed"),
]


def rounds():
    """What is wrong, so that no cell is written twice in one file."""
    found: dict[int, list[tuple]] = {}
    seen: dict[tuple[str, str], int] = {}
    for one in WRONG:
        at = seen[one[:2]] = seen.get(one[:2], -1) + 1
        found.setdefault(at, []).append(one)
    return found


def test_what_is_wrong_is_refused_with_its_cell_and_a_cure_and_the_rest_is_written(works, paper):
    number = works.approved()
    mine = paper()
    records = {"plan": number, "measures": f"{number}.1", "causes": works.show(number)["causes"][0]["id"]}
    for at, wrong in rounds().items():
        mine.export()
        why = {mine.write(sheet, records[sheet], **{key: value})[0]: why for sheet, key, value, why in wrong}
        mine.write("plan", number, remarks=f"第 {at} 次")
        before = works.show(number)
        done = mine.bring()
        refused = told(done, "refused")
        assert set(refused) == set(why)
        assert {address: refused[address] for address in why if why[address] not in refused[address]} == {}
        assert all(one.cure for one in done.cells if one.address in why)
        after = works.show(number)
        assert after["remarks"] == f"第 {at} 次"
        assert {name for name in before if before[name] != after[name]} == {"remarks", "revision", "events"}


def test_what_was_changed_here_meanwhile_is_a_conflict_and_is_not_overwritten(works, paper):
    number = works.approved()
    mine = paper()
    works(edit_measure, f"{number}.1", {"due_on": "2026-12-11", "resources": "two shelves"}, "han")
    works(amend, number, {"remarks": "ours"}, "han")
    (due,) = mine.write("measures", f"{number}.1", due_on=date(2026, 12, 4))
    (same,) = mine.write("measures", f"{number}.1", resources="two shelves")
    (remarks,) = mine.write("plan", number, remarks="theirs")
    (name,) = mine.write("plan", number, name="another name")
    done = mine.bring()
    assert {one.address: (one.base, one.theirs, one.ours) for one in done.cells if one.became == "conflict"} == {
        due: ("2026-11-30", "2026-12-04", "2026-12-11"), remarks: ("", "theirs", "ours"),
    }  # fmt: skip
    assert {one.address: one.became for one in done.cells if one.address in {same, name}} == {
        same: "unchanged", name: "changed",
    }  # fmt: skip
    item = works.show(number)
    assert (item["remarks"], item["name"], item["measures"][0]["due_on"]) == (
        "ours",
        "another name",
        date(2026, 12, 11),
    )
    assert not done.is_clean


def test_a_dry_run_says_the_same_and_writes_nothing(works, paper):
    number = works.approved()
    mine = paper()
    mine.write("plan", number, name="another name", target_value=0.5)
    mine.write("measures", f"{number}.1", ratio=0.5)
    mine.add(item=number, what="缺货自动补单", kind="系统", strength="强")
    before = works.show(number)
    dry = mine.bring(is_dry_run=True)
    assert works.show(number) == before
    real = mine.bring()
    assert (dry.cells, dry.added, dry.voided) == (real.cells, real.added, real.voided)
    assert dry.voided == [{"number": number, "gate": "g1"}]
    assert works.show(number)["name"] == "another name"


def test_days_that_only_go_together_are_moved_together_though_another_cell_is_refused(works, paper):
    number = works.approved()
    mine = paper()
    days = mine.write("measures", f"{number}.1", start_on=date(2026, 12, 7), due_on=date(2026, 12, 18))
    (owner,) = mine.write("measures", f"{number}.1", cause_ids="4711")
    done = mine.bring()
    assert list(told(done, "refused")) == [owner]
    assert set(told(done, "changed")) == set(days)
    (one,) = works.show(number)["measures"]
    assert (one["start_on"], one["due_on"]) == (date(2026, 12, 7), date(2026, 12, 18))


def test_a_deleted_row_cancels_nothing_and_is_named(works, paper):
    number = works.approved()
    mine = paper()
    mine.page("measures").delete_rows(mine.row("measures", f"{number}.1"))
    done = mine.bring()
    assert (done.missing, done.is_clean) == ([f"{number}.1"], True)
    assert works.show(number)["measures"][0]["state"] == "planned"


def test_a_new_row_is_taken_whole_or_not_at_all(works, paper):
    number = works.approved()
    mine = paper()
    rows = [
        mine.add(item=number, what="没有类型"),
        mine.add(item=number, what="未知责任人", kind="系统", strength="强", owner="小明"),
        mine.add(item=number, what="等待不存在的措施", kind="系统", strength="强", depends_on=9),
        mine.add(item="PDCA-1999-01-01", what="没有这个改进项", kind="系统", strength="强"),
        mine.add(item=number, what="已经完成", kind="系统", strength="强", state="已完成"),
    ]
    done = mine.bring()
    refused = told(done, "refused")
    assert {address for row in rows for address in row} <= set(refused)
    assert (done.added, len(works.show(number)["measures"])) == ([], 1)
    kind = mine.page("measures").cell(4, mine.column("measures", "kind")).coordinate
    assert refused[f"措施!{kind}"] == "is empty"
    assert "no active member of staff" in refused[rows[1][4]]
    assert "has no measure 9" in refused[rows[2][4]]
    assert "no improvement item" in refused[rows[3][0]]
    assert "the day on which it was done is missing" in refused[rows[4][4]]


def test_a_copied_row_and_an_invented_number_are_refused(works, paper):
    number = works.approved()
    mine = paper()
    page, row = mine.page("measures"), mine.row("measures", f"{number}.1")
    for key, value in (("number", f"{number}.1"), ("what", "副本")):
        page.cell(row + 1, mine.column("measures", key)).value = value
    for key, value in (("number", f"{number}.9"), ("what", "编造")):
        page.cell(row + 2, mine.column("measures", key)).value = value
    done = mine.bring()
    assert set(told(done, "refused").values()) == {
        f"stands in a second row {number}.1", f"stands in a row {number}.9, which was not in the export",
    }  # fmt: skip
    assert len(works.show(number)["measures"]) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_are_found_in_any_order_under_any_name_and_without_the_hidden_row(works, paper, language):
    number = works.approved()
    mine = paper(language)
    mine.write("plan", number, remarks="moved about")
    page = mine.page("plan")
    page.title = "renamed"
    at = mine.column("plan", "remarks")
    page.move_range(f"{page.cell(1, at).coordinate}:{page.cell(9, at).coordinate}", cols=20)
    page.cell(3, at).value, page.cell(4, at).value = "a column of my own", "12"
    measures = mine.page("measures")
    measures.cell(mine.row("measures", f"{number}.1"), mine.column("measures", "resources")).value = "shelf"
    measures.delete_rows(1)
    done = mine.bring()
    assert set(counts(done)) == {"changed", "unchanged"}
    assert done.left_out == [f"renamed!{page.cell(3, at).column_letter}3"]
    item = works.show(number)
    assert (item["remarks"], item["measures"][0]["resources"]) == ("moved about", "shelf")


def test_a_file_that_is_no_export_is_refused_as_a_whole(works, paper, tmp_path):
    works.approved()
    mine = paper()
    del mine.book["_base"]
    with pytest.raises(UsageError, match="does not say what was written"):
        mine.bring()
    mine.file.write_bytes(b"PK nothing")
    with pytest.raises(UsageError, match="not an XLSX workbook"):
        works(import_plan, mine.file, "li")
    with pytest.raises(UsageError, match="there is no file"):
        works(import_plan, tmp_path / "none.xlsx", "li")
    with pytest.raises(UsageError, match="no active staff"):
        works(import_plan, mine.file, "nobody")


def test_an_item_that_has_ended_is_not_edited(works, paper):
    number = works.approved()
    mine = paper()
    mine.write("plan", number, remarks="too late")
    mine.add(item=number, what="太晚", kind="系统", strength="强")
    works(cancel, number, "qian", "not worth it", "qian")
    done = mine.bring()
    assert all("has ended" in why or "whole" in why for why in told(done, "refused").values())
    assert len(told(done, "refused")) == 5


@pytest.mark.parametrize(
    "evil", ['=HYPERLINK("http://a.example","x")', "+49 30", "-2+3", "@SUM(A1)", "＝1", "'=1", "\tx"]
)
def test_a_text_that_would_be_a_formula_comes_back_as_it_was_written(works, paper, evil):
    """Written here, exported and brought back untouched; then typed into the sheet and brought in."""
    number = works.approved()
    works(amend, number, {"name": evil}, "li")
    kept, there = works.show(number)["name"], paper()
    cell = there.cell("plan", number, "name")
    assert (cell.data_type, cell.quotePrefix) == ("s", begins_formula(kept))
    assert there.bring().is_clean
    assert works.show(number)["name"] == kept == evil.strip()
    there.write("plan", number, problem=evil)
    there.cell("plan", number, "problem").data_type = "s"  # as a text, which is what the program makes of it
    assert set(counts(there.bring())) <= {"unchanged", "changed", "written"}
    assert works.show(number)["problem"] == evil.strip()
