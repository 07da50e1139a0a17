"""The ladder engine: started by a breach, climbed by silence, each rung once, whoever looks how often and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, update

from bihuan.clock import fixed
from bihuan.notify.contact import seal
from bihuan.policy.escalation import EscalationPolicy
from bihuan.services.acknowledgement import acknowledge
from bihuan.services.complaint import record
from bihuan.services.deadline import check_all
from bihuan.services.escalation import Climbed, climb_all, climb_due
from bihuan.store.engine import Database
from schemas.access import Role
from schemas.complaint import EventIn, EventKind, Severity
from schemas.escalation import Escalation, EscalationState, EscalationStep, Trigger
from schemas.outbox import Message, MessageState, Notice, Urgency
from schemas.people import Absence, Department, DutyShift, Staff

CLIMBING, ACKNOWLEDGED, EXHAUSTED, ENDED = EscalationState
SECRET = "for tests only"
NOTHING = Climbed()
BROKEN, SECOND, THIRD, REPEATED = 1, 3, 8, 32
"""Hours after Monday's opening at which the shipped general ladder tells its rungs of what is found broken at 10:00."""


# --- who is there, and what is said ---


def promised(office, external_id: str = "1", due: float = 0.9, **facts: Any) -> str:
    """A complaint handled by Anna with one deadline, due that many hours after Monday's opening."""
    return office.register(external_id, 0, deadlines={"handled": office.after(due)}, handler="anna", **facts)


def hired(office, *, without: str = "") -> dict[str, str]:
    """Anna who handles, her head, and an executive; recipients by what they are."""
    people = {"anna": {}, "head": {"is_head": True}, "chief": {"roles": [Role.EXECUTIVE]}}
    office.department("board")
    return {
        name: employed(office, name, "board" if name == "chief" else "service", **facts)
        for name, facts in people.items() if name != without
    }  # fmt: skip


def employed(office, name: str, department: str = "service", roles: Any = None, **facts: Any) -> str:
    recipient = office.staff(name, department, **facts)
    if roles:
        changed(office, recipient, roles=roles)
    return recipient


def changed(office, recipient: str, **facts: Any) -> None:
    """Write facts onto a member of staff; ``sms`` is a further contact."""
    if sms := facts.pop("sms", None):
        facts["sealed_contacts"] = {"sms": seal(sms, SECRET)}
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.id == number(recipient)).values(facts))


def number(recipient: str) -> int:
    return int(recipient.partition(":")[2])


def away(office, recipient: str, since: float, until: float) -> None:
    with office.db.write() as session:
        session.add(Absence(staff_id=number(recipient), starts_at=office.after(since), ends_at=office.after(until)))


def says(office, **sections: Any) -> None:
    """Other ladders from now on: sections of the file in place of what they said; a ladder is added to the others."""
    said = office.policy.written()["escalation"]
    for name, words in sections.items():
        said[name] = {**said[name], **words} if name == "ladders" else words
    office.policy = office.policy.model_copy(update={"escalation": EscalationPolicy.model_validate(said)})


def climbed(office, hours: float | None = None, **how: Any) -> Climbed:
    """Let the clock reach that hour, and climb what is due."""
    office.at = office.at if hours is None else office.after(hours)
    return climb_all(office.db, office.policy, office.at, **how)


def only(office):
    (row,) = office.rows(Escalation)
    return row


def steps(office) -> list[tuple[int, int, list[str], Trigger]]:
    return [(row.cycle, row.rung, row.told, row.trigger) for row in office.rows(EscalationStep)]


def told(office) -> list[tuple[int, str]]:
    """Rung and recipient of every message."""
    return [(row.rung, row.recipient) for row in office.messages]


# --- the way up ---


def test_a_breach_starts_one_ladder_whose_first_rung_is_told(office):
    people = hired(office)
    promised(office)
    office.check(BROKEN)
    row = only(office)
    assert (row.ladder, row.state, row.cycle, row.rung) == ("general", CLIMBING, 0, 1)
    assert (row.started_at, row.next_at) == (office.after(BROKEN), office.after(SECOND))
    assert row.deadline_id == office.deadlines["handled", 1].id
    assert row.policy_version == office.policy.escalation.version
    assert steps(office) == [(0, 1, [people["anna"]], Trigger.BREACH)]
    (message,) = office.messages
    assert (message.notice, message.recipient, message.rung) == (Notice.BREACH, people["anna"], 1)
    assert (message.escalation_id, message.deadline_id, message.urgency) == (row.id, row.deadline_id, Urgency.USUAL)


def test_silence_climbs_to_the_top_and_repeats_so_often(office):
    people = hired(office)
    promised(office)
    office.check(BROKEN)
    seen = []
    while next_at := only(office).next_at:
        seen.append((next_at - office.after(0)) / timedelta(hours=1))
        assert climbed(office, seen[-1] - 0.001) == NOTHING
        assert climbed(office, seen[-1]).told == 1
    assert seen == [SECOND, THIRD, REPEATED, 51, 75, 80]
    way = [(0, 1, "anna"), (0, 2, "head"), (0, 3, "chief"), (1, 2, "head"), (1, 3, "chief"), (2, 2, "head"),
           (2, 3, "chief")]  # fmt: skip
    assert [(cycle, rung, names) for cycle, rung, names, _ in steps(office)] == [
        (cycle, rung, [people[name]]) for cycle, rung, name in way
    ]
    assert [trigger for *_, trigger in steps(office)] == [Trigger.BREACH, *[Trigger.SILENCE] * 6]
    assert only(office).state is EXHAUSTED
    assert climbed(office, 1000) == NOTHING
    assert [row.notice for row in office.messages] == [Notice.BREACH, *[Notice.ESCALATION] * 6]
    assert [row.urgency is Urgency.CAN_WAIT for row in office.messages] == [rung == 3 for _, rung, _ in way]
    assert office.audit().holds


def test_a_second_run_at_the_same_instant_changes_nothing(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    assert climbed(office, SECOND) == Climbed(taken=1, told=1, messages=1)
    before = (office.rows(Escalation), office.rows(EscalationStep), office.messages)
    assert (office.check(), climbed(office)) == (office.check(), NOTHING)
    assert (office.rows(Escalation), office.rows(EscalationStep), office.messages) == before


def test_a_warning_starts_no_ladder(office):
    hired(office)
    promised(office, due=10)
    assert office.check(8.5).warned == 1
    assert office.rows(Escalation) == []


def test_what_was_handled_before_the_sweep_starts_no_ladder(office):
    hired(office)
    promised(office)
    office.at = office.after(0.95)
    office.record(office.complaints[0].number, EventKind.HANDLED)
    assert office.check(BROKEN).suppressed == 1
    assert office.rows(Escalation) == []


def test_a_history_that_is_filled_in_starts_no_ladder(office):
    hired(office)
    promised(office)
    assert office.check(BROKEN, is_sending=False).breached == 1
    assert office.check() == office.check(2)
    assert (office.rows(Escalation), office.rows(EscalationStep)) == ([], [])


def test_every_broken_promise_of_a_complaint_has_its_own_ladder(office):
    hired(office)
    office.register("1", 0, deadlines={"handled": office.after(0.9), "first_response": office.after(0.8)})
    office.check(BROKEN)
    assert sorted(row.duty for row in office.rows(Escalation)) == ["first_response", "handled"]


def test_a_policy_may_say_that_nobody_further_is_told(office):
    people = hired(office)
    says(office, severity={"general": "none", "urgent": "urgent", "major": "major"})
    promised(office)
    office.check(BROKEN)
    assert office.rows(Escalation) == []
    assert told(office) == [(0, people["anna"])]


def test_a_scope_picks_the_ladder_of_its_complaints(office):
    hired(office)
    says(office, scopes={"premium": {"when": {"tier": ["premium"]}, "milestones": {"handled": "urgent"}}})
    promised(office, "1", tier="premium")
    promised(office, "2")
    office.check(BROKEN)
    assert [row.ladder for row in office.rows(Escalation)] == ["urgent", "general"]


# --- who can be reached ---


@pytest.mark.parametrize(
    ("make_absent", "reason"),
    [
        (lambda office, anna: changed(office, anna, is_active=False), "nobody"),
        (lambda office, anna: away(office, anna, 0.5, 9), "away"),
        (lambda office, anna: changed(office, anna, sealed_contact=None), "no_contact"),
    ],
    ids=["inactive", "away", "without a contact"],
)
def test_whoever_cannot_be_reached_is_passed_at_once_and_the_step_says_why(office, make_absent, reason):
    people = hired(office)
    promised(office)
    make_absent(office, people["anna"])
    office.check(BROKEN)
    (step,) = office.rows(EscalationStep)
    assert (step.rung, step.told, step.passed) == (2, [people["head"]], [f"1 handler {reason}"])
    assert told(office) == [(2, people["head"])]
    assert only(office).next_at == office.after(6), "the executive has four hours from now, lunch apart"


def test_a_substitute_is_told_while_somebody_is_away_and_not_after(office):
    people = hired(office)
    ben = office.staff("ben")
    changed(office, people["head"], substitute_id=number(ben))
    away(office, people["head"], 2, 4)
    for name in ("1", "2"):
        promised(office, name, due=0.9 if name == "1" else 4.9)
    office.check(BROKEN)
    climbed(office, SECOND)
    office.check(5)
    climbed(office, 8)
    assert [(rung, to) for rung, to in told(office) if rung == 2] == [(2, ben), (2, people["head"])]


def test_where_nobody_at_all_is_reached_the_notice_below_any_ladder_is_told(office):
    hired(office, without="anna")
    promised(office)
    with office.db.write() as session:
        session.execute(update(Staff).values(sealed_contact=None))
    office.department("service", "json://hooks.example.com/desk")
    office.check(BROKEN)
    (step,) = office.rows(EscalationStep)
    department = office.complaints[0].department_id
    assert (step.rung, step.told) == (3, [f"department:{department}"])
    assert [line.split()[0] for line in step.passed] == ["1", "2", "3"]
    assert only(office).next_at == office.after(10 + 14 + 1), "the repeat: eight working hours"


def test_where_nobody_above_is_reached_whoever_was_not_told_before_is(office):
    people = hired(office, without="chief")
    promised(office)
    office.check(BROKEN)
    climbed(office, SECOND)
    climbed(office, THIRD)
    assert told(office) == [
        (1, people["anna"]), (2, people["head"]), (3, f"department:{office.complaints[0].department_id}"),
    ]  # fmt: skip


def test_one_who_is_handler_and_head_gets_one_message_and_the_executive_waits_as_ever(office):
    hired(office, without="head")
    anna = office.staff("anna", is_head=True)
    promised(office)
    office.check(BROKEN)
    assert climbed(office, SECOND) == Climbed(taken=1, told=1)
    assert steps(office)[1][:3] == (0, 2, [])
    assert only(office).next_at == office.after(THIRD)
    climbed(office, THIRD)
    assert [rung for rung, to in told(office) if to == anna] == [1]
    assert len(told(office)) == 2
    assert office.audit().holds


def test_only_those_whom_a_rung_names_are_told(office):
    people = hired(office)
    others = [employed(office, "quinn", roles=[Role.QUALITY_MANAGER]), employed(office, "oscar", roles=[Role.OPERATOR])]
    promised(office)
    office.check(BROKEN)
    climbed(office, SECOND)
    climbed(office, THIRD)
    assert {to for _, to in told(office)} == set(people.values())
    assert not {to for _, to in told(office)} & set(others)


def test_whoever_is_on_duty_now_is_told(office):
    people = hired(office)
    days = "mon,tue,wed,thu,fri,sat,sun"
    early, late = office.staff("early"), office.staff("late")
    with office.db.write() as session:
        for who, begins, ends in ((early, "06:00", "12:00"), (late, "12:00", "06:00")):
            shift = {"rota": "service", "staff_id": number(who), "weekdays": days, "begins": begins, "ends": ends}
            session.add(DutyShift(**shift, from_on=office.at.date()))
    promised(office, "1", severity=Severity.URGENT)
    promised(office, "2", due=4.9, severity=Severity.URGENT)
    office.check(BROKEN)
    office.check(5)
    assert told(office) == [(1, people["anna"]), (1, early), (1, people["anna"]), (1, late)]


# --- hours, weekdays, ways ---


def windowed(office, **rung: Any) -> None:
    """A ladder whose second rung has these hours, weekdays or ways, half an hour after the first."""
    second = {"tell": ["department_head"], "wait": "30min", "clock": "calendar", **rung}
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"]}, second]}})


@pytest.mark.parametrize(
    ("rung", "comes"),
    [
        ({}, 1.5),
        ({"hours": ["12:00", "18:00"]}, 3),
        ({"hours": ["00:00", "09:30"]}, 15),
        ({"weekdays": ["mon"]}, 1.5),
        ({"weekdays": ["thu"]}, 63),
        ({"weekdays": ["thu"], "hours": ["09:00", "18:00"]}, 72),
        ({"weekdays": ["sun"], "hours": ["22:00", "10:45"]}, 1.5),
    ],
)
def test_a_rung_is_told_within_its_hours_on_its_weekdays(office, rung, comes):
    hired(office)
    windowed(office, **rung)
    promised(office)
    office.check(BROKEN)
    assert only(office).next_at == office.after(comes)
    assert climbed(office, comes).told == 1


def test_a_sweep_that_is_late_does_not_tell_a_rung_out_of_its_hours(office):
    hired(office)
    windowed(office, hours=["09:00", "18:00"])
    promised(office)
    office.check(BROKEN)
    assert climbed(office, 13) == Climbed(taken=1, held=1)
    assert (only(office).next_at, only(office).rung, len(steps(office))) == (office.after(24), 1, 1)
    assert climbed(office, 24) == Climbed(taken=1, told=1, messages=1, exhausted=1)


def test_what_falls_through_at_night_waits_for_the_hours_of_the_rung_above_and_somebody_hears_now(office):
    people = hired(office)
    windowed(office, hours=["09:00", "18:00"])
    changed(office, people["anna"], is_active=False)
    office.register("1", 0, deadlines={"handled": office.after(12.9)})
    away(office, people["head"], 12, 14)
    office.check(13)
    department = office.complaints[0].department_id
    assert steps(office) == [(0, 1, [f"department:{department}"], Trigger.BREACH)]
    assert only(office).next_at == office.after(24)
    climbed(office, 24)
    assert told(office) == [(1, f"department:{department}"), (2, people["head"])]
    assert office.audit().holds


def test_a_rung_may_name_the_way_and_whoever_has_it_is_told_by_it(office):
    people = hired(office)
    windowed(office, tell=["department_head", "handler"], channels=["sms"])
    changed(office, people["anna"], sms="json://hooks.example.com/anna-sms")
    promised(office)
    office.check(BROKEN)
    climbed(office, 1.5)
    assert [(row.recipient, row.channel) for row in office.messages] == [
        (people["anna"], "preferred"), (people["anna"], "sms"),
    ]  # fmt: skip
    assert office.rows(EscalationStep)[1].passed == ["2 department_head no_channel"]
    assert office.rows(EscalationStep)[1].told == [f"{people['anna']} sms"]


def test_late_notices_by_two_ways_are_two_letters(office):
    people = hired(office)
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"], "channels": ["sms", "preferred"]}]}})
    changed(office, people["anna"], sms="json://hooks.example.com/anna-sms")
    promised(office, "1")
    promised(office, "2")
    office.check(5)
    bundles = Counter((row.channel, row.bundle) for row in office.messages)
    assert sorted(bundles.values()) == [2, 2]
    assert len({bundle for _, bundle in bundles}) == 2


# --- the clock ---


def test_an_outage_collapses_into_one_late_rung_and_the_next_waits_from_then(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    assert climbed(office, SECOND + 72) == Climbed(taken=1, told=1, messages=1)
    row = office.messages[-1]
    assert (row.rung, row.is_late, row.bundle is not None) == (2, True, True)
    assert only(office).next_at == office.after(SECOND + 72 + 5), "four working hours from now, over lunch"


def test_a_rung_that_is_in_time_is_not_marked_late(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    climbed(office, SECOND + 0.2)
    assert [(row.is_late, row.bundle) for row in office.messages] == [(False, None)] * 2


def test_late_rungs_to_one_recipient_share_one_letter(office):
    people = hired(office)
    for name in "123":
        promised(office, name)
    office.check(BROKEN)
    climbed(office, 30)
    (bundle,) = {row.bundle for row in office.messages if row.rung == 2}
    assert bundle == f"late {people['head']} {office.at:%Y-%m-%dT%H:%MZ}"
    office.deliver()
    assert [url for url, _ in office.mail.sent].count("json://hooks.example.com/head") == 1


def test_a_clock_that_goes_backwards_tells_nothing_again(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    climbed(office, SECOND)
    for hours in (SECOND - 3, 0, SECOND - 0.001):
        assert (office.check(hours).breached, climbed(office, hours)) == (0, NOTHING)
    assert climbed(office, SECOND) == NOTHING
    assert len(steps(office)) == 2


@pytest.mark.parametrize("jump", [3, 72])
def test_a_clock_that_jumps_forward_tells_one_rung(office, jump):
    hired(office)
    promised(office)
    office.check(BROKEN)
    assert climbed(office, BROKEN + jump).told == 1
    assert climbed(office) == NOTHING
    assert len(steps(office)) == 2


# --- the end ---


@pytest.mark.parametrize("kind", [EventKind.HANDLED, EventKind.CLOSED, EventKind.WITHDRAWN])
def test_a_matter_that_ended_between_two_rungs_is_told_nobody(office, kind):
    hired(office)
    number = promised(office)
    office.check(BROKEN)
    office.at = office.after(2)
    office.record(number, kind)
    assert climbed(office, SECOND) == Climbed(taken=1, ended=1)
    row = only(office)
    assert (row.state, row.ended_at, row.next_at) == (ENDED, office.after(2), None)
    assert len(office.messages) == 1


def test_a_ladder_ends_with_the_round_it_was_started_in_and_the_next_round_has_its_own(office):
    hired(office)
    number = office.register("1", 0, handler="anna")
    office.check(48.1)
    first = {row.id for row in office.rows(Escalation)}
    office.at = office.after(49)
    office.record(number, EventKind.HANDLED)
    office.at = office.after(50)
    office.record(number, EventKind.REOPENED)
    climbed(office, 60)
    assert {row.state for row in office.rows(Escalation)} == {ENDED}
    office.check(50 + 48.1)
    later = [row for row in office.rows(Escalation) if row.id not in first]
    assert [(row.duty, row.occasion[:4], row.state) for row in later] == [("handled", "2.0@", CLIMBING)]


# --- acknowledged ---


def acknowledged(office, message: int = -1):
    with office.db.write() as session:
        return acknowledge(session, office.policy, office.clock, office.messages[message].id)


def test_an_acknowledgement_stops_the_ladder_until_it_expires(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    office.at = office.after(2)
    assert acknowledged(office).until == office.after(26)
    assert climbed(office, SECOND) == NOTHING
    assert climbed(office, 26) == Climbed(taken=1, told=1, messages=1)
    assert steps(office)[-1][1:] == (2, [office.messages[-1].recipient], Trigger.EXPIRED)
    assert only(office).trigger is Trigger.SILENCE


def test_an_acknowledgement_never_brings_the_next_rung_nearer(office):
    hired(office)
    second = {"tell": ["department_head"], "wait": "48h", "clock": "calendar"}
    holds = {"holds": "1h", "clock": "calendar"}
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"]}, second], "acknowledgement": holds}})
    promised(office)
    office.check(BROKEN)
    assert acknowledged(office).until == office.after(49)
    assert climbed(office, 48.9) == NOTHING
    assert climbed(office, 49).told == 1


def test_news_of_the_complaint_let_an_acknowledgement_go_on(office):
    hired(office)
    number = promised(office)
    office.check(BROKEN)
    office.at = office.after(2)
    acknowledged(office)
    office.at = office.after(6)
    office.record(number, EventKind.NOTE)
    assert climbed(office, 26) == Climbed(taken=1, held=1)
    assert (only(office).state, only(office).next_at) == (ACKNOWLEDGED, office.after(30))
    assert climbed(office) == NOTHING
    assert climbed(office, 30).told == 1


def test_news_that_show_no_work_do_not(office):
    hired(office)
    number = promised(office)
    office.check(BROKEN)
    office.at = office.after(2)
    acknowledged(office)
    office.at = office.after(6)
    office.record(number, EventKind.AUTOMATIC_REPLY)
    promises = {"handled": office.after(0.9)}
    assert office.take_in(office.complaint("1", title="again", deadlines=promises, handler="anna")).updated == 1
    assert climbed(office, 26).told == 1


def test_an_acknowledgement_that_runs_out_at_night_waits_for_the_hours_of_the_next_rung(office):
    hired(office)
    second = {"tell": ["department_head"], "wait": "30min", "clock": "calendar", "hours": ["09:00", "18:00"]}
    holds = {"holds": "10h", "clock": "calendar"}
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"]}, second], "acknowledgement": holds}})
    promised(office)
    office.check(BROKEN)
    acknowledged(office)
    assert climbed(office, 11) == Climbed(taken=1, held=1)
    assert climbed(office, 24).told == 1
    assert steps(office)[-1][3] is Trigger.EXPIRED


def test_a_ladder_without_acknowledgement_is_stopped_by_nothing_but_the_end(office):
    hired(office)
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"]}, {"tell": ["department_head"], "wait": "2h"}]}})
    promised(office)
    office.check(BROKEN)
    acknowledged(office)
    assert climbed(office, SECOND).told == 1


def test_what_is_acknowledged_above_the_last_rung_and_expires_is_told_nobody_any_more(office):
    hired(office)
    says(office, ladders={"general": {"rungs": [{"tell": ["handler"]}], "acknowledgement": {"holds": "1h"}}})
    promised(office)
    office.check(BROKEN)
    acknowledged(office)
    assert climbed(office, 3) == Climbed(taken=1, exhausted=1)
    assert (only(office).state, len(steps(office)), len(office.messages)) == (EXHAUSTED, 1, 1)


# --- which edition ---


def test_a_ladder_is_climbed_as_it_stood_when_it_began(office):
    people = hired(office)
    promised(office, "1")
    office.check(BROKEN)
    old = only(office).policy_version
    says(office, ladders={"general": {"rungs": [{"tell": ["executive"]}]}})
    promised(office, "2", due=2)
    office.check(2.1)
    climbed(office, SECOND)
    assert told(office) == [(1, people["anna"]), (1, people["chief"]), (2, people["head"])]
    assert [row.policy_version == old for row in office.rows(Escalation)] == [True, False]


def test_a_ladder_that_is_gone_from_the_policy_is_climbed_to_its_end(office):
    hired(office)
    says(office, ladders={"own": {"rungs": [{"tell": ["handler"]}, {"tell": ["department_head"], "wait": "2h"}]}},
         severity={"general": "own", "urgent": "own", "major": "own"})  # fmt: skip
    promised(office)
    office.check(BROKEN)
    said = office.policy.written()["escalation"]
    del said["ladders"]["own"]
    said["severity"] = dict.fromkeys(said["severity"], "general")
    office.policy = office.policy.model_copy(update={"escalation": EscalationPolicy.model_validate(said)})
    assert climbed(office, SECOND) == Climbed(taken=1, told=1, messages=1, exhausted=1)


# --- major, and watched ---


def test_what_is_major_breaks_the_quiet_with_every_notice_its_warnings_too(office):
    people = hired(office)
    promised(office, due=10, severity=Severity.MAJOR)
    office.check(8.5)
    office.check(10.1)
    climbed(office, 10.5)
    assert {row.notice for row in office.messages} == {
        Notice.OVERSIGHT, Notice.WARNING, Notice.BREACH, Notice.ESCALATION,
    }  # fmt: skip
    assert {row.urgency for row in office.messages} == {Urgency.URGENT}
    assert [(row.rung, row.recipient) for row in office.messages if row.deadline_id] == [
        (0, people["anna"]), (1, people["anna"]), (2, people["head"]),
    ]  # fmt: skip


def watches(office) -> list[tuple[str, EscalationState]]:
    return [(row.occasion, row.state) for row in office.rows(Escalation) if row.duty == "oversight"]


def test_executives_watch_a_major_complaint_from_its_registration_until_it_is_handled(office):
    people = hired(office)
    number = office.register("1", 0, severity=Severity.MAJOR, deadlines={}, handler="anna")
    assert watches(office) == [("1.0", CLIMBING)]
    assert steps(office) == [(0, 1, [people["chief"]], Trigger.OPENED)]
    climbed(office, 24)
    climbed(office, 48)
    assert [(row.notice, row.recipient) for row in office.messages] == [(Notice.OVERSIGHT, people["chief"])] * 3
    office.at = office.after(50)
    office.record(number, EventKind.HANDLED)
    assert climbed(office, 72) == Climbed(taken=1, ended=1)
    assert watches(office) == [("1.0", ENDED)]


def test_it_opens_when_the_severity_is_raised_and_once(office):
    hired(office)
    number = office.register("1", 0, deadlines={}, handler="anna")
    assert watches(office) == []
    for hours, severity in ((1, "major"), (2, "general"), (3, "major")):
        office.at = office.after(hours)
        office.record(number, EventKind.SEVERITY_CHANGED, severity=severity)
    assert watches(office) == [("1.0", CLIMBING)]
    assert len(office.messages) == 1


def test_reopened_it_is_watched_anew_and_only_by_the_new_ladder(office):
    hired(office)
    number = office.register("1", 0, severity=Severity.MAJOR, deadlines={}, handler="anna")
    for hours, kind in ((1, EventKind.HANDLED), (2, EventKind.REOPENED)):
        office.at = office.after(hours)
        office.record(number, kind)
    assert watches(office) == [("1.0", CLIMBING), ("2.0", CLIMBING)]
    climbed(office, 26)
    assert watches(office) == [("1.0", ENDED), ("2.0", CLIMBING)]
    assert [row.ended_at for row in office.rows(Escalation)] == [office.after(2), None]
    assert [(row.escalation_id, row.planned_at) for row in office.messages] == [
        (row.id, at)
        for row, at in zip((*office.rows(Escalation), office.rows(Escalation)[1]),
                           (office.after(0), office.after(2), office.after(26)), strict=True)
    ]  # fmt: skip


def test_nothing_but_its_end_stops_the_watch(office):
    hired(office)
    number = office.register("1", 0, severity=Severity.MAJOR, deadlines={}, handler="anna")
    office.at = office.after(1)
    acknowledged(office)
    office.record(number, EventKind.SEVERITY_CHANGED, severity="general")
    office.at = office.after(2)
    office.record(number, EventKind.WAITING)
    assert climbed(office, 24) == Climbed(taken=1, told=1, messages=1)
    assert watches(office) == [("1.0", CLIMBING)]


def test_what_is_merged_is_watched_no_longer(office):
    hired(office)
    office.register("1", 0, deadlines={})
    number = office.register("2", 0, severity=Severity.MAJOR, deadlines={})
    office.at = office.after(1)
    office.record(number, EventKind.MERGED, into=office.complaints[0].number)
    assert climbed(office, 24) == Climbed(taken=1, ended=1)


def test_a_policy_without_oversight_opens_none(office):
    hired(office)
    says(office, oversight=None)
    office.register("1", 0, severity=Severity.MAJOR, deadlines={})
    assert watches(office) == []


# --- many, and two at once ---


def test_a_batch_is_limited_and_the_sweep_pages_until_nothing_is_left(office):
    hired(office)
    for name in "12345":
        promised(office, name)
    office.check(BROKEN)
    office.at = office.after(SECOND)
    assert climb_due(office.db, office.policy, office.at, limit=2).told == 2
    assert climb_all(office.db, office.policy, office.at, limit=2).told == 3
    assert Counter(row.rung for row in office.rows(EscalationStep)) == {1: 5, 2: 5}


def test_the_longest_due_come_first(office):
    hired(office)
    for name, due in (("1", 0.9), ("2", 0.5), ("3", 0.7)):
        promised(office, name, due=due)
        office.check(due + 0.01)
    first = min(office.rows(Escalation), key=lambda row: row.next_at)
    climb_due(office.db, office.policy, office.after(20), limit=1)
    assert [row.id for row in office.rows(Escalation) if row.rung == 2] == [first.id]
    assert first.id != office.rows(Escalation)[0].id


def test_two_sweeps_at_once_tell_each_rung_once(office, database_url):
    hired(office)
    count = 60
    office.take_in(*(
        office.complaint(str(n), deadlines={"handled": office.after(0.9)}, handler="anna") for n in range(count)
    ))  # fmt: skip
    found = at_once(database_url, lambda own: office_sweep(own, office, BROKEN))
    assert sum(both.breached for both, _ in found) == count
    found = at_once(database_url, lambda own: office_sweep(own, office, SECOND))
    assert sum(both.told for _, both in found) == count
    assert Counter((row.cycle, row.rung) for row in office.rows(EscalationStep)) == {(0, 1): count, (0, 2): count}
    assert Counter(row.rung for row in office.messages) == {1: count, 2: count}
    assert office.audit().holds


def office_sweep(own: Database, office, hours: float) -> tuple[Any, Climbed]:
    at = office.after(hours)
    return check_all(own, office.policy, at, limit=7), climb_all(own, office.policy, at, limit=7)


def at_once(url: str, work: Callable[[Database], Any], workers: int = 2) -> list[Any]:
    """What each of them gives, started together, every one with a database of its own."""
    start = Barrier(workers)

    def one(_: int) -> Any:
        own = Database(url)
        start.wait()
        try:
            return work(own)
        finally:
            own.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def test_two_who_open_the_watch_at_once_open_one(office, database_url):
    hired(office)
    number = office.register("1", 0, deadlines={}, handler="anna")
    office.at = office.after(1)

    def raised(own: Database) -> None:
        event = EventIn(kind=EventKind.SEVERITY_CHANGED, occurred_at=office.at, data={"severity": "major"})
        with own.write() as session:
            record(session, office.policy, fixed(office.at), number, event)

    at_once(database_url, raised)
    assert watches(office) == [("1.0", CLIMBING)]
    assert len(office.messages) == 1


def test_a_department_with_an_address_is_told_where_the_ladder_says_so(office):
    hired(office)
    office.department("service", "json://hooks.example.com/desk")
    says(office, ladders={"general": {"rungs": [{"tell": ["department", "department:board"]}]}})
    promised(office)
    office.check(BROKEN)
    assert told(office) == [(1, f"department:{office.complaints[0].department_id}")]
    assert office.rows(EscalationStep)[0].passed == ["1 department:board no_contact"]
    assert {row.code for row in office.rows(Department)} == {"service", "board"}
    assert office.messages[0].state is MessageState.PLANNED


def test_the_audit_misses_whoever_a_rung_told_without_a_row(office):
    hired(office)
    promised(office)
    office.check(BROKEN)
    climbed(office, SECOND)
    assert office.audit().holds
    with office.db.write() as session:
        session.execute(delete(Message).where(Message.rung == 2))
    found = office.audit()
    assert (found.holds, found.missing, found.due) == (False, 1, 2)
