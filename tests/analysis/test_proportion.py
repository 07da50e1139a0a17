"""Intervals of shares: the published ones, and what must hold of any."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import proportion, rate, sample_size

COUNTED = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCES = st.floats(0.5, 0.999)
INTERVALS = [
    proportion.wilson,
    lambda x, n, confidence: proportion.wilson(x, n, confidence, is_corrected=True),
    proportion.clopper_pearson,
    lambda x, n, confidence: proportion.binomial_exact(x, n, 0.3, confidence)[1:],
]


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_intervals_newcombe_printed(x, n, low, high):
    assert proportion.wilson(x, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("first", "second", "low", "high"), [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((10, 10), (0, 10), 0.6075, 1.0),
    ((7, 34), (1, 34), 0.0189, 0.3404),
])  # fmt: skip
def test_newcombe_gives_the_differences_he_printed_where_statsmodels_raises(first, second, low, high):
    found = proportion.newcombe(*first, *second)
    assert found == pytest.approx((first[0] / first[1] - second[0] / second[1], low, high), abs=5e-5)


def test_mendels_peas_are_as_r_says():
    assert proportion.binomial_exact(682, 925, 0.75) == pytest.approx((0.3825, 0.7077, 0.7654), abs=5e-5)


@pytest.mark.parametrize("interval", INTERVALS, ids=["wilson", "corrected", "exact", "binomial"])
@given(counted=COUNTED, confidence=CONFIDENCES, more=st.floats(0.0001, 0.0009))
def test_an_interval_holds_its_share_inside_the_range_and_widens_with_confidence(interval, counted, confidence, more):
    x, n = counted
    low, high = interval(x, n, confidence)
    wider_low, wider_high = interval(x, n, confidence + more)
    assert 0 <= wider_low <= low <= x / n + 1e-12
    assert x / n - 1e-12 <= high <= wider_high <= 1


@given(first=COUNTED, second=COUNTED, confidence=CONFIDENCES)
def test_a_difference_lies_in_its_interval_and_turns_around_with_the_groups(first, second, confidence):
    found = proportion.newcombe(*first, *second, confidence)
    turned = proportion.newcombe(*second, *first, confidence)
    assert -1 - 1e-9 <= found.low <= found.value <= found.high <= 1 + 1e-9
    assert turned == pytest.approx((-found.value, -found.high, -found.low))


@pytest.mark.parametrize(("x", "n", "confidence"), [(3, 2, 0.95), (-1, 5, 0.95), (0, 0, 0.95), (1, 2, 1.0), (1, 2, 0)])
def test_what_cannot_be_is_refused(x, n, confidence):
    with pytest.raises(ValueError, match="lies"):
        proportion.wilson(x, n, confidence)


@pytest.mark.parametrize(
    ("p1", "p2", "n"), [(0.10, 0.05, 435), (0.08, 0.05, 1059), (0.05, 0.03, 1506), (0.90, 0.93, 1356)]
)
def test_a_sample_is_as_large_as_the_frozen_plan_says(p1, p2, n):
    assert ceil(sample_size.two_proportions(p1, p2)) == n


def test_a_sample_is_as_large_as_r_says():
    assert sample_size.two_proportions(0.5, 0.75, power=0.9) == pytest.approx(76.7, abs=0.05)


@given(
    st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0.001, 0.2), st.floats(0.3, 0.99), st.floats(0.2, 12)
)  # fmt: skip
def test_power_undoes_sample_size_also_of_an_over_dispersed_series(p1, p2, alpha, power, dispersion):
    if abs(p1 - p2) < 1e-3:
        return
    n = sample_size.two_proportions(p1, p2, alpha, power, dispersion)
    assert sample_size.power(p1, p2, n, alpha, dispersion) == pytest.approx(power, abs=1e-6)


def test_a_small_sample_sees_only_a_large_drop():
    assert sample_size.detectable(0.1, 150) == pytest.approx(0.023, abs=5e-4)
    assert sample_size.detectable(0.1, 600) == pytest.approx(0.057, abs=5e-4)
    assert sample_size.detectable(0.1, 20) is None


def test_a_rate_ratio_is_as_r_says():
    """R, help of poisson.test: breast cancers in women who were examined by X-ray, 11 of 800 against 21 of 3011."""
    found = rate.ratio(11, 800, 21, 3011)
    assert found == pytest.approx((1.971488, 0.858426, 4.277266, 0.07967), abs=5e-6)
    assert rate.ratio(3, 10, 0, 10).high == float("inf")


@given(st.integers(0, 500), st.floats(0.1, 1000), st.floats(0.5, 0.99))
def test_a_rate_lies_in_its_interval(count, exposure, confidence):
    low, high = rate.poisson_exact(count, exposure, confidence)
    assert 0 <= low <= count / exposure <= high


def test_nothing_counted_has_the_upper_limit_of_the_rule_of_three():
    assert rate.poisson_exact(0, 1, 0.90) == pytest.approx((0, 2.9957), abs=5e-5)
    with pytest.raises(ValueError, match="must have been counted"):
        rate.ratio(0, 1, 0, 1)
