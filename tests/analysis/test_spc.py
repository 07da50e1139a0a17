"""Control charts: textbook charts, what must hold of any, and how often a healthy process alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import cusum, nelson, run_length, runs, spc

ORANGE_JUICE = [
    12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6,
]  # fmt: skip
CIRCUIT = [21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15]
CLOTH = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23], [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5]
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
CONCENTRATION = [
    102.0, 94.8, 98.3, 98.4, 102.0, 98.5, 99.0, 97.7, 100.0, 98.1, 101.3, 98.7, 101.1, 98.4, 97.0, 96.7, 100.3, 101.4,
    97.2, 101.0,
]  # fmt: skip
SHIFTED = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62,
    10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip
SERIES = st.lists(st.tuples(st.integers(0, 400), st.integers(400, 900)), min_size=2, max_size=30)


def out(chart: spc.Chart) -> list[int]:
    return (np.flatnonzero(chart.is_out) + 1).tolist()


def test_orange_juice_cans_are_as_montgomery_charts_them():
    chart = spc.p_chart(ORANGE_JUICE, 50)
    assert (chart.center, chart.low[0], chart.high[0]) == pytest.approx((0.2313, 0.05243, 0.41024), abs=5e-5)
    assert out(chart) == [15, 23]


def test_limits_are_made_anew_without_the_samples_whose_cause_is_known():
    baseline = ~np.isin(np.arange(1, 31), [15, 23])
    chart = spc.p_chart(ORANGE_JUICE, 50, baseline=baseline)
    assert (chart.center, chart.low[0], chart.high[0]) == pytest.approx((0.215, 0.0407, 0.3893), abs=5e-5)
    assert out(chart) == [15, 21, 23]


def test_the_same_in_numbers_of_cans():
    chart, shares = spc.np_chart(ORANGE_JUICE, 50), spc.p_chart(ORANGE_JUICE, 50)
    assert (chart.center, chart.high[0]) == pytest.approx((50 * shares.center, 50 * shares.high[0]))
    assert out(chart) == out(shares)


def test_circuit_boards_are_as_montgomery_charts_them():
    chart = spc.c_chart(CIRCUIT)
    assert (chart.center, chart.low[0], chart.high[0]) == pytest.approx((19.846, 6.481, 33.211), abs=5e-4)
    assert out(chart) == [6, 20]


def test_dyed_cloth_has_limits_of_its_own_for_every_roll():
    chart = spc.u_chart(*CLOTH)
    assert (chart.center, chart.low[0], chart.high[0]) == pytest.approx((1.4233, 0.2915, 2.5550), abs=5e-5)
    assert chart.high[9] < chart.high[0] < chart.high[1]
    assert out(chart) == []


def test_flow_rates_are_as_nist_charts_them():
    found = spc.individuals(FLOW)
    assert (found.chart.center, found.moving_range) == pytest.approx((50.81, 1.8778), abs=5e-5)
    assert (found.chart.low[0], found.chart.high[0]) == pytest.approx((45.816, 55.804), abs=5e-4)
    assert found.chart.is_trial


def test_concentrations_are_as_montgomery_and_runger_chart_them():
    found = spc.individuals(CONCENTRATION)
    assert (found.chart.center, found.moving_range) == pytest.approx((99.095, 2.59), abs=5e-3)
    summed = cusum.tabular(CONCENTRATION, 99, slack=1, decision=10)
    assert not (summed.is_high | summed.is_low).any()
    assert summed.high[:5] == pytest.approx([2, 0, 0, 0, 2])
    assert summed.low[:5] == pytest.approx([0, 3.2, 2.9, 2.5, 0])
    assert summed.low_run[:5].tolist() == [0, 1, 2, 3, 0]


def test_a_shift_of_one_sigma_is_found_by_sums_where_no_point_stands_out():
    """Montgomery, Introduction to Statistical Quality Control, tables 9.1 and 9.2."""
    found = cusum.tabular(SHIFTED, 10, slack=0.5, decision=5)
    assert (np.flatnonzero(found.is_high) + 1).tolist() == [29, 30]
    assert (found.high[28], found.high_run[28]) == (pytest.approx(5.28), 7)
    assert not (np.abs(np.array(SHIFTED) - 10) > 3).any()


def test_a_moving_average_finds_the_same_shift():
    """Montgomery, section 9.2: lambda 0.10, L 2.7."""
    found = cusum.ewma(SHIFTED, 0.1, 2.7, 10, 1)
    assert found.average[:3] == pytest.approx([9.945, 9.7495, 9.70355])
    assert (found.low[0], found.high[0]) == pytest.approx((9.73, 10.27))
    assert found.average[-2:] == pytest.approx([10.6468, 10.6341], abs=5e-5)
    assert (np.flatnonzero(found.is_out) + 1).tolist() == [29, 30]


def test_large_counts_flag_nearly_every_month_unless_limits_are_laneys():
    months = [500, 744, 451, 513, 514, 647, 426, 556, 588, 594], [
        10000, 12000, 11000, 9000, 10500, 9800, 11200, 10100, 12500, 9900,
    ]  # fmt: skip
    assert out(spc.p_chart(*months)) == [2, 3, 6, 7, 10]
    wide = spc.laney_p(*months)
    assert (out(wide), wide.sigma_z) == ([], pytest.approx(6.4345, abs=5e-5))


@given(SERIES)
def test_laneys_limits_are_never_narrower_and_the_same_where_sigma_z_is_one_or_less(rows):
    x, n = np.array(rows).T
    plain, wide = spc.p_chart(x, n), spc.laney_p(x, n)
    assert (wide.high >= plain.high - 1e-12).all()
    assert (wide.low <= plain.low + 1e-12).all()
    if wide.sigma_z <= 1:
        assert (wide.low.tolist(), wide.high.tolist()) == (plain.low.tolist(), plain.high.tolist())


def test_without_variation_between_months_p_prime_is_p():
    x, n = [20, 30, 20, 30], [100, 100, 100, 100]
    assert spc.laney_p(x, n).sigma_z == pytest.approx(0.1 / np.sqrt(0.25 * 0.75 / 100) / 1.128)
    equal = spc.laney_p([25] * 4, n)
    assert (equal.sigma_z, equal.high.tolist()) == (0, spc.p_chart([25] * 4, n).high.tolist())


@given(SERIES, st.floats(0.5, 4))
def test_limits_stand_around_the_centre_inside_what_can_be(rows, sigmas):
    x, n = np.array(rows).T
    for chart in (spc.p_chart(x, n, sigmas=sigmas), spc.u_chart(x, n, sigmas=sigmas)):
        assert ((chart.low >= 0) & (chart.low <= chart.center) & (chart.center <= chart.high)).all()
        assert (chart.is_out == (np.abs(chart.z) > sigmas)).all() or (np.abs(np.abs(chart.z) - sigmas) < 1e-9).any()


def test_a_point_on_the_limit_is_not_out():
    chart = spc.p_chart([50, 50, 50, 65, 35], 100, sigmas=3.0)
    assert chart.high[3] == pytest.approx(0.65)
    assert out(chart) == []


def test_frozen_limits_judge_the_months_after_them():
    x = [50, 48, 52, 51, 49, 50, 47, 53, 50, 51, 49, 50, 90]
    baseline = np.arange(13) < 12
    assert out(spc.c_chart(x, baseline=baseline)) == [13]
    assert not spc.c_chart(x, baseline=baseline).is_trial


@pytest.mark.parametrize("refused", [
    lambda: spc.p_chart([5], [4]),
    lambda: spc.p_chart([5, 5], [9, 9, 9]),
    lambda: spc.np_chart([5, 5], np.array([9, 10])),
    lambda: spc.u_chart([-1, 2], 1),
    lambda: spc.u_chart([1, 2], 0),
    lambda: spc.c_chart([]),
    lambda: spc.individuals([1]),
    lambda: spc.c_chart([1, 2], baseline=np.array([False, False])),
    lambda: cusum.tabular([1, 2], 1, -1, 5),
    lambda: cusum.ewma([1, 2], 0),
])  # fmt: skip
def test_charts_of_nothing_are_refused(refused):
    with pytest.raises(ValueError, match=r".{15}"):
        refused()


@pytest.mark.parametrize(("rule", "z", "points"), [
    (1, [0.1, 3.1, 3.0, -3.2], [2, 4]),
    (2, [0.1] * 10, [9, 10]),
    (2, [0.1] * 8 + [0.0] + [0.1] * 8, []),
    (3, [0, -0.9, -0.4, 0.1, 0.5, 0.9, 1.2, 1.6, 0.3], [7, 8]),
    (3, [0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.1], []),
    (4, [0.1, -0.1] * 7, [14]),
    (4, [0.1, -0.1] * 6 + [0.1], []),
    (5, [0.1, 2.1, 0.5, 2.2, 0.1], [4]),
    (5, [0.1, 2.1, 0.5, -2.2, 2.0], []),
    (6, [0.1, 1.1, 1.2, 0.2, 1.3, 1.4], [6]),
    (6, [-1.1, -1.2, 0.2, 1.3, -1.4, -1.4], []),
    (6, [1.3, -1.1, -1.2, 0.2, -1.4, -1.4], [6]),
    (7, [0.9, -0.9, 0.1] * 5, [15]),
    (7, [0.9, -0.9, 1.0] * 5, []),
    (8, [1.1, -1.2] * 4, [8]),
    (8, [1.1] * 8, []),
])  # fmt: skip
def test_each_of_nelsons_rules_names_the_last_point_of_its_pattern(rule, z, points):
    assert (np.flatnonzero(nelson.signals(z)[rule]) + 1).tolist() == points


@given(st.lists(st.floats(-4, 4), max_size=40))
def test_a_mirrored_chart_signals_at_the_same_points(z):
    there, mirrored = nelson.signals(z), nelson.signals([-one for one in z])
    assert all((there[rule] == mirrored[rule]).all() for rule in nelson.RULES)


@pytest.mark.parametrize(("words", "arl"), [
    (run_length.PATTERNS[1], 370.40),
    (run_length.PATTERNS[1] + run_length.PATTERNS[5], 225.44),
    (run_length.PATTERNS[1] + run_length.PATTERNS[6], 166.05),
    (run_length.PATTERNS[1] + run_length.beyond(8, 8, 0), 152.73),
    (run_length.PATTERNS[1] + run_length.PATTERNS[5] + run_length.PATTERNS[6], 132.89),
    (run_length.PATTERNS[1] + run_length.PATTERNS[5] + run_length.PATTERNS[6] + run_length.beyond(8, 8, 0), 91.75),
])  # fmt: skip
def test_run_lengths_are_those_of_champ_and_woodall(words, arl):
    assert run_length.exact(words) == pytest.approx(arl, abs=5e-3)


def test_the_rules_as_programmed_run_as_long_as_the_chain_says():
    exact = run_length.exact(run_length.PATTERNS[1] + run_length.PATTERNS[6])
    mean, error = run_length.simulated([1, 6])
    assert abs(mean - exact) < 4 * error
    assert run_length.simulated(range(1, 9))[0] < 80


def test_runs_are_counted_without_points_on_the_median():
    found = runs.runs([1, 1, 1, 5, 9, 9, 5, 9], center=5)
    assert (found.useful, found.longest, found.crossings) == (6, 3, 1)
    assert (found.begins, found.ends) == (0, 2)


@pytest.mark.parametrize(("useful", "longest", "crossings"), [(10, 6, 2), (20, 7, 6), (24, 8, 8), (60, 9, 23)])
def test_limits_of_runs_are_as_anhoej_tabulates_them(useful, longest, crossings):
    found = runs.runs([0, 1] * (useful // 2))
    assert (found.longest_limit, found.crossings_limit) == (longest, crossings)


def test_a_lasting_shift_is_a_signal_dated_to_its_beginning():
    found = runs.runs([5, 4, 6, 5.5, 4.5, 6.2, 4.9, 5.1, 4.8, 5.2] + [9 + one / 10 for one in range(12)], center=5)
    assert found.is_signal
    assert (found.begins, found.ends) == (9, 21)


def test_a_series_of_equal_values_says_nothing():
    assert not runs.runs([5] * 30).is_signal
    assert not runs.runs([]).is_signal


def over_dispersed(dice: np.random.Generator, months: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A stable process whose share itself varies from month to month."""
    of = dice.poisson(n, months)
    return dice.binomial(of, dice.beta(0.05 * 800, 0.95 * 800, months)), of


def test_a_stable_over_dispersed_series_alarms_on_at_most_a_tenth_of_charts_of_24_points():
    dice, series = np.random.default_rng(6), 4000
    alarms = 0
    for _ in range(series):
        chart = spc.laney_p(*over_dispersed(dice, 24, 5000))
        alarms += chart.is_out.any() or runs.runs(chart.points).is_signal
    assert 0.05 < alarms / series <= 0.10


def test_all_eight_of_nelsons_rules_alarm_on_every_fourth_healthy_chart():
    dice, series = np.random.default_rng(6), 4000
    z = dice.standard_normal((series, 24))
    fired = np.any([found.any(axis=1) for found in nelson.signals(z).values()], axis=0)
    assert 0.21 < fired.mean() < 0.28


def test_the_plain_chart_flags_ordinary_months_where_laneys_stays_quiet():
    dice, series = np.random.default_rng(6), 300
    months = [over_dispersed(dice, 24, 5000) for _ in range(series)]
    plain, wide = (np.mean([make(x, n).is_out for x, n in months]) for make in (spc.p_chart, spc.laney_p))
    assert plain > 0.20
    assert wide < 0.01
