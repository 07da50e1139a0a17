"""Stage delays: who ate the lateness."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.analysis.cells import Floor
from bihuan.analysis.month import STAGES
from bihuan.analysis.stage import UNTIL_HANDLED, delays, eaten_by, excess, stage_tests
from schemas.improvement import Stage

FLOOR = Floor()


def staged(rows: list[tuple[bool | None, dict[Stage, float]]]) -> pd.DataFrame:
    """Complaints by whether they were late, and their seconds by stage."""
    seconds = [{f"stage_{stage}": spent.get(stage, np.nan) for stage in Stage} for _, spent in rows]
    return pd.DataFrame(seconds, columns=list(STAGES), dtype="float64").assign(
        is_late=pd.Series([late for late, _ in rows], dtype="boolean")
    )


USUAL = {Stage.ASSIGNING: 60.0, Stage.RESPONDING: 600.0, Stage.WORKING: 3600.0}
ROWS = [
    *[(False, USUAL)] * 3,
    (True, USUAL | {Stage.WAITING: 7200.0}),
    (True, USUAL | {Stage.WORKING: 5400.0, Stage.WAITING: 1800.0}),
    (True, USUAL | {Stage.ASSIGNING: 30.0}),
]


def test_excess_is_what_lies_beyond_the_median_of_those_on_time():
    found = excess(staged(ROWS))
    assert found.index.tolist() == [3, 4, 5]
    assert found[Stage.WAITING].tolist() == [7200, 1800, 0]
    assert found[Stage.WORKING].tolist() == [0, 1800, 0]
    assert found[Stage.ASSIGNING].tolist() == [0, 0, 0]


def test_each_stage_has_its_share_of_the_lateness():
    found = delays(staged(ROWS))
    assert found.loc[Stage.WAITING, "share"] == pytest.approx(9000 / 10800)
    assert found.loc[Stage.WORKING, ["share", "late", "usual_seconds", "n"]].tolist() == [1 / 6, 1, 3600, 3]
    assert Stage.TELLING not in found.index


def test_what_was_late_without_any_excess_is_eaten_by_nobody():
    assert eaten_by(staged(ROWS)).tolist() == ["", "", "", Stage.WAITING, Stage.WORKING, ""]


@pytest.mark.parametrize(
    "rows", [[], [(True, USUAL)], [(None, USUAL), (True, {})]], ids=["none", "all late", "unknown"]
)
def test_without_anything_on_time_nothing_is_in_excess(rows: list[tuple[bool | None, dict[Stage, float]]]):
    frame = staged(rows)
    assert excess(frame).empty
    assert delays(frame)["share"].isna().all()
    assert set(eaten_by(frame)) <= {""}


def month(late: dict[Stage, int], earlier: dict[Stage, int], n: int = 1000) -> tuple[pd.DataFrame, pd.Series]:
    """Complaints of two periods with so many late by each stage."""
    rows, now = [], []
    for is_now, counts in ((False, earlier), (True, late)):
        rows += [(True, USUAL | {stage: 90_000.0}) for stage, count in counts.items() for _ in range(count)]
        rows += [(False, USUAL)] * (n - sum(counts.values()))
        now += [is_now] * n
    return staged(rows), pd.Series(now)


def test_the_stage_that_makes_more_late_is_named():
    frame, is_now = month({Stage.WAITING: 150, Stage.WORKING: 50}, {Stage.WAITING: 50, Stage.WORKING: 50})
    found = stage_tests(frame, is_now, 1.0, FLOOR).set_index("element")
    assert found.loc[Stage.WAITING, "size"] == pytest.approx(0.1)
    assert found.loc[Stage.WAITING, "contribution"] == pytest.approx(1)
    assert found.loc[Stage.WAITING, "p"] < 1e-4
    assert found.loc[Stage.WORKING, "size"] == 0
    assert found.loc[Stage.WORKING, "p"] > 0.9


def test_a_month_that_is_later_in_every_stage_points_at_none():
    frame, is_now = month({Stage.WAITING: 150, Stage.WORKING: 300}, {Stage.WAITING: 50, Stage.WORKING: 100})
    assert stage_tests(frame, is_now, 1.0, FLOOR)["p"].tolist() == pytest.approx([0.5, 0.5])


def test_a_stage_with_hardly_a_case_is_not_tested():
    frame, is_now = month({Stage.WAITING: 4, Stage.WORKING: 50}, {Stage.WORKING: 50})
    found = stage_tests(frame, is_now, 1.0, FLOOR).set_index("element")
    assert np.isnan(found.loc[Stage.WAITING, "p"])


def test_without_stages_there_is_nothing_to_test():
    frame = staged([(True, {}), (False, {})])
    assert stage_tests(frame, pd.Series([False, True]), 1.0, FLOOR).empty


COUNTS = st.lists(st.integers(0, 30), min_size=5, max_size=5).map(lambda it: dict(zip(UNTIL_HANDLED, it, strict=True)))


@settings(max_examples=30)
@given(COUNTS, COUNTS)
def test_the_changes_of_the_stages_add_up_to_that_of_lateness(now: dict[Stage, int], before: dict[Stage, int]):
    frame, is_now = month(now, before, n=200)
    found = stage_tests(frame, is_now, 1.0, FLOOR)
    late = frame["is_late"].astype("float64")
    change = late[is_now].mean() - late[~is_now].mean()
    assert (found["size"].sum() if len(found) else 0.0) == pytest.approx(change, abs=1e-12)
