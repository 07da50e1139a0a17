"""Contribution: the slice that changed is named, and where none can be, none is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.analysis.cells import OTHER, UNKNOWN, Floor, Whole, cells, pooled, whole
from bihuan.analysis.contribution import Gate, Indicator, count_tests, localise
from bihuan.analysis.dispersion import dispersion, dispersion_of_contrasts, weekly
from schemas.improvement import FindingState

GATE = Gate()


def indicator(rows: list[tuple[str, int, int, int, int]], name: str = "late", dispersion: float = 1.0) -> Indicator:
    """Of rows (element, x0, n0, x1, n1) of one dimension."""
    element, happened, now = [], [], []
    for word, x0, n0, x1, n1 in rows:
        element += [word] * (n0 + n1)
        happened += [True] * x0 + [False] * (n0 - x0) + [True] * x1 + [False] * (n1 - x1)
        now += [False] * n0 + [True] * n1
    words = pd.Series(element, dtype="str").replace("", None).astype("category")
    return Indicator(name, pd.Series(happened, dtype="boolean"), pd.Series(now, dtype="bool"),
                     pd.DataFrame({"region": words}), dispersion)  # fmt: skip


CULPRIT = [("north", 200, 1000, 400, 1000), ("south", 200, 1000, 200, 1000), ("west", 300, 1500, 300, 1500)]


def row(table: pd.DataFrame, element: str) -> pd.Series:
    return table[table["element"] == element].iloc[0]


def test_the_slice_that_changed_is_localized_with_its_size():
    table = localise([indicator(CULPRIT)], GATE)
    north = table.iloc[0]
    assert (north["element"], north["state"]) == ("north", FindingState.LOCALIZED)
    assert north["size"] == pytest.approx(1000 / 3500 * 0.2)
    assert north["contribution"] == pytest.approx(1)
    assert north["low"] < north["size"] < north["high"]
    assert set(table["state"][1:]) == {FindingState.NOT_LOCALIZED}


def test_the_statistic_is_the_contrast_with_the_rest():
    north = row(localise([indicator(CULPRIT)], GATE), "north")
    own, rest = 0.4 - 0.2, 0.0
    variance = 0.2 * 0.8 / 1000 + 0.4 * 0.6 / 1000 + 2 * 0.2 * 0.8 / 2500
    assert north["z"] == pytest.approx((own - rest) / variance**0.5)


def test_scatter_between_weeks_takes_from_the_certainty():
    quiet, restless = (row(localise([indicator(CULPRIT, dispersion=phi)], GATE), "north") for phi in (1.0, 4.0))
    assert restless["z"] == pytest.approx(quiet["z"] / 2)
    assert restless["high"] - restless["low"] == pytest.approx(2 * (quiet["high"] - quiet["low"]))


def test_what_rose_everywhere_points_at_nobody():
    table = localise([indicator([(name, 100, 1000, 200, 1000) for name in "abcd"])], GATE)
    assert set(table["state"]) == {FindingState.NOT_LOCALIZED}


def test_many_small_places_together_are_a_long_tail():
    small = [(f"s{number:02}", 4, 25, 12, 25) for number in range(20)]
    table = localise([indicator([("big", 200, 2000, 200, 2000), *small])], GATE)
    assert row(table, OTHER)["state"] == FindingState.LONG_TAIL
    assert set(table["state"]) == {FindingState.LONG_TAIL, FindingState.NOT_LOCALIZED, FindingState.WITHHELD}
    assert row(table, "s00")["state"] == FindingState.WITHHELD


@pytest.mark.parametrize(
    "small",
    [("tiny", 10, 29, 29, 100), ("tiny", 10, 100, 29, 29), ("rare", 0, 24, 24, 500)],
    ids=["few before", "few now", "few expected"],
)
def test_what_is_too_small_is_withheld_however_it_looks(small: tuple[str, int, int, int, int]):
    table = localise([indicator([*CULPRIT, small])], GATE)
    found = row(table, small[0])
    assert found["state"] == FindingState.WITHHELD
    assert np.isnan(found["p"])


def test_the_unknown_counts_in_the_rest_and_is_never_named():
    table = localise([indicator([*CULPRIT[1:], ("", 200, 1000, 400, 1000)])], GATE)
    unknown = row(table, UNKNOWN)
    assert np.isnan(unknown["p"])
    assert unknown["n1"] == 1000
    assert not (table["state"] == FindingState.LOCALIZED).any()


def test_a_small_part_of_the_change_is_not_claimed_however_certain():
    many = [(f"r{number}", 200, 1000, 300, 1000) for number in range(8)]
    table = localise([indicator([*many, ("extra", 200, 1000, 400, 1000)])], GATE)
    extra = row(table, "extra")
    assert extra["q"] < 0.001
    assert extra["contribution"] < 0.25
    assert extra["state"] == FindingState.NOT_LOCALIZED


def test_an_indicator_without_enough_cases_tests_nothing():
    table = localise([indicator([("a", 1, 14, 9, 14), ("b", 2, 14, 2, 14)])], GATE)
    assert (len(table), count_tests(table)) == (0, 0)


def test_the_control_is_over_all_indicators_and_tests_that_take_part():
    alone = localise([indicator(CULPRIT)], GATE)
    extra = pd.DataFrame({"indicator": "late", "dimension": "stage", "element": list("abcdefg"), "p": 0.5})
    both = localise([indicator(CULPRIT), indicator(CULPRIT[1:], "reopened")], GATE, extra)
    assert (count_tests(alone), count_tests(both)) == (3, 3 + 2 + 7)
    north = row(both, "north")
    assert north["q"] == pytest.approx(12 * north["p"])


def test_inside_a_claimed_slice_the_pair_is_found():
    rng = np.random.default_rng(5)
    n = 20_000
    frame = pd.DataFrame({"region": rng.choice(list("abcd"), n), "product": rng.choice(list("xyz"), n)})
    is_now = pd.Series(rng.random(n) < 0.4)
    rate = np.where(is_now & (frame["region"] == "b") & (frame["product"] == "z"), 0.6, 0.2)
    events = pd.Series(rng.random(n) < rate, dtype="boolean")
    table = localise([Indicator("late", events, is_now, frame.astype("category"))], GATE)
    claimed = table[table["state"] == FindingState.LOCALIZED]
    assert {"b", "z"} == set(claimed.loc[claimed["within_dimension"] == "", "element"])
    pair = claimed[claimed["within_dimension"] != ""].iloc[0]
    assert {pair["element"], pair["within_element"]} == {"b", "z"}
    pairs = table[table["within_dimension"] != ""]
    keys = [frozenset({it.element, it.within_element}) for it in pairs.itertuples()]
    assert len(keys) == len(set(keys)) > 1


WORLD_ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", "e", ""]), st.booleans(), st.booleans()), min_size=60, max_size=200
)


def drawn(rows: list[tuple[str, bool, bool]], times: int = 1) -> Indicator:
    words, happened, now = zip(*rows * times, strict=True)
    element = pd.Series(words, dtype="str").replace("", None).astype("category")
    return Indicator("late", pd.Series(happened, dtype="boolean"), pd.Series(now, dtype="bool"),
                     pd.DataFrame({"region": element}))  # fmt: skip


@settings(max_examples=40)
@given(WORLD_ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, bool, bool]], random: object):
    first = localise([drawn(rows, 3)], GATE)
    random.shuffle(rows)
    pd.testing.assert_frame_equal(localise([drawn(rows, 3)], GATE), first)


@settings(max_examples=40)
@given(WORLD_ROWS)
def test_what_is_pooled_is_still_all_there_and_what_is_small_is_never_tested(rows: list[tuple[str, bool, bool]]):
    it = drawn(rows)
    found = cells(it.events, it.is_now, it.dimensions)
    assert found[["x0", "n0", "x1", "n1"]].sum().tolist() == list(it.everything)
    table = pooled(found, it.everything, Floor())
    small = (table["n0"] < 30) | (table["n1"] < 30)
    assert not table["is_tested"][small].any()


def test_what_is_no_case_is_not_counted():
    events = pd.Series([True, None, False, True], dtype="boolean")
    assert whole(events, pd.Series([False, False, True, True])) == Whole(1, 1, 1, 2)


def test_the_scatter_of_weeks_is_that_of_the_published_chart():
    """Laney's p' chart of the oracles: p̄ 0.0522, σ_z 6.4345 (qicharts2)."""
    x = [500, 744, 451, 513, 514, 647, 426, 556, 588, 594]
    n = [10000, 12000, 11000, 9000, 10500, 9800, 11200, 10100, 12500, 9900]
    assert dispersion(pd.DataFrame({"x": x, "n": n})) ** 0.5 == pytest.approx(6.434508432388907)


def test_a_week_that_is_bad_for_all_is_no_scatter_of_a_contrast_and_waves_of_one_element_are():
    n = np.full((12, 3), 1000.0)
    together = np.repeat([[100.0], [300.0]] * 6, 3, axis=1)
    assert dispersion_of_contrasts(together, n).tolist() == [1, 1, 1]
    alone = np.full((12, 3), 100.0)
    alone[::2, 1] = 300
    found = dispersion_of_contrasts(alone, n)
    assert found[1] > 50
    assert found[1] > found[0] == found[2]
    assert np.isnan(dispersion_of_contrasts(together[:3], n[:3])).all()


def test_an_element_that_comes_in_waves_has_to_rise_further():
    rng = np.random.default_rng(8)
    weeks = np.repeat(np.arange(16), 500)
    region = rng.choice(list("abc"), len(weeks))
    for waves, claimed in ((0.0, {"b"}), (0.15, set())):
        wave = np.where((region == "b") & (weeks < 12) & (weeks % 2 == 0), waves, 0.0)
        events = pd.Series(
            rng.random(len(weeks)) < 0.2 + wave + 0.1 * ((region == "b") & (weeks >= 12)), dtype="boolean"
        )
        mondays = pd.Series(pd.Timestamp("2026-08-03") + pd.to_timedelta(7 * weeks, unit="D"))
        frame = pd.DataFrame({"region": region}).astype("category")
        table = localise([Indicator("late", events, pd.Series(weeks >= 12), frame, 1.0, mondays)], GATE)
        assert set(table.loc[table["state"] == FindingState.LOCALIZED, "element"]) == claimed


def test_without_enough_weeks_or_any_variation_scatter_is_that_of_chance():
    assert dispersion(pd.DataFrame({"x": [1, 90, 3], "n": [100, 100, 100]})) == 1
    assert dispersion(pd.DataFrame({"x": [0] * 9, "n": [100] * 9})) == 1
    assert dispersion(pd.DataFrame({"x": [10, 11, 10, 11, 10], "n": [100] * 5})) == 1


def test_weeks_run_from_monday():
    days = pd.Series(pd.to_datetime(["2026-11-15", "2026-11-16", "2026-11-22", "2026-11-23"]))
    counts = weekly(pd.Series([True, False, True, None], dtype="boolean"), days)
    assert [str(day.date()) for day in counts.index] == ["2026-11-09", "2026-11-16"]
    assert counts.to_numpy().tolist() == [[1, 1], [1, 2]]
