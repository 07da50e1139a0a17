"""A foreign survey's codes: what is an answer, what is blank, and what nobody can read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bihuan.errors import UsageError
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.survey import AnswerRow, read_answers
from bihuan.inbound.survey_mapping import Aspect, Negative, SurveyFields, SurveyMapping, load_survey_mapping

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "mappings" / "sfo_survey.yaml"
MINIMAL = """\
source: mall
dates: {timezone: Asia/Shanghai}
fields:
  external_id: Number
  answered_at: Day
"""
QUESTIONS = """\
  csat: {column: Overall, valid: [1, 2, 3, 4, 5], blank: 9}
  nps: {column: Again, valid: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], blank: [11, "-"]}
"""


@pytest.fixture
def load(tmp_path):
    def of(text: str) -> SurveyMapping:
        file = tmp_path / "mall.yaml"
        file.write_text(text, encoding="utf-8")
        return load_survey_mapping(file)

    return of


@pytest.fixture
def read(tmp_path, load):
    def of(mapping: str, *lines: str) -> list[AnswerRow]:
        file = tmp_path / "mall.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return list(read_answers(file, load(mapping)))

    return of


def test_the_shipped_example_loads_and_is_no_mapping_of_complaints():
    mapping = load_survey_mapping(EXAMPLE)
    assert (mapping.source, len(mapping.dimensions), list(mapping.choices)) == ("sfo_2017", 9, ["problem"])
    with pytest.raises(UsageError, match=r"sfo_survey\.yaml:\d+ dimensions: unknown key"):
        load_mapping(EXAMPLE)


def test_valid_codes_are_answers_and_blank_ones_are_none(read):
    rows = read(
        MINIMAL + QUESTIONS, "Number,Day,Overall,Again", "1,2026-11-03,5,0", "2,2026-11-03,9,11", "3,2026-11-03,,-"
    )
    assert [row.faults for row in rows] == [(), (), ()]
    assert [(row.answer.csat, row.answer.nps) for row in rows] == [(5, 0), (None, None), (None, None)]
    assert rows[0].answer.answered_at == datetime(2026, 11, 2, 16, tzinfo=UTC)


def test_a_code_nobody_can_read_costs_its_question_and_not_the_row(read):
    (row,) = read(MINIMAL + QUESTIONS, "Number,Day,Overall,Again", "7,2026-11-03,4.0,12")
    assert (row.answer.external_id, row.answer.csat, row.answer.nps) == ("7", None, None)
    assert [fault.reason for fault in row.faults] == [
        "Overall: '4.0' is neither a valid code nor blank; taken without csat",
        "Again: '12' is neither a valid code nor blank; taken without nps",
    ]
    assert {fault.line for fault in row.faults} == {2}
    assert row.faults[0].row == {"Number": "7", "Day": "2026-11-03", "Overall": "4.0", "Again": "12"}


@pytest.mark.parametrize(("line", "reason"), [
    (",2026-11-03,5,1", "Number is empty"),
    ("1,,5,1", "Day is empty"),
    ("1,soon,5,1", "Day: 'soon' is not a date like an ISO date"),
    ("1,2026-11-03,5", "has 3 cells where the header has 4: is a quote left open?"),
    ("1,2026-11-03,5,", "Weight is empty"),
    ("1,2026-11-03,5,much", "Weight: 'much' is no weight of 0 or more"),
    ("1,2026-11-03,5,-1", "Weight: '-1' is no weight of 0 or more"),
    ("1,2026-11-03,5,nan", "Weight: 'nan' is no weight of 0 or more"),
    ("1,2026-11-03,5,inf", "Weight: 'inf' is no weight of 0 or more"),
    ("x" * 121 + ",2026-11-03,5,1", "external_id: 'xxx"),
])  # fmt: skip
def test_a_row_without_id_date_or_weight_is_not_taken(read, line, reason):
    weighted = MINIMAL + "  csat: {column: Overall, valid: [1, 2, 3, 4, 5]}\n  weight: Weight\n"
    bad, good = read(weighted, "Number,Day,Overall,Weight", line, "2,2026-11-03,5,0.25")
    assert bad.answer is None
    assert [fault.reason.startswith(reason) for fault in bad.faults] == [True]
    assert (good.answer.weight, good.faults) == (0.25, ())


def test_codes_may_stand_for_numbers_words_and_truths(read):
    mapping = MINIMAL + (
        "  csat: {column: Face, valid: {happy: 5, so-so: 3, sad: 1}}\n"
        "  solved: {column: Done, valid: {1: true, 2: false}}\n"
        "  comment: Said\n"
        "  language: {column: Tongue, values: {1: zh, 2: en}, default: en}\n"
        "choices:\n  reason: {column: Why, valid: {1: queue, 2: price}, blank: 0}\n"
    )
    header = "Number,Day,Face,Done,Said,Tongue,Why"
    first, second, third = read(
        mapping, header, "1,2026-11-03,sad,2,太慢,1,1", "2,2026-11-03,so-so,1,,7,0", "3,2026-11-03,,,,,"
    )
    assert (first.answer.csat, first.answer.is_solved, first.answer.comment, first.answer.language) == (
        1,
        False,
        "太慢",
        "zh",
    )
    assert first.answer.values == {"csat": 1, "solved": False, "reason": "queue"}
    assert (second.answer.language, second.answer.values) == ("en", {"csat": 3, "solved": True})
    assert (third.answer.values, third.answer.is_negative, third.faults) == ({}, False, ())


def test_dimensions_make_an_index_and_say_what_was_missing(read):
    mapping = MINIMAL + (
        "dimensions:\n"
        "  speed: {column: Speed, valid: [1, 2, 3, 4, 5], blank: 0, weight: 3}\n"
        "  manner: {column: Manner, valid: [1, 2, 3], blank: 0}\n"
    )
    rows = read(mapping, "Number,Day,Speed,Manner", "1,2026-11-03,5,1", "2,2026-11-03,0,2", "3,2026-11-03,0,0")
    assert [(row.answer.index, row.answer.index_weight) for row in rows] == [(75, 1), (50, 0.25), (None, None)]


@pytest.mark.parametrize(("negative", "expected"), [
    ("", [True, True, False, False]),
    ("negative: {csat_at_most: 3, nps_at_most: 0}\n", [True, False, False, True]),
    ("negative: {csat_at_most: 0, nps_at_most: -1}\n", [False, False, False, False]),
])  # fmt: skip
def test_an_answer_is_negative_where_the_mapping_says_so(read, negative, expected):
    lines = "1,2026-11-03,2,9", "2,2026-11-03,5,6", "3,2026-11-03,9,11", "4,2026-11-03,3,10"
    rows = read(MINIMAL + QUESTIONS + negative, "Number,Day,Overall,Again", *lines)
    assert [row.answer.is_negative for row in rows] == expected


def test_one_instant_may_stand_for_the_whole_file_and_a_month_before_a_day(read):
    fixed = MINIMAL.replace("answered_at: Day", "answered_at: {constant: 2026-11-03T12:00}")
    assert read(fixed, "Number", "1")[0].answer.answered_at == datetime(2026, 11, 3, 4, tzinfo=UTC)
    days = MINIMAL.replace("{timezone", '{formats: "%Y-%m-%d", timezone').replace(
        "Day", "{column: Day, before: 2026-11-}"
    )
    (row,) = read(days, "Number,Day", "1,3")
    assert row.answer.answered_at == datetime(2026, 11, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize(("text", "says"), [
    (MINIMAL.replace("mall", "bihuan"), r":1 source: 'bihuan' names our own answers - name the survey otherwise"),
    (MINIMAL + "  csat: {column: Q, valid: [1, 2, 6]}", r":6 fields.csat.valid.6: 6 is no such score - .* 1 to 5"),
    (MINIMAL + "  nps: {column: Q, valid: [0, 11]}", r":6 fields.nps.valid.11: 11 is no such score"),
    (MINIMAL + "  nps: {column: Q, valid: [0, 1], blank: [1]}", r":6 fields.nps.blank: '1' is listed as valid and as"),
    (MINIMAL + "  nps: {column: Q, valid: []}", r":6 fields.nps.valid: .* - "),
    (MINIMAL + "  nps: Q", r":6 fields.nps.valid: is missing - add it"),
    (MINIMAL + "  nps: {column: Q, valid: [a]}", r":6 fields.nps.valid.*: 'a' is not a whole number"),
    (MINIMAL + "dimensions: {speed: {column: Q, valid: [1, 2], weight: 0}}", r":6 dimensions.speed.weight: "),
    (MINIMAL + "dimensions: {speed: {column: Q, valid: [1]}}", r":6 dimensions.speed.valid: has only one answer"),
    (MINIMAL + "choices: {csat: {column: Q, valid: [1]}}", r":6 choices.csat: there is a question 'csat' already"),
    (MINIMAL + "colour: red", r":6 colour: unknown key"),
    (MINIMAL.replace("Day", "{constant: someday}"), r":5 fields.answered_at.constant: 'someday' is not a date"),
    (MINIMAL.replace("Day", "{before: 2017}"), r":5 fields.answered_at: needs either a column or a constant"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_line_and_key(load, text, says):
    with pytest.raises(UsageError) as refused:
        load(text)
    assert re.search(says, str(refused.value)), refused.value


def test_a_column_the_file_lacks_is_named_with_its_place(read):
    with pytest.raises(UsageError, match=r"has no column 'Again', which the mapping reads as fields\.nps"):
        read(MINIMAL + QUESTIONS, "Number,Day,Overall", "1,2026-11-03,5")


@pytest.mark.parametrize("document", ["mapping.md", "mapping.zh-CN.md"])
def test_the_guide_names_every_key_and_its_snippet_loads(load, document):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8").rpartition("\n## ")[2]
    keys = {key for model in (SurveyMapping, SurveyFields, Aspect, Negative) for key in model.model_fields}
    assert {key for key in keys if not re.search(rf"(?<![a-z_]){key}(?![a-z_])", text)} == set()
    (snippet,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert load(snippet).choices["why_low"].valid.keys() == {"1", "2", "3"}
