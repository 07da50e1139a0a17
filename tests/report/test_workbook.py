"""The workbook, read back: the same figures, in the reader's words and zone, and nothing that is run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import openpyxl
import pandas as pd
import pytest

from bihuan.analysis.rehearsal import differences
from bihuan.notify.words import LANGUAGES, words
from bihuan.report import workbook
from bihuan.report.conclusion import conclusion

SHEETS = {
    "zh": ["逐节点对比", "节点", "人员", "小时", "夜间", "回访", "判定不同的时限", "怎样算出来的"],
    "en": ["Milestone by milestone", "Milestones", "People", "Hours", "Nights", "Follow-ups",
           "Deadlines judged differently", "How it was counted"],
}  # fmt: skip


def read(rehearsal, language="zh"):
    return openpyxl.load_workbook(BytesIO(workbook.xlsx(rehearsal, words(language), least=30)))


def rows(sheet):
    return [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets_are_named_and_their_heads_stay_in_sight(rehearsal, language):
    book = read(rehearsal, language)
    assert book.sheetnames == SHEETS[language]
    for sheet in book.worksheets[:-1]:
        assert sheet.freeze_panes == "B2"
        assert all(head.value and head.font.bold for head in sheet[1])
        assert sheet.column_dimensions["A"].width > 10


def test_differences_are_those_of_the_analysis(rehearsal):
    sheet = read(rehearsal)["逐节点对比"]
    heads = [cell.value for cell in sheet[1]]
    table = pd.DataFrame(rows(sheet), columns=heads)
    expected = differences(rehearsal.milestones)
    assert list(table["节点"]) == ["分派", "首次响应", "处理完毕", "负面反馈答复"]
    for head, column in {
        "现行政策：超时": "breaches_today", "草案：超时": "breaches_draft", "差别：超时": "breaches_difference",
        "现行政策：n": "met_today", "草案：n": "met_draft",
        "现行政策：按时率": "value_today", "草案：按时率": "value_draft",
        "现行政策：区间下限": "low_today", "草案：区间上限": "high_draft", "差别：按时率": "value_difference",
        "现行政策：通知": "alerts_today", "草案：通知": "alerts_draft", "差别：通知": "alerts_difference",
    }.items():  # fmt: skip
        assert list(table[head]) == pytest.approx(list(expected[column])), head
    assert sheet.cell(2, heads.index("现行政策：按时率") + 1).number_format == "0.0%"


def test_every_row_of_every_frame_is_there(rehearsal):
    book = read(rehearsal)
    for name, frame in (("节点", "milestones"), ("人员", "people"), ("小时", "hours"), ("夜间", "nights"),
                        ("回访", "follow_ups"), ("判定不同的时限", "moved")):  # fmt: skip
        assert book[name].max_row - 1 == len(getattr(rehearsal, frame)), name
    assert rows(book["人员"])[1] == ["staff:1", "张伟", "草案", 11, 1, 12]
    assert rows(book["小时"])[0] == [3, "现行政策", 4]
    assert rows(book["夜间"])[1] == [datetime(2026, 8, 1), "草案", 6]  # noqa: DTZ001 - a date of Excel has no zone
    assert rows(book["回访"])[0][1:] == ["满意度回访", "现行政策", 7]


def test_instants_are_shown_in_the_zone_that_their_head_names(rehearsal):
    sheet = read(rehearsal)["判定不同的时限"]
    assert sheet.cell(1, 4).value == "现行政策：截止 (Asia/Shanghai)"
    first, second = rows(sheet)
    local = datetime(2026, 8, 4, 0, 0, 5)  # noqa: DTZ001 - an instant of Excel has no zone
    assert first[:5] == ["C1", "分派", 1, local, "未超时"]
    assert first[6] == "超时"
    assert second[4:] == ["超时", None, "不设此时限"]


def test_nothing_is_a_formula_or_a_link(rehearsal):
    made = workbook.xlsx(rehearsal, words("zh"), least=30)
    assert rows(read(rehearsal)["人员"])[-1][1] == '=HYPERLINK("evil")'
    with ZipFile(BytesIO(made)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
    assert len([sheet for sheet in sheets if "<sheetData>" in sheet]) == 8
    assert not [sheet for sheet in sheets if "<f>" in sheet or "<hyperlink" in sheet]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_sheet_says_what_it_is_and_what_it_comes_to(rehearsal, language):
    sheet = read(replace(rehearsal, is_simulated=True), language).worksheets[-1]
    said = [row[1] for row in sheet.iter_rows(values_only=True)]
    assert {"3f9c21a7", "b81e04d2", "1,234", words(language)["page"]["simulated"]} <= set(said)
    assert {one.text for one in conclusion(rehearsal, words(language), least=30)} <= set(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rehearsal_of_nothing_is_a_workbook_of_heads(empty, language):
    book = read(empty, language)
    assert book.sheetnames == SHEETS[language]
    assert [sheet.max_row for sheet in book.worksheets[:-1]] == [1] * 7


def test_a_rate_of_nothing_is_an_empty_cell(rehearsal, make_milestones):
    milestones = make_milestones(("call_back", "draft", 5, 0, 0, 3, 0, 5, 1))
    (row,) = rows(read(replace(rehearsal, milestones=milestones))["节点"])
    assert row[:3] == ["Call back", "草案", 5]
    assert row[-4:] == [0, None, None, None]
