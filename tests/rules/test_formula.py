"""What a spreadsheet program would run is told, made harmless, and brought back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.formula import begins_formula, guarded, unguarded

SIGNS = st.text(alphabet="=+-@'\t\r\n ＝＋－＠a投", max_size=6)


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "\rx", "\n=1", " =1", "＝1", "＠SUM(A1)"]
)
def test_a_text_that_runs_is_told_and_gets_a_mark(text: str):
    assert begins_formula(text)
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "投诉 - 门店", "1-2", "'quoted", "*", "#1"])
def test_other_texts_run_nothing(text: str):
    assert not begins_formula(text)


@given(SIGNS)
def test_what_was_guarded_comes_back_and_begins_with_no_sign(text: str):
    assert not begins_formula(guarded(text))
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["'Abe", "'s-Hertogenbosch", "'", "Abe"])
def test_a_name_that_begins_with_an_apostrophe_keeps_it(text: str):
    assert unguarded(text) == text
