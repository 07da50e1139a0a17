"""Spoilt mappings and policies: each is taken or refused with a line and a cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bihuan.errors import BihuanError
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.survey_mapping import load_survey_mapping
from bihuan.policy.loader import DEFAULTS, SECTIONS, PolicyFile, parse

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "mappings"


def sizes(short: int, long: int) -> Any:
    return pytest.mark.parametrize("count", [short, pytest.param(long, marks=pytest.mark.fuzz)])


@sizes(60, 8_000)
def test_spoilt_mappings(spoiler: Any, outcomes: Any, count: int) -> None:
    texts = [(file, file.read_text(encoding="utf-8")) for file in sorted(EXAMPLES.glob("*.yaml"))]

    def act() -> None:
        file, text = spoiler.dice.choice(texts)
        load = load_survey_mapping if "survey" in file.name else load_mapping
        load(spoiler.file("yaml", spoiler.yaml(text)))

    assert outcomes(count, act) == {"taken", "refused"}


@sizes(60, 14_000)
def test_spoilt_policies(spoiler: Any, outcomes: Any, count: int) -> None:
    texts = {section: (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8") for section in SECTIONS}

    def act() -> None:
        section = spoiler.dice.choice(SECTIONS)
        parse(section, PolicyFile(f"{section}.yaml", spoiler.yaml(texts[section])))

    assert outcomes(count, act) == {"taken", "refused"}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{", "a:\n ", "&a [", "!x ["])
def test_a_document_that_nests_without_end_is_refused(opening: str) -> None:
    with pytest.raises(BihuanError):
        parse("kpi", PolicyFile("kpi.yaml", opening.encode() * 20_000))
