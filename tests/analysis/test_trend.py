"""Warnings of control charts: textbook charts, what must hold of any series, and how often a healthy process warns."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis.assurance import Assurance, Variation, assurance, variation
from bihuan.analysis.period import Counted, next_start, series_of, start_of
from bihuan.analysis.trend import Kind, Plan, Rule, Series, chart, signals
from schemas.kpi import Grain

LANEY = [500, 744, 451, 513, 514, 647, 426, 556, 588, 594], [
    10000, 12000, 11000, 9000, 10500, 9800, 11200, 10100, 12500, 9900,
]  # fmt: skip
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
CLOTH = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23], [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5]
ON_TIME = Plan(Kind.SHARE, is_lower_worse=True)


def counted(x, n) -> Series:
    x, n = np.asarray(x, "float64"), np.asarray(n, "float64")
    return Series(x, n, np.divide(x, n, out=np.full(len(n), np.nan), where=n > 0))


def single(values) -> Series:
    values = np.asarray(values, "float64")
    return Series(np.full(len(values), np.nan), np.full(len(values), 50.0), values)


def over_dispersed(dice: np.random.Generator, weeks: int, share: float, rho: float, cases: int) -> Series:
    """A process whose true share scatters from week to week, and is the same on average (beta-binomial)."""
    n = dice.integers(cases // 2, cases * 3 // 2, weeks)
    true = dice.beta(share * (1 / rho - 1), (1 - share) * (1 / rho - 1), weeks)
    return counted(dice.binomial(n, true), n)


def shifted(to: float, weeks: int = 36, at: int = 28, cases: int = 400, seed: int = 1) -> Series:
    dice = np.random.default_rng(seed)
    share = np.where(np.arange(weeks) < at, 0.9, to)
    return counted(dice.binomial(cases, share), np.full(weeks, cases))


def test_a_share_with_many_cases_has_laneys_limits_or_wider_ones():
    charted = chart(counted(*LANEY), Plan(Kind.SHARE, is_lower_worse=False))
    assert (charted.center, charted.sigma_z) == pytest.approx((0.05219811320754717, 6.434508432388907))
    assert charted.low[:2] == pytest.approx([0.009261991236285738, 0.013002975648458717])
    assert (charted.high[:2] >= [0.0951342351788086, 0.09139325076663563]).all()
    assert (charted.high[:2] < [0.105, 0.101]).all()
    assert not charted.side.any()


def test_a_rate_has_montgomerys_limits_where_the_bell_curve_holds():
    charted = chart(counted(*CLOTH), Plan(Kind.RATE, is_lower_worse=False))
    assert charted.center == pytest.approx(1.4233, abs=5e-5)
    assert charted.low[0] == pytest.approx(0.2915, abs=5e-5)
    assert 2.5550 < charted.high[0] < 2.8


def test_few_cases_have_the_limits_of_the_binomial_where_the_bell_curve_would_warn_in_one_of_fifty_weeks():
    """Of 30 cases with 2 % failures three or more come in 2.2 % of weeks, five or more in 0.03 %."""
    series = counted([29, 30, 29, 30, 30, 28, 29, 30, 30, 29, 29, 30], [30] * 12)
    charted = chart(series, ON_TIME)
    assert charted.center == pytest.approx(0.98, abs=2e-3)
    assert 25 / 30 < charted.low[0] < 27 / 30 < 1 - (1 - 0.98) - 3 * np.sqrt(0.98 * 0.02 / 30)


def test_a_score_has_the_limits_of_nist():
    charted = chart(single(FLOW), Plan(Kind.SINGLE, is_lower_worse=True))
    assert (charted.center, charted.low[0], charted.high[0]) == pytest.approx((50.81, 45.816, 55.804), abs=2e-3)


def test_fewer_than_twelve_points_make_trial_limits_and_warn_of_nothing():
    charted = chart(shifted(0.3, weeks=11, at=8), ON_TIME)
    found = signals(shifted(0.3, weeks=11, at=8), ON_TIME)
    assert (charted.is_trial, found) == (True, [])
    assert variation(charted, found) is Variation.UNKNOWN
    assert assurance(charted, found, 0.5) is Assurance.UNKNOWN


def test_a_great_fall_is_found_at_its_first_week_and_is_one_signal_however_long_it_lasts():
    found = [it for it in signals(shifted(0.6), ON_TIME) if it.rule is Rule.LIMIT]
    assert [(it.since, it.at, it.until, it.is_high, it.is_worse) for it in found] == [(28, 28, 35, False, True)]


def test_a_small_fall_is_found_as_a_run_and_dated_near_its_beginning():
    found = [it for it in signals(shifted(0.87, weeks=44), ON_TIME) if it.is_worse and it.rule is not Rule.LIMIT]
    assert found
    assert abs(found[0].since - 28) <= 3
    assert found[0].at > found[0].since


@pytest.mark.parametrize(("is_lower_worse", "is_worse"), [(True, True), (False, False)])
def test_the_direction_of_the_indicator_says_what_is_worse(is_lower_worse, is_worse):
    found = signals(shifted(0.6), Plan(Kind.SHARE, is_lower_worse))
    assert {it.is_worse for it in found if it.since >= 28} == {is_worse}


def test_a_rise_is_told_from_a_fall():
    plan = Plan(Kind.SHARE, is_lower_worse=True)
    assert {it.is_worse for it in signals(shifted(1.0), plan) if it.since >= 28} == {False}


def test_a_week_without_cases_is_a_gap_and_no_zero():
    whole = shifted(0.6)
    x, n = whole.x.copy(), whole.n.copy()
    x[30] = n[30] = 0
    (found,) = [it for it in signals(counted(x, n), ON_TIME) if it.rule is Rule.LIMIT]
    assert (found.since, found.until) == (28, 35)
    assert np.isnan(chart(counted(x, n), ON_TIME).low[30])


def test_weeks_of_few_cases_neither_make_limits_nor_warn():
    whole = shifted(0.9)
    x, n = np.append(whole.x, [0, 0, 0]), np.append(whole.n, [9, 9, 9])
    charted = chart(counted(x, n), Plan(Kind.SHARE, is_lower_worse=True, least_n=30))
    assert not charted.is_judged[-3:].any()
    assert not [it for it in signals(counted(x, n), charted.plan) if it.until >= 36]


def test_one_failure_after_a_spotless_year_is_no_signal_and_ten_are():
    spotless = [100] * 52
    for failures, is_signal in ((1, False), (10, True)):
        found = signals(counted([*spotless, 100 - failures], [100] * 53), ON_TIME)
        assert bool(found) is is_signal


def test_a_score_that_never_varied_has_no_limits_and_does_not_warn_of_a_single_point():
    assert signals(single([4.0] * 30 + [3.9]), Plan(Kind.SINGLE, is_lower_worse=True)) == []


def test_where_most_weeks_are_spotless_the_weeks_below_make_no_run():
    dice = np.random.default_rng(4)
    series = counted(dice.binomial(31, 0.99, 60), np.full(60, 31))
    assert [it for it in signals(series, ON_TIME) if it.rule is not Rule.LIMIT] == []


SERIES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=45).map(
    lambda rows: counted([min(x, n) for x, n in rows], [n for _, n in rows])
)


@given(SERIES, st.sampled_from([1, 30]))
def test_whatever_comes_limits_hold_the_centre_and_stay_shares(series, least_n):
    charted = chart(series, Plan(Kind.SHARE, is_lower_worse=True, least_n=least_n))
    known = ~np.isnan(charted.low)
    assert (charted.low[known] <= charted.center).all()
    assert (charted.high[known] >= charted.center).all()
    assert ((charted.low[known] >= 0) & (charted.high[known] <= 1)).all()
    assert not charted.side[~charted.is_judged].any()


@given(SERIES)
def test_what_comes_later_takes_nothing_back(series):
    """A chart read to the end has said, among others, whatever it had said on the way."""
    whole, half = signals(series, ON_TIME), signals(series.upto(len(series) // 2), ON_TIME)
    assert [(it.rule, it.at) for it in half] == [(it.rule, it.at) for it in whole if it.at < len(series) // 2]


@given(SERIES)
def test_one_rule_says_of_one_time_and_side_one_thing(series):
    found = signals(series, ON_TIME)
    assert not [(one, other) for at, one in enumerate(found) for other in found[at + 1 :] if one.is_same(other)]
    assert all(it.since <= it.at <= it.until for it in found)


@given(SERIES)
def test_the_mirror_of_a_series_says_the_mirrored(series):
    mirrored = counted(series.n - series.x, series.n)
    sides = [
        sorted((it.rule, it.since, it.at, it.is_high) for it in signals(one, ON_TIME)) for one in (series, mirrored)
    ]
    assert sides[0] == sorted((rule, since, at, not is_high) for rule, since, at, is_high in sides[1])


@pytest.mark.parametrize(
    ("share", "rho", "cases"), [(0.7, 0.01, 2000), (0.9, 0.02, 500), (0.05, 0.01, 20_000), (0.98, 0.02, 60)]
)
def test_a_stable_over_dispersed_series_warns_in_at_most_a_tenth_of_charts(share, rho, cases):
    dice = np.random.default_rng(20261101)
    charts = 200
    warned = sum(bool(signals(over_dispersed(dice, 24, share, rho, cases), ON_TIME)) for _ in range(charts))
    assert warned <= charts // 10


def test_the_plain_chart_flags_ordinary_weeks_of_large_counts_where_this_one_stays_quiet():
    dice = np.random.default_rng(7)
    weeks = [over_dispersed(dice, 24, 0.7, 0.01, 5000) for _ in range(50)]
    plain = [np.abs(it.value - it.x.sum() / it.n.sum()) > 3 * np.sqrt(0.21 / it.n) for it in weeks]
    ours = [chart(it, ON_TIME).side != 0 for it in weeks]
    assert np.mean(plain) > 0.3
    assert np.mean(ours) < 0.01


def test_verdicts_of_variation_follow_the_newest_point():
    for to, verdict in ((0.6, Variation.CONCERNING), (1.0, Variation.IMPROVING), (0.9, Variation.COMMON)):
        series = shifted(to, seed=3)
        assert variation(chart(series, ON_TIME), signals(series, ON_TIME)) is verdict


@pytest.mark.parametrize(("target", "verdict"), [
    (0.80, Assurance.MEETS), (0.91, Assurance.HIT_OR_MISS), (0.98, Assurance.MISSES),
])  # fmt: skip
def test_verdicts_of_assurance_follow_on_which_side_of_the_target_the_limits_lie(target, verdict):
    series = shifted(0.9, seed=3)
    charted, found = chart(series, ON_TIME), signals(series, ON_TIME)
    assert assurance(charted, found, target) is verdict
    mirrored = counted(series.n - series.x, series.n)
    fewer = Plan(Kind.SHARE, is_lower_worse=False)
    assert assurance(chart(mirrored, fewer), signals(mirrored, fewer), 1 - target) is verdict


def test_limits_of_what_was_before_assure_nothing_once_it_has_fallen():
    series = shifted(0.6)
    assert assurance(chart(series, ON_TIME), signals(series, ON_TIME), 0.8) is Assurance.HIT_OR_MISS


def test_days_add_up_to_weeks_and_a_week_without_any_is_a_gap():
    days = [Counted(date(2026, 11, day), x, n, x / n) for day, x, n in ((16, 8, 10), (22, 1, 2), (30, 3, 3))]
    starts, series = series_of(days, Grain.WEEK, date(2026, 11, 16), date(2026, 11, 30))
    assert starts == [date(2026, 11, 16), date(2026, 11, 23), date(2026, 11, 30)]
    assert series.x.tolist()[::2] == [9, 3]
    assert series.n.tolist() == [12, 0, 3]
    assert (series.value[0], np.isnan(series.value[1])) == (0.75, True)


def test_scores_of_days_are_weighed_by_their_answers():
    days = [Counted(date(2026, 11, 16), None, 30, 4.0), Counted(date(2026, 11, 17), None, 10, 2.0),
            Counted(date(2026, 11, 18), None, 5, None)]  # fmt: skip
    _, series = series_of(days, Grain.WEEK, date(2026, 11, 16), date(2026, 11, 16))
    assert (series.value[0], series.n[0]) == (3.5, 40)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(Grain))
def test_every_day_lies_in_one_period_and_periods_touch(day, grain):
    start = start_of(day, grain)
    assert start <= day < next_start(start, grain)
    assert start_of(next_start(start, grain), grain) == next_start(start, grain)
