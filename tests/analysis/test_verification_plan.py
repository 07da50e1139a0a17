"""A plan to verify: the method the data allow, how many cases it takes, and when there will be so many."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import score
from bihuan.analysis.effect_segmented import segmented
from bihuan.analysis.method import Choice, Situation, Why, choose
from bihuan.analysis.readiness import Ready, design_factor, each, n_required, needed_after, ready_on, still_needed
from bihuan.analysis.reading import Period, Reading, of_nps, of_scores
from schemas.kpi import Grain
from schemas.verification import Limitation, Method, Metric, Reach

SHORT = Situation(Metric.SHARE, Grain.MONTH, 5, 3, is_seasonal=False)
LONG = replace(SHORT, periods_before=12, periods_after=6)
UNCHECKED, UNKNOWN, SHORT_SERIES = (
    Limitation.SEASONAL_UNCHECKED, Limitation.SEASON_UNKNOWN, Limitation.SHORT_SERIES,
)  # fmt: skip
KINDS = (
    (Metric.SHARE, Method.TWO_WINDOWS), (Metric.RATE, Method.RATE_RATIO), (Metric.SCORE, Method.SCORE),
    (Metric.NPS, Method.NPS), (Metric.DURATION, Method.DURATION),
)  # fmt: skip


@pytest.mark.parametrize(("there", "method", "why", "limits"), [
    (LONG, Method.SEGMENTED, Why.ENOUGH_PERIODS, ()),
    (replace(LONG, periods_before=11), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (SHORT_SERIES,)),
    (replace(LONG, periods_after=5), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (SHORT_SERIES,)),
    (replace(LONG, grain=Grain.WEEK), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (SHORT_SERIES,)),
    (Situation(Metric.RATE, Grain.WEEK, 24, 8), Method.SEGMENTED, Why.ENOUGH_PERIODS, (UNKNOWN,)),
    (Situation(Metric.RATE, Grain.WEEK, 96, 8), Method.SEGMENTED, Why.ENOUGH_PERIODS, ()),
    (replace(LONG, is_seasonal=True), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (UNCHECKED,)),
    (replace(LONG, is_seasonal=True, periods_before=18), Method.SEGMENTED, Why.ENOUGH_PERIODS, ()),
    (replace(LONG, is_seasonal=True, has_control=True), Method.DID, Why.CONTROL_PRESENT, ()),
    (replace(SHORT, has_control=True, has_last_year=True), Method.DID, Why.CONTROL_PRESENT, (SHORT_SERIES,)),
    (replace(SHORT, is_seasonal=True, has_last_year=True), Method.SAME_MONTHS, Why.LAST_YEAR_PRESENT, (SHORT_SERIES,)),
    (replace(SHORT, is_seasonal=None, has_last_year=True), Method.SAME_MONTHS, Why.LAST_YEAR_PRESENT, (SHORT_SERIES,)),
    (replace(SHORT, has_last_year=True), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (SHORT_SERIES,)),
    (replace(SHORT, is_seasonal=None), Method.TWO_WINDOWS, Why.NOTHING_BETTER, (SHORT_SERIES, UNKNOWN)),
    (replace(LONG, has_pairs=True, is_seasonal=True), Method.PAIRED, Why.ASKED_TWICE, ()),
    (replace(SHORT, metric=Metric.NPS, has_pairs=True), Method.NPS, Why.NOTHING_BETTER, ()),
    (replace(LONG, metric=Metric.SCORE, has_control=True), Method.DID, Why.CONTROL_PRESENT, ()),
    (replace(LONG, metric=Metric.DURATION, has_control=True), Method.DURATION, Why.IS_DURATION, ()),
])  # fmt: skip
def test_the_method_is_what_the_data_at_hand_allow(there, method, why, limits):
    found = choose(there)
    assert found == Choice(method, why, dict(KINDS)[there.metric], limits)


@pytest.mark.parametrize(("metric", "method"), KINDS)
def test_with_two_windows_alone_each_kind_has_its_own_method(metric, method):
    assert choose(replace(SHORT, metric=metric)).method is method


@pytest.mark.parametrize(("before", "target", "known"), [
    (0.10, 0.05, 435), (0.08, 0.05, 1059), (0.05, 0.03, 1506), (0.90, 0.93, 1356), (0.10, 0.07, 1356),
])  # fmt: skip
def test_a_share_needs_the_published_number(before, target, known):
    assert n_required(Reading(Metric.SHARE, before * 1000, 1000), target) == known


def test_scatter_and_a_control_multiply_the_number():
    base = Reading(Metric.SHARE, 100, 1000)
    assert n_required(base, 0.05, 2.5 * design_factor(Method.DID)) == pytest.approx(5 * 434.432, abs=1)
    assert n_required(base, 0.05, 0.3) == 435


def test_scores_points_and_rates_need_what_their_spread_says():
    """2 (1.96 + 0.84)² s² / d²; a net promoter score of one half, a third, a sixth has a variance of 5/9."""
    nps = of_nps(score.tally([10] * 162 + [8] * 108 + [3] * 54))
    assert n_required(nps, 100 / 3 + 10) == pytest.approx(2 * 7.8489 * 10_000 * 5 / 9 / 100, abs=1)
    scores = of_scores(score.tally([5] * 50 + [3] * 50))
    assert n_required(scores, 4.25) == pytest.approx(2 * 7.8489 * (100 / 99) / 0.0625, abs=1)
    assert n_required(Reading(Metric.RATE, 200, 1000), 0.15) == pytest.approx(7.8489 * 0.35 / 0.0025, abs=1)


@pytest.mark.parametrize(("base", "target", "said"), [
    (Reading(Metric.SHARE, 10, 100), 0.1, "another figure"),
    (Reading(Metric.SHARE, 0, 0), 0.1, "needs cases"),
    (Reading(Metric.SHARE, 10, 100), 0.0, "between 0 and 1"),
    (Reading(Metric.SCORE, 4, 1, 16), 5.0, "not known"),
])  # fmt: skip
def test_a_goal_that_no_number_can_show_is_refused(base, target, said):
    with pytest.raises(ValueError, match=said):
        n_required(base, target)


def test_a_trend_and_a_season_cost_certainty():
    assert design_factor(Method.SEGMENTED, 24, 24) == pytest.approx(1.1 * 4, abs=0.02)
    assert design_factor(Method.SEGMENTED, 24, 12, Grain.MONTH, 2) > design_factor(
        Method.SEGMENTED, 24, 12, Grain.MONTH
    )
    assert [design_factor(method) for method in (Method.TWO_WINDOWS, Method.SAME_MONTHS, Method.PAIRED)] == [1, 2, 1]
    with pytest.raises(ValueError, match="more periods"):
        design_factor(Method.SEGMENTED, 2, 1)


def test_the_factor_of_a_regression_is_the_one_its_interval_has():
    """The same cases in forty weeks: its interval is the root of the factor times that of two windows."""
    n = np.full(40, 500)
    x = np.round(n * np.where(np.arange(40) < 20, 0.5, 0.47))
    before, after = (
        Reading(Metric.SHARE, x[at].sum(), 10_000,
                periods=tuple(Period(i, float(x[i]), 500.0) for i in range(at.start, at.stop)))
        for at in (slice(0, 20), slice(20, 40))
    )  # fmt: skip
    found = segmented(before, after, Grain.WEEK)
    assert found.plain is not None
    width = np.log([found.high / found.low, found.plain.high / found.plain.low])
    student = 2.0262 / 1.9600  # 37 degrees of freedom
    factor = design_factor(Method.SEGMENTED, 20, 20) / 1.1
    assert (width[0] / width[1] / student) ** 2 == pytest.approx(factor, rel=0.02)


@given(st.floats(1, 5000), st.integers(1, 10_000))
def test_so_many_more_are_just_enough_beside_the_baseline_there_is(required, n0):
    whole = needed_after(required, n0)
    if whole is None:
        assert 2 * n0 <= required
        assert still_needed(required, n0, 10**9) is None
        return
    assert each(n0, whole) >= required * (1 - 1e-9)
    assert each(n0, whole - 1) < required
    assert still_needed(required, n0, whole) == 0
    assert still_needed(required, n0, 0) == whole


def test_windows_of_one_size_are_worth_that_size():
    assert (each(150, 150), each(100, 0), needed_after(435, 435)) == (150, 0, 435)


MAY = date(2026, 5, 4)


@pytest.mark.parametrize(("given_", "ready"), [
    ({"weekly_n": 100, "needed": 435}, Ready(MAY + timedelta(days=7 + 31), Reach.IN_TIME)),  # 30.45 days
    ({"weekly_n": 100, "needed": 435, "phi": 2.0}, Ready(MAY + timedelta(days=7 + 61), Reach.IN_TIME)),
    ({"weekly_n": 100, "needed": 435, "phi": 0.5}, Ready(MAY + timedelta(days=7 + 31), Reach.IN_TIME)),
    ({"weekly_n": 100, "needed": 435, "least_days": 90}, Ready(MAY + timedelta(days=97), Reach.IN_TIME)),
    ({"weekly_n": 7, "needed": 177}, Ready(date(2026, 11, 4), Reach.IN_TIME)),
    ({"weekly_n": 7, "needed": 178}, Ready(date(2026, 11, 5), Reach.NOT_IN_TIME)),
    ({"weekly_n": 0, "needed": 1}, Ready(None, Reach.NEVER)),
    ({"weekly_n": 50, "needed": None}, Ready(None, Reach.NEVER)),
    ({"weekly_n": 1e-9, "needed": 1e9}, Ready(None, Reach.NEVER)),
    ({"weekly_n": 0, "needed": 0}, Ready(MAY + timedelta(days=7), Reach.IN_TIME)),
])  # fmt: skip
def test_a_verdict_waits_for_data_and_says_when_they_cannot_come_in_time(given_, ready):
    assert ready_on(MAY, 7, **given_) == ready


def test_six_months_after_the_end_of_august_is_the_end_of_february():
    days = (date(2027, 2, 28) - date(2026, 8, 31)).days
    assert ready_on(date(2026, 8, 31), 0, 1000, 1, least_days=days).reach is Reach.IN_TIME
    assert ready_on(date(2026, 8, 31), 0, 1000, 1, least_days=days + 1).reach is Reach.NOT_IN_TIME
