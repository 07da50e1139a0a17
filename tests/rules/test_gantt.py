"""Bars of a Gantt chart: what is planned, done and late, and what stands before what."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.rules.gantt import bars, ordered, undated
from schemas.item import ItemState
from schemas.plan import MeasureState

TODAY = date(2026, 11, 30)
S = MeasureState


def measure(place, start=None, due=None, **facts):
    told = {"reference": f"P-01.{place}", "place": place, "what": f"measure {place}", "start_on": start, "due_on": due,
            "state": S.PLANNED, "progress_ratio": 0.0, "implemented_on": None, "depends_on": []}  # fmt: skip
    return told | facts


def item(*measures, **facts):
    told = {"number": "P-01", "name": "item", "state": ItemState.DOING, "start_on": date(2026, 11, 1),
            "due_on": date(2026, 12, 31), "progress_ratio": 0.0, "closed_at": None,
            "measures": list(measures)}  # fmt: skip
    return told | facts


@pytest.mark.parametrize(
    ("facts", "done", "late", "is_over"),
    [
        ({}, None, TODAY, False),
        ({"state": S.DOING, "progress_ratio": 0.5}, date(2026, 11, 15), TODAY, False),
        ({"state": S.DOING, "progress_ratio": 0.01}, None, TODAY, False),
        ({"state": S.DONE, "implemented_on": date(2026, 11, 18)}, date(2026, 11, 18), None, True),
        ({"state": S.DONE, "implemented_on": date(2026, 11, 25)}, date(2026, 11, 20), date(2026, 11, 25), True),
        ({"state": S.DONE, "implemented_on": date(2026, 11, 5)}, date(2026, 11, 11), None, True),
        ({"state": S.CANCELLED, "progress_ratio": 0.5}, None, None, True),
        ({"due_on": TODAY}, None, None, False),
    ],
)  # fmt: skip
def test_a_measure_is_done_and_late_as_far_as_its_days_say(facts, done, late, is_over):
    one = measure(1, date(2026, 11, 11), date(2026, 11, 20)) | facts
    bar = bars([item(one)], TODAY)[1]
    assert (bar.done_until_on, bar.late_until_on, bar.is_over) == (done, late, is_over)


def test_an_item_that_has_ended_is_late_no_more():
    closed = item(state=ItemState.CLOSED, closed_at=datetime(2026, 11, 9, tzinfo=UTC), due_on=date(2026, 11, 10))
    assert [bar.late_until_on for bar in bars([closed], TODAY)] == [None]
    assert [bar.late_until_on for bar in bars([item(due_on=date(2026, 11, 10))], TODAY)] == [TODAY]


def test_a_day_alone_makes_a_bar_of_one_day_and_no_day_makes_none():
    found = bars([item(measure(1, due=date(2026, 12, 1)), measure(2))], TODAY)
    assert [(bar.number, bar.start_on, bar.due_on) for bar in found[1:]] == [
        ("P-01.1", date(2026, 12, 1), date(2026, 12, 1)),
    ]  # fmt: skip
    assert undated([item(measure(1, due=date(2026, 12, 1)), measure(2))]) == ["P-01.2"]


def test_what_others_wait_for_stands_above_them_though_it_starts_later():
    early, late = measure(1, date(2026, 11, 1), depends_on=[2]), measure(2, date(2026, 11, 9))
    free = measure(3, date(2026, 11, 5))
    assert [one["place"] for one in ordered([early, late, free])] == [3, 2, 1]


def test_measures_that_wait_for_each_other_are_all_shown():
    circle = [measure(1, date(2026, 11, 1), depends_on=[2]), measure(2, date(2026, 11, 2), depends_on=[1])]
    assert sorted(one["place"] for one in ordered(circle)) == [1, 2]
