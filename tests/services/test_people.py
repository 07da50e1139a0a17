"""Departments and staff are kept by code, and somebody answers for every complaint."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bihuan.errors import UsageError
from bihuan.notify.contact import unseal
from bihuan.rules.roster import OPERATOR, Person, Roster
from bihuan.services.people import (
    department_by_code,
    least_loaded,
    roster,
    save_department,
    save_staff,
)
from schemas.complaint import EventIn, EventKind
from schemas.people import Department, Staff, StaffIn

SECRET = "for tests only"


def person(code: str, department: str = "service", **facts) -> StaffIn:
    return StaffIn(code=code, name=code.title(), department=department, **facts)


def save(office, *people: StaffIn) -> list[int]:
    with office.db.write() as session:
        return [save_staff(session, one, SECRET) for one in people]


def rows(office, table) -> list:
    with office.db.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def loaded(office, department: str = "service") -> int | None:
    with office.db.read() as session:
        return least_loaded(session, department_by_code(session, department).id, office.at)


# --- keeping them ---


def test_a_person_is_known_by_code_and_what_is_not_stated_stays(office):
    office.department("product")
    first = save(office, person("anna", language="en", is_liaison=True))
    again = save(office, person("anna", "product", is_head=True, is_active=False))
    (staff,) = rows(office, Staff)
    assert first == again == [staff.id]
    assert (staff.language, staff.is_head, staff.is_active, staff.is_liaison) == ("en", True, False, True)


def test_contacts_are_kept_sealed_and_stay_where_none_is_given(office):
    save(office, person("anna", contact_url="json://hooks.example.com/anna"))
    save(office, person("anna"))
    (staff,) = rows(office, Staff)
    assert "example" not in staff.sealed_contact
    assert unseal(staff.sealed_contact, SECRET) == "json://hooks.example.com/anna"


def test_a_person_of_no_known_department_is_refused(office):
    with pytest.raises(UsageError, match="no department 'nowhere'"):
        save(office, person("anna", "nowhere"))


def test_a_department_is_known_by_code_and_keeps_what_is_not_said_again(office):
    with office.db.write() as session:
        first = save_department(
            session, "product", "产品部", name_en="Product", contact_url="json://a.b", secret=SECRET
        )
        again = save_department(session, "product", "产品一部")
    department = rows(office, Department)[-1]
    assert first == again == department.id
    assert (department.name, department.name_en) == ("产品一部", "Product")
    assert unseal(department.sealed_contact, SECRET) == "json://a.b"


def test_a_substitute_is_named_by_code_and_kept_where_nothing_is_said(office):
    ben, anna = save(office, person("ben"), person("anna", substitute="ben"))
    save(office, person("anna"))
    assert {row.id: row.substitute_id for row in rows(office, Staff)} == {ben: None, anna: ben}
    save(office, person("anna", substitute=None))
    assert [row.substitute_id for row in rows(office, Staff)] == [None, None]


def test_a_substitute_nobody_knows_is_refused(office):
    with pytest.raises(UsageError, match="nobody has the code 'ben'"):
        save(office, person("anna", substitute="ben"))


# --- who gets the next one ---


def test_whoever_has_the_fewest_open_complaints_gets_the_next(office):
    anna, ben, cleo = save(office, person("anna"), person("ben"), person("cleo"))
    handled = (EventIn(kind=EventKind.HANDLED, occurred_at=office.after(0)),)
    told = [("1", "anna", ()), ("2", "ben", ()), ("3", "ben", ()), ("4", "cleo", ()), ("5", "cleo", handled)]
    office.take_in(*(office.complaint(n, handler=who, events=events) for n, who, events in told))
    assert loaded(office) == anna
    office.take_in(office.complaint("6", handler="anna"))
    assert loaded(office) == cleo
    assert {anna, cleo}.isdisjoint({ben})


def test_of_equals_the_first_known_gets_it(office):
    anna, _ = save(office, person("anna"), person("ben"))
    assert loaded(office) == anna


def test_a_head_is_asked_only_where_no_one_else_is_there(office):
    (head,) = save(office, person("head", is_head=True))
    assert loaded(office) == head
    (anna,) = save(office, person("anna"))
    office.take_in(*(office.complaint(str(n), handler="anna") for n in range(3)))
    assert loaded(office) == anna


def test_who_left_and_who_is_elsewhere_gets_nothing(office):
    office.department("product")
    save(office, person("anna", is_active=False), person("ben", "product"))
    assert loaded(office) is None


# --- who is told ---


@pytest.mark.parametrize(
    ("handler", "department", "recipient"),
    [
        (1, 10, "staff:1"),
        (1, None, "staff:1"),
        (9, 10, "staff:2"),
        (None, 10, "staff:2"),
        (None, 11, "department:11"),
        (9, 11, "department:11"),
        (None, None, OPERATOR),
        (9, None, OPERATOR),
    ],
)
def test_there_is_always_somebody_to_tell(handler, department, recipient):
    people = Roster({1: Person(1, "a", 10), 2: Person(2, "b", 10, is_head=True)}, {})
    assert people.for_complaint(handler, department) == recipient


def test_only_those_who_are_active_can_be_told(office):
    anna, _, head = save(
        office, person("anna"), person("ben", is_active=False), person("head", is_head=True)
    )  # fmt: skip
    with office.db.read() as session:
        people = roster(session, office.policy, office.at)
    department = rows(office, Staff)[0].department_id
    assert {one.id for one in people.people.values() if one.is_present} == {anna, head}
    assert people.head_of(department) == head


def test_of_two_heads_the_first_known_is_told(office):
    first, _ = save(office, person("one", is_head=True), person("two", is_head=True))
    with office.db.read() as session:
        people = roster(session, office.policy, office.at)
    assert people.head_of(rows(office, Staff)[0].department_id) == first


def test_whoever_is_away_gets_a_new_complaint_only_when_everybody_is(office):
    from datetime import timedelta

    from bihuan.store.rows import insert_rows
    from schemas.people import Absence

    anna, ben, head = save(office, person("anna"), person("ben"), person("head", is_head=True))
    gone = []
    for one in (anna, ben, head):
        with office.db.write() as session:
            away = {
                "staff_id": one,
                "starts_at": office.at - timedelta(hours=1),
                "ends_at": office.at + timedelta(hours=1),
            }
            insert_rows(session, Absence, [away])
        gone.append(loaded(office))
    assert gone == [ben, head, anna]
