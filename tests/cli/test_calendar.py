"""``bihuan calendar``: JSON lines in, JSON lines out, a bad one spoils no other."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bihuan.cli.calendar import app
from bihuan.errors import UsageError

DATA = Path(__file__).parents[1] / "data"
PLAIN = {"timezone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}}
DUE = PLAIN | {"opened_at": "2026-03-02T16:00:00+08:00", "target_minutes": 90}


def run(verb: str, *lines: Any) -> Result:
    text = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return CliRunner().invoke(app, [verb], input=b"\n".join(text))


def answers(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def worked(file: str) -> list[Any]:
    known = json.loads((DATA / file).read_text(encoding="utf-8"))
    return [case | known["calendars"][case["calendar"]] for case in known["cases"]]


def test_due_answers_the_worked_cases():
    cases = worked("business_time_due.json")
    result = run("due", *cases)
    found = {answer["id"]: answer.get("due_at") for answer in answers(result)}
    assert result.exit_code == 1  # some ask for a target of zero
    for case in cases:
        due_at = case["due_at"] and datetime.fromisoformat(case["due_at"])
        assert (found[case["id"]] and datetime.fromisoformat(found[case["id"]])) == due_at


def test_elapsed_answers_the_worked_cases():
    cases = worked("business_time_elapsed.json")
    result = run("elapsed", *cases)
    assert result.exit_code == 0
    assert answers(result) == [{"id": case["id"], "seconds": case["seconds"]} for case in cases]


def test_the_answer_has_the_offset_of_the_calendar():
    asked = DUE | {"id": 1, "timezone": "Europe/Berlin", "opened_at": "2026-03-30T05:00Z"}
    assert answers(run("due", asked)) == [{"id": 1, "due_at": "2026-03-30T10:30:00+02:00"}]


def test_a_fraction_of_a_minute_is_seconds():
    asked = DUE | {"target_minutes": 588.2833333333333, "mode": "calendar"}
    assert answers(run("due", asked))[0]["due_at"] == "2026-03-03T01:48:17+08:00"


def test_a_fraction_of_a_second_is_kept():
    asked = PLAIN | {"from": "2026-03-02T09:00:00.25+08:00", "to": "2026-03-02T09:00:01+08:00"}
    assert answers(run("elapsed", asked)) == [{"id": None, "seconds": 0.75}]


def test_a_span_backwards_is_negative():
    asked = PLAIN | {"from": "2026-03-02T10:00+08:00", "to": "2026-03-02T09:00+08:00"}
    assert answers(run("elapsed", asked)) == [{"id": None, "seconds": -3600}]


def test_a_bad_line_is_answered_in_its_place_and_the_others_all_the_same():
    result = run("due", DUE | {"id": "a"}, b"{", b"", b"\xff", [], DUE | {"id": "b", "weekly": {}}, DUE | {"id": "c"})
    assert result.exit_code == 1
    assert [(answer["id"], "due_at" in answer) for answer in answers(result)] == [
        ("a", True),
        (None, False),
        (None, False),
        (None, False),
        ("b", False),
        ("c", True),
    ]


@pytest.mark.parametrize(("change", "said"), [
    ({"target_minutes": 0}, "a target must be more than zero"),
    ({"target_minutes": -5}, "a target must be more than zero"),
    ({"target_minutes": "90"}, "target_minutes: '90' is not a number of minutes"),
    ({"target_minutes": True}, "target_minutes: True is not a number of minutes"),
    ({"target_minutes": float("nan")}, "target_minutes: nan is not a number of minutes"),
    ({"target_minutes": 1e300}, "target_minutes: 1e+300 is not a number of minutes"),
    ({"target_minutes": 1e9}, "the calendar holds too little working time"),
    ({"opened_at": "2026-03-02T16:00:00"}, "opened_at: 2026-03-02T16:00:00 has no time zone"),
    ({"opened_at": 1772438400}, "opened_at: 1772438400 is not an instant"),
    ({"opened_at": "0001-01-01T00:00+14:00"}, "opened_at: 0001-01-01T00:00:00+14:00 lies outside the calendar"),
    ({"opened_at": "1066-10-14T09:00Z"}, "an instant lies outside the years"),
    ({"pauses": [["2026-03-02T17:00+08:00"]]}, "pauses.0.1: is missing"),
    ({"pauses": [["2026-03-02T17:00+08:00", "2026-03-02T16:30+08:00"]]}, "a pause ends before it begins"),
    ({"mode": "lunar"}, "mode: unknown word 'lunar'"),
    ({"timezone": "Mars/Olympus"}, "timezone: unknown time zone 'Mars/Olympus'"),
    ({"weekly": {"mon": []}}, "weekly: holds no working time"),
    ({"holidays": ["2026-03-02"], "extra_workdays": {"2026-03-02": []}}, "extra_workdays.2026-03-02: is also a"),
])  # fmt: skip
def test_an_error_says_what_is_wrong(change, said):
    [answer] = answers(run("due", DUE | change))
    assert answer["error"].startswith(said)


def test_a_file_is_read_instead_of_standard_input(tmp_path):
    file = tmp_path / "asked.jsonl"
    file.write_text(json.dumps(DUE | {"id": "投诉"}) + "\n", encoding="utf-8-sig")
    result = CliRunner().invoke(app, ["due", str(file), "--json"])
    assert answers(result) == [{"id": "投诉", "due_at": "2026-03-02T17:30:00+08:00"}]


def test_a_file_that_is_not_there_is_wrong_use(tmp_path):
    result = CliRunner().invoke(app, ["due", str(tmp_path / "none.jsonl")])
    assert isinstance(result.exception, UsageError)
    assert "cannot be read" in str(result.exception)
