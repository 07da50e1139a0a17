"""Causes: fishbone and whys, confirmed with proof, and never ending at a person's fault."""

from __future__ import annotations

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.cause import add_cause, confirm_cause, edit_cause, exclude_cause
from bihuan.services.item import cancel, draft
from bihuan.services.item_log import StaleError
from schemas.plan import CauseState


@pytest.fixture
def number(works):
    return works.selected()


def add(works, number, statement, **facts):
    return works(add_cause, number, {"statement": statement, **facts}, "li")


def causes(works, number):
    return {one["id"]: one for one in works.show(number)["causes"]}


def test_a_why_takes_the_bone_of_what_it_explains_and_is_one_deeper(works, number):
    first = add(works, number, "the clerk types it twice", bone="people")
    second = add(works, number, "two forms ask for it", parent=first)
    third = add(works, number, "two systems", parent=second, bone="technology", kind="system")
    told = causes(works, number)
    assert [(told[one]["level"], told[one]["bone"].value) for one in (first, second, third)] == [
        (1, "people"), (2, "people"), (3, "technology"),
    ]  # fmt: skip
    assert not told[first]["is_suggested"]


def test_the_same_cause_in_the_same_place_is_one(works, number):
    first = add(works, number, "the clerk types it twice", bone="people")
    revision = works.show(number)["revision"]
    assert add(works, number, " the clerk types it twice", bone="people") == first
    assert works.show(number)["revision"] == revision
    assert add(works, number, "the clerk types it twice", bone="process") != first


def test_five_whys_are_enough(works, number):
    parent = add(works, number, "why 1", bone="process")
    for level in range(2, 6):
        parent = add(works, number, f"why {level}", parent=parent)
    with pytest.raises(RefusedError, match="why number 6"):
        add(works, number, "why 6", parent=parent)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"statement": ""}, "statement: it is empty"),
        ({"statement": "x"}, "bone: it is empty"),
        ({"statement": "x", "bone": "luck"}, "none of its words"),
        ({"statement": "x", "parent": 9999}, "has no cause 9999"),
        ({"statement": "x", "bone": "people", "state": "confirmed"}, "state is computed"),
        ({"statement": "x", "bone": "people", "level": 5}, "level is computed"),
    ],
)
def test_what_is_no_cause_is_refused(works, number, facts, said):
    with pytest.raises(UsageError, match=said):
        works(add_cause, number, facts, "li")


def test_the_cause_of_another_item_explains_nothing_here(works, number):
    other = works(draft, "PDCA-2026-11", "qian", {"name": "another"})
    theirs = add(works, other, "theirs", bone="process")
    with pytest.raises(UsageError, match=f"{number} has no cause {theirs}"):
        add(works, number, "ours", parent=theirs)


def test_no_cause_explains_itself_whichever_way_round(works, number):
    first = add(works, number, "why 1", bone="process")
    second = add(works, number, "why 2", parent=first)
    third = add(works, number, "why 3", parent=second)
    for parent in (first, second, third):
        with pytest.raises(RefusedError, match="cannot explain itself"):
            works(edit_cause, first, {"parent": parent}, "li")
    assert causes(works, number)[first]["parent_id"] is None


def test_moved_under_another_it_takes_those_below_it_along(works, number):
    top = add(works, number, "top", bone="process")
    first = add(works, number, "why 1", bone="process")
    second = add(works, number, "why 2", parent=first)
    works(edit_cause, first, {"parent": top}, "li")
    told = causes(works, number)
    assert (told[first]["level"], told[second]["level"]) == (2, 3)
    works(edit_cause, first, {"parent": ""}, "li")
    assert causes(works, number)[second]["level"] == 2


def test_what_would_get_too_deep_stays_where_it_is(works, number):
    chain = [add(works, number, "a1", bone="process")]
    for level in range(2, 5):
        chain.append(add(works, number, f"a{level}", parent=chain[-1]))
    other = add(works, number, "b1", bone="process")
    add(works, number, "b2", parent=other)
    with pytest.raises(RefusedError, match="why number 6"):
        works(edit_cause, other, {"parent": chain[-1]}, "li")
    assert causes(works, number)[other]["level"] == 1


def test_it_is_confirmed_with_method_and_evidence_by_somebody(works, number):
    one = add(works, number, "parts are missing", bone="process")
    with pytest.raises(UsageError, match="evidence is missing"):
        works(confirm_cause, one, "data", " ", "li")
    with pytest.raises(UsageError, match="none of its words"):
        works(confirm_cause, one, "a feeling", "33 of 48", "li")
    for _ in range(2):
        works(confirm_cause, one, "data", "33 of 48", "li")
    told = causes(works, number)[one]
    assert (told["state"], told["method"].value, told["evidence"], told["decided_by"]) == (
        CauseState.CONFIRMED, "data", "33 of 48", "li",
    )  # fmt: skip
    assert [one["kind"] for one in works.show(number)["events"]].count("cause_confirmed") == 1


def test_a_persons_fault_is_confirmed_only_over_a_why_that_leads_elsewhere(works, number):
    person = add(works, number, "the clerk forgot", bone="people")
    with pytest.raises(RefusedError, match="ends at a person: why could it happen"):
        works(confirm_cause, person, "interview", "she says so", "li")
    assert causes(works, number)[person]["state"] is CauseState.CANDIDATE
    why = add(works, number, "nothing reminds her", parent=person, bone="process")
    works(confirm_cause, person, "interview", "she says so", "li")
    with pytest.raises(RefusedError, match="ends at a person"):
        works(exclude_cause, why, "there is a reminder", "li")
    with pytest.raises(RefusedError, match="ends at a person"):
        works(edit_cause, why, {"bone": "people"}, "li")
    assert causes(works, number)[why]["state"] is CauseState.CANDIDATE
    assert causes(works, number)[why]["bone"].value == "process"


def test_a_confirmed_cause_keeps_its_proof(works, number):
    one = add(works, number, "parts are missing", bone="process")
    works(confirm_cause, one, "data", "33 of 48", "li")
    for changes in ({"evidence": ""}, {"method": ""}):
        with pytest.raises(RefusedError, match="keeps its method and evidence"):
            works(edit_cause, one, changes, "li")


def test_it_is_excluded_with_a_reason_once(works, number):
    one = add(works, number, "the weather", bone="environment")
    with pytest.raises(UsageError, match="reason is missing"):
        works(exclude_cause, one, "", "li")
    for _ in range(2):
        works(exclude_cause, one, "dry all month", "li")
    assert causes(works, number)[one]["state"] is CauseState.EXCLUDED
    assert [one["kind"] for one in works.show(number)["events"]].count("cause_excluded") == 1


def test_an_older_revision_and_an_item_that_ended_are_not_edited(works, number):
    one = add(works, number, "parts are missing", bone="process")
    with pytest.raises(StaleError, match=f"cause {one}"):
        works(edit_cause, one, {"statement": "x"}, "li", 1)
    works(cancel, number, "li", "sold", "han")
    with pytest.raises(RefusedError, match="has ended"):
        works(edit_cause, one, {"statement": "x"}, "li")
    with pytest.raises(UsageError, match="no cause 9999"):
        works(edit_cause, 9999, {}, "li")
