"""What a weekly review looks at: its days, how far items are, what is late and what falls due."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.rules.week import due_soon, late_on, progress_in, week_of
from schemas.item import ItemState
from schemas.plan import MeasureState

TODAY = date(2026, 11, 26)
WEEK = week_of(TODAY, TODAY)


def measure(due, **facts):
    return {"reference": f"P-01.{due}", "due_on": due, "state": MeasureState.DOING, "implemented_on": None} | facts


def item(*measures, **facts):
    return {"state": ItemState.DOING, "measures": list(measures), "checkpoints": [], "planned_ratio": 0.5,
            "progress_ratio": 0.4} | facts  # fmt: skip


def test_a_week_runs_from_monday_to_sunday_and_is_seen_today_while_it_lasts():
    assert (date(2026, 11, 23), date(2026, 11, 29), TODAY) == WEEK
    assert week_of(date(2026, 11, 22), TODAY) == (date(2026, 11, 16), date(2026, 11, 22), date(2026, 11, 22))
    assert week_of(date(2027, 1, 1), date(2027, 1, 9)).first_on == date(2026, 12, 28)


@pytest.mark.parametrize(("actual", "is_behind"), [(0.41, False), (0.4, True), (0.39, True), (0.9, False)])
def test_from_ten_points_behind_on_a_reason_is_due(actual, is_behind):
    assert progress_in(item(progress_ratio=actual), WEEK).is_behind is is_behind


def test_a_weeks_checkpoint_goes_before_what_is_counted_today():
    kept = [{"week_on": date(2026, 11, 16), "planned_ratio": 0.1, "actual_ratio": 0.1},
            {"week_on": date(2026, 11, 23), "planned_ratio": 0.3, "actual_ratio": 0.2}]  # fmt: skip
    far = progress_in(item(checkpoints=kept), WEEK)
    assert (far.planned, far.actual, far.checkpoint) == (0.3, 0.2, kept[1])
    assert progress_in(item(checkpoints=kept[:1]), WEEK)[:2] == (0.5, 0.4)


def test_late_is_what_was_due_before_the_day_and_neither_done_by_then_nor_cancelled():
    due = date(2026, 11, 20)
    rows = {
        "open": measure(due), "today": measure(TODAY), "cancelled": measure(due, state=MeasureState.CANCELLED),
        "done": measure(due, state=MeasureState.DONE, implemented_on=date(2026, 11, 19)),
        "done_after": measure(due, state=MeasureState.DONE, implemented_on=date(2026, 11, 27)),
    }  # fmt: skip
    found = [one for _, one in late_on([item(*rows.values())], TODAY)]
    assert found == [rows["open"], rows["done_after"]]
    assert late_on([item(rows["open"], state=ItemState.CANCELLED)], TODAY) == []


def test_what_falls_due_within_two_weeks_is_told_the_earliest_first():
    days = [date(2026, 12, 9), date(2026, 12, 10), TODAY, date(2026, 11, 25)]
    assert [one["due_on"] for _, one in due_soon([item(*map(measure, days))], TODAY)] == [TODAY, date(2026, 12, 9)]
