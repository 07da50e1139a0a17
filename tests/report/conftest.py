"""A rehearsal of a few milestones, one without anything in it, and a hostile one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from altair.utils import schemapi

from bihuan.analysis.kpi import rates
from bihuan.analysis.rehearsal import Rehearsal
from bihuan.report import drawing  # noqa: F401 - it spares what is done here

SINCE = datetime(2026, 7, 31, 16, tzinfo=UTC)
EVIL = "</text><script>alert('1')</script>"
"""A name that would be markup."""
FORMULA = '=HYPERLINK("evil")'
"""A name that would be a formula."""
COUNTS = ("deadlines", "met", "on_time", "breaches", "cancelled", "running", "warnings")

MakeMilestones = Callable[..., pd.DataFrame]


@pytest.fixture(autouse=True)
def _charts_are_held_against_the_schema() -> Iterator[None]:
    """At work they are not, as it takes longer than drawing them."""
    assert not schemapi.DEBUG_MODE, "drawing a chart no longer spares what this does in its place"
    with schemapi.debug_mode(True):
        yield


@pytest.fixture
def make_milestones() -> MakeMilestones:
    """Milestones from rows of milestone, side and the counts."""

    def make(*rows: tuple[Any, ...]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["milestone", "side", *COUNTS])
        figures = rates(frame.rename(columns={"on_time": "x", "met": "n"}))[["value", "low", "high"]]
        return frame.join(figures)

    return make


@pytest.fixture
def rehearsal(make_milestones: MakeMilestones) -> Rehearsal:
    """Assignment gets worse, first response better, handling stays, the negative answer has too few."""
    days = [date(2026, 8, 1) + timedelta(days=n) for n in range(31)]
    due = SINCE + timedelta(days=3, seconds=5)
    return Rehearsal(
        since=SINCE,
        until=SINCE + timedelta(days=31),
        timezone="Asia/Shanghai",
        complaints=1234,
        scope={"severity": ("general", "urgent"), "region": ("华东",)},
        versions={"today": "3f9c21a7", "draft": "b81e04d2"},
        is_simulated=False,
        milestones=make_milestones(
            ("assigned", "today", 1000, 980, 900, 90, 12, 8, 200),
            ("assigned", "draft", 1000, 980, 800, 190, 12, 8, 300),
            ("first_response", "today", 1100, 1050, 900, 170, 20, 30, 250),
            ("first_response", "draft", 1100, 1050, 1000, 70, 20, 30, 200),
            ("handled", "today", 1200, 1100, 1000, 130, 50, 50, 300),
            ("handled", "draft", 1200, 1100, 1000, 130, 50, 50, 300),
            ("negative_told", "today", 9, 7, 6, 2, 0, 2, 3), ("negative_told", "draft", 9, 7, 7, 1, 0, 2, 3),
        ),
        people=pd.DataFrame(
            [(f"staff:{n}", name, side, 10 * n + (side == "draft"), n)
             for n, name in enumerate(["张伟", "王芳", "王芳", "", EVIL, FORMULA], start=1)
             for side in ("today", "draft")],
            columns=["recipient", "name", "side", "warnings", "breaches"]),
        hours=pd.DataFrame([(hour, side, hour + 1) for hour in (3, 9, 23) for side in ("today", "draft")],
                           columns=["hour", "side", "alerts"]),
        nights=pd.DataFrame([(day, side, 4 + 2 * (side == "draft")) for day in days for side in ("today", "draft")],
                            columns=["night", "side", "alerts"]),
        follow_ups=pd.DataFrame(
            [(day, "satisfaction_follow_up", side, 7) for day in days for side in ("today", "draft")],
            columns=["day", "milestone", "side", "count"]),
        moved=pd.DataFrame(
            [("C1", "assigned", 1, due, due - timedelta(hours=1), False, True),
             (FORMULA, "first_response", 2, due, pd.NaT, True, False)],
            columns=["number", "milestone", "round", "due_today", "due_draft", "breached_today", "breached_draft"]),
        moved_count=310,
    )  # fmt: skip


@pytest.fixture
def empty(rehearsal: Rehearsal) -> Rehearsal:
    """Nothing was replayed: frames without rows."""
    frames = ("milestones", "people", "hours", "nights", "follow_ups", "moved")
    rowless = {name: getattr(rehearsal, name).iloc[:0] for name in frames}
    return replace(rehearsal, complaints=0, scope={}, moved_count=0, **rowless)


@pytest.fixture
def alike(rehearsal: Rehearsal) -> Rehearsal:
    """The draft is today's policy."""

    def mirrored(frame: pd.DataFrame) -> pd.DataFrame:
        today = frame[frame["side"] == "today"]
        return pd.concat([today, today.assign(side="draft")], ignore_index=True)

    frames = {name: mirrored(getattr(rehearsal, name))
              for name in ("milestones", "people", "hours", "nights", "follow_ups")}  # fmt: skip
    return replace(rehearsal, moved=rehearsal.moved.iloc[:0], moved_count=0, **frames)
