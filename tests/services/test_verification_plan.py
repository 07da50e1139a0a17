"""The verification plan: computed from the item, frozen with its plan, and changed only with a reason."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.errors import UsageError
from bihuan.rules.content import hash_of, verification_content
from bihuan.services.item import amend, draft, move
from bihuan.services.item_log import LackingError
from bihuan.services.measure import edit_measure
from bihuan.services.verification_plan import write_plan
from schemas.item import Gate, ItemState
from schemas.kpi import Grain, Snapshot


def plan(works, number):
    return works.show(number)["verification"]


def test_what_nobody_said_follows_from_the_item(works):
    told = plan(works, works.planned())
    assert (told["indicator"], told["dimension"], told["element"]) == ("on_time_handled", "product", "洗衣机")
    assert (told["baseline_on"], told["baseline_until_on"]) == (date(2026, 7, 1), date(2026, 10, 1))
    assert told["excluded"] == ["2026-10-01"]


def test_it_says_how_many_cases_it_takes_and_when_they_can_be_there(works):
    told = plan(works, works.planned())
    assert told["n_required"] == 435  # 90 % to 95 %, alpha .05, power .8
    assert told["ready_on"] == date(2027, 1, 20)  # 435 at 60 a week are 51 days after the last of November


def test_how_many_come_a_week_is_taken_from_its_months(works):
    with works.office.db.write() as session:
        for month in (7, 8, 9):
            session.add(
                Snapshot(
                    grain=Grain.MONTH, starts_on=date(2026, month, 1), indicator="on_time_handled", n=261, x=200,
                    dimension="product", element="洗衣机", counted_at=works.office.at,
                )
            )  # fmt: skip
    number = works.confirmed()
    works(write_plan, number, {}, "li")
    assert plan(works, number)["weekly_n"] == pytest.approx(60, abs=0.1)


def test_where_too_few_come_it_says_that_it_cannot_be_verified_in_time(works):
    number = works.planned()
    works(move, number, ItemState.PLANNED, "li", "fewer come")
    works(write_plan, number, {"weekly_n": 5}, "li")
    assert plan(works, number)["ready_on"] is None
    with pytest.raises(LackingError, match="not known when enough data can be there"):
        works(move, number, ItemState.PLAN_REVIEW, "li")
    works(write_plan, number, {"fallback": "late ones of all products are watched"}, "li")
    works(move, number, ItemState.PLAN_REVIEW, "li")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"indicator": "luck"}, "no indicator 'luck'"),
        ({"guardrails": "nps, luck"}, "no indicator 'luck'"),
        ({"dimension": "weather"}, "no indicator is cut by 'weather'"),
        ({"control": "洗衣机"}, "the control is no other element"),
        ({"n_required": 5}, "n_required is computed"),
        ({"ready_on": "2026-12-01"}, "ready_on is computed"),
        ({"frozen_hash": "x"}, "frozen_hash is computed"),
        ({"alpha": 0.9}, "alpha: 0.9 is out of range"),
        ({"excluded": "October"}, "is no day"),
    ],
)
def test_what_it_cannot_say_is_refused(works, changes, said):
    number = works.confirmed()
    with pytest.raises(UsageError, match=said):
        works(write_plan, number, changes, "li")
    assert plan(works, number) is None


def test_the_month_by_which_it_was_chosen_is_not_let_into_the_baseline(works):
    number = works.planned()
    works(move, number, ItemState.PLANNED, "li", "another baseline")
    works(write_plan, number, {"baseline_until_on": "2026-11-01"}, "li")
    with pytest.raises(LackingError, match="the month by which it was chosen lies in its baseline"):
        works(move, number, ItemState.PLAN_REVIEW, "li")


def test_without_a_baseline_there_is_none(works):
    number = works(draft, works.opened(), "qian", {"name": "x", "indicator": "on_time_handled"})
    with pytest.raises(UsageError, match="has no baseline"):
        works(write_plan, number, {}, "li")
    works(write_plan, number, {"baseline_on": "2026-07-01", "baseline_until_on": "2026-10-01"}, "li")
    assert plan(works, number)["n_required"] is None


def test_it_is_frozen_with_its_hash_when_the_plan_is_agreed_to(works):
    number = works.planned()
    assert plan(works, number)["frozen_at"] is None
    works.agree(number, Gate.G3, "han", "eve")
    told = plan(works, number)
    assert told["frozen_at"] == works.office.at
    assert told["frozen_hash"] == hash_of(verification_content(told))


def test_frozen_it_is_changed_only_with_a_reason_and_agreed_to_again(works):
    number = works.approved()
    with pytest.raises(UsageError, match="a reason is missing"):
        works(write_plan, number, {"control": "冰箱"}, "li")
    works(write_plan, number, {"control": "冰箱"}, "li", "nothing is done to refrigerators")
    told = works.show(number)
    assert told["state"] is ItemState.PLANNED
    assert told["verification"]["frozen_hash"] == ""
    (amendment,) = told["verification"]["amendments"]
    assert (amendment["by"], amendment["reason"], amendment["changed"]) == (
        "li", "nothing is done to refrigerators",
        {"control": ["", "冰箱"], "n_required": [435, 870], "ready_on": ["2027-01-20", "2027-03-12"]},
    )  # fmt: skip
    works(move, number, ItemState.PLAN_REVIEW, "li")
    works.agree(number, Gate.G3, "han", "eve")
    assert plan(works, number)["frozen_hash"] == hash_of(verification_content(plan(works, number)))


def test_writing_the_same_again_changes_nothing(works):
    number = works.approved()
    before = works.show(number)
    works(write_plan, number, {"weekly_n": 60, "control": ""}, "li")
    assert works.show(number) == before


def test_another_target_takes_another_number_of_cases(works):
    number = works.planned()
    works(amend, number, {"target_value": 0.93}, "li")
    assert (plan(works, number)["n_required"], plan(works, number)["ready_on"]) == (None, None)
    works(write_plan, number, {}, "li")
    assert plan(works, number)["n_required"] == 1356  # 90 % to 93 %


def test_a_later_due_day_is_a_later_verdict(works):
    number = works.planned()
    before = plan(works, number)["ready_on"]
    works(edit_measure, f"{number}.1", {"due_on": "2026-12-10"}, "li")
    assert (plan(works, number)["ready_on"] - before).days == 10
