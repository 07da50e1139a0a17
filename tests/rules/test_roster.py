"""The roster: whom each target of a rung reaches, who stands in, and why somebody is not reached."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.escalation import TARGETS
from bihuan.rules.roster import AWAY, NO_CHANNEL, NO_CONTACT, NOBODY, OPERATOR, PREFERRED, Person, Roster, Unit
from schemas.access import Role

MAIL = frozenset({PREFERRED})
SERVICE, GROUP, MUTE = 10, 11, 12
HANDLER, HEAD, LIAISON, CHIEF, QUALITY, GUARD, LEADER = range(1, 8)

PEOPLE = {
    one.id: one
    for one in (
        Person(HANDLER, "anna", SERVICE, channels=MAIL | {"sms"}),
        Person(HEAD, "head", SERVICE, is_head=True, channels=MAIL),
        Person(LIAISON, "lin", SERVICE, is_liaison=True, channels=MAIL),
        Person(CHIEF, "chief", MUTE, roles=frozenset({Role.EXECUTIVE}), channels=MAIL),
        Person(QUALITY, "qin", MUTE, roles=frozenset({Role.QUALITY_MANAGER}), channels=MAIL),
        Person(GUARD, "guard", GROUP, channels=MAIL | {"sms"}),
        Person(LEADER, "leader", GROUP, is_head=True, channels=MAIL),
    )
}
UNITS = {SERVICE: Unit(SERVICE, "service", True), GROUP: Unit(GROUP, "group", True), MUTE: Unit(MUTE, "mute")}


def house(*changed: Person, without: tuple[int, ...] = (), duty: dict[str, list[int]] | None = None) -> Roster:
    people = {number: one for number, one in PEOPLE.items() if number not in without} | {one.id: one for one in changed}
    return Roster(people, UNITS, {"service": [GUARD]} if duty is None else duty, "group")


def found(people: Roster, target: str, channels: tuple[str, ...] = (), department: int | None = SERVICE) -> object:
    """Recipients, or why there are none."""
    answer = people.resolve(target, department, HANDLER, channels)
    return [name if way == PREFERRED else f"{name} {way}" for name, way in answer.recipients] or answer.reason


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("handler", ["staff:1"]),
        ("department_head", ["staff:2"]),
        ("liaison", ["staff:3"]),
        ("department", ["department:10"]),
        ("special_group", ["staff:7"]),
        ("executive", ["staff:4"]),
        ("quality_manager", ["staff:5"]),
        ("operator", [OPERATOR]),
        ("duty", ["staff:6"]),
        ("duty:service", ["staff:6"]),
        ("duty:night", NOBODY),
        ("staff:chief", ["staff:4"]),
        ("staff:nobody", NOBODY),
        ("department:group", ["department:11"]),
        ("department:mute", NO_CONTACT),
        ("department:nowhere", NOBODY),
    ],
)
def test_each_target_reaches_those_it_means(target, reached):
    assert found(house(), target) == reached


def test_every_target_of_the_policy_is_known():
    people = house()
    assert {name: bool(people.resolve(name, SERVICE, HANDLER).recipients) for name in TARGETS} == dict.fromkeys(
        TARGETS, True
    )


@pytest.mark.parametrize("target", ["handler", "department_head", "liaison", "department", "duty"])
def test_without_a_department_and_a_handler_nobody_is_meant(target):
    answer = house().resolve(target, None, None)
    assert (answer.recipients, answer.reason) == ((), NOBODY)


@pytest.mark.parametrize(
    ("change", "reached"),
    [
        ({"is_away": True}, AWAY),
        ({"is_active": False}, NOBODY),
        ({"channels": frozenset()}, NO_CONTACT),
        ({"channels": frozenset({"sms"})}, NO_CONTACT),
        ({"is_away": True, "substitute_id": HEAD}, ["staff:2"]),
        ({"is_active": False, "substitute_id": HEAD}, ["staff:2"]),
        ({"is_away": True, "substitute_id": HANDLER}, AWAY),
        ({"is_away": True, "substitute_id": 99}, AWAY),
        ({"substitute_id": HEAD}, ["staff:1"]),
    ],
)
def test_whoever_cannot_be_told_is_stood_in_for_or_it_says_why(change, reached):
    assert found(house(replace(PEOPLE[HANDLER], **change)), "handler") == reached


def test_a_substitute_who_is_away_is_stood_in_for_too():
    anna = replace(PEOPLE[HANDLER], is_away=True, substitute_id=HEAD)
    head = replace(PEOPLE[HEAD], is_active=False, substitute_id=LIAISON)
    assert found(house(anna, head), "handler") == ["staff:3"]


def test_two_who_are_stood_in_for_by_one_are_one_recipient():
    chiefs = [replace(PEOPLE[CHIEF], id=number, is_away=True, substitute_id=HEAD) for number in (CHIEF, 20)]
    assert found(house(*chiefs), "executive") == ["staff:2"]


def test_of_several_those_who_can_be_told_are():
    other = Person(20, "other", SERVICE, is_head=True, is_away=True)
    assert found(house(other), "department_head") == ["staff:2"]


@pytest.mark.parametrize(
    ("target", "channels", "reached"),
    [
        ("handler", ("sms",), ["staff:1 sms"]),
        ("handler", ("sms", "wecom"), ["staff:1 sms"]),
        ("handler", ("preferred", "sms"), ["staff:1", "staff:1 sms"]),
        ("handler", ("wecom",), NO_CHANNEL),
        ("department_head", ("sms",), NO_CHANNEL),
        ("department", ("sms",), NO_CHANNEL),
        ("department", ("preferred",), ["department:10"]),
        ("operator", ("sms",), [OPERATOR]),
    ],
)
def test_a_rung_may_name_the_ways(target, channels, reached):
    assert found(house(), target, channels) == reached


def test_a_special_group_without_a_head_is_told_at_its_own_address():
    assert found(house(without=(LEADER,)), "special_group") == ["department:11"]


# --- below any ladder ---


@pytest.mark.parametrize(
    ("changed", "told", "recipient"),
    [
        ((), (), "staff:1"),
        ((replace(PEOPLE[HANDLER], channels=frozenset()),), (), "staff:2"),
        ((replace(PEOPLE[HANDLER], is_away=True, substitute_id=LIAISON),), (), "staff:3"),
        ((), (HANDLER,), "staff:2"),
        ((), (HANDLER, HEAD), "department:10"),
        ((replace(PEOPLE[HEAD], channels=frozenset()),), (HANDLER,), "department:10"),
        ((replace(PEOPLE[HANDLER], channels=frozenset({"sms"})), replace(PEOPLE[HEAD], is_away=True)), (),
         "department:10"),
    ],
)  # fmt: skip
def test_a_notice_below_any_ladder_goes_to_the_first_who_can_read_it(changed, told, recipient):
    before = frozenset((f"staff:{one}", PREFERRED) for one in told)
    assert house(*changed).for_complaint(HANDLER, SERVICE, before) == recipient


def test_where_nobody_has_a_contact_the_ledger_still_names_whose_it_was():
    people = {number: replace(one, channels=frozenset()) for number, one in PEOPLE.items()}
    assert Roster(people, {}).for_complaint(HANDLER, SERVICE) == "staff:1"


def test_above_everybody_stands_the_operator():
    told = frozenset({("staff:1", PREFERRED), ("staff:2", PREFERRED), ("department:10", PREFERRED)})
    assert house().for_complaint(HANDLER, SERVICE, told) == OPERATOR


# --- whatever the substitutes ---


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Up to eight people whose substitutes may be anybody, themselves and people who never were included."""
    count = draw(st.integers(1, 8))
    people = {
        number: Person(
            number, f"p{number}", draw(st.sampled_from([SERVICE, GROUP])), is_head=draw(st.booleans()),
            is_liaison=draw(st.booleans()), roles=draw(st.frozensets(st.sampled_from(Role))),
            substitute_id=draw(st.none() | st.integers(1, count + 1)), is_active=draw(st.booleans()),
            is_away=draw(st.booleans()), channels=draw(st.frozensets(st.sampled_from([PREFERRED, "sms"]))),
        )
        for number in range(1, count + 1)
    }  # fmt: skip
    rota = draw(st.lists(st.integers(1, count + 1), max_size=3, unique=True))
    return Roster(people, UNITS, {"service": rota}, "group")


@given(
    rosters(),
    st.sampled_from([*TARGETS, "duty:service", "staff:p1", "department:group"]),
    st.none() | st.integers(1, 9),
    st.sampled_from([None, SERVICE, GROUP, MUTE, 99]),
    st.sampled_from([(), ("sms",), (PREFERRED, "sms")]),
)
def test_nobody_is_told_who_is_not_there_or_twice(people, target, handler, department, channels):
    answer = people.resolve(target, department, handler, channels)
    assert bool(answer.recipients) is (answer.reason is None)
    assert len(set(answer.recipients)) == len(answer.recipients)
    for recipient, way in answer.recipients:
        assert way == PREFERRED or way in channels
        if recipient.startswith("staff:"):
            person = people.people[int(recipient.removeprefix("staff:"))]
            assert person.is_present
            assert way in person.channels


@given(rosters(), st.none() | st.integers(1, 9), st.sampled_from([None, SERVICE, GROUP, MUTE]))
def test_below_any_ladder_nobody_is_named_who_is_not_there(people, handler, department):
    told: set[tuple[str, str]] = set()
    for _ in range(12):
        recipient = people.for_complaint(handler, department, frozenset(told))
        assert (recipient, PREFERRED) not in told
        told.add((recipient, PREFERRED))
        if recipient == OPERATOR:
            return
        kind, _, number = recipient.partition(":")
        assert kind == "department" or people.people[int(number)].is_present
    pytest.fail("the operator comes last")
