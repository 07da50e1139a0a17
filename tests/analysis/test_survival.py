"""Open complaints say "longer than this": published curves, and what must hold of any."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import outlier, stock, survival

SIX_MP = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)
"""Freireich and others, Blood 21, 1963: weeks of remission under 6-MP."""
MAINTAINED = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
NOT_MAINTAINED = [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
"""Miller, Survival Analysis, 1981: acute myelogenous leukaemia, weeks."""
TIMES = st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=60)


def test_the_curve_of_six_mp_is_as_printed_with_greenwoods_error():
    curve = survival.kaplan_meier(*SIX_MP)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.survival == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    assert curve.standard_error == pytest.approx([0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], abs=5e-5)
    assert survival.median(curve) == 23
    assert survival.median_interval(curve) == (16, None)


def test_maintained_patients_have_the_median_that_dropping_open_ones_would_hide():
    medians = [survival.median(survival.kaplan_meier(*group)) for group in (MAINTAINED, NOT_MAINTAINED)]
    assert medians == [31, 23]
    assert survival.open_cases_bias(*MAINTAINED).closed_only == 23


def test_the_log_rank_of_leukaemia_is_as_r_says():
    assert survival.logrank([MAINTAINED, NOT_MAINTAINED]) == pytest.approx((3.3964, 1, 0.0653), abs=5e-5)


def test_leaving_out_open_complaints_makes_the_work_look_twice_as_fast():
    assert survival.open_cases_bias(*SIX_MP) == (10, 16, 23)


def test_the_hazard_adds_up_deaths_over_those_at_risk():
    hazard = survival.nelson_aalen(*SIX_MP)
    assert hazard.cumulative == pytest.approx([0.1429, 0.2017, 0.2683, 0.3517, 0.4426, 0.5854, 0.7521], abs=5e-5)


def test_the_restricted_mean_of_six_mp_is_as_r_says():
    found = survival.restricted_mean(survival.kaplan_meier(*SIX_MP))
    assert found == pytest.approx((23.29, 2.83, 35), abs=5e-3)


def test_a_median_that_has_not_come_is_no_number():
    still_open = survival.kaplan_meier([5, 6, 7], [0, 0, 0])
    assert survival.median(still_open) is None
    assert survival.restricted_mean(still_open).value == 7
    assert survival.open_cases_bias([5, 6, 7], [0, 0, 1]) == (7, 6, 7)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60))
def test_without_open_ones_the_curve_is_the_empirical_share(times):
    curve = survival.kaplan_meier(times, [1] * len(times))
    expected = [float(np.mean(np.array(times) > at)) for at in curve.times]
    assert curve.survival == pytest.approx(expected, abs=1e-9)
    assert survival.median(curve) == np.sort(times)[(len(times) - 1) // 2]
    if max(times):
        assert survival.restricted_mean(curve).value == pytest.approx(np.mean(times))


@given(TIMES)
def test_a_curve_falls_from_one_and_open_ones_never_make_it_faster(rows):
    time, closed = [one for one, _ in rows], [is_closed for _, is_closed in rows]
    curve = survival.kaplan_meier(time, closed)
    fall = [1.0, *curve.survival]
    assert all(1 >= before >= after >= -1e-12 for before, after in pairwise(fall))
    bias = survival.open_cases_bias(time, closed)
    if bias.kaplan_meier is not None and len(rows) % 2:
        assert bias.open_as_closed <= bias.kaplan_meier


@pytest.mark.parametrize(("time", "closed"), [([], []), ([1], [1, 0]), ([-1], [1]), ([1], [2]), ([float("nan")], [1])])
def test_times_that_cannot_be_are_refused(time, closed):
    with pytest.raises(ValueError, match="time"):
        survival.kaplan_meier(time, closed)


def test_stock_over_arrivals_is_time():
    assert stock.mean_time(8, 160) == 20


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_a_percentile_is_as_pandas_has_it(values, ratio):
    import pandas as pd

    assert stock.percentiles(values, [ratio]) == [pytest.approx(pd.Series(values).quantile(ratio))]


def test_grubbs_finds_the_mass_spectrometers_outlier():
    """NIST/SEMATECH e-Handbook 1.3.5.17.1, Tietjen and Moore's uranium data."""
    found = outlier.grubbs_max([199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18, 245.57])
    assert (found.g, found.critical) == pytest.approx((2.4687, 2.032), abs=5e-4)
    assert (found.at, found.is_outlier) == (7, True)
    assert found.p < 0.001


@given(st.lists(st.integers(0, 50), min_size=3, max_size=30).filter(lambda x: len(set(x)) > 1), st.floats(0.001, 0.3))
def test_grubbs_p_value_and_critical_value_say_the_same(values, alpha):
    found = outlier.grubbs_max(values, alpha)
    if abs(found.g - found.critical) > 1e-6:
        assert found.is_outlier == (found.p < alpha)


def test_two_outliers_do_not_hide_each_other_from_the_median():
    found = outlier.modified_z([2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3])
    assert np.flatnonzero(found.is_outlier).tolist() == [8, 9]
    assert (found.median, found.deviation) == pytest.approx((2.45, 0.15))
    assert not outlier.grubbs_max([2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3]).is_outlier
