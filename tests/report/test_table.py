"""Tables as CSV: what pandas writes, byte for byte."""

from __future__ import annotations

import io
from csv import reader as rows_of
from enum import StrEnum

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bihuan.report.table import csv
from bihuan.rules.formula import begins_formula, unguarded


class State(StrEnum):
    """As tables of what was tested have it."""

    CLAIMED = "claimed, or so"


CELLS = st.none() | st.text(alphabet='a",\n 投诉;', max_size=5)
TEXTS = st.text(alphabet='a",\n 投诉;', max_size=5)
ROWS = st.lists(
    st.tuples(TEXTS, CELLS, st.floats(), st.none() | st.booleans(), st.booleans(), st.integers(-9, 2**40),
              st.dates(), st.sampled_from([State.CLAIMED, "x", None, 3, 0.1])),
    max_size=6,
)  # fmt: skip


def framed(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["text", "place, or so", "hours", "is_late", "is_open", "n", "on", "state"])
    kinds = {"text": "str", "place, or so": "category", "hours": "float64", "is_late": "boolean", "is_open": "bool",
             "n": "int64", "state": "object"}  # fmt: skip
    return frame.assign(on=pd.to_datetime(frame["on"]).astype("datetime64[us]")).astype(kinds)


@given(ROWS)
def test_a_table_is_written_as_pandas_writes_it(rows: list[tuple]):
    frame = framed(rows)
    assert csv(frame).decode() == frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")


def test_a_carriage_return_stays_within_its_cell():
    frame = pd.DataFrame({"text": ["one\rtwo", "three"], "n": [1, 2]})
    assert pd.read_csv(io.BytesIO(csv(frame)), lineterminator="\n")["text"].tolist() == ["one\rtwo", "three"]


def test_a_long_table_is_whole():
    frame = pd.DataFrame({"n": np.arange(50_001), "on": pd.Timestamp("2026-10-31")})
    assert csv(frame).decode() == frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")


@given(st.lists(st.text(alphabet="=+-@'\t\r\n ＝a投,\"", min_size=1, max_size=5), min_size=1, max_size=5))
def test_no_cell_of_text_begins_like_a_formula_and_each_comes_back(texts: list[str]):
    """Columns of text, of a few codes, and of anything at all; a number below zero stays one."""
    columns = {"text": pd.Series(texts, dtype="str"), "place": pd.Series(texts, dtype="category"),
               "any": pd.Series(texts, dtype="object")}  # fmt: skip
    read = [*rows_of(io.StringIO(csv(pd.DataFrame(columns | {"=n": -1})).decode(), newline=""))]
    assert read[0][-1] == "'=n"
    for cells, text in zip(read[1:], texts, strict=True):
        assert not any(map(begins_formula, cells[:3]))
        assert [*map(unguarded, cells[:3])] == [text] * 3
        assert cells[3] == "-1"
