"""How long data are waited for, and how much of a plan was carried out."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.rules.observation import Done, Observed, fidelity, months_later
from schemas.plan import MeasureState

S = MeasureState


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2027, 5, 31), 1, date(2027, 6, 30)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
    ],
)
def test_so_many_months_later_is_the_last_day_where_a_month_has_no_such_day(day, months, later):
    assert months_later(day, months) == later


def test_enough_cases_are_not_judged_before_the_least_time_nor_waited_for_after_it():
    seen = Observed(date(2026, 11, 28), 7, 28, 0, 0)
    assert [seen.is_ready(day) for day in (date(2027, 1, 1), date(2027, 1, 2))] == [False, True]


@pytest.mark.parametrize("needed", [12, None])
def test_missing_cases_are_waited_for_six_months_and_three_more_an_extension(needed):
    ends = [Observed(date(2026, 11, 28), 0, 28, times, needed).ends_on for times in (0, 1, 2)]
    assert ends == [date(2027, 5, 28), date(2027, 8, 28), date(2027, 11, 28)]
    seen = Observed(date(2026, 11, 28), 0, 28, 1, needed)
    assert [seen.is_ready(day) for day in (date(2027, 8, 27), date(2027, 8, 28))] == [False, True]


def test_a_plan_is_carried_out_as_far_as_its_measures_are_done_and_reach():
    assert fidelity([Done(S.DONE), Done(S.DONE, 3, 0.8)]) == pytest.approx(0.85)
    assert fidelity([Done(S.DONE), Done(S.DOING, 1, 1.0)]) == 0.5
    assert fidelity([Done(S.DONE), Done(S.CANCELLED, 9)]) == 1


def test_a_plan_whose_measures_were_all_dropped_was_not_carried_out():
    assert fidelity([Done(S.CANCELLED), Done(S.CANCELLED)]) == 0
    assert fidelity([]) == 0
