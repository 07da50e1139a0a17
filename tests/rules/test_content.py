"""What is agreed to at each gate: its hash changes with that and with nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.rules.content import (
    GOAL,
    VERIFICATION,
    cause_content,
    goal_content,
    hash_of,
    plan_content,
    voided_from,
)
from schemas.item import Gate, Item, ItemState
from schemas.plan import Bone, Cause, CauseState, Measure, MeasureKind, MeasureState, Strength

ITEM = dict.fromkeys((*Item.model_fields,)) | {"name": "退款慢", "target_value": 0.9, "due_on": date(2027, 3, 31)}


def cause(id_, parent_id=None, state=CauseState.CONFIRMED, **facts):
    return Cause(
        id=id_, item_id=1, parent_id=parent_id, bone=Bone.PROCESS, statement="x", state=state, **facts
    ).model_dump()


def measure(place=1, **facts):
    told = {"what": "a checklist", "kind": MeasureKind.CORRECTIVE, "strength": Strength.MEDIUM} | facts
    return Measure(item_id=1, place=place, **told).model_dump()


@pytest.mark.parametrize("field", GOAL)
def test_an_edit_of_any_part_of_the_goal_changes_its_hash(field):
    assert hash_of(goal_content(ITEM)) != hash_of(goal_content(ITEM | {field: "other"}))


@pytest.mark.parametrize("field", ["state", "remarks", "carry_count", "cycle_id", "revision", "verdict"])
def test_what_nobody_agreed_to_does_not_change_it(field):
    assert hash_of(goal_content(ITEM)) == hash_of(goal_content(ITEM | {field: "other"}))


def test_a_number_is_the_same_however_the_database_gives_it_back():
    assert hash_of(goal_content(ITEM | {"target_value": 5})) == hash_of(goal_content(ITEM | {"target_value": 5.0}))


def test_causes_are_agreed_to_with_those_above_them_and_no_others():
    tree = [cause(1, state=CauseState.CANDIDATE), cause(2, 1), cause(3, state=CauseState.CANDIDATE)]
    assert [one["id"] for one in cause_content(tree)["causes"]] == [1, 2]
    before = hash_of(cause_content(tree))
    assert hash_of(cause_content([*tree, cause(4, state=CauseState.CANDIDATE)])) == before
    assert hash_of(cause_content([*tree, cause(4)])) != before


@pytest.mark.parametrize("change", [{"progress_ratio": 0.5}, {"spent": 10.0}, {"implemented_on": date(2026, 12, 1)},
                                    {"state": MeasureState.DONE}, {"evidence": "photo"}])  # fmt: skip
def test_how_far_the_work_is_was_not_agreed_to(change):
    assert hash_of(plan_content(ITEM, [measure()], None)) == hash_of(plan_content(ITEM, [measure() | change], None))


@pytest.mark.parametrize("change", [{"what": "a robot"}, {"due_on": date(2027, 1, 1)}, {"budget": 10.0},
                                    {"state": MeasureState.CANCELLED}, {"cause_ids": [4]}])  # fmt: skip
def test_what_is_to_be_done_was(change):
    assert hash_of(plan_content(ITEM, [measure()], None)) != hash_of(plan_content(ITEM, [measure() | change], None))


def test_the_order_of_measures_is_none_of_it():
    one, two = measure(1), measure(2)
    assert plan_content(ITEM, [two, one], None) == plan_content(ITEM, [one, two], None)


def test_when_it_can_be_ready_follows_from_the_work_and_was_not_agreed_to():
    assert {"ready_on", "weekly_n", "frozen_at", "amendments"} & set(VERIFICATION) == set()


def test_an_edit_voids_its_gate_and_no_earlier_one():
    now = {gate: gate.value for gate in Gate}
    agreed = {Gate.G1: ["g1"], Gate.G2: ["g2", "old"], Gate.G3: ["old"]}
    assert voided_from(agreed, now) is Gate.G2
    assert voided_from({Gate.G1: ["g1"]}, now) is None
    assert voided_from({}, now) is None


def test_the_words_of_a_state_are_no_content():
    assert hash_of(goal_content(ITEM | {"state": ItemState.CLOSED})) == hash_of(goal_content(ITEM))
