"""Shares are held against thresholds by their intervals; bunching against the course of the bands before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bihuan.analysis.gaming import (
    BANDS,
    FIGURES,
    Thresholds,
    Verdict,
    band_counts,
    bands,
    bunching,
    judged,
)

OURS = Thresholds()
WORTH, UNREMARKABLE, TOO_FEW = Verdict.WORTH_A_LOOK, Verdict.UNREMARKABLE, Verdict.NOT_ENOUGH_DATA


def counted(*in_bands: int) -> pd.DataFrame:
    """One row of band counts, from 80..85 % to 115..120 %."""
    return pd.DataFrame([in_bands], index=["all"], columns=list(BANDS))


def judged_course(*in_bands: int) -> pd.Series:
    return bunching(counted(*in_bands), OURS).iloc[0]


@pytest.mark.parametrize(
    ("x", "n", "verdict"),
    [
        (0, 0, TOO_FEW),
        (29, 29, TOO_FEW),
        (0, 30, UNREMARKABLE),
        (10, 100, UNREMARKABLE),
        (15, 100, UNREMARKABLE),  # 0.093 to 0.233
        (20, 100, WORTH),  # 0.133 to 0.289
        (15, 148, UNREMARKABLE),
        (81, 263, WORTH),
    ],
)
def test_it_is_worth_a_look_only_where_the_whole_interval_lies_above_the_threshold(x, n, verdict):
    assert judged(pd.DataFrame({"x": [x], "n": [n]}), 0.10, OURS.min_n)["verdict"].tolist() == [verdict]


def test_the_interval_is_wilsons():
    row = judged(pd.DataFrame({"x": [81], "n": [263]}), 0.10, 30).iloc[0]
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.2553, 0.3662)  # Newcombe 1998, table I, method 3


def test_of_nothing_there_is_no_figure_and_no_verdict():
    row = judged(pd.DataFrame({"x": [0], "n": [0]}), 0.10, 30).iloc[0]
    assert row[["value", "low", "high"]].isna().all()
    assert not row["is_enough"]


@pytest.mark.parametrize(
    ("late", "band"),
    [
        (-21, 0), (-20, -4), (-16, -4), (-15, -3), (-11, -3), (-10, -2), (-6, -2), (-5, -1), (-1, -1), (0, -1),
        (1, 1), (5, 1), (6, 2), (10, 2), (15, 3), (16, 4), (20, 4), (21, 0),
    ],
)  # fmt: skip
def test_an_edge_belongs_to_the_band_nearer_to_due_and_due_itself_is_in_time(late, band):
    hour = 3_600_000_000
    assert bands(pd.Series([late * hour]), pd.Series([100 * hour])).tolist() == [band]


def test_a_microsecond_past_the_edge_is_past_it():
    hour = 3_600_000_000
    late = pd.Series([1, -5 * hour - 1, 5 * hour + 1])
    assert bands(late, pd.Series([100 * hour] * 3)).tolist() == [1, -2, 2]


def test_bands_are_counted_by_key():
    found = band_counts(["b", "a", "b", "b"], pd.Series([-1, 1, -1, 0]))
    assert list(found.index) == ["a", "b"]
    assert found.loc["b"].tolist() == [0, 0, 0, 2, 0, 0, 0, 0]
    assert found.loc["a"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


def test_a_case_counted_by_hand():
    """30 of 40; the bands before hold 24 and 20, so 25 in 46 is expected, a margin of 0.05 above it the threshold."""
    row = judged_course(30, 24, 20, 30, 10, 9, 8, 7)
    assert (row["x"], row["n"], row["value"]) == (30, 40, 0.75)
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.5880, 0.8731)  # Clopper and Pearson, tables
    assert row["expected"] == 25 / 46
    assert row["threshold"] == pytest.approx(25 / 46 + 0.05)
    assert row["verdict"] is UNREMARKABLE


@pytest.mark.parametrize(
    ("in_bands", "verdict"),
    [
        ((100, 100, 100, 100, 100, 100, 100, 100), UNREMARKABLE),  # level
        ((800, 400, 200, 100, 50, 25, 12, 6), UNREMARKABLE),  # halving from band to band
        ((6, 12, 25, 50, 100, 200, 400, 800), UNREMARKABLE),  # rising through due
        ((50, 70, 90, 100, 90, 70, 50, 30), UNREMARKABLE),  # a hump around due
        ((100, 100, 100, 180, 20, 90, 100, 100), WORTH),  # what was just missed was pulled over the line
        ((0, 0, 0, 60, 0, 0, 0, 0), WORTH),  # all of it in one band
        ((0, 0, 0, 29, 0, 0, 0, 0), TOO_FEW),
        ((0, 0, 0, 0, 0, 0, 0, 0), TOO_FEW),
    ],
)
def test_a_smooth_course_is_no_bunching_and_a_break_is(in_bands, verdict):
    assert judged_course(*in_bands)["verdict"] is verdict


def test_a_bend_too_slight_to_matter_is_none_however_certain():
    million = 1_000_000
    assert judged_course(*[million] * 3, 1_040_000, 960_000, *[million] * 3)["verdict"] is UNREMARKABLE


def test_smooth_courses_seldom_look_like_bunching():
    """A thousand draws from level and from falling courses: not more than the interval allows, one in forty."""
    chance = np.random.default_rng(7)
    for ratio in (1.0, 0.9, 0.7):
        course = 120 * ratio ** np.arange(8)
        draws = pd.DataFrame(chance.poisson(course, (1000, 8)), columns=list(BANDS))
        assert (bunching(draws, OURS)["verdict"] == WORTH).mean() <= 0.025


def test_without_data_there_are_no_rows_and_the_same_columns():
    nothing = pd.Series([], dtype="int64")
    counts = band_counts([], bands(nothing, nothing))
    assert (counts.empty, list(counts.columns)) == (True, list(BANDS))
    assert list(bunching(counts, OURS).columns) == [*FIGURES, "expected"]
    assert judged(pd.DataFrame({"x": [], "n": []}), 0.1, 30).empty


met = st.lists(st.tuples(st.sampled_from("ab"), st.integers(-300, 300), st.integers(1, 1000)), max_size=60)


@given(met, st.randoms())
def test_the_order_of_the_deadlines_does_not_matter(rows, chance):
    def counts(some):
        table = pd.DataFrame(some, columns=["key", "late", "target"]).astype({"late": "int64", "target": "int64"})
        return band_counts(table["key"], bands(table["late"], table["target"]))

    shuffled = list(rows)
    chance.shuffle(shuffled)
    pd.testing.assert_frame_equal(counts(rows), counts(shuffled))


@given(met)
def test_every_deadline_within_a_fifth_of_its_time_is_in_one_band(rows):
    found = bands(pd.Series([late for _, late, _ in rows], dtype="int64"),
                  pd.Series([target for *_, target in rows], dtype="int64"))  # fmt: skip
    for (_, late, target), band in zip(rows, found, strict=True):
        assert (band != 0) == (5 * abs(late) <= target)
        assert (band > 0) == (0 < 5 * late <= target)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_exact_interval_is_the_one_of_scipy(x, missed):
    row = judged_course(0, 0, 0, x, missed, 0, 0, 0)
    if not x + missed:
        assert row[["value", "low", "high"]].isna().all()
        return
    exact = binomtest(x, x + missed).proportion_ci(0.95, method="exact")
    assert row["low"] == pytest.approx(exact.low, abs=1e-9)
    assert row["high"] == pytest.approx(exact.high, abs=1e-9)
