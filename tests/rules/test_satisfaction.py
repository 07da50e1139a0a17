"""What one answer comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.satisfaction import Dimension, is_negative, satisfaction_index

DIMENSIONS = {"speed": Dimension(50, 1, 5), "manner": Dimension(30, 1, 5), "result": Dimension(20, 0, 10)}


def test_an_index_is_the_weighted_way_from_the_lowest_to_the_highest():
    found = satisfaction_index({"speed": 5, "manner": 3, "result": 0}, DIMENSIONS)
    assert found == pytest.approx((65, 1))


def test_what_was_not_answered_is_left_out_and_told():
    found = satisfaction_index({"speed": 3, "result": 10}, DIMENSIONS)
    assert found == pytest.approx((100 * (0.5 * 50 + 20) / 70, 0.7))


def test_without_any_dimension_there_is_no_index():
    assert satisfaction_index({}, DIMENSIONS) is None


def test_a_scale_may_run_backwards():
    assert satisfaction_index({"pain": 1}, {"pain": Dimension(1, 5, 1)}) == (100, 1)


def test_what_is_no_dimension_has_no_score():
    with pytest.raises(KeyError):
        satisfaction_index({"colour": 5}, DIMENSIONS)


@given(st.fixed_dictionaries({}, optional={"speed": st.integers(1, 5), "manner": st.integers(1, 5),
                                           "result": st.integers(0, 10)}))  # fmt: skip
def test_an_index_lies_between_0_and_100_and_never_falls_with_a_better_answer(scores):
    found = satisfaction_index(scores, DIMENSIONS)
    if found is None:
        assert scores == {}
        return
    assert 0 <= found.value <= 100
    assert 0 < found.answered_ratio <= 1
    for name, score in scores.items():
        better = {**scores, name: min(score + 1, DIMENSIONS[name].highest)}
        assert satisfaction_index(better, DIMENSIONS).value >= found.value


@pytest.mark.parametrize(("csat", "nps", "is_solved", "says"), [
    (None, None, None, False), (2, 10, True, True), (3, 7, True, False), (5, 6, None, True), (5, 10, False, True),
    (None, 0, None, True), (1, None, None, True),
])  # fmt: skip
def test_an_answer_is_negative_by_any_of_its_three(csat, nps, is_solved, says):
    assert is_negative(csat, nps, is_solved, csat_at_most=2, nps_at_most=6) is says
