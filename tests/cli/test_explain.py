"""``bihuan explain``: why a deadline is due when it is, why it spoke and why it was silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.clock import fixed
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.services.complaint import record, register
from bihuan.settings import settings
from bihuan.store.engine import Database
from schemas.complaint import ComplaintIn, EventIn, EventKind

FRIDAY = "2026-02-13T17:30+08:00"
"""Before the Spring Festival; the Saturday after it is a make-up working day."""


@pytest.fixture
def number(run: Callable[..., Any], installed: str) -> str:
    """A general complaint of that Friday."""
    return str(run("complaint", "add", "--title", "屏幕碎了", "--at", FRIDAY, "--json").data["number"])


@pytest.fixture
def db(installed: str) -> Iterator[Database]:
    """What the commands use, for what they cannot record."""
    database = Database(installed)
    yield database
    database.close()


def own_policy(folder: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Another target in place of two hours."""
    own, shipped = folder / "policy", (DEFAULTS / "deadline.yaml").read_text("utf-8")
    own.mkdir()
    changed = shipped.replace("{target: 2h, clock: business}", f"{{target: {target}, clock: business}}")
    (own / "deadline.yaml").write_text(changed, "utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(own))


def one(run: Callable[..., Any], number: str, milestone: str) -> Any:
    (deadline,) = run("explain", number, "--milestone", milestone, "--json").data["deadlines"]
    return deadline


def test_it_names_start_frames_make_up_day_and_the_line_of_the_policy(run, number):
    said = run("explain", number, "--milestone", "first_response", "--language", "zh").out
    line = 1 + next(n for n, text in enumerate((DEFAULTS / "deadline.yaml").read_text("utf-8").splitlines())
                    if text.startswith("  first_response:"))  # fmt: skip
    for words in (
        "由“受理登记”起算：2026-02-13 17:30 +08:00",
        "2026-02-13 周五 17:30–18:00：计 30 分钟",
        "2026-02-14 周六 09:00–10:30：计 1 小时 30 分钟",
        "2026-02-14：调休上班日，照常计",
        "截止 2026-02-14 10:30 +08:00",
        "重新计算得到同一时刻",
    ):
        assert words in said
    told = int(said.split("deadline.yaml:")[1].split()[0])
    assert told > line
    assert "general: {target: 2h" in (DEFAULTS / "deadline.yaml").read_text("utf-8").splitlines()[told - 1]


def test_it_says_the_same_in_english(run, number):
    said = run("explain", number, "--language", "en").out
    assert said.count("Counted once more: the same instant") == 3
    assert "make-up working day, counted" in said
    assert "Every hour counts, on holidays too" in said


def test_json_has_every_fact(run, number):
    deadline = one(run, number, "assigned")
    assert deadline["started_by"] == "registered"
    assert sum(frame["used_seconds"] for frame in deadline["explanation"]["frames"]) == deadline["target_seconds"]
    assert deadline["explanation"]["counted_due_at"] == deadline["due_at"] == deadline["derived_due_at"]
    assert (deadline["calendar"], deadline["explanation"]["years"]) == ("china", {"2026": True})
    assert deadline["policy_line"].endswith("milestones.assigned.severity.general")


def test_a_breach_says_whom_it_told_and_silence_says_why(run, number):
    run("complaint", "record", number, "assigned", "--at", "2026-02-14T09:05+08:00")
    run("run", "sla-check", "--at", "2026-02-14T11:00+08:00")
    assert [step["fate"] for step in one(run, number, "assigned")["steps"]] == ["ended_before", "ended_before"]
    warning, breach = one(run, number, "first_response")["steps"]
    assert (warning["fate"], breach["fate"]) == ("overtaken", "told")
    assert [message["state"] for message in breach["messages"]] == ["planned"]
    said = run("explain", number, "--milestone", "first_response", "--language", "en").out
    assert "decided together with a later step" in said
    assert "Message to" in said


def test_a_notice_that_reached_nobody_says_so(run, number):
    run("run", "sla-check", "--at", "2026-02-14T11:00+08:00")
    run("run", "outbox-delivery", "--at", "2026-02-14T11:01+08:00")
    assert "(nobody reachable)" in run("explain", number, "--language", "en").out
    assert "（没有可以送达的人）" in run("explain", number, "--language", "zh").out


def test_a_deadline_of_an_older_policy_is_explained_by_the_line_that_set_it(run, number, tmp_path: Path, monkeypatch):
    before = one(run, number, "first_response")
    own_policy(tmp_path, monkeypatch, "4h")
    deadline = one(run, number, "first_response")
    assert deadline["policy_line"] == before["policy_line"]
    assert "milestones.first_response.severity.general" in deadline["policy_line"]
    assert deadline["explanation"]["is_confirmed"]
    assert deadline["derived_due_at"] == deadline["due_at"] == before["due_at"]


def test_a_pause_is_told_with_its_reason_and_what_it_moved(run, number, db):
    for kind, hour, data in ((EventKind.WAITING, 2, {"reason": "photos"}), (EventKind.RESUMED, 5, {})):
        at = datetime(2026, 2, 14, hour, tzinfo=UTC)
        with db.write() as session:
            record(session, load_policy(None), fixed(at), number, EventIn(kind=kind, occurred_at=at, data=data))
    deadline = one(run, number, "handled")
    assert [(it["reason"], it["moved_seconds"]) for it in deadline["explanation"]["pauses"]] == [("photos", 3 * 3600)]
    assert deadline["explanation"]["is_confirmed"]
    assert "(photos): due 3 h later" in run("explain", number, "--language", "en").out


def test_a_promised_instant_is_called_one(run, installed, db):
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    complaint = ComplaintIn(source="test", registered_at=at, deadlines={"handled": at + timedelta(days=2)})
    with db.write() as session:
        number = register(session, load_policy(None), settings(), fixed(at), complaint)
    deadline = one(run, number, "handled")
    assert (deadline["target_seconds"], deadline["explanation"]["counted_due_at"]) == (None, None)
    assert "The source promised the due instant" in run("explain", number, "--language", "en").out


def test_many_frames_are_cut_short_and_summed(run, installed, tmp_path: Path, monkeypatch):
    own_policy(tmp_path, monkeypatch, "80h")
    number = run("complaint", "add", "--title", "it", "--at", "2026-03-02T09:00+08:00", "--json").data["number"]
    said = run("explain", number, "--milestone", "first_response", "--language", "en").out
    assert "… 10 more frames in between, 40 h together" in said
    assert "Frames: 20 on 10 days, 80 h together" in said
    assert said.count("h counted\n") == 10


def test_a_correction_is_told_beside_the_breach(run, number):
    run("run", "sla-check", "--at", "2026-02-14T11:00+08:00")
    run("complaint", "record", number, "responded", "--at", "2026-02-14T10:00+08:00")
    said = run("explain", number, "--milestone", "first_response", "--language", "en").out
    assert "Breach decided 2026-02-14 11:00 +08:00" in said
    assert "Met 2026-02-14 10:00 +08:00, 30 min before due" in said
    assert "the breach stays on record" in said


def test_what_does_not_exist_is_refused_with_a_cure(run, number):
    assert run("explain", "nothing").refuses(2, "nothing")
    assert run("explain", number, "--milestone", "nothing").refuses(2, "no deadline 'nothing'")
