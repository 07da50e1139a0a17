"""``policy apply``, ``policy history`` and ``calendar update``: what they print, keep, ask, and leave alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bihuan.clock import wall_clock
from bihuan.policy.loader import DEFAULTS
from bihuan.settings import settings
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from schemas.deadline import Deadline
from schemas.policy import PolicyEdition

SHANGHAI = ZoneInfo("Asia/Shanghai")
LISTED = {"number", "milestone", "round", "leg", "old_due_at", "new_due_at"}


@pytest.fixture
def folder(tmp_path: Path, installed: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The policy directory of an upgraded installation."""
    folder = tmp_path / "my-policy"
    folder.mkdir()
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(folder))
    return folder


@pytest.fixture
def number(folder: Path, run: Callable[..., Any]) -> str:
    """A complaint that came in now."""
    return run("complaint", "add", "--title", "重复扣款", "--json").data["number"]


@pytest.fixture
def kept(installed: str) -> Iterator[Callable[[], tuple[list[Any], list[Any]]]]:
    """Every deadline, and every edition."""
    db = Database(installed)

    def rows() -> tuple[list[Any], list[Any]]:
        with db.read() as session:
            return tuple(list(session.execute(select(table_of(table)).order_by(table.id)))
                         for table in (Deadline, PolicyEdition))  # fmt: skip

    yield rows
    db.close()


def edit(folder: Path, old: str = "target: 48h", new: str = "target: 24h") -> None:
    """Another time for handling general complaints."""
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    (folder / "deadline.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def closing(tmp_path: Path) -> Path:
    """A notice that closes the house today and for ten days more."""
    today = wall_clock().astimezone(SHANGHAI).date()
    days = {str(today + timedelta(days=more)): "盘点" for more in range(11)}
    file = tmp_path / "closing.json"
    file.write_text(json.dumps({"closures": days}, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody sits at a terminal and answers."""

    def answers(word: str) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: word == "y")

    return answers


# --- policy apply ---


def test_apply_lets_the_files_count_and_moves_nothing_that_is_open(run, folder, number, kept):
    edit(folder)
    before = kept()
    done = run("policy", "apply", "--json")
    assert (done.code, done.data) == (0, {"new_sections": ["deadline"], "moved": 0, "deadlines": []})
    after = kept()
    assert (after[0], len(after[1])) == (before[0], len(before[1]) + 1)
    assert run("policy", "apply", "--json").data["new_sections"] == []


def test_apply_to_open_lists_what_it_moved_from_when_to_when(run, folder, number, kept):
    edit(folder)
    done = run("policy", "apply", "--open", "--yes", "--json")
    assert (done.code, done.data["new_sections"], done.data["moved"]) == (0, ["deadline"], 1)
    [moved] = done.data["deadlines"]
    assert set(moved) == LISTED
    assert (moved["number"], moved["milestone"], moved["round"], moved["leg"]) == (number, "handled", 1, 0)
    old, new = (datetime.fromisoformat(moved[name]) for name in ("old_due_at", "new_due_at"))
    assert old - new == timedelta(hours=24)
    assert new in {row.due_at for row in kept()[0]}
    assert run("policy", "apply", "--open", "--json").data["moved"] == 0


def test_a_preview_shows_what_would_move_and_keeps_nothing(run, folder, number, kept):
    edit(folder)
    before = kept()
    done = run("policy", "apply", "--open", "--preview", "--json")
    assert (done.code, done.data["moved"], done.err) == (0, 1, "nothing was changed\n")
    assert run("policy", "apply", "--preview", "--json").data["new_sections"] == ["deadline"]
    assert kept() == before


def test_where_nobody_can_be_asked_nothing_moves_without_yes(run, folder, number, kept):
    edit(folder)
    before = kept()
    done = run("policy", "apply", "--open")
    assert (done.code, done.err) == (3, "nothing was changed; --yes applies it\n")
    assert number in done.out
    assert kept() == before


@pytest.mark.parametrize(("word", "code", "moved"), [("y", 0, True), ("n", 3, False)])
def test_at_a_terminal_it_asks(run, folder, number, kept, terminal, word, code, moved):
    edit(folder)
    terminal(word)
    before = kept()
    assert run("policy", "apply", "--open").code == code
    assert (kept() != before) is moved


def test_json_stays_json_at_a_terminal(run, folder, number, terminal):
    edit(folder)
    terminal("y")
    assert run("policy", "apply", "--open", "--json").data["moved"] == 1


def test_where_nothing_would_move_nobody_is_asked(run, folder, number, kept):
    edit(folder, "late_after: 15min", "late_after: 20min")
    assert run("policy", "apply", "--open", "--json").code == 0
    assert kept()[1][-1].applied_at is not None


def test_a_broken_file_is_refused_before_anything_is_kept(run, folder, number, kept):
    before = kept()
    edit(folder, "target: 48h", "target: soon")
    assert run("policy", "apply", "--open", "--yes").refuses(2, f"{folder}/deadline.yaml:", "'soon' is not a span")
    assert kept() == before


# --- policy history ---


def test_history_lists_every_edition_oldest_first(run, folder, number):
    edit(folder)
    run("policy", "apply", "--open", "--yes")
    rows = run("policy", "history", "--json").data
    assert [row["section"] for row in rows] == [
        "calendar",
        "deadline",
        "escalation",
        "survey",
        "routing",
        "kpi",
        "improvement",
        "trend",
        "retention",
        "deadline",
    ]
    assert {"version", "file", "recorded_at", "effective_at", "applied_at", "moved"} <= set(rows[-1])
    assert (rows[-1]["moved"], rows[-1]["file"], rows[1]["applied_at"]) == (1, "deadline.yaml", None)
    assert "text" not in rows[-1]
    said = run("policy", "history").out
    assert all(row["version"] in said for row in rows)


def test_before_the_first_complaint_there_is_no_history(run, folder):
    assert run("policy", "history", "--json").data == []
    assert run("policy", "history").err == "nothing\n"


def test_what_an_edition_moved_can_be_listed_afterwards(run, folder, number):
    edit(folder)
    told = run("policy", "apply", "--open", "--yes", "--json").data["deadlines"]
    newest = run("policy", "history", "--json").data[-1]["id"]
    assert run("policy", "moved", newest, "--json").data == told


@pytest.mark.parametrize(
    ("edition", "said"), [(1, "calendar"), (2, "was not applied"), (4, "no edition 4"), (99, "99")]
)
def test_an_edition_that_moved_nothing_says_why(run, folder, number, edition, said):
    done = run("policy", "moved", edition, "--json")
    if said == "calendar":
        assert (done.code, done.data) == (0, [])
    else:
        assert done.refuses(2, said, "see `bihuan policy ")


# --- calendar update ---


def test_a_notice_is_kept_in_the_policy_directory_and_moves_what_is_open(run, folder, number, kept, closing):
    done = run("calendar", "update", closing, "--json")
    assert (done.code, done.data["new_sections"], done.data["moved"]) == (0, ["calendar"], 2)
    assert {moved["milestone"] for moved in done.data["deadlines"]} == {"assigned", "first_response"}
    assert all(moved["new_due_at"] > moved["old_due_at"] for moved in done.data["deadlines"])
    assert (folder / "calendar.d" / "closing.json").read_bytes() == closing.read_bytes()
    assert [file.name for file in (folder / "calendar.d").iterdir()] == ["closing.json"]
    assert kept()[1][-1].moved == 2


def test_the_same_notice_again_moves_nothing(run, folder, number, kept, closing):
    run("calendar", "update", closing)
    before = kept()
    assert run("calendar", "update", closing, "--json").data == {"new_sections": [], "moved": 0, "deadlines": []}
    assert run("calendar", "update", folder / "calendar.d" / "closing.json", "--json").data["moved"] == 0
    assert kept() == before


def test_for_reading_it_is_a_line_a_deadline(run, number, closing):
    said = run("calendar", "update", closing).out
    assert "moved         2\n" in said
    assert said.count(number) == 2


def test_a_previewed_notice_is_nowhere_at_any_moment(run, folder, number, kept, closing, monkeypatch):
    """A sweep that came by while it lay there would take it in."""
    before = kept()
    monkeypatch.setattr(Path, "write_bytes", lambda *_: pytest.fail("a preview writes no file"))
    done = run("calendar", "update", closing, "--preview", "--json")
    assert (done.code, done.data["moved"]) == (0, 2)
    assert (kept(), list(folder.iterdir())) == (before, [])


def test_what_was_put_there_by_hand_is_taken_in_without_a_file(run, folder, number, closing):
    (folder / "calendar.d").mkdir()
    (folder / "calendar.d" / "ours.json").write_bytes(closing.read_bytes())
    assert run("calendar", "update", "--preview", "--json").data["moved"] == 2
    assert run("calendar", "update", "--json").data["moved"] == 2


def test_it_may_be_told_which_calendar_it_is_for(run, folder, number, closing):
    calendars = json.loads(json.dumps({"default": "china", "calendars": {}}))
    week = {"mon": [["09:00", "18:00"]]}
    calendars["calendars"] = {name: {"timezone": "Asia/Shanghai", "weekly": week} for name in ("china", "works")}
    (folder / "calendar.yaml").write_text(json.dumps(calendars), encoding="utf-8")
    run("policy", "apply")
    assert run("calendar", "update", closing, "--calendar", "works", "--json").data["moved"] == 0
    shown = run("calendar", "show", wall_clock().astimezone(SHANGHAI).year, "--calendar", "works", "--json").data
    assert "盘点" in {day["name"] for day in shown["days"]}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("2027.yaml", "years:\n  2027:\n    off_days: [2027-02-30]\n", "2027.yaml:3 years.2027.off_days.2027-02-30"),
        ("2027.yaml", "calendar: chian\nyears: {}\n", "2027.yaml:1 calendar: unknown calendar 'chian'"),
        ("2027.json", '{"years": {\n"2027": ]}', "2027.json:2: is not YAML"),
        ("2027.txt", "years: {}\n", "2027.txt is not a notice"),
        ("2027.yaml", None, "2027.yaml cannot be read: No such file or directory"),
    ],
)
def test_a_bad_notice_is_refused_and_leaves_nothing_behind(run, folder, tmp_path, number, kept, name, text, said):
    file = tmp_path / name
    if text is not None:
        file.write_text(text, encoding="utf-8")
    before = kept()
    for more in ((), ("--preview",)):
        assert run("calendar", "update", file, *more).refuses(2, f"{tmp_path}/{said}")
    assert (kept(), list(folder.iterdir())) == (before, [])


def test_a_bad_notice_leaves_the_one_of_its_name_as_it_was(run, folder, number, closing):
    run("calendar", "update", closing)
    good = closing.read_bytes()
    closing.write_text("{", encoding="utf-8")
    assert run("calendar", "update", closing).code == 2
    assert (folder / "calendar.d" / "closing.json").read_bytes() == good


def test_one_that_cannot_be_put_there_is_not_taken_in_either(run, folder, number, kept, closing):
    (folder / "calendar.d").mkdir()
    (folder / "calendar.d" / ".closing.json").mkdir()  # where it would be written first
    before = kept()
    assert run("calendar", "update", closing).refuses(2, "cannot be written", "may be written")
    assert kept() == before


def test_a_database_that_is_not_there_takes_nothing_in_and_keeps_no_file(run, folder, closing, monkeypatch, tmp_path):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    assert run("calendar", "update", closing).refuses(3, "`bihuan db upgrade`")
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("installed")
def test_without_a_policy_directory_there_is_nowhere_to_keep_it(run, closing):
    assert run("calendar", "update", closing).refuses(2, "no policy directory", "BIHUAN_POLICY_DIR")


@pytest.mark.usefixtures("installed")
def test_a_policy_directory_that_is_not_there_is_not_made(run, closing, monkeypatch, tmp_path):
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path / "absent"))
    assert run("calendar", "update", closing).refuses(2, "cannot be read: No such file or directory")
    assert not (tmp_path / "absent").exists()
    assert settings().policy_dir == tmp_path / "absent"
