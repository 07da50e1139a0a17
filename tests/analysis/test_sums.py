"""Figures from sums are those from single answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import score
from bihuan.analysis.duration import mean_time
from bihuan.analysis.kpi import rate
from bihuan.analysis.sums import mean_times, means, promoters, shares


def sums(values: list[int]) -> list[np.ndarray]:
    found = (len(values), sum(values), sum(value**2 for value in values), min(values), max(values))
    return [np.array([float(one)]) for one in found]


def one(estimates) -> tuple[float, ...]:
    return tuple(float(figure[0]) for figure in estimates)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_a_mean_from_sums_is_the_mean_of_the_answers(values):
    found = one(means(*sums(values), score.CSAT))
    assert found == pytest.approx(tuple(score.mean(score.tally(values), score.CSAT)), abs=1e-9)


@given(st.lists(st.integers(0, 10), min_size=1, max_size=40))
def test_a_net_promoter_score_from_counts_is_that_of_the_answers(values):
    segments = score.segments(score.tally(values))
    counts = (len(values), segments.promoters, segments.detractors)
    found = one(promoters(*(np.array([float(count)]) for count in counts)))
    assert found == pytest.approx(tuple(score.nps(segments)), abs=1e-9)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40))
def test_a_mean_time_from_sums_is_that_of_one(values):
    n, total, squares, *_ = sums(values)
    expected = tuple(mean_time(sum(values), sum(value**2 for value in values), len(values)))
    assert one(mean_times(n, total, squares)) == pytest.approx(expected, nan_ok=True, rel=1e-9, abs=1e-9)


def test_many_rates_are_the_single_ones_and_none_of_nothing():
    x, n = np.array([0.0, 5.0, 29.0, 0.0]), np.array([20.0, 9.0, 29.0, 0.0])
    for place, figures in enumerate(zip(*shares(x, n), strict=True)):
        assert figures == pytest.approx(rate(int(x[place]), int(n[place])), nan_ok=True)
    assert np.isnan(shares(x, n)[0][3])
