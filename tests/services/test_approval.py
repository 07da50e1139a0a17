"""Approvals: who has to agree until when, what an edit voids, and that nobody judges their own work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.approval import decide, waiting
from bihuan.services.cause import confirm_cause, edit_cause
from bihuan.services.cycle import open_special
from bihuan.services.item import amend, child, draft_from_finding, hold, move
from bihuan.services.item_log import LackingError
from bihuan.services.measure import add_measure, cancel_measure, edit_measure, implement_measure, record_progress
from bihuan.services.verification_plan import write_plan
from schemas.complaint import Severity
from schemas.item import Approval, Gate, ItemState, Verdict
from schemas.people import Staff

S = ItemState


def owed(works, code=None):
    staff_id = works.ids[code] if code else None
    with works.office.db.read() as session:
        rows = waiting(session, works.office.policy, works.office.clock, staff_id)
    return [(one.gate.value, one.role.value, one.staff, one.until_on) for one in rows]


def gates(works, number):
    """Gates with an approval that stands."""
    return {one["gate"].value for one in works.show(number)["approvals"] if one["is_approved"] and not one["voided_at"]}


# --- who, until when ---


def test_a_draft_waits_for_the_quality_manager_once_it_lacks_nothing(works):
    number = works(draft_from_finding, works.opened(), "F-2026-10-01", "qian")
    assert owed(works) == []
    works(amend, number, {"owner": "li", "target_value": 0.95, "due_on": "2027-03-31"}, "qian")
    assert owed(works) == [("g1", "quality_manager", ("qian",), date(2026, 11, 5))]


def test_each_persons_list_holds_what_they_may_decide(works):
    number = works.planned()
    assert works.show(number)["priority"].value == "high"
    assert owed(works, "han") == [("g3", "department_head", ("han",), date(2026, 11, 5))]
    assert owed(works, "eve") == [("g3", "executive", ("eve",), date(2026, 11, 5))]
    assert owed(works, "bo") == owed(works, "li") == []


def test_a_term_counts_working_days_from_when_it_came_there(works):
    works.planned()
    works.office.at = datetime(2026, 11, 6, 2, 0, tzinfo=UTC)
    with works.office.db.read() as session:
        rows = waiting(session, works.office.policy, works.office.clock)
    assert [(one.since_at, one.is_overdue) for one in rows] == [(datetime(2026, 11, 2, 2, tzinfo=UTC), True)] * 2


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"priority": "low", "priority_reason": "sold out"}, ["department_head"]),
        ({"priority": "low", "priority_reason": "sold out", "budget": 50_001}, ["department_head", "executive"]),
        ({"priority": "low", "priority_reason": "sold out", "budget": 50_000}, ["department_head"]),
    ],
)
def test_the_executive_agrees_to_what_is_grave(works, change, wanted):
    number = works.drafted()
    works(amend, number, change, "qian")
    works.agree(number, Gate.G1, "qian")
    through_to_review(works, number)
    assert [role for _, role, _, _ in owed(works)] == wanted


def through_to_review(works, number):
    works(move, number, S.ANALYSING, "li")
    cause = works.show(number)["causes"][0]["id"]
    works(confirm_cause, cause, "data", "33 of 48", "li")
    works.agree(number, Gate.G2, "qian", "han")
    works(move, number, S.PLANNED, "li")
    plan = {"what": "parts in the shop", "kind": "corrective", "strength": "strong", "cause_ids": [cause],
            "owner": "wang", "due_on": "2026-11-30"}  # fmt: skip
    works(add_measure, number, plan, "li")
    works(write_plan, number, {"weekly_n": 60}, "li")
    works(move, number, S.PLAN_REVIEW, "li")


def test_a_major_complaint_brings_the_executive_in(works):
    complaint = works.office.register("major", severity=Severity.MAJOR)
    works.analysis()
    cycle = works(open_special, "a fire", "qian", complaint)
    number = works(draft_from_finding, cycle, "F-2026-10-01", "qian")
    goal = {"owner": "li", "target_value": 0.95, "due_on": "2027-03-31", "department": "service", "priority": "low",
            "priority_reason": "one machine"}  # fmt: skip
    works(amend, number, goal, "qian")
    works.agree(number, Gate.G1, "qian")
    through_to_review(works, number)
    assert [role for _, role, _, _ in owed(works)] == ["department_head", "executive"]


def test_the_head_of_the_owners_department_answers_where_the_item_names_none(works):
    number = works.selected()
    works(amend, number, {"department": ""}, "qian")
    works.agree(number, Gate.G1, "qian")
    assert works.show(number)["state"] is S.SELECTED
    through_to_review(works, number)
    assert ("g3", "department_head", ("han",), date(2026, 11, 5)) in owed(works)


# --- deciding ---


def test_nobody_agrees_who_has_no_part_in_it(works):
    number = works.drafted()
    for code in ("li", "han", "eve"):
        with pytest.raises(RefusedError, match="is not the one to agree at g1"):
            works.agree(number, Gate.G1, code)
    with pytest.raises(UsageError, match="no active staff"):
        works(decide, number, Gate.G1, 999, True)


def test_a_gate_opens_when_the_last_agrees_and_in_any_order(works):
    number = works.selected()
    works(move, number, S.ANALYSING, "li")
    works(confirm_cause, works.show(number)["causes"][0]["id"], "data", "33 of 48", "li")
    first = works(decide, number, Gate.G2, works.ids["han"], True)
    assert (first.missing, first.state, first.is_new) == (("quality_manager",), S.ANALYSING, True)
    again = works(decide, number, Gate.G2, works.ids["han"], True)
    assert (again.missing, again.is_new) == (("quality_manager",), False)
    last = works(decide, number, Gate.G2, works.ids["qian"], True)
    assert (last.missing, last.state) == ((), S.CAUSE_CONFIRMED)
    assert len(works.office.rows(Approval)) == 3


def test_what_is_not_ready_is_not_agreed_to(works):
    number = works(draft_from_finding, works.opened(), "F-2026-10-01", "qian")
    with pytest.raises(LackingError, match="nobody owns it"):
        works.agree(number, Gate.G1, "qian")
    with pytest.raises(LackingError, match="nothing leads to approved"):
        works.agree(number, Gate.G3, "eve")


def test_a_refusal_needs_a_comment_and_sends_the_plan_back(works):
    number = works.planned()
    works.agree(number, Gate.G3, "han")
    with pytest.raises(UsageError, match="a comment is missing"):
        works(decide, number, Gate.G3, works.ids["eve"], False, " ")
    done = works(decide, number, Gate.G3, works.ids["eve"], False, "who keeps the stock?")
    assert done.state is S.PLANNED
    assert gates(works, number) == {"g1", "g2"}
    event = works.show(number)["events"][-1]
    assert (event["kind"], event["actor"], event["reason"]) == ("rejected", "eve", "who keeps the stock?")
    works(move, number, S.PLAN_REVIEW, "li")
    assert works.agree(number, Gate.G3, "eve", "han") is S.APPROVED


def test_a_no_of_the_verifier_keeps_the_item_open(works):
    number = checked(works)
    works.agree(number, Gate.G4, "qian")
    done = works(decide, number, Gate.G4, works.ids["bo"], False, "the March figures are not in")
    assert done.state is S.CHECKING
    assert works(decide, number, Gate.G4, works.ids["bo"], False, "the March figures are not in").is_new is False
    assert gates(works, number) == {"g1", "g2", "g3"}
    assert {role for _, role, _, _ in owed(works)} == {"verifier", "quality_manager"}
    assert works.agree(number, Gate.G4, "bo", "qian") is S.VERDICT


# --- who does the work does not judge it ---


def checked(works):
    number = works.done()
    works.office.at = datetime(2027, 2, 1, 2, 0, tzinfo=UTC)
    works(move, number, S.CHECKING, "qian")
    works.check(number, Verdict.EFFECTIVE)
    return number


@pytest.mark.parametrize("code", ["li", "wang"])
def test_whoever_owns_the_item_or_a_measure_verifies_nothing(works, code):
    number = checked(works)
    with pytest.raises(RefusedError, match=f"{code} did the work"):
        works.agree(number, Gate.G4, code)


def test_the_quality_manager_who_did_some_of_the_work_does_not_judge_it_either(works):
    works.office.staff("zhou", "quality", roles=["quality_manager"])
    works.ids["zhou"] = next(row.id for row in works.office.rows(Staff) if row.code == "zhou")
    number = works.planned()
    works(move, number, S.PLANNED, "li", "one more measure")
    works(edit_measure, f"{number}.1", {"owner": "qian"}, "li")
    works(move, number, S.PLAN_REVIEW, "li")
    works.agree(number, Gate.G3, "han", "eve")
    finish(works, number)
    with pytest.raises(RefusedError, match="qian did the work"):
        works.agree(number, Gate.G4, "qian")
    assert works.agree(number, Gate.G4, "bo", "zhou") is S.VERDICT


def finish(works, number):
    works.office.at = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
    works(implement_measure, f"{number}.1", "wang", implemented_on=date(2026, 11, 28), evidence="stock list")
    works(move, number, S.IMPLEMENTED, "li")
    works(move, number, S.OBSERVING, "li")
    works.office.at = datetime(2027, 2, 1, 2, 0, tzinfo=UTC)
    works(move, number, S.CHECKING, "qian")
    works.check(number, Verdict.EFFECTIVE)


def test_one_person_does_not_both_verify_and_approve(works):
    number = checked(works)
    works.agree(number, Gate.G4, "qian")
    again = works(decide, number, Gate.G4, works.ids["qian"], True)
    assert (again.is_new, again.missing, again.state) == (False, ("verifier",), S.CHECKING)


def test_who_verified_signs_the_check(works):
    number = works.judged()
    check = works.show(number)["checks"][0]
    assert (check["checked_by"], check["signed_at"]) == ("bo", works.office.at)
    assert {one["role"]: one["staff"] for one in works.show(number)["approvals"] if one["gate"] is Gate.G4} == {
        "verifier": "bo", "quality_manager": "qian",
    }  # fmt: skip


# --- edits void ---


def test_an_edit_of_the_goal_voids_everything_and_the_item_begins_again(works):
    number = works.approved()
    works(amend, number, {"target_value": 0.93}, "li")
    told = works.show(number)
    assert (told["state"], gates(works, number)) == (S.DRAFT, set())
    assert (told["events"][-1]["kind"], told["events"][-1]["data"]) == ("voided", {"gate": "g1", "was": "approved"})
    assert all(one["voided_at"] for one in told["approvals"])


def test_an_edit_of_a_cause_voids_what_was_said_of_causes_and_plan(works):
    number = works.approved()
    works(edit_cause, works.show(number)["causes"][0]["id"], {"evidence": "34 of 48"}, "li")
    assert (works.show(number)["state"], gates(works, number)) == (S.ANALYSING, {"g1"})


@pytest.mark.parametrize(
    "edit",
    [
        lambda works, number: works(edit_measure, f"{number}.1", {"due_on": "2026-12-15"}, "li"),
        lambda works, number: works(cancel_measure, f"{number}.1", "too dear", "li"),
        lambda works, number: works(
            add_measure, number, {"what": "a leaflet", "kind": "preventive", "strength": "weak"}, "li"
        ),
        lambda works, number: works(write_plan, number, {"guardrails": "nps"}, "li", "the shop asked"),
        lambda works, number: works(amend, number, {"budget": 100}, "li"),
    ],
    ids=["measure edited", "measure cancelled", "measure added", "verification amended", "budget edited"],
)
def test_an_edit_of_the_plan_voids_the_plan_alone(works, edit):
    number = works.approved()
    edit(works, number)
    assert (works.show(number)["state"], gates(works, number)) == (S.PLANNED, {"g1", "g2"})


def test_what_was_not_agreed_to_voids_nothing(works):
    number = works.approved()
    works(amend, number, {"remarks": "seen", "stage": "working", "target_text": "soon"}, "li")
    works(record_progress, f"{number}.1", "wang", ratio=0.5, spent=10)
    assert (works.show(number)["state"], gates(works, number)) == (S.DOING, {"g1", "g2", "g3"})


def test_once_its_plan_is_agreed_to_again_the_work_goes_on_where_it_was(works):
    number = works.approved()
    works(record_progress, f"{number}.1", "wang", ratio=0.5)
    works(edit_measure, f"{number}.1", {"due_on": "2026-12-15"}, "li")
    assert works.show(number)["state"] is S.PLANNED
    works(move, number, S.PLAN_REVIEW, "li")
    assert works.agree(number, Gate.G3, "han", "eve") is S.DOING
    assert works.show(number)["measures"][0]["progress_ratio"] == 0.5


def test_an_observed_item_whose_verification_is_amended_is_observed_again_once_that_is_agreed_to(works):
    number = works.done()
    works(write_plan, number, {"least_days": 40}, "li", "a holiday lies in it")
    assert works.show(number)["state"] is S.PLANNED
    works(move, number, S.PLAN_REVIEW, "li")
    assert works.agree(number, Gate.G3, "han", "eve") is S.OBSERVING


def test_what_was_agreed_to_before_an_edit_was_undone_stays_void(works):
    number = works.selected()
    works(amend, number, {"owner": "wang"}, "li")
    works(amend, number, {"owner": "li"}, "li")
    assert (works.show(number)["state"], gates(works, number)) == (S.DRAFT, set())


def test_an_item_that_ended_keeps_what_was_agreed_to(works):
    number = works.judged(Verdict.INEFFECTIVE)
    works(child, number, "new_measure", "qian")
    assert gates(works, number) == {"g1", "g2", "g3", "g4"}


def test_a_held_item_waits_for_nobody(works):
    number = works.drafted()
    works(hold, number, works.office.at.date() + timedelta(days=9), "qian", "the figures come then")
    assert owed(works) == []
    with pytest.raises(LackingError, match="it is held"):
        works.agree(number, Gate.G1, "qian")


def test_a_goal_moved_after_the_verdict_is_judged_anew_and_not_by_the_old_check(works):
    number = works.judged()
    works(amend, number, {"target_value": 0.91}, "li")
    told = works.show(number)
    assert (told["state"], told["verdict"], told["progress_ratio"]) == (S.DRAFT, None, 0.9)
    assert told["events"][-1]["data"]["spent"] == told["checks"][-1]["id"]
