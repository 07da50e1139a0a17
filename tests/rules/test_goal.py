"""SMART, judged by the indicator's own data: each thing that is missing is named under its letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bihuan.policy.kpi import Counts, Direction
from bihuan.rules.goal import Band, Goal, baseline_value, failures, months_after

GOOD = Goal(
    problem="40 of 200 late", has_owner=True, indicator="on_time_handled", direction=Direction.AT_LEAST, baseline=0.8,
    has_period=True, target=0.9, band=Band(0.7, 0.93), start_on=date(2026, 11, 2), due_on=date(2027, 3, 31),
)  # fmt: skip


def test_a_goal_that_is_all_five_lacks_nothing():
    assert failures(GOOD, 12) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"problem": " "}, "s no_problem"),
        ({"has_owner": False}, "s no_owner"),
        ({"indicator": "", "direction": None}, "m no_indicator"),
        ({"direction": None}, "m unknown_indicator"),
        ({"baseline": None}, "m no_baseline"),
        ({"has_period": False}, "m no_period"),
        ({"target": None}, "m no_target"),
        ({"target": 0.95}, "a out_of_band"),
        ({"band": None}, "a no_history"),
        ({"target": 0.8}, "r target_is_baseline"),
        ({"target": 0.75}, "r wrong_side"),
        ({"start_on": None}, "t no_dates"),
        ({"due_on": date(2026, 11, 2)}, "t due_before_start"),
        ({"due_on": date(2027, 11, 3)}, "t too_long"),
    ],
)
def test_what_is_missing_is_named_under_its_letter(change, said):
    assert [f"{one.letter} {one.why}" for one in failures(replace(GOOD, **change), 12)] == [said]


def test_a_target_beyond_what_was_ever_reached_needs_a_reason():
    beyond = replace(GOOD, target=0.99)
    assert failures(beyond, 12)
    assert failures(replace(beyond, target_reason="a second shift starts in January"), 12) == ()


def test_where_less_is_better_the_target_lies_below_and_the_band_is_its_least():
    less = replace(GOOD, direction=Direction.AT_MOST, baseline=0.1, target=0.05, band=Band(0.04, 0.2))
    assert failures(less, 12) == ()
    assert [one.why for one in failures(replace(less, target=0.03), 12)] == ["out_of_band"]
    assert [one.why for one in failures(replace(less, target=0.12), 12)] == ["wrong_side"]


def test_an_empty_goal_fails_in_every_way_that_can_be_told():
    assert [one.letter for one in failures(Goal(), 12)] == ["s", "s", "m", "m", "m", "m", "t"]


@pytest.mark.parametrize(
    ("day", "count", "later"),
    [
        (date(2026, 11, 2), 12, date(2027, 11, 2)), (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)), (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 1, 30), 13, date(2028, 2, 29)),
    ],
)  # fmt: skip
def test_months_are_added_also_where_the_day_is_not_there(day, count, later):
    assert months_after(day, count) == later


def test_a_baseline_is_told_in_the_unit_of_its_indicator():
    assert baseline_value(40, 200) == 0.2
    assert baseline_value(30, 120, Counts.NPS) == 25
    assert baseline_value(None, 200) is None
    assert baseline_value(3, 0) is None
