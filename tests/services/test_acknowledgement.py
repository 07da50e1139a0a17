"""One press: acknowledged, handed over, or not to be done; the ladder stops, goes on, or goes up at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.acknowledgement import Acknowledged, Standing, acknowledge, cannot, hand_over
from bihuan.services.escalation import Climbed, climb_all
from schemas.complaint import EventKind, Severity
from schemas.escalation import Escalation, EscalationState, EscalationStep, Trigger
from schemas.outbox import MessageState, Notice

NOTHING = Climbed()
SECOND = timedelta(seconds=1)


@pytest.fixture
def team(office):
    """A handler, a head and an executive; a complaint whose handling was due after ten hours, and was not done."""
    office.who = {"anna": office.staff("anna"), "head": office.staff("head", is_head=True)}
    office.who["boss"] = office.staff("boss", "board_room") if office.department("board_room") else ""
    give_role(office, "boss", "executive")
    office.number = office.register(deadlines={"handled": office.after(10)}, handler="anna")
    office.check(10.01)
    return office


def give_role(office, code: str, role: str) -> None:
    from sqlalchemy import update

    from schemas.people import Staff

    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == code).values(roles=[role]))


def press(office, what, *more, to: str = "anna", **named):
    message = next(row for row in reversed(office.messages) if row.recipient == office.who[to])
    with office.db.write() as session:
        return what(session, office.policy, office.clock, message.id, *more, **named)


def climb(office, hours: float | None = None) -> Climbed:
    office.at = office.at if hours is None else office.after(hours)
    return climb_all(office.db, office.policy, office.at)


def only(office):
    (row,) = office.rows(Escalation)
    return row


def told(office) -> list[str]:
    names = {recipient: code for code, recipient in office.who.items()}
    return [names.get(row.recipient, row.recipient) for row in office.messages if row.notice is not Notice.WARNING]


# The complaint was registered Monday 09:00 with ten hours: due at 19:00. The ladder waits in working time, which
# begins again on Tuesday 09:00, hour 24.


def test_silence_climbs_and_an_acknowledgement_stops_it(team):
    assert climb(team, 25.9) == NOTHING
    assert climb(team, 26).told == 1
    assert told(team) == ["anna", "head"]
    assert press(team, acknowledge, to="head").standing is Standing.STOPPED
    assert climb(team, 33) == NOTHING  # the executive's turn would have come at hour 30
    assert told(team) == ["anna", "head"]


def test_acknowledged_and_then_silence_the_ladder_resumes(team):
    """Grafana OnCall 3111: acknowledged, forgotten, paged months later. Here it goes on when its time is up."""
    done = press(team, acknowledge)
    assert done == Acknowledged(Standing.STOPPED, team.after(33).astimezone())
    assert climb(team, 32.99) == NOTHING
    assert climb(team, 33).told == 1
    assert told(team) == ["anna", "head"]
    assert team.rows(EscalationStep)[-1].trigger is Trigger.EXPIRED


def test_what_happens_after_it_lets_an_acknowledgement_go_on(team):
    press(team, acknowledge)
    team.at = team.after(30)
    team.record(team.number, EventKind.NOTE, note="已联系供应商")
    assert climb(team, 33) == Climbed(taken=1, held=1)
    assert only(team).next_at == team.after(54)  # eight working hours from Tuesday 15:00 on: Wednesday 15:00
    assert climb(team, 54).told == 1


def test_pressed_again_by_the_same_person_it_lasts_no_longer(team):
    first = press(team, acknowledge)
    team.at = team.after(28)
    assert press(team, acknowledge) == first
    assert climb(team, 33).told == 1


def test_another_person_who_acknowledges_takes_it_over(team):
    climb(team, 26)
    press(team, acknowledge, to="anna")
    team.at = team.after(27)
    press(team, acknowledge, to="head")
    assert only(team).acknowledged_by == team.who["head"]
    seen = {row.recipient for row in team.messages if row.acknowledged_at}
    assert seen == {team.who["anna"], team.who["head"]}


def test_acknowledged_in_the_same_second_as_handled_nobody_further_is_told(team):
    team.at = team.after(26) - SECOND
    press(team, acknowledge)
    team.record(team.number, EventKind.HANDLED)
    for hour in (26, 33, 200):
        climb(team, hour)
    assert told(team) == ["anna"]
    assert only(team).state is EscalationState.ENDED
    assert only(team).ended_at == team.after(26) - SECOND


def test_what_has_ended_cannot_be_acknowledged_and_says_so(team):
    team.record(team.number, EventKind.HANDLED)
    assert press(team, acknowledge).standing is Standing.ENDED
    assert only(team).acknowledged_at is None


def test_a_warning_can_be_acknowledged_and_the_breach_is_told_all_the_same(office):
    office.who = {"anna": office.staff("anna")}
    office.register(deadlines={"handled": office.after(10)}, handler="anna")
    office.check(8.01)
    assert press(office, acknowledge) == Acknowledged(Standing.NOTED)
    assert office.messages[-1].acknowledged_at == office.at
    office.check(10.01)
    assert office.messages[-1].notice is Notice.BREACH


def test_oversight_is_noted_and_stays(team):
    team.who["boss2"] = team.who["boss"]
    number = team.register("2", severity=Severity.MAJOR)
    message = next(row for row in team.messages if row.notice is Notice.OVERSIGHT)
    assert message.recipient == team.who["boss"]
    assert press(team, acknowledge, to="boss") == Acknowledged(Standing.NOTED)
    team.at += timedelta(hours=24)
    assert climb(team).told == 2  # the head of the first matter, and the executive once more
    team.record(number, EventKind.HANDLED)
    team.at += timedelta(hours=48)
    before = sum(row.notice is Notice.OVERSIGHT for row in team.messages)
    climb(team)
    assert sum(row.notice is Notice.OVERSIGHT for row in team.messages) == before == 2


# --- handed over ---


def test_handing_over_tells_the_colleague_and_buys_no_time(team):
    team.who["ben"] = team.staff("ben")
    press(team, hand_over, "ben", "anna")
    assert told(team) == ["anna", "ben"]
    assert team.messages[-1].notice is Notice.HANDED_OVER
    assert team.complaints[0].handler_id == int(team.who["ben"].partition(":")[2])
    assert (team.events[-1].kind, team.events[-1].actor) == (EventKind.ASSIGNED, "anna")
    assert climb(team, 26).told == 1
    assert told(team)[-1] == "head"


def test_the_colleague_can_acknowledge_what_was_handed_over(team):
    team.who["ben"] = team.staff("ben")
    press(team, hand_over, "ben", "anna")
    assert press(team, acknowledge, to="ben").standing is Standing.STOPPED
    assert climb(team, 30) == NOTHING


def test_after_handling_only_the_message_goes_on(team):
    """The result is still to be told; the complaint itself stays with who handled it."""
    team.who["ben"] = team.staff("ben")
    team.at = team.after(11)
    team.record(team.number, EventKind.HANDLED)
    number = team.register("2", 11, deadlines={"result_feedback": None}, handler="anna")
    team.record(number, EventKind.HANDLED)
    team.check(36)
    press(team, hand_over, "ben", "anna")
    assert team.messages[-1].recipient == team.who["ben"]
    assert (team.events[-1].kind, team.events[-1].data) == (EventKind.NOTE, {"handed_to": "ben"})


@pytest.mark.parametrize("to", ["anna", "nobody", ""])
def test_it_is_handed_over_to_a_colleague_who_is_there(team, to):
    before = (team.events, team.messages)
    with pytest.raises((UsageError, RefusedError)):
        press(team, hand_over, to, "anna")
    assert (team.events, team.messages) == before


# --- cannot be done ---


def test_who_cannot_lets_the_next_rung_be_told_at_once_with_the_reason(team):
    team.at = team.after(11)
    press(team, cannot, "备件十天后才到", "anna")
    assert climb(team).told == 1
    assert told(team) == ["anna", "head"]
    team.deliver(24)
    letter = next(letter for url, letter in team.mail.sent if url.endswith("/head"))
    assert "Anna表示做不到（备件十天后才到）" in letter.body
    assert climb(team, 29).told == 1  # four working hours after Monday 20:00, the lunch break left out


def test_said_twice_it_counts_once(team):
    team.at = team.after(11)
    press(team, cannot, "备件十天后才到", "anna")
    climb(team)
    press(team, cannot, "真的", "anna")
    assert climb(team) == NOTHING
    assert [row.data.get("cannot") for row in team.events if "cannot" in row.data] == ["备件十天后才到"]


def test_below_a_ladder_the_head_is_told_that_it_cannot_be_done(office):
    office.who = {"anna": office.staff("anna"), "head": office.staff("head", is_head=True)}
    office.register(deadlines={"handled": office.after(10)}, handler="anna")
    office.check(8.01)
    press(office, cannot, "病假", "anna")
    assert (office.messages[-1].notice, office.messages[-1].recipient) == (Notice.CANNOT, office.who["head"])
    office.deliver(8.02)
    assert "病假" in office.mail.sent[-1][1].body


def test_a_reason_is_wanted(team):
    with pytest.raises(UsageError, match="reason"):
        press(team, cannot, "  ", "anna")
    assert climb(team, 11) == NOTHING


def test_what_has_ended_is_neither_handed_over_nor_refused(team):
    team.who["ben"] = team.staff("ben")
    team.record(team.number, EventKind.HANDLED)
    for what in ((hand_over, "ben", "anna"), (cannot, "x", "anna")):
        with pytest.raises(RefusedError, match="ended"):
            press(team, *what)


# --- letters ---


def test_a_letter_from_a_ladder_says_who_was_told_before_and_gives_its_reader_a_link(team):
    team.deliver(10.02)
    climb(team, 26)
    team.deliver()
    letter = next(letter for url, letter in team.mail.sent if url.endswith("/head"))
    assert "Anna (11-16 19:00)" in letter.body
    links = [re.search(r"/a/([\w-]{22})(?![\w-])", letter.body)[1] for _, letter in team.mail.sent]
    assert len(set(links)) == len(links) == 2


def test_a_retry_brings_the_same_link(team):
    from schemas.outbox import AttemptOutcome

    team.deliver(10.02, outcomes=[AttemptOutcome.RETRY])
    team.deliver(11)
    first, second = ((re.search(r"/a/([\w-]{22})(?![\w-])", letter.body)[1]) for _, letter in team.mail.sent)
    assert first == second
    assert team.messages[-1].state is MessageState.SENT
