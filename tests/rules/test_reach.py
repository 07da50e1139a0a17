"""Whom every rung reaches, and every way in which one reaches nobody."""

from __future__ import annotations

import pytest

from bihuan.policy.escalation import EscalationPolicy
from bihuan.rules.reach import Weight, handlers, pickable, told, uncovered, unknown, unreached, unreplaced
from bihuan.rules.roster import Person, Roster, Unit
from schemas.access import Role

CONTACT = frozenset({"preferred"})
SERVICE, SPECIAL = Unit(10, "service", has_contact=True), Unit(20, "special", has_contact=True)


def person(id_: int, code: str, department: int = 10, **facts) -> Person:
    return Person(id_, code, department, **{"channels": CONTACT} | facts)


def roster(*people: Person, units=(SERVICE,), duty=None) -> Roster:
    return Roster({one.id: one for one in people}, {one.id: one for one in units}, duty or {}, "special")


def ladders(*rungs: list[str] | dict, **sections) -> EscalationPolicy:
    """A policy with one ladder that tells these, one rung after the other."""
    steps = [rung if isinstance(rung, dict) else {"tell": rung} for rung in rungs]
    steps = [step | ({"wait": "1h"} if number else {}) for number, step in enumerate(steps)]
    general = {
        "ladders": {"usual": {"rungs": steps}},
        "severity": dict.fromkeys(["general", "urgent", "major"], "usual"),
    }
    return EscalationPolicy.model_validate(general | sections)


def wrong(
    policy: EscalationPolicy, people: Roster, *, has_operator: bool = False
) -> list[tuple[str, int, str, str, str]]:
    faults = unreached(policy, people, has_operator=has_operator)
    assert all(fault.weight is Weight.PROBLEM for fault in faults)
    return [(one.department, one.rung, one.target, one.wrong, one.cure) for one in faults]


ANNA, HEAD = person(1, "anna"), person(2, "head", is_head=True)


# --- which ladders and whom ------------------------------------------------------------------------------------------


def test_a_department_can_be_on_every_ladder_that_names_no_other():
    rungs = {"rungs": [{"tell": ["handler"]}]}
    mine = {"when": {"department": ["service"]}, "severity": {"general": "own"}}
    other = {"when": {"department": ["product"]}, "milestones": {"assigned": "theirs"}}
    policy = ladders(
        ladders=dict.fromkeys(["usual", "own", "theirs", "watch", "late", "unused"], rungs),
        milestones={"first_response": "late"}, scopes={"mine": mine, "other": other},
        oversight={"severity": ["major"], "ladder": "watch"},
    )  # fmt: skip
    assert pickable(policy, "service") == ["usual", "own", "watch", "late"]
    assert pickable(policy, "product") == ["usual", "theirs", "watch", "late"]


def test_no_ladder_is_none():
    assert pickable(ladders(["handler"], milestones={"first_response": "none"}), "service") == ["usual"]


@pytest.mark.parametrize(("people", "codes"), [
    ([ANNA, HEAD], ["anna"]), ([HEAD], ["head"]), ([], [None]), ([person(1, "anna", is_active=False)], [None]),
    ([ANNA, person(3, "far", 20)], ["anna"]), ([person(1, "anna", is_away=True)], ["anna"]),
])  # fmt: skip
def test_these_may_handle_the_complaints_of_a_department(people, codes):
    assert [one and one.code for one in handlers(roster(*people), 10)] == codes


def test_a_rung_tells_whoever_handles_it_by_code_and_unusual_way():
    boss = person(3, "boss", 20, roles=frozenset({Role.EXECUTIVE}), channels=frozenset({"sms"}))
    policy = ladders(["handler", "department"], {"tell": ["executive"], "channels": ["sms"]}, ["operator"])
    people = roster(ANNA, person(4, "ben"), HEAD, boss)
    assert [one.told for one in told(policy, people)] == [("anna", "service", "ben"), ("boss (sms)",), ("operator",)]


# --- rungs that reach nobody -----------------------------------------------------------------------------------------


def test_a_company_in_which_everybody_can_be_told_has_no_fault():
    boss = person(3, "boss", roles=frozenset({Role.EXECUTIVE}))
    assert wrong(ladders(["handler"], ["department_head"], ["executive"]), roster(ANNA, HEAD, boss)) == []


@pytest.mark.parametrize(("tell", "department", "reason", "cure"), [
    ("handler", "service", "there is none", "enter somebody who works there"),
    ("department_head", "service", "there is none", "mark somebody there as is_head"),
    ("liaison", "service", "there is none", "mark somebody there as is_liaison"),
    ("duty", "service", "nobody is on duty", "enter the missing shifts, or let the rung tell somebody else as well"),
    ("duty:night", "", "nobody is on duty", "enter the missing shifts, or let the rung tell somebody else as well"),
    ("executive", "", "there is none", "give somebody the role executive"),
    ("quality_manager", "", "there is none", "give somebody the role quality_manager"),
    ("special_group", "", "there is none", "enter the department special with a head, or with a contact_url"),
    ("staff:zoe", "", "there is none", "enter the person, or correct the ladder"),
    ("department:it", "", "there is none", "enter it with a contact_url, or correct the ladder"),
    ("operator", "", "nobody has the role, and BIHUAN_OPERATOR_URL is not set",
     "give somebody the role operator, or set BIHUAN_OPERATOR_URL"),
])  # fmt: skip
def test_whom_nobody_is_is_named_with_the_cure(tell, department, reason, cure):
    assert wrong(ladders([tell]), roster()) == [(department, 1, tell, reason, cure)]


@pytest.mark.parametrize(("facts", "reason", "cure"), [
    ({"is_active": False}, "there is none", "enter the person, or correct the ladder"),
    ({"is_away": True}, "away, and nobody stands in", "name a substitute who is there"),
    ({"channels": frozenset()}, "no contact", "enter a contact_url"),
])  # fmt: skip
def test_a_person_who_cannot_be_told_is_told_from_one_there_is_not(facts, reason, cure):
    assert wrong(ladders(["staff:anna"]), roster(person(1, "anna", **facts))) == [("", 1, "staff:anna", reason, cure)]


def test_a_way_that_nobody_has_is_named():
    policy = ladders({"tell": ["staff:anna"], "channels": ["sms", "wecom"]})
    assert wrong(policy, roster(ANNA)) == [("", 1, "staff:anna", "no contact by sms or wecom", "enter contact_sms")]


def test_each_handler_who_cannot_be_told_is_named_and_the_others_not():
    people = roster(ANNA, person(2, "ben", is_away=True), person(3, "cleo", channels=frozenset()))
    assert [(target, why) for _, _, target, why, _ in wrong(ladders(["handler"]), people)] == [
        ("handler ben", "away, and nobody stands in"), ("handler cleo", "no contact"),
    ]  # fmt: skip


def test_a_substitute_is_as_good():
    assert wrong(ladders(["handler"]), roster(ANNA, person(2, "ben", is_away=True, substitute_id=1))) == []


def test_two_who_stand_in_for_each_other_and_are_both_away_reach_nobody():
    people = roster(person(1, "a", is_away=True, substitute_id=2), person(2, "b", is_away=True, substitute_id=1))
    assert [one[3] for one in wrong(ladders(["staff:a"]), people)] == ["away, and nobody stands in"]


def test_a_rung_is_heard_where_one_of_its_targets_is():
    assert wrong(ladders(["liaison", "handler", "duty"]), roster(ANNA)) == []


def test_a_rung_none_of_whose_targets_is_heard_says_why_of_each():
    policy = ladders(["handler", "duty"])
    ((_, _, target, why, cure),) = wrong(policy, roster(person(1, "anna", channels=frozenset())))
    assert (target, cure) == ("handler anna, duty", "enter a contact_url")
    assert why == "handler anna: no contact; duty: nobody is on duty"


def test_what_is_the_same_for_all_departments_is_said_once():
    units = (SERVICE, SPECIAL, Unit(30, "it"))
    assert [one[0] for one in wrong(ladders(["executive"]), roster(units=units))] == [""]
    assert [one[0] for one in wrong(ladders(["department_head"]), roster(units=units))] == ["service", "special", "it"]


@pytest.mark.parametrize(("people", "has_operator", "count"), [
    ([], False, 1), ([], True, 0), ([person(1, "ops", roles=frozenset({Role.OPERATOR}))], False, 0),
])  # fmt: skip
def test_the_operator_is_somebody_with_the_role_or_the_setting(people, has_operator, count):
    assert len(wrong(ladders(["operator"]), roster(*people), has_operator=has_operator)) == count


# --- what else is wrong ----------------------------------------------------------------------------------------------


def test_codes_that_nobody_has_are_found_wherever_the_policy_names_them():
    lab = {"when": {"department": ["lab", "service"]}, "severity": {"general": "usual"}}
    policy = ladders(
        ["handler", "staff:zoe", "staff:anna"], ["duty:night", "duty:day", "department:it"], scopes={"lab": lab}
    )
    faults = unknown(policy, roster(ANNA), {"day"})
    assert [(one.weight, one.rung, one.target, one.wrong) for one in faults] == [
        (Weight.PROBLEM, 1, "staff:zoe", "there is no person zoe"),
        (Weight.PROBLEM, 2, "duty:night", "there is no rota night"),
        (Weight.PROBLEM, 2, "department:it", "there is no department it"),
        (Weight.NOTE, None, "department:lab", "scope lab is for it, and there is no such department"),
    ]


@pytest.mark.parametrize(("rungs", "people", "weights"), [
    ([["duty"]], [ANNA], [Weight.PROBLEM]),
    ([["handler", "duty"]], [ANNA], [Weight.NOTE]),
    ([["handler", "duty"]], [ANNA, person(3, "mute", channels=frozenset())], [Weight.PROBLEM]),
    ([["handler", "duty"], ["duty:service"]], [ANNA], [Weight.PROBLEM]),
    ([["handler", "duty:day"]], [ANNA], []),
])  # fmt: skip
def test_a_gap_in_a_rota_is_a_problem_where_a_rung_has_nobody_else(rungs, people, weights):
    faults = uncovered(
        ladders(*rungs), roster(*people, duty={"service": [1]}), {"service": "at night"}, has_operator=False
    )
    assert [(one.weight, one.target, one.wrong) for one in faults] == [
        (weight, "duty:service", "at night") for weight in weights
    ]  # fmt: skip


@pytest.mark.parametrize(("anna", "ben", "said"), [
    ({"substitute_id": 2}, {}, []),
    ({"substitute_id": 2}, {"is_active": False}, ["the substitute ben is not active"]),
    ({"substitute_id": 2}, {"is_away": True, "substitute_id": 1}, ["the substitute ben is away as well"]),
    ({"is_away": True}, {}, ["away, and nobody stands in"]),
    ({"is_away": True, "substitute_id": 2}, {}, []),
    ({"is_active": False, "is_away": True}, {}, []),
])  # fmt: skip
def test_a_substitute_who_will_not_be_there_is_a_note(anna, ben, said):
    faults = unreplaced(roster(person(1, "anna", **anna), person(2, "ben", **ben)))
    assert [one.wrong for one in faults] == said
    assert all((one.weight, one.target) == (Weight.NOTE, "staff:anna") for one in faults)
