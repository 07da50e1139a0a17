"""`bihuan policy`: what it prints and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bihuan.cli.policy import app
from bihuan.errors import PolicyError
from bihuan.policy.loader import DEFAULTS, SECTIONS


@pytest.fixture
def own(tmp_path):
    """A policy directory in which one cell is another."""
    folder = tmp_path / "own"
    folder.mkdir()
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    (folder / "deadline.yaml").write_text(text.replace("target: 48h", "target: 36h", 1), encoding="utf-8")
    return folder


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_check_names_the_file_and_version_of_each_section(own, policy):
    result = run("check", own, "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, [row["section"] for row in said["sections"]]) == (0, list(SECTIONS))
    assert {row["section"]: row["file"] for row in said["sections"]} == {
        "calendar": "shipped", "deadline": str(own / "deadline.yaml"), "escalation": "shipped",
        "survey": "shipped", "routing": "shipped", "kpi": "shipped", "improvement": "shipped",
        "trend": "shipped", "retention": "shipped",
    }  # fmt: skip
    assert said["version"] != policy.version


def test_check_without_a_directory_looks_at_the_one_in_force(own, monkeypatch):
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(own))
    assert str(own / "deadline.yaml") in run("check", "--json").stdout


def test_check_for_reading_shows_every_section_in_a_line(policy):
    result = run("check")
    assert result.exit_code == 0
    for version in (policy.version, *policy.versions.values()):
        assert version in result.stdout


def test_check_of_a_wrong_policy_is_one_line_that_ends_with_exit_code_2(own):
    (own / "deadline.yaml").write_text("warn: [80%]\nlate_after: soon\nmilestones: {}\n", encoding="utf-8")
    error = run("check", own).exception
    assert isinstance(error, PolicyError)
    assert str(error) == f"{own}/deadline.yaml:2 late_after: 'soon' is not a span - write it as 30min, 24h or 3d"
    assert error.exit_code == 2


def test_schema_is_json_of_every_section():
    assert set(json.loads(run("schema").stdout)) == set(SECTIONS)
    assert run("schema", "--json").stdout == run("schema").stdout


def test_the_schema_lists_the_events_a_milestone_may_wait_for():
    milestone = json.loads(run("schema").stdout)["deadline"]["$defs"]["MilestonePolicy"]
    assert set(milestone["required"]) == {"from", "until", "severity"}


def test_diff_of_equal_policies_says_nothing_and_ends_with_0(own):
    result = run("diff", own, own)
    assert (result.exit_code, result.stdout) == (0, "")


def test_diff_names_the_key_and_both_values_and_ends_with_1(own):
    result = run("diff", "shipped", own)
    assert (result.exit_code, result.stdout) == (1, "deadline.milestones.handled.severity.general.target: 48h → 36h\n")


def test_diff_as_json_is_a_row_a_key(own):
    result = run("diff", own, "shipped", "--json")
    key = "deadline.milestones.handled.severity.general.target"
    assert (result.exit_code, json.loads(result.stdout)) == (1, [{"key": key, "old": "36h", "new": "48h"}])


def test_diff_of_equal_policies_as_json_is_an_empty_list(own):
    assert json.loads(run("diff", own, own, "--json").stdout) == []
