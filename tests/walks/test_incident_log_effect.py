"""The incident log's own before and after, judged: much better, and nothing says why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from bihuan.analysis.effect import two_windows
from bihuan.analysis.method import Situation, Why, choose
from bihuan.analysis.reading import read
from bihuan.analysis.verdict import judge
from bihuan.analysis.verification import Goal, Windows
from schemas.kpi import Grain
from schemas.verification import Certainty, Limitation, Method, Metric, Verdict

WEEKS = Windows(date(2016, 2, 29), date(2016, 3, 21), date(2016, 3, 21), post_until=date(2016, 4, 11))


@pytest.fixture(scope="module")
def daily(real_data: Path) -> pd.DataFrame:
    """On time (the last word on each incident) and all incidents, by the day on which they were opened."""
    rows = pd.read_csv(
        real_data / "itsm_incident_events_2016w09_w14.csv.gz",
        usecols=["number", "made_sla", "opened_at", "sys_updated_at"],
    )  # fmt: skip
    at = pd.to_datetime(rows["sys_updated_at"], format="%d/%m/%Y %H:%M")
    last = rows.assign(at=at).sort_values("at", kind="stable").drop_duplicates("number", keep="last")
    days = pd.to_datetime(last["opened_at"], format="%d/%m/%Y %H:%M").dt.normalize()
    return last["made_sla"].astype("int64").groupby(days).agg(x="sum", n="count")


def test_weeks_nine_to_eleven_against_twelve_to_fourteen_are_better_and_say_there_is_no_control(daily):
    before, after = read(WEEKS, daily, Metric.SHARE)
    assert (round(before.value, 3), round(after.value, 3), before.n + after.n) == (0.269, 0.699, 11_774)
    assert (len(before.periods), len(after.periods)) == (3, 3)
    choice = choose(Situation(Metric.SHARE, Grain.WEEK, 3, 3))
    assert (choice.method, choice.why) == (Method.TWO_WINDOWS, Why.NOTHING_BETTER)
    effect = two_windows(before, after).limited(*choice.limitations)
    judged = judge(effect, Goal(0.6, is_lower_better=False), 400)
    assert judged.verdict is Verdict.EFFECTIVE
    assert {Limitation.NO_CONTROL, Limitation.TWO_WINDOWS_ONLY, Limitation.SHORT_SERIES} <= set(judged.limitations)
    assert {Limitation.SEASON_UNKNOWN, Limitation.OVERDISPERSED} <= set(judged.limitations)


def test_weeks_that_scatter_like_these_leave_the_target_a_point_estimate(daily):
    """Eleven thousand incidents look certain; six weeks that jump about are not."""
    before, after = read(WEEKS, daily, Metric.SHARE)
    goal = Goal(0.65, is_lower_better=False)
    careless, careful = two_windows(before, after, 1.0), two_windows(before, after)
    assert careful.high - careful.low > 3 * (careless.high - careless.low)
    assert judge(careless, goal, 400).certainty is Certainty.CONFIRMED
    assert judge(careful, goal, 400).certainty is Certainty.POINT_ESTIMATE
