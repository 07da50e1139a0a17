"""What docs/verification says: every word that is stored, and figures that the code gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy.stats import binom

from bihuan.analysis.method import Why
from bihuan.analysis.readiness import n_required
from bihuan.analysis.reading import Reading
from schemas.verification import Certainty, Limitation, Method, Metric, Reach, Reason, Verdict

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = [pytest.param(DOCS / name, id=name) for name in ("verification.md", "verification.zh-CN.md")]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("words", [Method, Why, Verdict, Certainty, Reason, Limitation, Reach])
def test_every_word_that_is_stored_is_explained(page, words):
    explained = set(re.findall(r"`(\w+)`", page.read_text(encoding="utf-8")))
    assert {str(word) for word in words} <= explained


@pytest.mark.parametrize("page", PAGES)
def test_the_numbers_of_cases_are_those_the_code_asks_for(page):
    said = re.findall(r"(\d+) → (\d+) %\D*([\d,]+)", page.read_text(encoding="utf-8"))
    assert len(said) == 4
    for before, after, number in said:
        base = Reading(Metric.SHARE, float(before), 100)
        assert n_required(base, float(after) / 100) == int(number.replace(",", ""))


@pytest.mark.parametrize("page", PAGES)
def test_the_chances_of_a_figure_hitting_the_target_are_right(page):
    row = re.compile(r"^\| ([\d.]+) %[^|]*\| ([\d,]+) \| (?:\D*)([\d.]+)", re.MULTILINE)
    rows = row.findall(page.read_text(encoding="utf-8"))
    assert len(rows) == 5
    for truth, n, said in rows:
        size = int(n.replace(",", ""))
        chance = 100 * binom(size, float(truth) / 100).cdf(int(0.07 * size + 1e-9))
        assert float(said) == pytest.approx(chance, abs=0.051)
