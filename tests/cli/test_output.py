"""What people wrote is shown in a terminal as text: nothing in it steers the terminal."""

from __future__ import annotations

from typing import Any

import pytest

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31mred\u202egnirts\r投诉\tx"
SHOWN = "\ufffd[2J\ufffd]0;owned\ufffd\ufffd31mred\ufffdgnirts"


@pytest.mark.usefixtures("installed")
def test_no_sequence_in_a_text_reaches_the_terminal(run: Any) -> None:
    number = run("complaint", "add", "--title", EVIL, "--json").data["number"]
    for words in (("complaint", "show", number), ("complaint", "list")):
        said = run(*words)
        assert SHOWN in "".join(line.strip() for line in said.out.splitlines())
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(said.out)
        assert "投诉" in said.out
    assert run("complaint", "show", number, "--json").data["title"] == EVIL


def test_no_sequence_in_an_error_reaches_the_terminal(run: Any, installed: str) -> None:
    said = run("complaint", "show", f"C-{EVIL}")
    assert said.refuses(2, "C-")
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said.err)
