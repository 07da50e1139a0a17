"""`bihuan complaint hold`, `release`, `retention preview` and `run retention`, as an operator types them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("installed")
LATER = "2031-01-01T00:00+08:00"


@pytest.fixture
def number(run) -> str:
    """A complaint that has ended."""
    made = run("complaint", "add", "--title", "耳机左边没有声音", "--customer", "王女士", "--json").data["number"]
    assert run("complaint", "record", made, "handled", "--json").code == 0
    return made


def test_a_hold_is_said_everywhere_and_keeps_the_complaint(run, number):
    assert run("complaint", "hold", number, "--why", "claim 44", "--by", "Wang Fang", "--json").data["is_held"] is True
    assert run("complaint", "hold", number, "--why", "x", "--by", "y").refuses(3, "under legal hold already")
    said = run("explain", number, "--language", "en").out
    assert "Under legal hold since" in said
    assert "by Wang Fang: claim 44" in said
    assert "法务保全" in run("explain", number, "--language", "zh").out
    assert run("explain", number, "--json").data["hold"]["why"] == "claim 44"
    [hold] = run("complaint", "show", number, "--json").data["holds"]
    assert (hold["placed_by"], hold["released_at"]) == ("Wang Fang", None)
    assert [row["number"] for row in run("retention", "holds", "--json").data] == [number]
    seen = run("retention", "preview", "--at", LATER, "--json").data
    assert (seen["held"], seen["complaints"]) == (1, 0)
    assert run("run", "retention", "--at", LATER, "--json").data["complaints"] == 0
    assert run("complaint", "show", number, "--json").data["title"] == "耳机左边没有声音"


def test_a_released_complaint_is_erased_once_and_says_so(run, number):
    run("complaint", "hold", number, "--why", "claim 44", "--by", "Wang Fang")
    assert run("complaint", "release", number, "--why", "settled", "--by", "Li Na", "--json").data["is_held"] is False
    assert run("retention", "holds", "--json").data == []
    assert run("retention", "preview", "--at", LATER, "--json").data["complaints"] == 1
    assert run("run", "retention", "--at", LATER, "--json").data["complaints"] == 1
    assert run("run", "retention", "--at", LATER, "--json").data["complaints"] == 0
    shown = run("complaint", "show", number, "--json")
    assert (shown.data["title"], shown.data["customer_name"], shown.data["number"]) == ("", "", number)
    assert "Personal data were erased on" in run("explain", number, "--language", "en").out
    assert run("complaint", "hold", number, "--why", "x", "--by", "y").refuses(3, "were erased on")
    assert run("db", "check").code == 0


def test_nothing_is_due_in_a_young_installation(run, number):
    seen = run("retention", "preview", "--json")
    assert (seen.code, seen.data["complaints"], seen.data["held"]) == (0, 0, 0)


def test_the_clock_is_not_stepped_in_production_to_erase_early(run, number, monkeypatch):
    monkeypatch.setenv("BIHUAN_ENVIRONMENT", "production")
    assert run("run", "retention", "--at", LATER).refuses(3, "--at steps the clock")


def test_a_policy_without_its_lines_erases_nothing_and_says_so(run, number, monkeypatch, tmp_path):
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "retention.yaml").write_text("kept_attributes: [outcome]\n", encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(folder))
    seen = run("retention", "preview", "--at", LATER)
    assert "has no line in retention.yaml" in seen.err
    run("run", "retention", "--at", LATER)
    assert run("complaint", "show", number, "--json").data["title"] == "耳机左边没有声音"
