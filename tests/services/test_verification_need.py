"""How many cases a plan says it takes, of every kind of indicator, from what its baseline's own cases say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

import numpy as np
import pytest

from bihuan.rules.content import hash_of, verification_content
from bihuan.services.item import amend
from bihuan.services.verification_plan import write_plan
from schemas.complaint import Complaint
from schemas.survey import Answer, AnswerSource

JULY = date(2026, 7, 6)


def answered(works: Any, past: Any, column: str, scores: list[int]) -> None:
    """So many answers on washing machines between July and September, spread over twelve weeks."""
    ids = past(JULY, 12, len(scores) // 12, 0)
    with works.office.db.write() as session:
        for place, (one, score) in enumerate(zip(ids, scores, strict=True)):
            at = datetime(2026, 7, 6, 3, tzinfo=UTC) + timedelta(weeks=place * 12 // len(scores))
            session.add(Answer(subject_id=one, channel=AnswerSource.WEB, external_id=f"{one}", answered_at=at,
                               changed_at=at, **{column: score}))  # fmt: skip


def goal(works: Any, **goal: Any) -> str:
    """An item with a cause, whose goal is this one."""
    number = works.confirmed()
    works(amend, number, goal, "li")
    return str(number)


def plan(works: Any, number: str, **said: Any) -> dict[str, Any]:
    works(write_plan, number, said, "li")
    return dict(works.show(number)["verification"])


def test_a_mean_score_takes_what_its_own_spread_says(works, past):
    answered(works, past, "csat", [5, 4, 2, 1] * 150)
    number = goal(works, indicator="csat_mean", baseline_x=1800, baseline_n=600, target_value=3.4)
    told = plan(works, number, weekly_n=50)
    assert told["n_required"] == pytest.approx(2 * 7.8489 * (2.5 * 600 / 599) / 0.16, abs=1)


def test_a_net_promoter_score_takes_what_its_segments_say(works, past):
    answered(works, past, "nps", [10, 10, 8, 3] * 150)
    number = goal(works, indicator="nps", baseline_x=150, baseline_n=600, target_value=40)
    told = plan(works, number, weekly_n=50)
    assert told["n_required"] == pytest.approx(2 * 7.8489 * (0.75 - 0.0625) * 10_000 / 15**2, abs=1)


def test_a_time_takes_what_the_times_of_the_baseline_say(works, past):
    chance = np.random.default_rng(7)
    ids = past(JULY, 12, 50, 50)
    with works.office.db.write() as session:
        for one, hours in zip(ids, chance.lognormal(2, 0.8, len(ids)), strict=True):
            row = session.get_one(Complaint, one)
            row.handled_at = row.registered_at + timedelta(hours=hours)
    number = goal(works, indicator="handling_time", baseline_x=7.4 * 600, baseline_n=600, target_value=5.2)
    told = plan(works, number, weekly_n=50)
    assert 100 < told["n_required"] < 600
    works(amend, number, {"target_value": 6.5}, "li")
    assert plan(works, number, weekly_n=50)["n_required"] > 4 * told["n_required"]


def test_too_few_answers_of_the_baseline_say_nothing(works, past):
    answered(works, past, "csat", [5, 1] * 6)
    number = goal(works, indicator="csat_mean", baseline_x=36, baseline_n=12, target_value=3.4)
    assert plan(works, number, weekly_n=50)["n_required"] is None


def test_weeks_that_swing_take_more_cases_and_a_later_day_and_both_are_frozen(works, past):
    """47 and 43 of 50 in turns are 1.89 standard deviations apart: φ = (1.89 / 1.128)² = 2.79."""
    for week in range(12):
        past(JULY + timedelta(weeks=week), 1, 50, 47 if week % 2 else 43)
    told = works.show(number := works.approved())["verification"]
    assert told["n_required"] == pytest.approx(435 * 2.79, abs=3)
    assert told["ready_on"] == date(2026, 11, 30) + timedelta(days=ceil(told["n_required"] / 60 * 7))
    assert (
        told["frozen_hash"]
        == hash_of(verification_content(told))
        == hash_of(verification_content(works.show(number)["verification"]))
    )
    assert hash_of(verification_content(told | {"n_required": 435})) != told["frozen_hash"]


def test_what_the_same_months_of_last_year_cost_is_planned_for(works, past):
    past(date(2025, 7, 7), 12, 30, 27)
    past(JULY, 12, 30, 27)
    assert works.show(works.planned())["verification"]["n_required"] == 870


def test_where_nobody_counted_a_month_the_baseline_says_how_many_come_a_week(works, past):
    past(JULY, 12, 42, 40)
    number = works.confirmed()
    assert plan(works, number)["weekly_n"] == pytest.approx(42 * 12 / (92 / 7), abs=0.01)
