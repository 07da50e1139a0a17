"""The customer survey of an airport, 2,831 raw answers, through the commands: its published figures come out."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mappings" / "sfo_survey.yaml"


@pytest.fixture
def file(real_data) -> Path:
    return real_data / "sfo_customer_survey_2017.csv.gz"


@pytest.fixture
def bring_in(run, installed, file, tmp_path):
    rejects = tmp_path / "rejects.csv"
    return lambda source=file: run("survey", "import", source, "--mapping", EXAMPLE, "--rejects", rejects, "--json")


def indicators(run, *words: str) -> dict[str, dict]:
    return {row["indicator"]: row for row in run("kpi", "show", *words, "--json").data}


def test_the_published_figures_come_out_and_blank_codes_are_no_answers(run, bring_in):
    done = bring_in()
    assert (done.code, done.data["read"], done.data["created"], done.data["rejected"]) == (0, 2_831, 2_831, 0)
    found = indicators(run)
    assert {row["survey"] for row in found.values()} == {"sfo_2017"}

    csat, top, nps = found["csat_mean"], found["csat_top_two"], found["nps"]
    assert (round(csat["value"], 5), csat["n"]) == (4.06436, 2_688)  # 143 left it blank
    assert (round(top["value"], 6), top["n"]) == (0.820685, 2_688)
    assert (round(nps["value"], 4), round(nps["weighted"], 4), nps["n"]) == (39.8398, 40.3984, 2_746)  # 84 wrote 11
    assert (nps["promoters"], nps["passives"], nps["detractors"]) == (1_436, 968, 342)
    assert all(row["low"] < row["value"] < row["high"] for row in found.values())
    assert 0 < found["satisfaction_index"]["missing_weight"] < 0.2
    assert "response_rate" not in found

    assert points(nps["reasons"], "problem") == pytest.approx(18.77, abs=0.005)
    assert points(nps["reasons"], "no_problem") == pytest.approx(43.65, abs=0.005)


def points(reasons: list[dict], choice: str) -> float:
    """The net promoter score of those who chose so."""
    (row,) = (row for row in reasons if row["choice"] == choice)
    return 100 * (row["promoters"] - row["detractors"]) / (row["promoters"] + row["passives"] + row["detractors"])


def test_again_nothing_changes_and_a_mended_line_does(run, bring_in, file, tmp_path):
    bring_in()
    before = run("kpi", "show", "--json").data
    assert bring_in().data == dict.fromkeys(["created", "updated", "rejected", "unreadable"], 0) | {
        "read": 2_831, "unchanged": 2_831,
    }  # fmt: skip
    assert run("kpi", "show", "--json").data == before

    done = bring_in(with_one_changed(file, tmp_path / "mended.csv", NETPRO="ten", Q7ALL="1"))
    assert (done.code, done.data["updated"], done.data["unreadable"], done.data["rejected"]) == (1, 1, 1, 0)
    after = indicators(run)
    assert (after["nps"]["n"], after["csat_mean"]["n"]) == (2_745, 2_688)


def with_one_changed(file: Path, copy: Path, **cells: str) -> Path:
    """The file with other cells in its first row."""
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as source, copy.open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames)
        writer.writeheader()
        writer.writerow(next(rows) | cells)
        writer.writerows(rows)
    return copy


def test_a_day_of_few_answers_says_that_they_are_too_few(run, bring_in):
    bring_in()
    day = "--from", "2017-05-05T00:00-07:00", "--to", "2017-05-06T00:00-07:00"
    found = indicators(run, *day)
    assert (found["nps"]["n"], found["nps"]["is_enough"], found["csat_mean"]["is_enough"]) == (47, False, True)
    shown = run("kpi", "show", *day)
    assert "is_enough False: n is below the least n" in shown.err
    assert {"promoters", "weighted", "missing_weight", "no_problem"} <= set(shown.out.split())


def test_by_a_dimension_of_complaints_a_foreign_survey_has_none_and_by_source_its_own_name(run, bring_in):
    bring_in()
    assert {row["region"] for row in run("kpi", "show", "--by", "region", "--json").data} == {None}
    assert {row["source"] for row in run("kpi", "show", "--by", "source", "--json").data} == {"sfo_2017"}
    assert {row["month"] for row in run("kpi", "show", "--by", "month", "--json").data} == {"2017-05"}
