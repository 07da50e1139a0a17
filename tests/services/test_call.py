"""The telephone worklist in the database: who comes onto it, what each try leads to, and when somebody leaves it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from bihuan.errors import UsageError
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.questionnaire import Problem
from bihuan.services.call import (
    Call,
    CallSheet,
    Listed,
    OffListError,
    Recorded,
    TakenError,
    call_list,
    call_sheet,
    record_call,
)
from bihuan.services.integrity import inspect_database
from bihuan.services.survey import FollowedUp, follow_up
from bihuan.services.survey_answer import Form, opt_out, save_answers
from bihuan.store.queries.call import CallWish, due_calls, worklist_by
from bihuan.store.rows import insert_rows
from schemas.complaint import ComplaintState, CustomerIn, EventKind
from schemas.outbox import AttemptOutcome, Message, Notice
from schemas.people import Customer
from schemas.survey import Answer, AnswerSource, CallAttempt, CallOutcome, Invitation, InvitationState, OptOut

RESULT, ASKED = "result_feedback", "satisfaction_follow_up"
PHONE, ANSWERED = InvitationState.PHONE, InvitationState.ANSWERED
SUPPRESSED, CANCELLED, EXPIRED = InvitationState.SUPPRESSED, InvitationState.CANCELLED, InvitationState.EXPIRED
ZHOU = CustomerIn(external_id="zhou", name="周女士", contact_url="tel:+8613800138000", language="en")
WANG = CustomerIn(external_id="wang", name="王", contact_url="mailto://127.0.0.1/?to=wang@example.com")
REACHED, NO_ANSWER, BUSY = CallOutcome.REACHED, CallOutcome.NO_ANSWER, CallOutcome.BUSY


@pytest.fixture
def desk(office):
    """An office with somebody who handles, and the verbs of a follow-up by telephone."""
    office.department("service", "json://hooks.example.com/desk")
    office.staff("anna")

    def follow(hours: float | None = None, outcomes=None) -> FollowedUp:
        office.at = office.at if hours is None else office.after(hours)
        done = follow_up(office.db, office.policy, office.settings, office.at)
        office.deliver(outcomes=outcomes)
        return done

    def handled(external_id: str = "1", hours: float = 1, customer: CustomerIn | None = ZHOU, **data) -> str:
        office.at = office.after(hours)
        number = office.register(external_id, customer=customer, title="耳机左边没有声音")
        office.deliver()
        office.record(number, EventKind.HANDLED, **data)
        office.follow()
        return number

    def call(outcome: CallOutcome, number: int = 1, duty: str = RESULT, hours: float | None = None, **said) -> Recorded:
        office.at = office.at if hours is None else office.after(hours)
        with office.db.write() as session:
            return record_call(session, office.policy, office.settings, office.clock, of(office, duty).id,
                               Call(number, outcome, **({"by": "anna"} | said)))  # fmt: skip

    office.follow, office.handled, office.call = follow, handled, call
    return office


def of(office, duty: str = RESULT):
    return next(row for row in office.rows(Invitation) if row.duty == duty)


def listed(office, **wish) -> list[Listed]:
    with office.db.read() as session:
        return call_list(session, office.policy, office.at, CallWish(**wish))


def sheet(office, duty: str = RESULT) -> CallSheet:
    with office.db.read() as session:
        return call_sheet(session, office.policy, office.settings, of(office, duty).id, office.at)


def told(office, kind: EventKind = EventKind.RESULT_TOLD) -> list:
    return [row for row in office.events if row.kind is kind]


# --- onto the list ---


def test_whoever_has_a_telephone_only_is_called_and_written_nothing(desk):
    desk.handled()
    row = of(desk)
    assert (row.state, row.reason, row.call_at, row.next_at) == (PHONE, "no_contact", desk.at, row.expires_at)
    assert desk.rows(Message) == []
    assert [(one.row.number, one.row.customer, one.at_most) for one in listed(desk)] == [
        (desk.complaints[0].number, "周女士", 3)
    ]


def test_the_first_call_is_due_inside_the_window_of_the_person(desk):
    desk.handled(hours=14, customer=ZHOU.model_copy(update={"timezone": "Asia/Tokyo"}))  # midnight in Tokyo
    assert of(desk).call_at is None  # it goes onto the list when it would be sent
    desk.follow(23)
    assert of(desk).call_at == desk.after(23)


@pytest.mark.parametrize(("sent", "seen", "called"), [(1, 1.25, 1.25), (10.5, 11.5, 24)])  # half past eight is too late
def test_a_letter_that_cannot_be_delivered_is_called_about_in_the_window(desk, sent, seen, called):
    desk.at = desk.after(sent)
    number = desk.register("1", customer=WANG)
    desk.deliver()
    desk.record(number, EventKind.HANDLED)
    desk.follow(sent, outcomes=[AttemptOutcome.REFUSED])
    desk.follow(seen)
    assert (of(desk).state, of(desk).reason, of(desk).call_at) == (PHONE, "undeliverable", desk.after(called))


def test_a_number_beside_an_address_is_for_whoever_stays_silent(desk):
    both = "mailto://127.0.0.1/?to=wang@example.com tel:+8613800138000"
    desk.handled(customer=WANG.model_copy(update={"contact_url": both}))
    for hours in (49, 97):
        desk.follow(hours)
    assert listed(desk) == []
    desk.follow(97 + 72)
    (line,) = listed(desk)
    assert (line.row.duty, line.row.reason, line.row.met_at) == (ASKED, "silent", desk.after(49))
    assert sheet(desk, ASKED).telephone == "+8613800138000"


# --- what is before whoever calls ---


def test_the_sheet_has_number_name_what_was_done_and_what_to_ask(desk):
    desk.handled(result="已换新件", note="先前换错一次")
    it = sheet(desk)
    assert (it.telephone, it.row.customer, it.row.language) == ("+8613800138000", "周女士", "en")
    assert (it.said["result"], it.said["note"], it.is_open) == ("已换新件", "先前换错一次", True)
    assert [one.name for one in it.questionnaire] == ["solved", "still_open"]


def test_without_a_number_or_with_another_secret_the_sheet_says_so_and_stays_usable(desk):
    desk.handled(customer=CustomerIn(external_id="mute", name="无"))
    assert (sheet(desk).telephone, sheet(desk).problem) == ("", "")
    desk.handled("2", 2)
    with desk.db.write() as session:
        session.execute(Customer.__table__.update().values(sealed_contact="tel:gAAAA"))
    assert "another secret" in sheet(desk).problem
    assert "1380013" not in sheet(desk).problem


def test_there_is_no_sheet_of_an_invitation_nobody_made(desk):
    with desk.db.read() as session, pytest.raises(UsageError, match="no such call"):
        call_sheet(session, desk.policy, desk.settings, 17, desk.at)


def test_what_is_due_first_stands_first_and_the_list_goes_on_where_it_stopped(desk):
    for number, hours in enumerate((1, 3, 2)):
        desk.handled(f"{number}", hours, CustomerIn(external_id=f"c{number}", contact_url=f"tel:1380013800{number}"))
    desk.at = desk.after(5)
    ids = [line.row.id for line in listed(desk)]
    assert [line.row.call_at for line in listed(desk)] == [desk.after(1), desk.after(2), desk.after(3)]
    assert [line.row.id for line in listed(desk, limit=2)] == ids[:2]
    assert [line.row.id for line in listed(desk, limit=2, after=ids[1])] == ids[2:]
    with desk.db.read() as session:
        assert due_calls(session, desk.after(2.5)) == 2


def test_the_list_goes_by_department(desk):
    desk.department("product")
    desk.handled("1")
    number = desk.handled("2", 2, CustomerIn(external_id="c2", contact_url="tel:13800138001"))
    desk.at = desk.after(3)
    desk.record(number, EventKind.REOPENED)
    desk.record(number, EventKind.DEPARTMENT_CHANGED, department="product")
    desk.record(number, EventKind.HANDLED)
    desk.follow()
    assert [line.row.number for line in listed(desk, department="product")] == [number]
    assert [line.row.department for line in listed(desk, department="service")] == ["service 部"]
    assert listed(desk, department="nowhere") == []


def test_the_list_reads_by_the_index_of_what_is_to_be_called(desk):
    if not desk.db.is_sqlite:
        pytest.skip("the planner of PostgreSQL rightly scans a table of one page")
    with desk.db.read() as session:
        statement = worklist_by(session, desk.at, CallWish())
        text = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert any("ix_invitation_call_at" in line for line in plan), plan
    assert not any("TEMP B-TREE" in line for line in plan), plan


# --- what a try leads to ---


def test_a_call_that_reached_the_person_meets_the_duty_and_keeps_what_was_said(desk):
    desk.handled()
    done = desk.call(REACHED, answers={"solved": "yes"}, language="en", hours=2, note="很满意")
    assert done.after.is_told
    (event,) = told(desk)
    assert (event.actor, event.occurred_at, event.data) == (
        "anna", desk.after(2), {"way": "phone", "outcome": "reached", "calls": 1}
    )  # fmt: skip
    assert desk.deadlines[RESULT, 1].met_at == desk.after(2)
    (answer,) = desk.rows(Answer)
    assert (answer.channel, answer.language, answer.values, answer.is_solved) == (
        AnswerSource.PHONE, "en", {"solved": True}, True
    )  # fmt: skip
    row = of(desk)
    assert (row.state, row.calls, row.call_at, row.next_at, row.answered_at) == (ANSWERED, 1, None, None, desk.at)
    (attempt,) = desk.rows(CallAttempt)
    assert (attempt.number, attempt.outcome, attempt.called_by, attempt.note) == (1, REACHED, "anna", "很满意")
    assert listed(desk) == []


def test_a_bad_answer_by_telephone_opens_work_as_one_on_the_page_does(desk):
    number = desk.handled()
    desk.call(REACHED, answers={"solved": "no", "still_open": "还是没有声音"}, hours=2)
    assert [row.kind for row in desk.events][-2:] == [EventKind.RESULT_TOLD, EventKind.REOPENED]
    (complaint,) = desk.complaints
    assert (complaint.number, complaint.round, complaint.handled_at) == (number, 2, None)
    assert desk.deadlines[RESULT, 1].met_at == desk.after(2)
    assert [row.notice for row in desk.messages if row.notice is Notice.NEGATIVE] == [Notice.NEGATIVE]
    desk.follow(2)
    assert inspect_database(desk.db, desk.policy).is_sound


def test_a_low_score_by_telephone_opens_work_with_a_deadline(desk):
    desk.handled()
    desk.call(REACHED, answers={"solved": "yes"})
    desk.follow(49)
    desk.call(REACHED, duty=ASKED, answers={"csat": "2", "why_low": "slow", "nps": "3"}, hours=50)
    assert [row.kind for row in desk.events][-2:] == [EventKind.FOLLOWED_UP, EventKind.ANSWERED_NEGATIVE]
    assert desk.deadlines["negative_taken_on", 1].due_at == desk.after(50) + timedelta(hours=48)


def test_reached_without_an_answer_is_done_all_the_same(desk):
    desk.handled()
    desk.call(REACHED)
    assert (of(desk).state, of(desk).reason, of(desk).call_at) == (EXPIRED, "reached", None)
    assert desk.rows(Answer) == []
    assert desk.deadlines[RESULT, 1].met_at == desk.at


def test_an_answer_that_is_none_records_nothing_and_says_which(desk):
    desk.handled()
    done = desk.call(REACHED, answers={"solved": "perhaps"})
    assert done == Recorded(problems={"solved": Problem.NOT_A_CHOICE})
    assert (desk.rows(CallAttempt), of(desk).calls, told(desk)) == ([], 0, [])


def test_three_attempts_meet_the_duty_and_the_log_says_how(desk):
    desk.handled()
    for number, hours, again in ((1, 2, 6), (2, 6.5, 10.5), (3, 10.5, None)):
        done = desk.call(NO_ANSWER, number, hours=hours)
        assert done.after.call_at == (desk.after(again) if again else None)
        assert of(desk).call_at == done.after.call_at
    (event,) = told(desk)
    assert event.data == {"way": "phone", "outcome": "no_answer", "calls": 3}
    assert desk.deadlines[RESULT, 1].met_at == desk.after(10.5)
    assert (of(desk).state, of(desk).reason, len(desk.rows(CallAttempt))) == (EXPIRED, "unreached", 3)
    desk.check(30)
    assert desk.deadlines[RESULT, 1].breached_at is None


def test_two_attempts_do_not(desk):
    desk.handled()
    desk.call(BUSY, 1, hours=2)
    assert of(desk).call_at == desk.after(2.5)
    desk.call(NO_ANSWER, 2, hours=2.5)
    assert (told(desk), desk.deadlines[RESULT, 1].met_at) == ([], None)


def test_how_often_is_said_by_the_edition_under_which_it_was_planned(desk):
    said = desk.policy.written()["survey"]
    said["calls"] = {"at_most": 1}
    shipped = desk.policy
    desk.policy = shipped.model_copy(update={"survey": SurveyPolicy.model_validate(said)})
    desk.handled()
    assert listed(desk)[0].at_most == 1
    desk.policy = shipped
    desk.call(NO_ANSWER, 1)
    assert (of(desk).state, len(told(desk))) == (EXPIRED, 1)


def test_a_wrong_number_takes_it_off_the_list_and_meets_nothing(desk):
    desk.handled()
    desk.call(CallOutcome.WRONG_NUMBER)
    assert (of(desk).state, of(desk).reason, of(desk).call_at) == (EXPIRED, "wrong_number", None)
    assert (told(desk), listed(desk)) == ([], [])
    desk.check(30)
    assert desk.deadlines[RESULT, 1].breached_at is not None


@pytest.mark.parametrize("wants_no_more", [False, True])
def test_whoever_declines_was_reached_and_may_be_asked_no_more(desk, wants_no_more):
    desk.handled()
    desk.call(CallOutcome.DECLINED, is_opting_out=wants_no_more)
    assert (of(desk).state, of(desk).reason, of(desk).call_at) == (SUPPRESSED, "declined", None)
    assert desk.deadlines[RESULT, 1].met_at == desk.at
    assert [row.how for row in desk.rows(OptOut)] == (["phone"] if wants_no_more else [])
    desk.follow(49)
    asked = of(desk, ASKED)
    assert (asked.state, asked.reason) == ((SUPPRESSED, "opted_out") if wants_no_more else (PHONE, "no_contact"))


def test_a_duty_that_a_letter_met_is_not_told_twice(desk):
    desk.handled(customer=WANG)
    for hours in (49, 97, 97 + 72):
        desk.follow(hours)
    desk.call(REACHED, duty=ASKED, answers={"csat": "5"})
    assert [row.data for row in told(desk, EventKind.FOLLOWED_UP)] == [{"way": "letter"}]
    assert of(desk, ASKED).state is ANSWERED


# --- twice, and by two ---


def test_a_form_pressed_twice_counts_once(desk):
    desk.handled()
    desk.call(NO_ANSWER, note="关机")
    before = desk.rows(Invitation), desk.rows(CallAttempt), desk.events
    assert desk.call(NO_ANSWER, note="关机", hours=2) == Recorded()
    assert (desk.rows(Invitation), desk.rows(CallAttempt), desk.events) == before


def test_a_form_with_answers_pressed_twice_counts_once(desk):
    desk.handled()
    for _ in range(2):
        desk.call(REACHED, answers={"solved": "no"})
    assert [row.kind for row in desk.events].count(EventKind.REOPENED) == 1
    assert (len(desk.rows(Answer)), desk.rows(Answer)[0].revision) == (1, 1)


@pytest.mark.parametrize("other", [{"by": "berta"}, {"note": "关机"}])
def test_of_two_forms_about_one_try_the_second_is_refused(desk, other):
    desk.handled()
    desk.call(NO_ANSWER)
    with pytest.raises(TakenError, match="try 1 is recorded already"):
        desk.call(NO_ANSWER, **other)
    with pytest.raises(TakenError):
        desk.call(REACHED, answers={"solved": "yes"})
    assert (len(desk.rows(CallAttempt)), desk.rows(Answer)) == (1, [])


def test_two_who_press_at_the_same_moment_are_one_try_and_one_refusal(desk):
    desk.handled()
    together = Barrier(2)

    def press(by: str) -> str:
        together.wait()
        try:
            desk.call(REACHED, by=by, answers={"solved": "no"})
        except TakenError:
            return "refused"
        return "recorded"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, ("anna", "berta"))) == ["recorded", "refused"]
    assert (len(desk.rows(CallAttempt)), len(desk.rows(Answer))) == (1, 1)
    assert [row.kind for row in desk.events].count(EventKind.REOPENED) == 1


def test_the_database_keeps_one_row_of_each_try(desk):
    desk.handled()
    desk.call(NO_ANSWER)
    again = {"invitation_id": of(desk).id, "number": 1, "outcome": BUSY, "called_at": desk.at}
    with pytest.raises(IntegrityError), desk.db.write() as session:
        insert_rows(session, CallAttempt, [again])


def test_a_try_that_is_not_the_next_one_is_refused(desk):
    desk.handled()
    with pytest.raises(UsageError, match="the next try is number 1"):
        desk.call(NO_ANSWER, 2)


def test_a_note_longer_than_its_column_is_refused(desk):
    desk.handled()
    with pytest.raises(UsageError, match="too long"):
        desk.call(NO_ANSWER, note="长" * 501)


# --- off the list ---


def test_an_answer_on_the_page_takes_it_off_the_list(desk):
    from bihuan.notify.link import token_of
    from schemas.access import Purpose

    desk.handled(customer=WANG)
    for hours in (49, 97, 97 + 72):
        desk.follow(hours)
    assert len(listed(desk)) == 1
    token = token_of(desk.settings.secret_value(), Purpose.SURVEY, of(desk, ASKED).key)
    with desk.db.write() as session:
        save_answers(session, desk.policy, desk.clock, [Form(token, {"csat": "5"}, "zh")])
    row = of(desk, ASKED)
    assert (row.state, row.call_at, row.next_at, listed(desk)) == (ANSWERED, None, None, [])
    with pytest.raises(OffListError):
        desk.call(REACHED, duty=ASKED)


@pytest.mark.parametrize("kind", [EventKind.REOPENED, EventKind.WITHDRAWN])
def test_what_was_undone_is_refused_before_the_sweep_saw_it_and_leaves_the_list_with_it(desk, kind):
    number = desk.handled()
    desk.at = desk.after(2)
    desk.record(number, kind)
    assert not sheet(desk).is_open
    with pytest.raises(OffListError):
        desk.call(REACHED, answers={"solved": "no"})
    desk.follow()
    assert (of(desk).state, of(desk).call_at, listed(desk)) == (CANCELLED, None, [])


def test_what_expires_leaves_the_list_at_that_instant_and_its_row_with_the_sweep(desk):
    desk.handled()
    desk.at = of(desk).expires_at
    assert listed(desk) == []
    with pytest.raises(OffListError):
        desk.call(NO_ANSWER)
    desk.follow()
    assert (of(desk).state, of(desk).call_at) == (EXPIRED, None)


def test_whoever_opts_out_is_called_no_more(desk):
    desk.handled()
    with desk.db.write() as session:
        opt_out(session, of(desk).customer_id, desk.at)
    assert (of(desk).state, of(desk).reason, of(desk).call_at) == (SUPPRESSED, "opted_out", None)
    assert desk.follow(2) == FollowedUp()


def test_one_call_is_enough_for_everything_the_person_is_to_be_asked(desk):
    desk.handled()
    desk.follow(49)
    assert [one.row.duty for one in sheet(desk).also] == [ASKED]
    assert [one.row.duty for one in sheet(desk, ASKED).also] == [RESULT]
    desk.call(REACHED)
    assert sheet(desk, ASKED).also == []


def test_a_sweep_run_twice_changes_nothing_about_the_calls(desk):
    desk.handled()
    desk.follow(49)
    desk.call(NO_ANSWER, 1, hours=49)
    before = desk.rows(Invitation)
    assert (desk.follow(50), desk.follow(50)) == (FollowedUp(), FollowedUp())
    assert desk.rows(Invitation) == before


def test_a_month_of_somebody_without_an_address(desk):
    """Registered by telephone, handled, three tries meet the first duty; reached at the second, not satisfied."""
    number = desk.handled(result="已换新件")
    for attempt, hours in enumerate((1.5, 5.5, 9.5), 1):
        desk.follow(hours)
        desk.call(NO_ANSWER, attempt)
    assert desk.deadlines[RESULT, 1].met_at == desk.after(9.5)
    for hours in range(10, 49):
        desk.follow(hours)
    assert desk.follow(49).to_call == 1
    desk.call(NO_ANSWER, 1, ASKED, hours=50)
    desk.call(REACHED, 2, ASKED, hours=54, answers={"csat": "1", "why_low": "not_solved", "nps": "0"})
    assert desk.deadlines[ASKED, 1].met_at == desk.after(54)
    assert (desk.complaints[0].number, desk.complaints[0].state) == (number, ComplaintState.HANDLED)
    for hours in range(55, 24 * 30, 12):
        desk.follow(hours)
        desk.check(hours)
    assert [row.breached_at for row in desk.deadlines.values() if row.milestone in {RESULT, ASKED}] == [None, None]
    assert all(row.call_at is None for row in desk.rows(Invitation))
    assert {row.recipient.partition(":")[0] for row in desk.messages} <= {"staff", "department", "operator"}
    assert desk.audit().holds
    assert inspect_database(desk.db, desk.policy).is_sound
