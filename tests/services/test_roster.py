"""A staff book is kept as a whole or not at all, and the same book again changes nothing."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, date, datetime

import pytest

from bihuan.errors import UsageError
from bihuan.notify.contact import seal, unseal
from bihuan.services.roster import save_book
from schemas.access import Role
from schemas.people import MASK, NO_CONTACT, NO_QUIET, Absence, Department, DutyShift, Staff, StaffIn
from schemas.roster import AbsenceIn, DepartmentIn, ShiftIn, StaffBook

SECRET = "for tests only"
HOOK = "json://hooks.example.com/anna"
NIGHTS = ("mon", "tue", "wed", "thu", "fri")


def person(code: str, department: str = "service", **facts) -> StaffIn:
    return StaffIn(code=code, name=code.title(), department=department, **facts)


def shift(rota: str, staff: str = "anna", **facts) -> ShiftIn:
    return ShiftIn(rota=rota, staff=staff, weekdays=NIGHTS, begins="22:00", ends="06:00", **facts)


def away(staff: str, begins: str = "", ends: str = "") -> AbsenceIn:
    return AbsenceIn(staff=staff, begins=begins, ends=ends)


@pytest.fixture
def save(office):
    """Save a book; what became of each sheet that changed anything or had a line."""

    def save_it(*staff: StaffIn, **sheets) -> dict[str, tuple[int, int, int, int]]:
        with office.db.write() as session:
            told = save_book(session, office.policy, StaffBook(staff=staff, **sheets), SECRET, office.at)
        return {name: astuple(tally) for name, tally in told.items() if any(astuple(tally))}

    return save_it


def codes(office) -> dict[int, str]:
    return {row.id: row.code for row in office.rows(Staff)}


# --- people ----------------------------------------------------------------------------------------------------------


def test_departments_that_only_people_name_are_added_with_the_names_policy_knows(office, save):
    told = save(person("anna", "product"), person("ben", "product"), person("cleo", "warehouse"))
    assert told == {"staff": (3, 0, 0, 0), "departments": (2, 0, 0, 0)}
    assert [(row.code, row.name, row.name_en) for row in office.rows(Department)] == [
        ("service", "service 部", ""), ("product", "产品部", "Product"), ("warehouse", "warehouse", ""),
    ]  # fmt: skip


def test_a_department_is_kept_as_its_sheet_states_it(office, save):
    lines = (DepartmentIn(code="service", name="服务部", contact_url=HOOK), DepartmentIn(code="it", name="信息部"))
    assert save(departments=lines) == {"departments": (1, 1, 0, 0)}
    assert save(departments=lines) == {"departments": (0, 0, 2, 0)}
    service, _ = office.rows(Department)
    assert (service.name, unseal(service.sealed_contact, SECRET)) == ("服务部", HOOK)


def test_everything_about_a_person_is_kept(office, save):
    save(
        person("anna", is_liaison=True, roles=(Role.EXECUTIVE, Role.OPERATOR), substitute="ben", contact_url=HOOK,
               contacts={"sms": "json://sms.example/1"}, quiet=("21:00", "07:00")),
        person("ben", quiet=NO_QUIET),
    )  # fmt: skip
    anna, ben = office.rows(Staff)
    assert (anna.is_liaison, anna.roles, anna.substitute_id) == (True, ["executive", "operator"], ben.id)
    assert unseal(anna.sealed_contacts["sms"], SECRET) == "json://sms.example/1"
    assert "sms.example" not in anna.sealed_contacts["sms"]
    assert [(row.quiet_from, row.quiet_until) for row in (anna, ben)] == [("21:00", "07:00"), ("00:00", "00:00")]


def test_the_same_book_again_changes_nothing(office, save):
    book = {
        "departments": (DepartmentIn(code="service", name="服务部", name_en="Service", contact_url=HOOK),),
        "duty": (shift("night", from_on=date(2026, 12, 1)), shift("day", "ben", timezone="UTC")),
        "absence": (away("anna", "2026-12-24", "2026-12-31"), away("ben")),
    }
    staff = (
        person("anna", roles=(Role.EXECUTIVE,), substitute="ben", contact_url=HOOK, contacts={"sms": HOOK}),
        person("ben", substitute="anna", quiet=NO_QUIET, contacts={"sms": NO_CONTACT}),
    )
    save(*staff, **book)
    before = [office.rows(table) for table in (Department, Staff, DutyShift, Absence)]
    assert save(*staff, **book) == {
        "staff": (0, 0, 2, 0), "departments": (0, 0, 1, 0), "duty": (0, 0, 2, 0), "absence": (0, 0, 1, 0),
    }  # fmt: skip
    assert [office.rows(table) for table in (Department, Staff, DutyShift, Absence)] == before


@pytest.mark.parametrize("facts", [
    {"is_head": True}, {"roles": (Role.OPERATOR,)}, {"contact_url": "json://other.example"}, {"substitute": "ben"},
    {"contacts": {"sms": HOOK}}, {"quiet": NO_QUIET}, {"language": "en"}, {"contact_url": NO_CONTACT},
])  # fmt: skip
def test_whatever_is_new_about_a_person_counts_as_a_change(save, facts):
    save(person("anna", contact_url=HOOK), person("ben"))
    assert save(person("anna", **facts)) == {"staff": (0, 1, 0, 0)}
    assert save(person("anna", **facts)) == {"staff": (0, 0, 1, 0)}


def test_whoever_is_not_named_and_whatever_is_not_stated_stays(office, save):
    save(person("anna", is_head=True, contact_url=HOOK, contacts={"sms": HOOK}), person("ben"))
    save(StaffIn(code="anna", name="Anna", department="service", contacts={"wecom": HOOK}))
    anna, _ = office.rows(Staff)
    assert (anna.is_head, sorted(anna.sealed_contacts)) == (True, ["sms", "wecom"])


def test_a_contact_is_taken_away_only_where_it_is_said(office, save):
    save(person("anna", contact_url=HOOK, contacts={"sms": HOOK, "wecom": HOOK}))
    save(person("anna", contact_url=MASK, contacts={"sms": MASK, "wecom": NO_CONTACT}))
    (anna,) = office.rows(Staff)
    assert unseal(anna.sealed_contact, SECRET) == unseal(anna.sealed_contacts["sms"], SECRET) == HOOK
    assert list(anna.sealed_contacts) == ["sms"]


@pytest.mark.parametrize("facts", [{"contact_url": MASK}, {"contacts": {"sms": "json://hooks.example.com/***"}}])
def test_a_masked_contact_of_somebody_who_has_none_is_refused(office, save, facts):
    save(person("anna"))
    with pytest.raises(UsageError, match="sheet staff line 4: a contact is masked, and none is known here"):
        save(person("anna", place="sheet staff line 4", **facts))


def test_a_contact_sealed_with_another_secret_is_sealed_anew(office, save):
    save(person("anna"))
    with office.db.write() as session:
        session.get(Staff, office.rows(Staff)[0].id).sealed_contact = seal(HOOK, "an earlier secret")
    assert save(person("anna", contact_url=HOOK)) == {"staff": (0, 1, 0, 0)}
    assert unseal(office.rows(Staff)[0].sealed_contact, SECRET) == HOOK


def test_two_people_may_stand_in_for_each_other(office, save):
    save(person("anna", substitute="ben"), person("ben", substitute="anna"))
    anna, ben = office.rows(Staff)
    assert (anna.substitute_id, ben.substitute_id) == (ben.id, anna.id)


# --- rotas -----------------------------------------------------------------------------------------------------------


def test_a_rota_that_is_named_is_stated_whole_and_others_stay(office, save):
    save(person("anna"), person("ben"), duty=(shift("night"), shift("night", "ben"), shift("day", "ben")))
    changed = ShiftIn(rota="night", staff="ben", weekdays=NIGHTS, begins="22:00", ends="08:00")
    assert save(duty=(changed, shift("night", "ben", from_on=date(2027, 1, 1)))) == {"duty": (1, 1, 0, 1)}
    assert {(row.rota, codes(office)[row.staff_id], row.ends) for row in office.rows(DutyShift)} == {
        ("day", "ben", "06:00"), ("night", "ben", "08:00"), ("night", "ben", "06:00"),
    }  # fmt: skip


def test_a_rota_without_a_shift_loses_all_it_had(office, save):
    save(person("anna"), duty=(shift("night"), shift("day")))
    assert save(duty=(ShiftIn(rota="night"),)) == {"duty": (0, 0, 0, 1)}
    assert [row.rota for row in office.rows(DutyShift)] == ["day"]


def test_a_shift_without_a_zone_is_in_the_zone_of_the_person(office, save):
    save(person("anna", timezone="Europe/Berlin"), duty=(shift("night"), shift("day", timezone="UTC")))
    assert [(row.rota, row.timezone, row.weekdays) for row in office.rows(DutyShift)] == [
        ("night", "Europe/Berlin", "mon,tue,wed,thu,fri"), ("day", "UTC", "mon,tue,wed,thu,fri"),
    ]  # fmt: skip


# --- absences --------------------------------------------------------------------------------------------------------


def test_the_absences_ahead_of_a_person_are_stated_whole_and_those_over_stay(office, save):
    save(person("anna"), person("ben"), absence=(
        away("anna", "2026-11-01", "2026-11-02"), away("anna", "2026-11-14", "2026-11-20"),
        away("ben", "2026-11-14", "2026-11-20"),
    ))  # fmt: skip
    assert save(absence=(away("anna", "2026-12-24", "2026-12-31"),)) == {"absence": (1, 0, 0, 1)}
    assert [(codes(office)[row.staff_id], row.ends_at) for row in office.rows(Absence)] == [
        ("anna", datetime(2026, 11, 2, 16, tzinfo=UTC)), ("ben", datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ("anna", datetime(2026, 12, 31, 16, tzinfo=UTC)),
    ]  # fmt: skip


def test_a_person_without_a_stretch_is_not_going_to_be_away(office, save):
    save(person("anna"), absence=(away("anna", "2026-11-01", "2026-11-02"), away("anna", "2026-11-14", "2026-11-20")))
    assert save(absence=(away("anna"),)) == {"absence": (0, 0, 0, 1)}


def test_days_of_an_absence_are_those_of_the_zone_the_book_gives_the_person(office, save):
    save(person("anna"))
    save(person("anna", timezone="Europe/Berlin"), absence=(away("anna", "2026-12-24", "2026-12-24"),))
    (absence,) = office.rows(Absence)
    assert (absence.starts_at, absence.ends_at) == (
        datetime(2026, 12, 23, 23, tzinfo=UTC), datetime(2026, 12, 24, 23, tzinfo=UTC),
    )  # fmt: skip


def test_an_absence_that_ends_otherwise_is_a_change(save):
    save(person("anna"), absence=(away("anna", "2026-12-24", "2026-12-31"),))
    assert save(absence=(away("anna", "2026-12-24", "2027-01-05"),)) == {"absence": (0, 1, 0, 0)}


# --- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sheets", "words"), [
    ({"staff": (person("ben", substitute="zoe", place="line 3"),)}, "line 3: substitute 'zoe' is nobody's code"),
    ({"staff": (person("ben", substitute="ben", place="line 3"),)}, "line 3: substitute 'ben' is the same person"),
    ({"staff": (person("ben", place="line 3"), person("ben", place="line 5"))}, "line 5: is about the same as line 3"),
    ({"duty": (shift("night", "zoe", place="sheet duty line 2"),)}, "sheet duty line 2: staff 'zoe' is nobody's code"),
    ({"duty": (shift("night", place="line 2"), shift("night", until_on=date(2027, 1, 1), place="line 3"))},
     "line 3: is about the same as line 2"),
    ({"duty": (shift("n", from_on=date(2027, 1, 2), until_on=date(2027, 1, 1), place="line 2"),)},
     "line 2: until lies before from"),
    ({"absence": (away("zoe"),)}, "staff 'zoe' is nobody's code"),
    ({"absence": (away("anna", "2026-12-24", "2026-12-23"),)}, "until is no later than from"),
    ({"absence": (away("anna", "2026-12-24", "2026-12-25"), away("anna", "2026-12-24T00:00:00", "2026-12-26"))},
     "is about the same as"),
    ({"departments": (DepartmentIn(code="it", name="a"), DepartmentIn(code="it", name="b"))}, "is about the same as"),
])  # fmt: skip
def test_a_line_that_cannot_be_kept_stops_the_whole_book(office, save, sheets, words):
    save(person("anna"))
    before = office.rows(Staff)
    with pytest.raises(UsageError, match=words):
        save(
            person("anna", is_head=True), *sheets.get("staff", ()), **{k: v for k, v in sheets.items() if k != "staff"}
        )
    assert (office.rows(Staff), office.rows(DutyShift), office.rows(Absence)) == (before, [], [])
