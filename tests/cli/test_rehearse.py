"""`bihuan policy rehearse` and `pilot` as a person types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.settings import settings
from bihuan.simulation.demo import fill
from bihuan.store.engine import Database

SINCE, UNTIL = "2026-09-01T00:00+08:00", "2026-09-15T00:00+08:00"
PILOT = """
scopes:
  premium_first:
    when: {tier: [premium]}
    milestones: {handled: {severity: {general: {target: 24h, clock: calendar}}}}
"""


@pytest.fixture
def history(installed):
    """Two weeks of a made-up company."""
    from bihuan.clock import parse_instant

    db = Database(installed)
    fill(db, load_policy(None), settings(), since=parse_instant(SINCE), until=parse_instant(UNTIL), per_day=15)
    db.close()


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """General complaints are handled in ten hours."""
    folder = tmp_path / "draft"
    folder.mkdir()
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    assert "general: {target: 48h, clock: calendar}" in text
    text = text.replace("general: {target: 48h, clock: calendar}", "general: {target: 10h, clock: calendar}")
    (folder / "deadline.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_draft_is_told_beside_today_and_ends_with_one(run, history, draft):
    done = run("policy", "rehearse", draft, "--from", SINCE, "--to", UNTIL, "--json")
    assert done.code == 1
    rows = {row["milestone"]: row for row in done.data["milestones"]}
    handled = rows["handled"]
    assert handled["breaches_draft"] - handled["breaches_today"] == handled["breaches_difference"] > 0
    assert sum(row["breaches_difference"] for row in rows.values()) == done.data["moved"]  # every target only tightens
    assert len(done.data["verdicts"]) == done.data["moved"] > 0
    assert {row["side"] for row in done.data["sides"]} == {"today", "draft"}
    said = run("policy", "rehearse", draft, "--from", SINCE, "--to", UNTIL).out
    assert "breaches_draft" in said


def test_the_policy_of_today_ends_with_zero(run, history, tmp_path):
    same = tmp_path / "same"
    same.mkdir()
    done = run("policy", "rehearse", same, "--from", SINCE, "--to", UNTIL, "--json")
    assert (done.code, done.data["moved"]) == (0, 0)


def test_page_and_workbook_are_written(run, history, draft, tmp_path):
    page, book = tmp_path / "r.html", tmp_path / "r.xlsx"
    done = run("policy", "rehearse", draft, "--from", SINCE, "--page", page, "--excel", book, "--language", "en")
    assert done.code == 1
    assert "<svg" in page.read_text(encoding="utf-8")
    assert book.read_bytes().startswith(b"PK")
    assert str(page) in done.err
    assert str(book) in done.err


def test_a_scope_limits_what_is_replayed(run, history, draft):
    whole = run("policy", "rehearse", draft, "--from", SINCE, "--json").data
    part = run("policy", "rehearse", draft, "--from", SINCE, "--scope", "tier=premium", "--json").data
    assert 0 < part["complaints"] < whole["complaints"]
    assert part["scope"] == {"tier": ["premium"]}


def test_a_service_not_launched_is_rehearsed_on_made_up_complaints(run, installed, draft):
    done = run("policy", "rehearse", draft, "--simulate", 10, "--from", SINCE, "--to", UNTIL, "--json")
    assert done.data["is_simulated"]
    assert done.data["complaints"] > 50
    assert run("complaint", "list", "--json").data == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scope", "colour=red"), "'colour=red' is no scope"),
        (("--scope", "tier"), "'tier' is no scope"),
        (("--from", UNTIL, "--to", SINCE), "ends before it begins"),
        (("--from", "yesterday"), "'yesterday' is not a date"),
    ],
)
def test_wrong_use_is_one_line_with_a_cure(run, installed, draft, words, said):
    assert run("policy", "rehearse", draft, *words).refuses(2, said)


def test_a_draft_that_cannot_be_read_is_named(run, installed, tmp_path):
    assert run("policy", "rehearse", tmp_path / "nowhere").refuses(2, "nowhere")
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "deadline.yaml").write_text("warn: soon\n", encoding="utf-8")
    assert run("policy", "rehearse", folder).refuses(2, "deadline.yaml:1 warn")


def test_a_pilot_is_compared_with_the_rest(run, history, tmp_path, monkeypatch):
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "deadline.yaml").write_text(text + PILOT, encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path / "policy"))
    rows = {row["milestone"]: row for row in run("policy", "pilot", "premium_first", "--from", SINCE, "--json").data}
    assigned = rows["assigned"]
    assert 0 < assigned["pilot"]["n"] < assigned["rest"]["n"]
    value, low, high = assigned["difference"]
    assert low <= value <= high
    assert value == pytest.approx(assigned["pilot"]["value"] - assigned["rest"]["value"])
    assert rows["negative_told"]["verdict"] == "not enough data"
    assert "verdict" in run("policy", "pilot", "premium_first", "--from", SINCE).out
    assert run("policy", "pilot", "premium_fist").refuses(2, "did you mean premium_first?")


def test_without_scopes_there_is_no_pilot(run, installed):
    assert run("policy", "pilot", "any").refuses(2, "no scope 'any'", "deadline.yaml")
