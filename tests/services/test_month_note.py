"""Months in a few lines, for whoever looks at the runs: what they say, where to read on, and nobody's name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.services.month_note import note
from bihuan.store.rows import insert_rows
from schemas.improvement import AnalysisRun, Bone, Finding, FindingSource, FindingState

OCTOBER = date(2026, 10, 1)
RATES = [
    {"indicator": "late", "outcome": "localized", "low": 0.1, "high": 0.3, "x0": 50, "n0": 500, "x1": 60, "n1": 240},
    {"indicator": "detractor", "outcome": "withheld", "low": None, "high": None, "x0": 0, "n0": 0, "x1": 2, "n1": 9},
]
PEOPLE = [
    ("handler", "zhang.min"),
    ("topic", "王小明的电话"),
    ("word", "王小明"),
    ("handler/region", "zhang.min / 华东"),
]


def analysed(db, *places, number="M-2026-10", scope=""):
    """A month that points at these places."""
    at = datetime(2026, 11, 2, tzinfo=UTC)
    run = {
        "id": 1, "number": number, "period_on": OCTOBER, "until_on": date(2026, 11, 1), "scope": scope, "as_of": at,
        "sha256": "0" * 64, "complaints": 1240, "answers": 30, "tests": 9, "params": {}, "quality": {},
        "conclusion": {"rates": RATES, "topics": []}, "policy_version": "x", "code_version": "x", "files": {},
        "made_at": at,
    }  # fmt: skip
    found = [
        {"run_id": 1, "number": f"F-{rank}", "rank": rank, "source": FindingSource.SLICE, "indicator": "late",
         "dimension": dimension, "element": element, "state": FindingState.LOCALIZED, "bone": Bone.PEOPLE,
         "refuted_by": "", "evidence": ["20261016-0001"], "details": {}}
        for rank, (dimension, element) in enumerate(places, start=1)
    ]  # fmt: skip
    with db.write() as session:
        insert_rows(session, AnalysisRun, [run])
        insert_rows(session, Finding, found)


def told(db, number="M-2026-10", web_url="https://quality.example.com", language="en"):
    with db.read() as session:
        return note(session, [number], web_url, language)


def test_a_month_says_what_changed_where_and_where_to_read_on(db):
    analysed(
        db, ("product", "洗衣机"), ("channel", "phone"), ("hand_off", "yes"), ("region/department", "华东 / service")
    )
    lines = told(db).splitlines()
    assert lines[0] == r"### [M\-2026\-10](https://quality.example.com/months/M-2026-10)"
    assert "Complaints 1,240 · Answers 30" in lines
    assert (
        "- Late (a deadline of handling was broken): 10.0% → 25.0% (n 240) – got worse, and a place is named" in lines
    )
    assert "- Detractors (0 to 6 of 10): – → 22.2% (n 9) – not enough data" in lines
    assert "Candidates 4: Product: 洗衣机 · Channel: phone · Handed on" in lines


def test_a_month_that_points_nowhere_says_so_in_chinese_too(db):
    analysed(db)
    assert "The data point at no place." in told(db)
    assert "投诉 1,240 · 答卷 30" in told(db, language="zh")


@pytest.mark.parametrize("place", PEOPLE, ids=[place[0] for place in PEOPLE])
def test_whoever_looks_at_the_runs_reads_nobody_s_name(db, place):
    analysed(db, place)
    said = told(db)
    assert not any(word in said for word in ("zhang", "王小明", "华东", "20261016"))
    assert "Candidates 1: " in said


def test_what_a_source_calls_a_place_is_text_and_no_markup(db):
    analysed(db, ("product", "<b>[x](http://evil.example)\n# y|z"))
    (line,) = [line for line in told(db).splitlines() if line.startswith("Candidates")]
    assert r"\<b\>\[x\]\(http://evil.example\) \# y\|z" in line


def test_without_an_address_nothing_is_linked(db):
    analysed(db, number="M-2026-10-north_1", scope="north_1")
    said = told(db, "M-2026-10-north_1", web_url="")
    assert said.startswith("### M\\-2026\\-10\\-north\\_1\n")
    assert "](" not in said


def test_a_month_that_is_not_there_says_nothing(db):
    assert told(db) == ""
