"""The document of the plan table names every column that people may edit, and every outcome of a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.notify.words import words
from bihuan.rules.plan_table import CAUSES, MEASURES, PLAN, Became

DOCS = Path(__file__).resolve().parents[1] / "docs"
DOCUMENTS = [("plan.md", "en", ", "), ("plan.zh-CN.md", "zh", "、")]


@pytest.mark.parametrize(("document", "language", "joint"), DOCUMENTS)
def test_the_columns_that_can_be_edited_are_those_of_the_sheets(document, language, joint):
    text, said = (DOCS / document).read_text(encoding="utf-8"), words(language)["plan_table"]
    for sheet in (PLAN, MEASURES, CAUSES):
        heads = joint.join(said[f"head_{column.key}"] for column in sheet.columns if column.is_editable)
        assert f"| {said[f'sheet_{sheet.name}']} | {heads}" in text


@pytest.mark.parametrize("document", ["plan.md", "plan.zh-CN.md"])
def test_every_outcome_of_a_cell_is_explained(document):
    text = (DOCS / document).read_text(encoding="utf-8")
    assert all(f"| `{became}` |" in text for became in Became)
