"""The frames of a month: what is promised to every analysis."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from bihuan.analysis.month import ANSWERS, COMPLAINTS, checked, checked_answers, in_month, no_answers


def complaints(**columns: object) -> pd.DataFrame:
    """Two complaints, as a query gives them."""
    given = {name: [None, None] for name in COMPLAINTS} | {
        "number": ["C-2", "C-1"], "registered_on": [date(2026, 11, 2), date(2026, 10, 30)], "person": "", "text": "",
        "is_handled": [True, False], "is_reopened": False, "hand_offs": 0, "is_ping_pong": False,
    }  # fmt: skip
    return pd.DataFrame(given | columns)


def test_rows_come_typed_and_by_number():
    frame = checked(complaints(region=["", "华东"], is_late=[None, True], hours=[3, None]))
    assert frame["number"].tolist() == ["C-1", "C-2"]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == dict(COMPLAINTS)
    assert frame["is_late"].isna().tolist() == [False, True]


def test_an_empty_word_is_unknown_and_no_element():
    frame = checked(complaints(region=["", "华东"]))
    assert frame["region"].cat.categories.tolist() == ["华东"]
    assert frame["region"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"number": ["C-1", "C-1"]}, "twice"),
        ({"registered_on": [None, date(2026, 11, 2)]}, "registered_on is missing"),
        ({"is_late": ["perhaps", None]}, "do not"),
    ],
)
def test_a_frame_that_breaks_its_promise_is_refused(columns: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        checked(complaints(**columns))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="lacks region"):
        checked(complaints().drop(columns="region"))


def test_no_answers_are_a_frame_of_answers():
    frame = checked_answers(no_answers())
    assert (len(frame), list(frame)) == (0, list(ANSWERS))


def test_the_month_is_told_from_its_baseline_and_ends():
    days = pd.Series(pd.to_datetime(["2026-10-31", "2026-11-01", "2026-11-30"]))
    assert in_month(days, date(2026, 11, 1)).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="goes on after"):
        in_month(days, date(2026, 10, 1))
