"""What ``bihuan staff check`` finds in a real register: rungs, rotas of the next week, contacts, quiet hours."""

from __future__ import annotations

import pytest

from bihuan.policy.escalation import EscalationPolicy
from bihuan.rules.reach import Weight
from bihuan.services.checkup import people
from bihuan.services.checkup.finding import Level, Visit
from bihuan.services.reach import reach
from bihuan.services.roster import save_book
from schemas.access import Role
from schemas.people import NO_CONTACT, NO_QUIET, Department, StaffIn
from schemas.roster import AbsenceIn, DepartmentIn, ShiftIn, StaffBook

SECRET = "for tests only"
HOOK = "json://hooks.example.com/x"
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def person(code: str, department: str = "service", **facts) -> StaffIn:
    return StaffIn(code=code, name=code.title(), department=department, **{"contact_url": HOOK} | facts)


FINE = (person("anna"), person("head", is_head=True), person("boss", roles=(Role.EXECUTIVE,)))
"""Nobody is missing for the policy as shipped."""


@pytest.fixture
def look(office):
    """Save a book, and look at ``office.at``; the faults as weight, target and what is wrong."""

    def look_it(*staff: StaffIn, **sheets) -> list[tuple[str, str, str]]:
        with office.db.write() as session:
            save_book(session, office.policy, StaffBook(staff=staff, **sheets), SECRET, office.at)
        with office.db.read() as session:
            found = reach(session, office.policy, office.settings, office.at)
        assert found.is_fine is all(fault.weight is Weight.NOTE for fault in found.faults)
        return [(str(fault.weight), fault.target, fault.wrong) for fault in found.faults]

    return look_it


def with_rung(office, *tell: str) -> None:
    """Let the policy have one ladder, which tells these at once."""
    ladders = {"usual": {"rungs": [{"tell": tell}]}}
    severity = dict.fromkeys(["general", "urgent", "major"], "usual")
    escalation = EscalationPolicy.model_validate({"ladders": ladders, "severity": severity})
    office.policy = office.policy.model_copy(update={"escalation": escalation})


def test_a_company_that_has_everybody_has_no_fault(office, look):
    assert look(*FINE) == []
    with office.db.read() as session:
        rungs = {
            (one.ladder, one.rung): one.told for one in reach(session, office.policy, office.settings, office.at).rungs
        }
    assert rungs["urgent", 2] == ("head",)
    assert rungs["oversight", 1] == ("boss",)


def test_a_department_nobody_works_in_is_found_on_every_ladder(look):
    faults = look(*FINE, departments=(DepartmentIn(code="it", name="信息部"),))
    assert {(target, wrong) for _, target, wrong in faults} == {
        ("handler", "there is none"), ("department_head", "there is none"),
        ("handler, duty", "handler: there is none; duty: nobody is on duty"),
        ("handler, special_group, duty",
         "handler: there is none; special_group: there is none; duty: nobody is on duty"),
    }  # fmt: skip


def test_who_is_away_is_found_while_they_are(office, look):
    away = AbsenceIn(staff="head", begins="2026-11-16", ends="2026-11-16")
    assert {(target, wrong) for weight, target, wrong in look(*FINE, absence=(away,)) if weight == "problem"} == {
        ("department_head", "away, and nobody stands in")
    }
    office.at = office.after(24)
    assert look() == []


def test_a_substitute_mends_it(look):
    away = AbsenceIn(staff="head", begins="2026-11-16", ends="2026-11-16")
    anna, _, boss = FINE
    assert look(anna, boss, person("head", is_head=True, substitute="anna"), absence=(away,)) == []


# --- rotas -----------------------------------------------------------------------------------------------------------


def shift(begins: str, ends: str, days=EVERY_DAY, rota: str = "night") -> ShiftIn:
    return ShiftIn(rota=rota, staff="anna", weekdays=days, begins=begins, ends=ends)


@pytest.mark.parametrize(("shifts", "wrong"), [
    ((shift("00:00", "00:00"),), []),
    ((shift("08:00", "20:00"), shift("20:00", "08:00")), []),
    ((shift("00:00", "00:00", EVERY_DAY[:5]),),
     ["nobody is on duty from Sat 2026-11-21 00:00 to Mon 2026-11-23 00:00 (Asia/Shanghai)"]),
    ((shift("08:00", "20:00"),),
     [("nobody is on duty from Mon 2026-11-16 20:00 to Tue 2026-11-17 08:00 (Asia/Shanghai), "
      "and 6 more times within 7 days")]),
])  # fmt: skip
def test_gaps_of_a_rota_that_is_all_a_rung_has_are_problems(office, look, shifts, wrong):
    with_rung(office, "duty:night")
    assert look(*FINE, duty=shifts) == [("problem", "duty:night", words) for words in wrong]


def test_a_rota_of_somebody_who_left_has_gaps_all_week(office, look):
    with_rung(office, "handler", "duty:night")
    look(*FINE, duty=(shift("00:00", "00:00"),))
    assert look(person("anna", is_active=False), person("ben")) == [
        ("note", "duty:night", "nobody is on duty for 7 days"),
    ]  # fmt: skip


def test_a_rota_that_no_ladder_names_may_have_gaps(look):
    assert look(*FINE, duty=(shift("08:00", "20:00"),)) == []


def test_a_rota_of_a_department_is_named_by_the_word_duty(look):
    (fault,) = look(*FINE, duty=(shift("00:00", "00:00", EVERY_DAY[:5], rota="service"),))
    assert fault[:2] == ("note", "duty:service")


# --- contacts and quiet hours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("facts", "target", "wrong"), [
    ({"contact_url": "mailto:a@b.example"}, "staff:ben", "no mail account to send from"),
    ({"contacts": {"sms": "mailto:a@b.example"}}, "staff:ben (sms)", "no mail account to send from"),
])  # fmt: skip
def test_a_contact_that_cannot_be_sent_to_is_found(look, facts, target, wrong):
    assert ("problem", target, wrong) in look(*FINE, person("ben", **facts))


def test_contacts_sealed_with_another_secret_are_found_and_not_shown(office, look):
    look(*FINE, departments=(DepartmentIn(code="service", name="服务部", contact_url=HOOK),))
    office.settings = office.settings.model_copy(update={"secret": type(office.settings.secret)("another secret")})
    ((_, target, wrong),) = look()
    assert target == "department:service, staff:anna, staff:boss, staff:head"
    assert ("sealed with another secret" in wrong, "hooks" in wrong) == (True, False)


def test_what_is_wrong_with_many_contacts_is_said_once(look):
    crowd = [person(f"p{number}", contact_url="mailto:a@b.example") for number in range(8)]
    ((_, target, wrong),) = look(*FINE, *crowd)
    assert (target, wrong) == (
        "staff:p0, staff:p1, staff:p2, staff:p3, staff:p4 and 3 more", "no mail account to send from",
    )  # fmt: skip


@pytest.mark.parametrize(("quiet", "said"), [
    (("08:00", "07:30"), [("note", "staff:ben", "quiet for 23.5 hours a day")]), (("22:00", "08:00"), []),
    (NO_QUIET, []), (None, []), (("08:00", "23:59"), []),
])  # fmt: skip
def test_quiet_hours_that_hardly_end_are_a_note(look, quiet, said):
    assert look(*FINE, person("ben", quiet=quiet)) == said


def test_of_somebody_who_left_nothing_is_said(look):
    gone = person("gone", is_active=False, contact_url="mailto:a@b.example", quiet=("08:00", "07:30"))
    assert look(*FINE, gone) == []


# --- what the doctor makes of it -------------------------------------------------------------------------------------


def rungs(office, **settings) -> tuple[Level, str]:
    """The doctor's answer, with the policy as shipped."""
    visit = Visit(office.settings.model_copy(update=settings), office.clock)
    visit.db = office.db
    return people.rungs(visit)[:2]


def test_the_doctor_is_content_where_every_rung_is_heard(office, look):
    look(*FINE)
    assert rungs(office) == (Level.OK, "all 10 reach somebody")


def test_a_rung_that_is_passed_over_is_a_note_to_the_doctor(office, look):
    look(person("anna"), person("boss", roles=(Role.EXECUTIVE,)))
    level, says = rungs(office)
    assert (level, says) == (
        Level.NOTE,
        "3 reach nobody, the next is told at once: service general rung 2, service urgent rung 2, service major rung 2",
    )


def test_a_ladder_that_nobody_hears_is_a_problem_to_the_doctor(office, look):
    look(person("anna", contact_url=NO_CONTACT))
    level, says = rungs(office)
    assert (level, says) == (
        Level.PROBLEM,
        "nobody on the whole ladder can be told: service general, service urgent, service major and 1 more",
    )
    heard = rungs(office, operator_url=type(office.settings.operator_url)("json://ops.example.com"))
    assert heard[0] is Level.NOTE


def test_before_anybody_is_entered_the_doctor_has_nothing_to_say(office):
    with office.db.write() as session:
        session.delete(session.get(Department, office.rows(Department)[0].id))
    assert rungs(office)[0] is Level.OK
