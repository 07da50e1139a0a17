"""What people write into the cells of a plan table, as spreadsheet programs hand it over."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.inbound.plan_cell import Vocabulary, read_cell
from bihuan.policy.flaw import Flaw
from bihuan.rules.plan_table import Column, Kind, canonical

KNOWN = Vocabulary(
    people={"Li (li)": "li", "li": "li", "李雪 (x1)": "x1", "李雪": "x1", "007": "007"},
    words={"strength": {"strong": "strong", "强": "strong", "weak": "weak", "弱": "weak"}},
)


def read(kind: Kind, value) -> str:
    return read_cell(Column("any", kind, words="strength"), value, KNOWN)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Kind.TEXT, None, ""),
        (Kind.TEXT, "  ", ""),
        (Kind.TEXT, 12.0, "12"),
        (Kind.TEXT, datetime.fromisoformat("2026-11-30"), "2026-11-30"),
        (Kind.TEXT, " one \r\n two  ", "one\n two"),
        (Kind.NUMBER, "1,200.50", "1200.5"),
        (Kind.NUMBER, "１２", "12"),
        (Kind.NUMBER, 0.1 + 0.2, "0.3"),
        (Kind.SHARE, 0.4, "0.4"),
        (Kind.SHARE, "40%", "0.4"),
        (Kind.SHARE, "40 ％", "0.4"),
        (Kind.VALUE, -12.5, "-12.5"),
        (Kind.VALUE, "95%", "0.95"),
        (Kind.WHOLE, 4.0, "4"),
        (Kind.DAY, datetime.fromisoformat("2026-11-30T00:00"), "2026-11-30"),
        (Kind.DAY, date(2026, 11, 30), "2026-11-30"),
        (Kind.DAY, "2026/11/3", "2026-11-03"),
        (Kind.DAY, "2026年11月3日", "2026-11-03"),
        (Kind.PERSON, "Li (li)", "li"),
        (Kind.PERSON, "李雪", "x1"),
        (Kind.PEOPLE, "李雪、Li (li)；li\n007", "x1, li, 007"),
        (Kind.WORD, "强", "strong"),
        (Kind.WORD, "Strong", "strong"),
        (Kind.NUMBERS, 12, "12"),
        (Kind.NUMBERS, "3，1、 2, 1", "1, 2, 3"),
    ],
)
def test_a_cell_says_what_a_person_means(kind, value, said):
    assert read(kind, value) == said


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (Kind.TEXT, "#REF!", "broken formula"),
        (Kind.NUMBER, "#DIV/0!", "broken formula"),
        (Kind.NUMBER, "twelve", "no number"),
        (Kind.NUMBER, "nan", "no number"),
        (Kind.NUMBER, True, "no number"),
        (Kind.SHARE, 40, "no share"),
        (Kind.SHARE, "-1%", "no share"),
        (Kind.WHOLE, 2.5, "no whole number"),
        (Kind.DAY, 46000, "no day"),
        (Kind.DAY, "2026-02-30", "2026-02-30"),
        (Kind.DAY, "soon", "soon"),
        (Kind.PERSON, "Lee", "no active member of staff"),
        (Kind.PEOPLE, "li, Lee", "no active member of staff"),
        (Kind.WORD, "very strong", "none of its words"),
        (Kind.NUMBERS, "1, x", "no number"),
    ],
)
def test_a_cell_that_says_nothing_of_its_kind_has_a_reason_and_a_cure(kind, value, why):
    with pytest.raises(Flaw, match=why) as caught:
        read(kind, value)
    assert caught.value.cure


@given(st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes()),
       st.sampled_from(Kind))  # fmt: skip
def test_whatever_stands_in_a_cell_is_read_or_refused(value, kind):
    with suppress(Flaw):
        assert isinstance(read(kind, value), str)


@given(st.floats(0, 1), st.dates(date(1970, 1, 1), date(2999, 12, 31)), st.text())
def test_what_was_written_reads_back_as_what_it_was(ratio, day, text):
    assert read(Kind.SHARE, ratio) == canonical(Kind.SHARE, ratio)
    assert read(Kind.DAY, day) == canonical(Kind.DAY, day)
    if not text.strip().startswith("#"):
        assert read(Kind.TEXT, text) == canonical(Kind.TEXT, text)
