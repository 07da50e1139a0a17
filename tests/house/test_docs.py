"""Documents that cannot rot: settings, commands and make targets are compared with the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bihuan.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MANUALS, OPERATING = ("README.md", "README.zh-CN.md"), ("operate.md", "operate.zh-CN.md")
ROW = re.compile(r"^\| `BIHUAN_(?P<name>[A-Z_]+)` \| (?P<default>[^|]*) \|", re.MULTILINE)


def shown(value: object) -> str:
    """A default as the table writes it."""
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, bool):
        value = str(value).lower()
    return "–" if value in {None, ""} else f"`{value}`"


@pytest.mark.parametrize("document", OPERATING)
def test_every_setting_is_documented_with_its_default(document: str):
    rows = ROW.findall((ROOT / "docs" / document).read_text(encoding="utf-8"))
    documented = {name.lower(): default.strip() for name, default in rows}
    assert documented == {name: shown(field.default) for name, field in Settings.model_fields.items()}


def test_every_setting_says_what_it_is_for():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_list_of_commands_is_the_one_the_program_gives():
    made = subprocess.run(
        [sys.executable, "-m", "typer", "bihuan.cli.main", "utils", "docs", "--name", "bihuan"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kept = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert kept.strip() == made.strip(), "run `make docs`"


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command a document shows, in a line of its own or inside a sentence."""
    for shown_ in re.findall(r"^bihuan (.+)$|`bihuan ([^`]+)`", text, re.MULTILINE):
        yield shlex.split("".join(shown_).split(" #")[0].replace("\n", " "))


@cache
def program() -> Any:
    """All commands; to put them together takes a tenth of a second."""
    import typer.main

    from bihuan.cli.main import app

    return typer.main.get_command(app)


def command_of(words: list[str]) -> Any:
    """The command that these words name.

    Raises:
        KeyError: There is none.
    """
    command: Any = program()
    for word in words:
        if not hasattr(command, "commands"):
            break
        command = command.commands[word]
    return command


@pytest.mark.parametrize(
    "document", sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")]), ids=lambda file: file.name
)
def test_commands_shown_to_people_exist(document: Path):
    for words in commands(document.read_text(encoding="utf-8")):
        known = {option for parameter in command_of(words).params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, words


@pytest.mark.parametrize("document", MANUALS)
def test_every_make_target_stands_in(document: str):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9]+):.*## ", makefile, re.MULTILINE))
    named = set(re.findall(r"^\| `make ([a-z0-9]+)`", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE))
    assert named == targets


@pytest.mark.parametrize("folder", ["", "docs"])
def test_a_document_in_one_language_has_the_other(folder: str):
    for chinese in (ROOT / folder).glob("*.zh-CN.md"):
        english = chinese.with_name(chinese.name.replace(".zh-CN", ""))
        assert english.exists()
        headings = [
            [line.split(" ")[0] for line in file.read_text(encoding="utf-8").splitlines() if re.match("#+ ", line)]
            for file in (english, chinese)
        ]
        assert headings[0] == headings[1], f"{chinese.name}: the headings differ"


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_inside_the_house_lead_somewhere(document: Path):
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []
