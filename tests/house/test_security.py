"""The threat model cannot rot: each threat names tests that there are, the same in both languages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("security.md", "security.zh-CN.md")
BOUNDS = {"security.md": ("## Threats", "## Who saw what"), "security.zh-CN.md": ("## 威胁", "## 谁看过什么")}
"""The heading of the threat model, and the next."""


@cache
def known() -> frozenset[str]:
    """The name of every test there is."""
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(name for file in files for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))


def threats(document: str) -> list[list[str]]:
    """The tests that each line of the threat model names."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    begin, end = BOUNDS[document]
    part = text[text.index(f"\n{begin}\n") : text.index(f"\n{end}\n")]
    rows = [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [re.findall(r"`(test_\w+)`", row) for row in rows if row.split("|")[3].strip() not in {"proof", "证明"}]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_threat_names_a_test_and_each_is_there(document: str):
    named = threats(document)
    assert len(named) > 40
    assert all(named)
    assert {name for row in named for name in row} - known() == set()


def test_both_languages_prove_the_same():
    assert threats(DOCUMENTS[0]) == threats(DOCUMENTS[1])
