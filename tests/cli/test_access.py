"""`bihuan access list`: who saw and exported what, with what commands show and take out noted as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from bihuan.services.access import Looker, note
from bihuan.store.engine import Database
from schemas.access import Seen, Way

AT = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


@pytest.fixture
def noted(installed: str) -> None:
    """Two people looked at two complaints, a day apart."""
    db = Database(installed)
    with db.write() as session:
        for day, (code, number) in enumerate([("li", "C-1"), ("wang", "C-2"), ("li", "C-2")]):
            at = AT + timedelta(days=day)
            note(session, Looker(code, Way.SIGNED_IN), Seen.COMPLAINT, [number], f"/complaints/{number}", at)
    db.close()


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(("words", "found"), [
    ([], [("li", "C-2"), ("wang", "C-2"), ("li", "C-1")]),
    (["--complaint", "C-2"], [("li", "C-2"), ("wang", "C-2")]),
    (["--person", "li"], [("li", "C-2"), ("li", "C-1")]),
    (["--person", "li", "--complaint", "C-1"], [("li", "C-1")]),
    (["--from", "2026-11-17T01:00Z"], [("li", "C-2"), ("wang", "C-2")]),
    (["--from", "2026-11-17T01:00Z", "--to", "2026-11-18T01:00Z"], [("wang", "C-2")]),
    (["--limit", "1"], [("li", "C-2")]),
])  # fmt: skip
def test_looks_are_listed_newest_first_and_narrowed(run: Any, words: list[str], found: list[tuple[str, str]]) -> None:
    listed = run("access", "list", "--json", *words)
    assert [(row["person"], row["subject"]) for row in listed.data] == found
    assert set(listed.data[0]) == {"id", "seen_at", "person", "way", "what", "subject", "page"}
    assert "sign-in is off: who looks at the pages is not known" in listed.err


@pytest.mark.usefixtures("noted")
def test_with_sign_in_on_nothing_is_said_beside_the_list(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIHUAN_SIGN_IN", "link")
    assert run("access", "list").err == ""


@pytest.mark.usefixtures("installed")
def test_what_commands_show_and_take_out_is_noted_with_the_user_of_the_machine(run: Any, tmp_path: Path) -> None:
    number = run("complaint", "add", "--title", "x", "--json").data["number"]
    assert run("complaint", "show", number, "--json").code == 0
    assert run("complaint", "show", "C-0").code == 2
    assert run("staff", "export", tmp_path / "staff.csv").code == 0
    assert run("staff", "export", tmp_path / "all.xlsx", "--with-contacts").code == 0
    rows = run("access", "list", "--json").data
    assert {(row["person"], row["way"]) for row in rows} == {(getuser(), "command")}
    assert [(row["what"], row["subject"], row["page"]) for row in reversed(rows)] == [
        ("complaint", number, "bihuan complaint show"), ("export", "staff.csv", "bihuan staff export"),
        ("export", "all.xlsx", "bihuan staff export --with-contacts"),
    ]  # fmt: skip


def test_an_instant_that_is_none_is_refused(run: Any, installed: str) -> None:
    assert run("access", "list", "--from", "yesterday").code == 2
