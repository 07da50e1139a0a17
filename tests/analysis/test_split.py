"""A change taken apart: nothing is left over."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis.cells import Whole
from bihuan.analysis.split import split, split_count

ROW = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)).map(
    lambda it: (min(it[:2]), max(it[:2]), min(it[2:]), max(it[2:]))
)
TABLES = st.lists(ROW, min_size=1, max_size=8).filter(lambda rows: all(sum(row[at] for row in rows) for at in (1, 3)))


def table(rows: list[tuple[int, int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["x0", "n0", "x1", "n1"])


def test_the_kidney_stones_are_split_as_published():
    """Charig et al., BMJ 292, 1986: open surgery against percutaneous, by size of the stone; see Julious & Mullee."""
    found = split(table([(234, 270, 81, 87), (55, 80, 192, 263)]))
    assert found["rate"].sum() == pytest.approx(0.0536712, abs=1e-7)
    assert found["mix"].sum() == pytest.approx(-0.0993855, abs=1e-7)
    assert found.to_numpy().sum() == pytest.approx(-0.0457143, abs=1e-7)


@given(TABLES)
def test_rate_and_mix_add_up_to_the_change(rows: list[tuple[int, int, int, int]]):
    given_rows = table(rows)
    sums = given_rows.sum()
    change = sums["x1"] / sums["n1"] - sums["x0"] / sums["n0"]
    assert split(given_rows).to_numpy().sum() == pytest.approx(change, abs=1e-12)


@given(TABLES)
def test_volume_and_rate_add_up_to_the_change_of_the_count(rows: list[tuple[int, int, int, int]]):
    everything = Whole(*table(rows).sum().astype("float64"))
    assert sum(split_count(everything)) == pytest.approx(everything.x1 - everything.x0, abs=1e-9)


def test_a_new_element_is_all_mix():
    found = split(table([(10, 100, 10, 100), (0, 0, 50, 100)]))
    assert found["rate"].tolist() == [0, 0]
    assert found["mix"].sum() == pytest.approx(0.2)


def test_a_shift_towards_the_worse_element_is_mix_and_not_rate():
    found = split(table([(10, 100, 30, 300), (150, 300, 50, 100)]))
    assert found["rate"].tolist() == pytest.approx([0, 0])
    assert found["mix"].sum() < 0
