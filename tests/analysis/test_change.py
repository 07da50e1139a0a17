"""Where a change comes from, and whether a measure made it: published answers, and sums that must come out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import decompose, did, its
from bihuan.analysis.did import Cell, Mean
from bihuan.analysis.pareto import is_applicable, pareto, vital_few

SICILY = json.loads((Path(__file__).parents[1] / "data" / "sicily.json").read_text(encoding="utf-8"))
SERIES = SICILY["episodes"], SICILY["population"], SICILY["ban"]
CELL = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
STRATA = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8).filter(
    lambda rows: all(sum(row[group][1] for row in rows) for group in (0, 1))
)


def strata(rows: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(decompose.STRATA))


KIDNEY = strata({"small": (81, 87, 234, 270), "large": (192, 263, 55, 80)})


def test_kidney_stones_split_into_better_treatment_and_harder_cases():
    found = decompose.kitagawa(KIDNEY)
    assert (found.total, found.rate, found.mix) == pytest.approx((-0.0457143, 0.0536712, -0.0993855), abs=5e-8)


def test_kidney_stones_are_reversed_completely():
    found = decompose.simpson(KIDNEY)
    assert (found.first_higher, found.second_higher, found.is_reversal) == (["small", "large"], [], True)


@given(STRATA)
def test_a_split_leaves_no_remainder_also_where_strata_come_or_go(rows):
    found = decompose.kitagawa(strata({str(at): (*first, *second) for at, (first, second) in enumerate(rows)}))
    assert found.rate + found.mix == pytest.approx(found.total, abs=1e-12)
    assert found.by_stratum.sum().tolist() == pytest.approx([found.rate, found.mix], abs=1e-12)


@given(STRATA)
def test_the_same_rates_in_all_strata_leave_only_mix(rows):
    sizes = [(first[1], second[1]) for first, second in rows]
    same = strata({str(at): (one, one * 2, other, other * 2) for at, (one, other) in enumerate(sizes)})
    assert decompose.kitagawa(same).rate == pytest.approx(0, abs=1e-12)
    assert not decompose.simpson(same).is_partial


@given(st.floats(0, 1e4), st.floats(1, 1e5), st.floats(0, 1e4), st.floats(1, 1e5))
def test_more_complaints_are_more_volume_or_a_higher_rate_and_nothing_else(x1, n1, x2, n2):
    found = decompose.volume_rate(x1, n1, x2, n2)
    assert found.volume + found.rate == pytest.approx(found.total, abs=1e-6)


def test_eighty_per_cent_reached_exactly_is_reached():
    counts = pd.Series({"price": 80, "schedule": 27, "supplier": 66, "contact": 94, "part": 33})
    ranked = pareto(counts)
    assert vital_few(ranked) == ["contact", "price", "supplier"]
    assert ranked["cumulative_share"].tolist() == pytest.approx([0.3133, 0.58, 0.80, 0.91, 1], abs=5e-5)
    assert is_applicable(ranked)
    assert ((ranked["low"] < ranked["share"]) & (ranked["share"] < ranked["high"])).all()


def test_counts_spread_out_have_no_vital_few():
    assert not is_applicable(pareto(pd.Series(dict.fromkeys("abcdefghij", 10))))
    assert pareto(pd.Series(dtype="int64")).empty
    assert vital_few(pareto(pd.Series({"a": 0}))) == []


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), min_size=1, max_size=20))
def test_the_vital_few_are_the_fewest_that_reach_the_mark(counts):
    ranked = pareto(pd.Series(counts, dtype="int64"))
    few = vital_few(ranked)
    total = sum(counts.values())
    if total:
        assert sum(counts[name] for name in few) * 5 >= total * 4
        assert sum(counts[name] for name in few[:-1]) * 5 < total * 4
        assert ranked["count"].is_monotonic_decreasing


def test_the_smoking_ban_is_found_only_with_trend_and_season():
    """The published intervals, and the sign that naive comparison turns around (IMPROVEMENT 3.6)."""
    naive = its.before_after(*SERIES)
    assert naive[:3] == pytest.approx((1.0338, 1.0153, 1.0527), abs=5e-5)
    level = its.step(*SERIES)
    assert (level.ratio, level.low, level.high) == pytest.approx((0.8944, 0.8392, 0.9532), abs=5e-5)
    assert level.dispersion == pytest.approx(3.5592, abs=5e-5)
    season = its.step(*SERIES, its.Model(harmonics=2))
    assert (season.ratio, season.low, season.high) == pytest.approx((0.8851, 0.8394, 0.9332), abs=5e-5)
    assert season.dispersion < level.dispersion


def test_points_taken_as_poisson_claim_more_than_they_know():
    quasi, poisson = its.step(*SERIES), its.step(*SERIES, its.Model(is_quasi=False))
    assert poisson.ratio == pytest.approx(quasi.ratio)
    assert poisson.high - poisson.low < 0.6 * (quasi.high - quasi.low)


def test_a_planted_drop_of_the_odds_is_found_through_trend_and_season():
    month = np.arange(36)
    after = month >= 24
    odds = np.exp(-2 + 0.01 * month + 0.2 * np.sin(2 * np.pi * month / 12) - 0.5 * after)
    n = np.full(36, 5000)
    x = np.random.default_rng(3).binomial(n, odds / (1 + odds))
    found = its.step(x, n, after, its.Model("binomial", harmonics=1))
    assert found.low < np.exp(-0.5) < found.high
    assert 0.05 < found.high - found.low < 0.15
    assert its.before_after(x, n, after).ratio > found.ratio


def test_a_changed_slope_is_told_from_a_step():
    month = np.arange(48)
    after = month >= 24
    mean = 400 * np.exp(-0.02 * (month - 24) * after)
    found = its.step(np.random.default_rng(4).poisson(mean), np.ones(48), after, its.Model(has_slope=True))
    assert found.slope == pytest.approx(np.exp(-0.02), abs=0.006)
    assert found.low < 1 < found.high


def test_too_few_points_for_a_season_are_refused():
    with pytest.raises(ValueError, match="too few"):
        its.step([1, 2, 3, 4, 5, 6], [1] * 6, [0, 0, 0, 1, 1, 1], its.Model(harmonics=2))
    with pytest.raises(ValueError, match="before and after"):
        its.step([1, 2, 3, 4, 5, 6], [1] * 6, [1] * 6)


def test_new_jersey_gained_what_card_and_krueger_printed():
    found = did.of_means(Mean(20.44, 0.51), Mean(21.03, 0.52), Mean(23.33, 1.35), Mean(21.17, 0.94))
    assert found.value == pytest.approx(2.75)
    assert found.low < 0.05 < found.high  # their standard error of 1.36 comes from panels; independent samples say 1.80
    alone = did.of_means(Mean(20.44), Mean(21.03), Mean(23.33), Mean(21.17))
    assert (alone.value, np.isnan(alone.low)) == (found.value, True)


def test_what_improved_everywhere_is_nobodys_merit():
    before, after = Cell(500, 5000), Cell(350, 5000)
    found = did.of_rates(before, after, before, after)
    assert found.value == 0
    assert found.low < 0 < found.high
    assert did.of_rates(before, after, before, Cell(500, 5000)).high < 0


def test_an_over_dispersed_series_widens_the_interval_by_its_root():
    cells = Cell(50, 500), Cell(40, 500), Cell(45, 500), Cell(50, 500)
    narrow, wide = did.of_rates(*cells), did.of_rates(*cells, dispersion=4)
    assert wide.high - wide.low == pytest.approx(2 * (narrow.high - narrow.low))
    assert did.of_rates(*cells, dispersion=0.2) == narrow
