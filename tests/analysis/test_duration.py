"""Times of which some have not ended: medians as published, and answers where there is none."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from bihuan.analysis.duration import mean_time, median_time

MAINTAINED = [(9, 1), (13, 1), (13, 0), (18, 1), (23, 1), (28, 0), (31, 1), (34, 1), (45, 0), (48, 1), (161, 0)]
"""Weeks in remission, and whether it ended: acute myelogenous leukaemia (Miller, Survival Analysis, 1981)."""


def median(pairs):
    times, ended = zip(*pairs, strict=True)
    return median_time(np.array(times, float), np.ones(len(pairs), np.int64), np.array(ended, bool))


def test_the_median_is_the_one_that_was_published_and_leaving_out_the_censored_is_not():
    assert median(MAINTAINED).value == 31
    assert median([pair for pair in MAINTAINED if pair[1]]).value == 23


def test_its_upper_end_is_unknown_where_the_curve_stays_above_one_half():
    found = median(MAINTAINED)
    assert (found.low, isnan(found.high)) == (18, True)


def test_equal_times_may_come_as_counts():
    often = median_time(np.array([1.0, 5.0, 9.0]), np.array([3, 4, 2]), np.array([True, True, False]))
    assert often == pytest.approx(median([(1, 1)] * 3 + [(5, 1)] * 4 + [(9, 0)] * 2), nan_ok=True)


@pytest.mark.parametrize("pairs", [[(5, 0)], [(5, 1), (6, 0), (7, 0)]])
def test_where_most_have_not_ended_there_is_no_median(pairs):
    assert isnan(median(pairs).value)


def test_of_nothing_there_is_no_median_and_no_mean():
    nothing = median_time(np.array([]), np.array([], np.int64), np.array([], bool))
    assert all(isnan(figure) for figure in (*nothing, *mean_time(0, 0, 0)))


def test_a_mean_has_students_interval():
    """1, 2, 3: mean 2, s 1, t(2) 4.3027 at 95 %."""
    found = mean_time(6, 14, 3)
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.low == 0


def test_a_single_time_has_no_interval():
    found = mean_time(6, 36, 1)
    assert (found.value, isnan(found.low), isnan(found.high)) == (6, True, True)
