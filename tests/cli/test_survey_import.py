"""``bihuan survey import``: answers in, blanks left blank, faults in a file beside it."""

from __future__ import annotations

import csv

import pytest

MAPPING = """\
source: mall
dates: {timezone: Asia/Shanghai}
fields:
  external_id: Number
  answered_at: Day
  nps: {column: Again, valid: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], blank: 11}
"""


@pytest.fixture
def bring_in(run, installed, tmp_path):
    (tmp_path / "mall.yaml").write_text(MAPPING, encoding="utf-8")

    def of(*lines: str):
        (tmp_path / "mall.csv").write_text("\n".join(["Number,Day,Again", *lines]) + "\n", encoding="utf-8")
        return run("survey", "import", tmp_path / "mall.csv", "--mapping", tmp_path / "mall.yaml", "--json")

    return of


def counts(**told: int) -> dict[str, int]:
    return dict.fromkeys(["read", "created", "updated", "unchanged", "rejected", "unreadable"], 0) | told


def test_a_file_comes_in_once(bring_in, tmp_path):
    lines = "1,2026-11-03,10", "2,2026-11-03,11"
    assert (done := bring_in(*lines)).data == counts(read=2, created=2)
    assert (done.code, done.err) == (0, "")
    assert bring_in(*lines).data == counts(read=2, unchanged=2)
    assert bring_in("1,2026-11-03,9", "2,2026-11-03,11").data == counts(read=2, updated=1, unchanged=1)
    assert not (tmp_path / "mall.rejects.csv").exists()


def test_what_was_refused_stands_in_a_file_with_line_and_reason(bring_in, tmp_path):
    done = bring_in("1,2026-11-03,10", "2,2026-11-03,=99", "3,never,9")
    assert (done.code, done.data) == (1, counts(read=3, created=2, rejected=1, unreadable=1))
    assert "1 rows and 1 codes refused, see" in done.err
    with (tmp_path / "mall.rejects.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["line"], row["Number"]) for row in rows] == [("3", "2"), ("4", "3")]
    assert rows[0]["reason"] == "Again: '=99' is neither a valid code nor blank; taken without nps"
    assert rows[0]["Again"] == "'=99"
    assert rows[1]["reason"].startswith("Day: 'never' is not a date like")


def test_a_mapping_of_complaints_is_refused(run, installed, tmp_path):
    (tmp_path / "desk.yaml").write_text(MAPPING.replace("answered_at", "registered_at"), encoding="utf-8")
    (tmp_path / "mall.csv").write_text("Number,Day,Again\n1,2026-11-03,10\n", encoding="utf-8")
    done = run("survey", "import", tmp_path / "mall.csv", "--mapping", tmp_path / "desk.yaml")
    assert done.refuses(2, "desk.yaml:5", "fields.registered_at: unknown key", "did you mean answered_at?")
