"""Measures: owned by somebody, in an order that can be kept, done with proof; what was cancelled is not done."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.rules.budget import Oddity
from bihuan.services.item import amend, move
from bihuan.services.item_log import LackingError
from bihuan.services.measure import add_measure, cancel_measure, edit_measure, implement_measure, record_progress
from bihuan.services.people import save_staff
from schemas.item import Gate, ItemState
from schemas.people import StaffIn
from schemas.plan import MeasureState

S = ItemState
PLAN = {"what": "a second shelf", "kind": "corrective", "strength": "medium"}


def measures(works, number):
    return works.show(number)["measures"]


def add(works, number, **facts):
    return works(add_measure, number, PLAN | facts, "li")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"what": ""}, "what: it is empty"),
        ({"kind": None}, "kind: it is empty"),
        ({"strength": "iron"}, "none of its words"),
        ({"owner": "nobody"}, "no active staff"),
        ({"collaborators": "wang, nobody"}, "no active staff 'nobody'"),
        ({"cause_ids": "9999"}, "has no cause 9999"),
        ({"depends_on": "7"}, "has no measure 7"),
        ({"start_on": "2026-12-02", "due_on": "2026-12-01"}, "due before it starts"),
        ({"budget": -1}, "out of range"),
        ({"effort": 0}, "out of range"),
        ({"state": "done"}, "state is computed"),
        ({"progress_ratio": 1}, "progress_ratio is computed"),
        ({"implemented_on": "2026-11-01"}, "implemented_on is computed"),
    ],
)
def test_what_cannot_be_planned_is_refused(works, facts, said):
    number = works.confirmed()
    with pytest.raises(UsageError, match=said):
        add(works, number, **facts)
    assert measures(works, number) == []


def test_whoever_left_owns_no_new_measure(works):
    number = works.confirmed()
    with works.office.db.write() as session:
        save_staff(session, StaffIn(code="wang", name="Wang", department="service", is_active=False), "s")
    with pytest.raises(UsageError, match="no active staff 'wang'"):
        add(works, number, owner="wang")


def test_measures_are_counted_within_their_item(works):
    number = works.confirmed()
    assert [add(works, number, what=f"shelf {place}").reference for place in (1, 2)] == [f"{number}.1", f"{number}.2"]
    told = measures(works, number)[1]
    assert (told["reference"], told["what"], told["state"]) == (f"{number}.2", "shelf 2", MeasureState.PLANNED)
    for wrong in (f"{number}.3", f"{number}.x", number):
        with pytest.raises(UsageError, match=r"no (measure|improvement item)"):
            works(edit_measure, wrong, {"what": "x"}, "li")


def test_no_measure_waits_for_itself_whichever_way_round(works):
    number = works.confirmed()
    for place in (1, 2, 3):
        add(works, number, what=f"shelf {place}", depends_on=place - 1 if place > 1 else "")
    for waits in (1, 2, 3):
        with pytest.raises(RefusedError, match="would wait for itself"):
            works(edit_measure, f"{number}.1", {"depends_on": waits}, "li")
    works(edit_measure, f"{number}.3", {"depends_on": "1, 2"}, "li")
    assert measures(works, number)[2]["depends_on"] == [1, 2]


def test_money_that_is_oddly_split_is_told_and_kept(works):
    number = works.confirmed()
    works(amend, number, {"budget": 1000}, "li")
    assert add(works, number, budget=880).warnings == ()
    assert add(works, number, what="a rope", kind="containment", budget=400).warnings == (Oddity.OVER_BUDGET,)
    assert works(cancel_measure, f"{number}.2", "not needed", "li").warnings == ()
    assert works(edit_measure, f"{number}.1", {"budget": 300}, "li").warnings == (
        Oddity.RESERVE_HIGH, Oddity.LITTLE_FOR_CAUSES,
    )  # fmt: skip


def test_work_begins_once_the_plan_is_agreed_to(works):
    number = works.planned()
    with pytest.raises(RefusedError, match="its plan is not being worked on"):
        works(record_progress, f"{number}.1", "wang", ratio=0.2)
    works.agree(number, Gate.G3, "han", "eve")
    saved = works(record_progress, f"{number}.1", "wang", ratio="20%", spent=300)
    told = works.show(number)
    assert (told["state"], told["progress_ratio"], told["measures"][0]["state"]) == (S.DOING, 0.2, MeasureState.DOING)
    assert saved.revision == told["revision"]
    assert works(record_progress, f"{number}.1", "wang", ratio=0.2, spent=300).revision == saved.revision


def test_containment_begins_before_anybody_knows_why(works):
    number = works.selected()
    add(works, number, what="sell from the other shop", kind="containment")
    works(record_progress, f"{number}.1", "wang", ratio=0.5)
    works(implement_measure, f"{number}.1", "wang", implemented_on=date(2026, 11, 2), evidence="the list")
    told = works.show(number)
    assert (told["state"], told["measures"][0]["state"]) == (S.SELECTED, MeasureState.DONE)


def test_it_is_done_on_a_day_with_proof_and_not_tomorrow(works):
    number = works.approved()
    for said, words in (
        ({}, "the day is missing"),
        ({"implemented_on": date(2026, 11, 3), "evidence": "x"}, "has not come"),
        ({"implemented_on": date(2026, 11, 2)}, "evidence is missing"),
        ({"implemented_on": date(2026, 11, 2), "evidence": "x", "coverage": 1.2}, "coverage: 1.2 is out of range"),
    ):
        with pytest.raises(UsageError, match=words):
            works(implement_measure, f"{number}.1", "wang", **said)
    works(implement_measure, f"{number}.1", "wang", implemented_on="2026-11-02", evidence="the list", coverage="90%")
    told = measures(works, number)[0]
    assert (told["state"], told["implemented_on"], told["coverage_ratio"], told["progress_ratio"]) == (
        MeasureState.DONE, date(2026, 11, 2), 0.9, 1.0,
    )  # fmt: skip
    with pytest.raises(RefusedError, match="is done"):
        works(record_progress, f"{number}.1", "wang", ratio=0.5)
    with pytest.raises(RefusedError, match="is done"):
        works(cancel_measure, f"{number}.1", "why", "wang")
    with pytest.raises(RefusedError, match="is done"):
        works(edit_measure, f"{number}.1", {"due_on": "2027-01-01"}, "wang")


def test_one_that_waits_for_another_is_not_done_before_it(works):
    number = works.planned()
    works(move, number, S.PLANNED, "li", "one more")
    cause = works.show(number)["causes"][0]["id"]
    add(works, number, cause_ids=[cause], owner="li", due_on="2026-12-01", depends_on=[1])
    works(move, number, S.PLAN_REVIEW, "li")
    works.agree(number, Gate.G3, "han", "eve")
    done = {"implemented_on": date(2026, 11, 2), "evidence": "x"}
    with pytest.raises(RefusedError, match="waits for measure 1"):
        works(implement_measure, f"{number}.2", "li", **done)
    works(implement_measure, f"{number}.1", "wang", **done)
    works(implement_measure, f"{number}.2", "li", **done)


def test_a_plan_whose_measures_were_all_cancelled_is_not_done(works):
    number = works.approved()
    works(record_progress, f"{number}.1", "wang", ratio=0.9)
    for _ in range(2):
        works(cancel_measure, f"{number}.1", "too dear", "li")
    told = works.show(number)
    assert (told["state"], told["progress_ratio"]) == (S.PLANNED, 0)
    with pytest.raises(LackingError, match="no measure, or all are cancelled"):
        works(move, number, S.PLAN_REVIEW, "li")
    with pytest.raises(RefusedError, match="was cancelled"):
        works(edit_measure, f"{number}.1", {"owner": "li"}, "li")
    assert add(works, number).reference == f"{number}.2"


def test_an_item_is_not_implemented_while_a_measure_is_open(works):
    number = works.approved()
    works(record_progress, f"{number}.1", "wang", ratio=1)
    with pytest.raises(LackingError, match="measure 1 is not done"):
        works(move, number, S.IMPLEMENTED, "li")


def test_the_day_on_which_it_can_be_judged_follows_the_work(works):
    number = works.approved()
    planned = works.show(number)["verification"]["ready_on"]
    works.office.at = works.office.at.replace(month=12)
    works(implement_measure, f"{number}.1", "wang", implemented_on=date(2026, 12, 2), evidence="x")
    assert works.show(number)["verification"]["ready_on"] - planned == date(2026, 12, 2) - date(2026, 11, 30)
