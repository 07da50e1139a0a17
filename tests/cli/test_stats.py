"""``bihuan stats``: the published cases, lines that name others, and lines that are no use."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bihuan.cli.kinds.registry import KINDS, plain
from bihuan.cli.stats import stats

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests" / "data" / "statistics.json").read_text(encoding="utf-8"))["cases"]
SICILY = json.loads((ROOT / "tests" / "data" / "sicily.json").read_text(encoding="utf-8"))
KIDNEY = {
    "small": {"group1": {"x": 81, "n": 87}, "group2": {"x": 234, "n": 270}},
    "large": {"group1": {"x": 192, "n": 263}, "group2": {"x": 55, "n": 80}},
}
NAMED = [
    {"id": "simpson-kidney", "kind": "simpson_reversal", "inputs": {"strata": KIDNEY}},
    {
        "id": "its-level-poisson", "kind": "interrupted_time_series",
        "inputs": {
            "aces": SICILY["episodes"], "stdpop": SICILY["population"], "smokban": SICILY["ban"], "model": "Poisson",
        },
    },
    {
        "id": "km-6mp", "kind": "kaplan_meier",
        "inputs": {
            "time": [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
            "closed": [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
        },
    },
]  # fmt: skip
"""What some of the cases refer to."""

app = typer.Typer()
app.command()(stats)


def run(*lines: Any) -> Result:
    text = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return CliRunner().invoke(app, [], input=b"\n".join(text))


def answers(result: Result) -> list[Any]:
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def ask(kind: str, **inputs: Any) -> Any:
    [answer] = answers(run({"id": 1, "kind": kind, "inputs": inputs}))
    return answer.get("result") or answer["error"]


def is_near(found: Any, expected: Any, tolerance: float) -> bool:
    """Whether all that is expected is there, within the tolerance; more may stand beside it."""
    if isinstance(expected, dict):
        return all(is_near(found[key], one, tolerance) for key, one in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(is_near, found, expected, [tolerance] * len(found)))
    if isinstance(expected, bool | str | None):
        return found == expected
    return abs(found - expected) <= max(tolerance, 1e-12)


def test_every_published_case_is_answered_as_published():
    lines = [{key: case[key] for key in ("id", "kind", "inputs")} for case in CASES]
    result = run(*lines, *NAMED)  # a line may name one that comes later
    found = {answer["id"]: answer["result"] for answer in answers(result)}
    assert result.exit_code == 0
    wrong = [case["id"] for case in CASES if not is_near(found[case["id"]], case["expected"], case["tolerance"])]
    assert wrong == []


SMALL = {"x": [1, 4, 2], "n": 10}
ASKED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("p_chart", {"defectives": [1, 4, 2], "n": [10, 20, 30], "sigmas": 2}, {"lcl": [0, 0, 0], "out_1based": []}),
    ("np_chart", {"defectives": [1, 4, 1], "n": 10}, {"center": 2, "pbar": 0.2, "lcl": 0}),
    ("c_chart", {"counts": [4, 4, 20, 4], "exclude_1based": [3]}, {"center": 4, "ucl": 10, "out_1based": []}),
    ("c_chart", {"counts": [4, 4, 4, 20], "baseline": 3}, {"center": 4, "ucl": 10, "out_1based": [4]}),
    ("individuals_chart", {"x": [1, 2, 1], "d2": 1}, {"center": 4 / 3, "mr_bar": 1, "ucl": 4 / 3 + 3}),
    ("laney_u_prime", {"counts": [10, 90], "units": 1}, {"center": 50, "plain_u_out": [1, 2], "laney_out": []}),
    ("anhoej_runs", {"x": [0, 1] * 12}, {"n_useful": 24, "longest_run": 1, "longest_run_max": 8, "signal": False}),
    ("tabular_cusum", {"x": [1, 1], "target": 0, "K": 0.5, "H": 0.6}, {"c_plus": [0.5, 1], "out_1based": [2]}),
    ("tabular_cusum", {"x": [2, 2], "target": 0, "k": 0.5, "h": 0.6, "sigma": 2}, {"c_plus": [1, 2], "signal": True}),
    ("ewma_chart", {"x": [1, 1], "lambda": 0.5, "target": 0, "sigma": 1}, {"z": [0.5, 0.75], "ucl": [1.5, 1.677051]}),
    ("false_alarm_arl", {"rules": [1, "2 of 3 beyond 2s same side", "8 in a row same side"]}, {"arl0": 122.050772}),
    ("false_alarm_arl", {"rules": [1, 3]}, {"arl0": 197}),
    ("restricted_mean", {"time": [1, 2, 3], "closed": [1, 1, 1], "tau": 2}, {"restricted_mean": 5 / 3, "tau": 2}),
    ("nelson_aalen", {"time": [1, 2], "closed": [1, 1]}, {"cumulative_hazard": [0.5, 1.5], "event_times": [1, 2]}),
    ("logrank", {"time_a": [1, 2], "closed_a": [1, 1], "time_b": [1, 2], "closed_b": [1, 1]}, {"chi2": 0, "p": 1}),
    ("percentile", {"x": [1, 2, 3, 4], "p": 50}, {"value": 2.5}),
    ("percentile", {"x": [1, 2, 3, 4], "p": [0.25, 1]}, {"value": [1.75, 4]}),
    ("kitagawa_decomposition", {"strata": KIDNEY}, {"rate_effect": 0.0536712, "composition_effect": -0.0993855}),
    ("simpson_reversal", {"strata": KIDNEY}, {"reversal": True, "partial": True}),
    ("before_after_naive", {"y": [4, 8], "exposure": [2, 2], "change_at_1based": 2}, {"rr": 2}),
    ("before_after_naive", {"x1": 4, "t1": 2, "x2": 8, "t2": 2}, {"rr": 2}),
    ("difference_in_differences", {"means": [20.44, 21.03, 23.33, 21.17]}, {"did": 2.75, "lo": None}),
    ("difference_in_differences", {"x": [5, 4, 5, 5], "n": [10, 10, 10, 10]}, {"did": -0.1}),
    ("mann_whitney_exact", {"x": [1, 2, 3], "y": [4, 5], "alternative": "less"}, {"p": 0.1, "p_two_sided": 0.2}),
    ("wilcoxon_signed_rank", {"x": [2, 4, 7], "y": [1, 1, 1]}, {"v": 6, "p": 0.25}),
    ("kruskal_wallis", {"groups": {"a": [1, 2], "b": [3, 4]}}, {"h": 2.4, "df": 1}),
    ("cohen_kappa", {"rater1": ["y", "y", "n", "n"], "rater2": ["y", "n", "n", "n"]}, {"kappa": 0.5}),
    ("fleiss_kappa", {"table": [[3, 0], [0, 3]]}, {"kappa": 1}),
    ("chi2_trend_proportions", {"x": [1, 2, 3], "n": [4, 4, 4]}, {"chi2": 2, "df": 1}),
    ("chi2_independence", {"table": [[3, 1], [1, 3]], "correction": True}, {"chi2": 0.5}),
    ("benjamini_hochberg", {"p": [0.01, 0.2], "q": 0.05}, {"adjusted": [0.02, 0.2], "rejected": [True, False]}),
    ("sample_size_two_proportions", {"p1": 0.1, "p2": 0.05, "phi": 2}, {"n_per_group": 868.864045}),
    ("power_two_proportions", {"p1": 0.5, "p2": 0.75, "n": 76.7069, "alpha": 0.05}, {"power": 0.9}),
    ("poisson_exact_interval", {"count": 0, "exposure": 2, "conf": 0.9}, {"rate": 0, "lo": 0, "hi": 1.497866}),
    ("poisson_rate_ratio", {"x1": 11, "t1": 800, "x2": 21, "t2": 3011}, {"ratio": 1.971488, "p": 0.079669}),
    ("nps_classes", {"scores": [10, 9, 8, 6, 0]}, {"promoters": 2, "passives": 1, "detractors": 2, "nps": 0}),
    ("nps_interval", {"promoter_share": 0.5, "passive_share": 1 / 3, "detractor_share": 1 / 6, "n": 324},
     {"nps": 33.333333, "var": 0.555556, "se": 4.140867, "moe95": 8.115949}),
    ("grubbs_one_sided_max", {"x": [1, 2, 3, 40]}, {"max": 40, "index_1based": 4, "outlier": True}),
    ("modified_z_score", {"x": [1, 2, 3, 40], "threshold": 5}, {"median": 2.5, "mad": 1, "outliers_1based": [4]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "inputs", "expected"), ASKED, ids=[kind for kind, _, _ in ASKED])
def test_a_kind_takes_its_inputs_and_names_its_results(kind, inputs, expected):
    tolerance = 5 if kind == "false_alarm_arl" and 3 in inputs["rules"] else 1e-5
    assert is_near(ask(kind, **inputs), expected, tolerance)


def test_every_kind_is_tried_here():
    tried = {case["kind"] for case in CASES} | {kind for kind, _, _ in ASKED} | {line["kind"] for line in NAMED}
    assert tried | {"two_proportion_z_pooled", "chi2_k_proportions"} == set(KINDS)
    assert ask("two_proportion_z_pooled", x=[56, 48], n=[70, 80])["z"] == pytest.approx(2.6502, abs=5e-5)
    assert ask("chi2_k_proportions", x=[83, 90, 129, 70], n=[86, 93, 136, 82])["df"] == 3


def test_a_model_may_name_its_season():
    inputs = {"ref": "its-level-poisson", "model": "quasi-Poisson, 2 harmonics"}
    found = answers(run({"id": "season", "kind": "interrupted_time_series", "inputs": inputs}, *NAMED))[0]["result"]
    assert (found["rr"], found["lo"], found["hi"]) == pytest.approx((0.8851, 0.8394, 0.9332), abs=5e-5)


def test_a_share_may_be_the_series():
    found = ask("interrupted_time_series", y=[9, 8, 9, 8, 4, 5, 4, 5], n=20, post=[0] * 4 + [1] * 4, model="binomial")
    assert 0 < found["lo"] < found["or"] < 1


GOOD = {"kind": "wilson_interval", "inputs": {"x": 1, "n": 4}}


def test_a_bad_line_is_answered_in_its_place_and_the_others_all_the_same():
    result = run(
        GOOD | {"id": "a"}, b"{", b"\xff", [], GOOD | {"id": "b", "inputs": {"x": 9, "n": 4}}, GOOD | {"id": "c"}
    )
    assert result.exit_code == 1
    assert [(one["id"], "result" in one) for one in answers(result)] == [
        ("a", True), (None, False), (None, False), (None, False), ("b", False), ("c", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), [
    ({"kind": "wilson"}, "unknown kind 'wilson' - did you mean wilson_interval?"),
    ({"kind": "kaplanmeier"}, "did you mean kaplan_meier?"),
    ({}, "unknown kind 'None' - did you mean"),
    ({"kind": "wilson_interval"}, "inputs is no object"),
    ({"kind": "wilson_interval", "inputs": {"x": 1}}, 'inputs: "n" is missing - given are x'),
    ({"kind": "wilson_interval", "inputs": {"x": "1", "n": 4}}, "inputs: x holds '1' - write finite numbers"),
    ({"kind": "wilson_interval", "inputs": {"x": 1.5, "n": 4}}, "inputs: x holds 1.5 - write whole numbers"),
    ({"kind": "wilson_interval", "inputs": {"x": 5, "n": 4}}, "x lies in 0..n and n is 1 or more, not 5 of 4"),
    ({"kind": "wilson_interval", "inputs": {"x": 1, "n": 4, "conf": 95}}, "a confidence lies between 0 and 1, not 95"),
    ({"kind": "fisher_exact", "inputs": {"table": [[1, 2], [3]]}}, "the rows of table are not equally long"),
    ({"kind": "fisher_exact", "inputs": {"table": 3}}, "inputs: table is 3 - write a list"),
    ({"kind": "c_chart", "inputs": {"counts": [1, 2], "exclude_1based": [3]}}, "points are numbered 1 to 2"),
    ({"kind": "pareto", "inputs": {"counts": {"a": 0}}}, "nothing was counted"),
    ({"kind": "kitagawa_decomposition", "inputs": {"strata": {"a": {}}}}, "a stratum lacks group1.x"),
    ({"kind": "mantel_haenszel", "inputs": {"ref": "strata of nobody"}}, "names no other line"),
    ({"id": "me", "kind": "mantel_haenszel", "inputs": {"ref": "me"}}, "the references go in a circle"),
    ({"kind": "false_alarm_arl", "inputs": {"rules": ["whatever"]}}, "rule 'whatever' is not known"),
    ({"kind": "np_chart", "inputs": {"defectives": [1, 2], "n": [9, 8]}}, "ask for a p_chart"),
])  # fmt: skip
def test_an_error_says_what_is_wrong(line, said):
    [answer] = answers(run(line))
    assert said in answer["error"]
    assert " - " in answer["error"]


def test_what_is_no_number_is_null():
    assert plain({"a": float("nan"), "b": [float("inf"), 1]}) == {"a": None, "b": [None, 1]}


def rows(document: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return re.findall(r"^\| `([a-z0-9_]+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize("document", ["statistics.md", "statistics.zh-CN.md"])
def test_every_kind_is_documented(document):
    assert sorted(rows(document)) == sorted(KINDS)


def test_the_command_answers_in_a_shell_and_exits_one_after_an_error(tmp_path):
    file = tmp_path / "asked.jsonl"
    file.write_text(
        json.dumps(GOOD | {"id": "投诉"}) + "\n" + json.dumps({"id": 2, "kind": "none"}) + "\n", encoding="utf-8"
    )
    code = "import sys; sys.argv = ['bihuan', 'stats', sys.argv[1]]; from bihuan.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr, first["id"], "error" in second) == (1, "", "投诉", True)
