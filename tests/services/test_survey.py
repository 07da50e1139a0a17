"""The follow-up in the database: planned once, sent once, ended when its matter ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bihuan.notify.channel import SMS_CHARACTERS
from bihuan.notify.length import short, units
from bihuan.notify.link import token_hash, token_of
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.survey import SurveyPolicy
from bihuan.services.decision import Statement, decide
from bihuan.services.integrity import inspect_database
from bihuan.services.link import Refusal, open_link
from bihuan.services.survey import FollowedUp, follow_up
from bihuan.services.survey_plan import pass_over
from bihuan.store.queries.survey import invitations_due_by, news_by
from bihuan.store.rows import insert_rows, table_of
from schemas.access import Link, Purpose
from schemas.complaint import CustomerIn, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import AttemptOutcome, Message, MessageState, Notice, Verdict
from schemas.people import Customer
from schemas.survey import Invitation, InvitationState, OptOut

RESULT, ASKED = "result_feedback", "satisfaction_follow_up"
PLANNED, INVITED, PHONE = InvitationState.PLANNED, InvitationState.INVITED, InvitationState.PHONE
SUPPRESSED, CANCELLED, EXPIRED = InvitationState.SUPPRESSED, InvitationState.CANCELLED, InvitationState.EXPIRED
WANG = CustomerIn(external_id="wang", name="王", contact_url="mailto://127.0.0.1/?to=wang@example.com")
SURVEYS = (Notice.RESULT, Notice.FOLLOW_UP, Notice.SURVEY_REMINDER)


@pytest.fixture
def desk(office):
    """An office with somebody who handles, and the verbs of a follow-up."""
    office.department("service", "json://hooks.example.com/desk")
    office.staff("anna")

    def follow(hours: float | None = None, *, deliver: bool = True, outcomes=None) -> FollowedUp:
        office.at = office.at if hours is None else office.after(hours)
        done = follow_up(office.db, office.policy, office.settings, office.at)
        if deliver:
            office.deliver(outcomes=outcomes)
        return done

    def handled(external_id: str = "1", hours: float = 1, customer: CustomerIn | None = WANG, **data) -> str:
        office.at = office.after(hours)
        number = office.register(external_id, customer=customer, title="耳机左边没有声音")
        office.deliver()  # the receipt
        office.record(number, EventKind.HANDLED, **data)
        return number

    office.follow, office.handled = follow, handled
    return office


def invitations(office) -> dict[str, list]:
    found: dict[str, list] = {}
    for row in office.rows(Invitation):
        found.setdefault(row.duty, []).append(row)
    return found


def asked(office) -> list[tuple]:
    """Every message of a survey: notice and state."""
    return [(row.notice, row.state) for row in office.messages if row.notice in SURVEYS]


def letters(office) -> list:
    return [letter for url, letter in office.mail.sent if "wang" in url]


def opt_out(office, until=None) -> None:
    row = {"customer_id": office.rows(Customer)[0].id, "since": office.at, "until": until, "how": "link"}
    with office.db.write() as session:
        insert_rows(session, OptOut, [row])


def answers(office, duty: str = RESULT) -> None:
    i = table_of(Invitation)
    with office.db.write() as session:
        session.execute(
            update(i).where(i.c.duty == duty)
            .values(state=InvitationState.ANSWERED, answered_at=office.at, next_at=None)
        )  # fmt: skip


# --- planning ---


def test_a_handling_is_planned_once_with_the_instants_of_its_deadlines(desk):
    desk.handled()
    assert desk.follow(deliver=False).planned == 2
    assert desk.follow(deliver=False) == FollowedUp()
    (result,), (follow,) = invitations(desk)[RESULT], invitations(desk)[ASKED]
    assert (result.send_at, result.due_at) == (desk.after(1), desk.after(25))
    assert (follow.send_at, follow.due_at, follow.state) == (desk.after(49), desk.after(73), PLANNED)
    assert follow.expires_at == follow.send_at + timedelta(days=14)
    assert (follow.questionnaire, follow.policy_version) == ("satisfaction", desk.policy.survey.version)


def test_a_complaint_that_is_not_handled_is_not_followed_up(desk):
    desk.register("1", customer=WANG)
    assert desk.follow() == FollowedUp()


def test_what_starts_later_than_the_instant_is_not_seen(desk):
    desk.handled(hours=5)
    before = desk.after(4)
    assert follow_up(desk.db, desk.policy, desk.settings, before) == FollowedUp()
    assert desk.follow(5).planned == 2


@pytest.mark.parametrize("outcome", ["invalid", "无效投诉", "INVALID"])
def test_an_invalid_complaint_is_not_asked_and_the_row_says_so(desk, outcome):
    desk.handled(outcome=outcome)
    done = desk.follow()
    assert (done.planned, done.exempt, asked(desk)) == (0, 2, [])
    assert {(row.state, row.reason) for row in desk.rows(Invitation)} == {(SUPPRESSED, "exempt")}


def test_after_days_down_everything_is_still_planned_and_sent(desk):
    desk.handled("1", 1)
    desk.handled("2", 30, CustomerIn(external_id="li", contact_url="mailto://127.0.0.1/?to=li@example.com"))
    done = desk.follow(24 * 5 + 2)
    assert (done.planned, done.invited) == (4, 4)
    assert [state for _, state in asked(desk)] == [MessageState.SENT] * 4
    assert all(row.is_late for row in desk.messages if row.notice in SURVEYS)


def test_what_expired_while_the_house_was_down_is_said_to_be_too_late(desk):
    desk.handled()
    done = desk.follow(24 * 40)
    assert (done.planned, done.expired, asked(desk)) == (0, 2, [])
    assert {(row.state, row.reason) for row in desk.rows(Invitation)} == {(EXPIRED, "too_late")}


def test_what_a_person_told_already_is_not_planned(desk):
    number = desk.handled()
    desk.record(number, EventKind.RESULT_TOLD)
    assert desk.follow().planned == 1
    assert list(invitations(desk)) == [ASKED]


def test_a_policy_without_the_follow_up_plans_none(desk):
    said = desk.policy.written()["survey"]
    del said["follow_ups"][ASKED]
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said)})
    desk.handled()
    assert desk.follow().planned == 1


def test_an_invitation_goes_its_way_under_the_edition_it_was_planned_with(desk):
    desk.handled()
    desk.follow()
    said = desk.policy.written()["survey"]
    said["follow_ups"][ASKED] |= {"reminder": None, "questionnaire": "result"}
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said), "loaded_at": None})
    desk.follow(49)
    assert desk.follow(49 + 48).reminded == 1
    assert invitations(desk)[ASKED][0].questionnaire == "satisfaction"


# --- sending, and the duty it meets ---


def test_the_result_is_told_at_once_and_that_meets_the_duty(desk):
    desk.handled(result="已换新件")
    done = desk.follow(1.1)
    assert done.invited == 1
    (letter,) = letters(desk)[1:]
    assert "已换新件" in letter.body
    assert letter.body.index(letter.link) < letter.body.index("已换新件")
    told = [row for row in desk.events if row.kind is EventKind.RESULT_TOLD]
    assert [(row.actor, row.occurred_at) for row in told] == [("bihuan", desk.after(1.1))]
    assert desk.deadlines[RESULT, 1].met_at == desk.after(1.1)


def test_notes_for_the_house_are_not_told_to_the_complainant(desk):
    desk.handled(note="客户难缠")
    desk.follow()
    assert "客户难缠" not in letters(desk)[-1].body


def test_sending_an_invitation_triggers_no_other(desk):
    desk.handled()
    for hours in range(1, 24 * 20, 3):
        desk.follow(hours)
    assert asked(desk) == [(notice, MessageState.SENT) for notice in SURVEYS]
    assert len(desk.rows(Invitation)) == 2
    assert [row.kind for row in desk.events].count(EventKind.FOLLOWED_UP) == 1


def test_an_unknown_fate_does_not_meet_the_duty_until_a_person_says_it_arrived(desk):
    desk.handled()
    desk.follow(1, outcomes=[AttemptOutcome.AMBIGUOUS])
    assert asked(desk) == [(Notice.RESULT, MessageState.UNKNOWN)]
    desk.follow(3)
    assert desk.deadlines[RESULT, 1].met_at is None
    message = next(row for row in desk.messages if row.notice is Notice.RESULT)
    with desk.db.write() as session:
        decide(session, desk.clock, message.id, Statement(Verdict.ARRIVED, "Anna"))
    assert desk.follow(4).told == 1
    assert desk.deadlines[RESULT, 1].met_at == desk.after(1)


def test_a_process_that_dies_after_the_sending_leaves_the_duty_to_the_next_sweep(desk, monkeypatch):
    desk.handled()
    monkeypatch.setattr("bihuan.services.outbox.record_delivered", lambda *_: 0)
    desk.follow(1)
    assert desk.deadlines[RESULT, 1].met_at is None
    assert desk.follow(1.25).told == 1
    assert desk.deadlines[RESULT, 1].met_at == desk.after(1)


def test_a_letter_that_cannot_be_delivered_goes_to_the_telephone(desk):
    desk.handled()
    desk.follow(1, outcomes=[AttemptOutcome.REFUSED])
    assert desk.follow(1.25).to_call == 1
    row = invitations(desk)[RESULT][0]
    assert (row.state, row.reason, row.next_at) == (PHONE, "undeliverable", row.expires_at)


@pytest.mark.parametrize("customer", [None, CustomerIn(external_id="mute", name="无")])
def test_whoever_has_no_contact_goes_to_the_telephone(desk, customer):
    desk.handled(customer=customer)
    assert desk.follow().to_call == 1
    row = invitations(desk)[RESULT][0]
    assert (row.state, row.reason, asked(desk)) == (PHONE, "no_contact", [])


def test_at_night_a_letter_waits_for_the_morning(desk):
    desk.handled(hours=14)  # 23:00 in Shanghai
    assert desk.follow().invited == 0
    desk.follow(23.9)
    assert asked(desk) == []
    assert desk.follow(24).invited == 1


def test_the_night_is_that_of_where_the_person_lives(desk):
    desk.handled(hours=14, customer=WANG.model_copy(update={"timezone": "Europe/Berlin"}))  # 16:00 in Berlin
    assert desk.follow().invited == 1


def test_what_would_be_late_by_the_morning_goes_out_at_night(desk):
    said = desk.policy.written()["survey"]
    said["contact"]["window"] = ["10:00", "10:30"]
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said)})
    desk.handled(hours=0.5)
    desk.handled("2", hours=1.6)
    for hours, told in ((2, 1), (24.9, 1), (25, 2)):  # the next window is too late for the first, not for the second
        desk.follow(hours)
        assert [notice for notice, _ in asked(desk)].count(Notice.RESULT) == told


def test_a_letter_that_the_outbox_had_to_keep_does_not_come_at_night(desk):
    desk.handled(hours=10.5)  # half past seven in the evening
    desk.follow(10.5, deliver=False)
    assert desk.deliver(13).held == 1
    assert asked(desk) == [(Notice.RESULT, MessageState.PLANNED)]
    desk.deliver(24)
    assert desk.deadlines[RESULT, 1].met_at == desk.after(24)


# --- links ---


def test_invitation_and_reminder_bring_the_same_link_and_each_invitation_its_own(desk):
    desk.handled()
    desk.follow(1)
    desk.follow(49)
    desk.follow(49 + 48)
    result, asking, again = letters(desk)[-3:]
    assert asking.link == again.link != result.link
    invitation = invitations(desk)[ASKED][0]
    token = token_of(desk.settings.secret_value(), Purpose.SURVEY, invitation.key)
    assert asking.link == f"{desk.settings.web_url}/s/{token}"
    with desk.db.read() as session:
        row = open_link(session, token, Purpose.SURVEY, desk.at)
    assert row.expires_at == invitation.expires_at
    message = next(one for one in desk.messages if one.id == row.message_id)
    assert message.invitation_id == invitation.id
    assert len([one for one in desk.rows(Link) if one.token_hash == token_hash(token)]) == 1


def test_every_letter_says_how_to_be_asked_no_more(desk):
    desk.handled()
    desk.follow(1)
    token = letters(desk)[-1].body.partition("/o/")[2][:22]
    with desk.db.read() as session:
        assert open_link(session, token, Purpose.OPT_OUT, desk.after(24 * 300)).purpose is Purpose.OPT_OUT


# --- reminders, and the end ---


def test_only_whoever_did_not_answer_is_reminded_and_once(desk):
    desk.handled()
    desk.follow(1)
    desk.follow(49)
    answers(desk, ASKED)
    for hours in range(60, 24 * 20, 6):
        desk.follow(hours)
    assert Notice.SURVEY_REMINDER not in [notice for notice, _ in asked(desk)]


def test_a_reminder_answered_before_it_goes_out_is_not_sent(desk):
    desk.handled()
    desk.follow(1)
    desk.follow(49)
    desk.follow(49 + 48, deliver=False)
    answers(desk, ASKED)
    desk.deliver()
    assert asked(desk)[-1] == (Notice.SURVEY_REMINDER, MessageState.SUPPRESSED)


def test_a_silent_person_is_called_and_a_survey_ends(desk):
    desk.handled()
    for hours in (1, 49, 97):
        desk.follow(hours)
    desk.follow(97 + 72)
    row = invitations(desk)[ASKED][0]
    assert (row.state, row.reason, row.reminders) == (PHONE, "silent", 1)
    desk.follow(24 * 17)
    assert {row.state for row in desk.rows(Invitation)} == {EXPIRED}
    assert desk.follow(24 * 60) == FollowedUp()


def test_opted_out_between_planning_and_sending_is_suppressed_with_its_reason(desk):
    desk.handled()
    desk.follow(1)
    opt_out(desk)
    desk.follow(49)
    row = invitations(desk)[ASKED][0]
    assert (row.state, row.reason) == (SUPPRESSED, "opted_out")
    last = desk.messages[-1]
    assert (last.notice, last.state, last.reason) == (Notice.FOLLOW_UP, MessageState.SUPPRESSED, "opted_out")


def test_opted_out_while_the_letter_waits_in_the_outbox_is_not_sent(desk):
    desk.handled()
    desk.follow(1, deliver=False)
    opt_out(desk)
    desk.deliver()
    last = desk.messages[-1]
    assert (last.state, last.reason, len(letters(desk))) == (MessageState.SUPPRESSED, "opted_out", 1)
    desk.follow(30)
    assert invitations(desk)[RESULT][0].state is SUPPRESSED


def test_whoever_took_their_opt_out_back_is_asked(desk):
    desk.handled(hours=1)
    opt_out(desk, until=desk.after(2))
    assert desk.follow(3).invited == 1


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [(EventKind.REOPENED, {}, "reopened"), (EventKind.WITHDRAWN, {}, "withdrawn"), (EventKind.MERGED, {}, "merged")],
)
def test_what_is_undone_cancels_what_was_not_answered_and_its_link_opens_no_more(desk, kind, data, reason):
    other = desk.register("other")
    number = desk.handled()
    desk.follow(1)
    desk.at = desk.after(5)
    desk.record(number, kind, **({"into": other} if kind is EventKind.MERGED else data))
    assert desk.follow(5.25).cancelled == 2
    assert {(row.state, row.reason) for row in desk.rows(Invitation)} == {(CANCELLED, reason)}
    token = token_of(desk.settings.secret_value(), Purpose.SURVEY, invitations(desk)[RESULT][0].key)
    with desk.db.read() as session:
        assert open_link(session, token, Purpose.SURVEY, desk.at) is Refusal.REVOKED


def test_reopened_while_the_letter_waits_in_the_outbox_it_is_not_sent(desk):
    number = desk.handled()
    desk.follow(1, deliver=False)
    desk.record(number, EventKind.REOPENED)
    desk.deliver()
    assert asked(desk) == [(Notice.RESULT, MessageState.SUPPRESSED)]


def test_a_second_handling_asks_anew_with_its_own_link(desk):
    number = desk.handled()
    desk.follow(1)
    answers(desk)
    desk.at = desk.after(5)
    desk.record(number, EventKind.REOPENED)
    desk.follow(5.25)
    desk.at = desk.after(26)
    desk.record(number, EventKind.HANDLED)
    desk.follow(26)
    first, second = invitations(desk)[RESULT]
    assert (first.state, first.round) == (InvitationState.ANSWERED, 1)
    assert (second.state, second.round, second.due_at) == (INVITED, 2, desk.after(50))
    assert letters(desk)[-1].link != letters(desk)[-2].link


def test_a_handling_dated_otherwise_later_moves_what_is_still_planned(desk):
    customer = WANG
    told = {"title": "x", "customer": customer, "deadlines": None}

    def known(hours: float):
        return desk.complaint("9", 0, events=(EventIn(kind=EventKind.HANDLED, occurred_at=desk.after(hours)),), **told)

    desk.take_in(known(3), at=desk.after(4))
    desk.follow(4)
    desk.take_in(known(2), at=desk.after(5))
    desk.follow(5)
    assert invitations(desk)[ASKED][0].due_at == desk.after(2 + 72)


def test_a_replayed_history_is_asked_about_as_it_went(desk):
    """Everything is known beforehand; a sweep at an instant does not look ahead."""
    kinds = ((EventKind.HANDLED, 1), (EventKind.REOPENED, 30), (EventKind.HANDLED, 55))
    events = tuple(EventIn(kind=kind, occurred_at=desk.after(hours)) for kind, hours in kinds)
    desk.take_in(desk.complaint("9", 0, customer=WANG, events=events), at=desk.after(2000))
    states = {}
    for hours in range(1, 140):
        desk.follow(hours)
        for row in desk.rows(Invitation):
            states.setdefault((row.duty, row.round), {}).setdefault(row.state, hours)
    assert states[RESULT, 1] == {INVITED: 1, CANCELLED: 30}
    assert states[ASKED, 1] == {PLANNED: 1, CANCELLED: 30}
    assert states[RESULT, 2] == {INVITED: 55}
    assert states[ASKED, 2] == {PLANNED: 55, INVITED: 103}
    assert len(letters(desk)) == 3


def test_the_database_is_sound_after_all_of_it(desk):
    number = desk.handled()
    desk.follow(1)
    desk.at = desk.after(5)
    desk.record(number, EventKind.REOPENED)
    desk.follow(6)
    desk.at = desk.after(26)
    desk.record(number, EventKind.HANDLED)
    for hours in (26, 75, 123):
        desk.follow(hours)
    assert inspect_database(desk.db, desk.policy).is_sound


# --- one person ---


def test_two_complaints_of_one_person_due_the_same_day_are_one_letter_and_meet_both_duties(desk):
    desk.handled("1", 1)
    second = desk.handled("2", 1.5)
    desk.follow(2)
    assert len(letters(desk)) == 2 + 1  # two receipts, one letter
    assert second in letters(desk)[-1].title + letters(desk)[-1].body
    assert letters(desk)[-1].body.count("/s/") == 2
    assert desk.deadlines[RESULT, 1].met_at == desk.after(2)
    assert {row.state for row in invitations(desk)[RESULT]} == {INVITED}
    assert desk.audit().holds


def test_what_comes_due_after_todays_letter_waits_for_tomorrow(desk):
    desk.handled("1", 1)
    desk.follow(1)
    desk.handled("2", 3)
    assert desk.follow(3).invited == 0
    assert desk.follow(23.9).invited == 0
    assert desk.follow(24).invited == 1
    assert all(row.met_at for row in desk.rows(Deadline) if row.milestone == RESULT)


def test_a_letter_a_day_breaks_no_deadline(desk):
    said = desk.policy.written()["deadline"]
    said["milestones"][RESULT]["severity"]["general"] = {"target": "8h", "clock": "calendar"}
    desk.policy = desk.policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(said), "loaded_at": None})
    desk.handled("1", 1)
    desk.follow(1)
    desk.handled("2", 3)
    assert desk.follow(3).invited == 1


def test_the_follow_up_of_later_today_comes_with_the_letter_of_this_morning(desk):
    desk.handled("1", 5)
    desk.follow(5)
    desk.handled("2", 49)  # the follow-up of the first would go out at hour 53
    assert desk.follow(49).invited == 2
    assert len({row.bundle for row in desk.messages if row.notice in SURVEYS and row.planned_at == desk.at}) == 1


def test_people_are_told_apart_however_many_complain(desk):
    for number in range(30):
        person = CustomerIn(external_id=f"c{number}", contact_url=f"mailto://127.0.0.1/?to=c{number}@example.com")
        desk.handled(str(number), 1, person)
    done = follow_up(desk.db, desk.policy, desk.settings, desk.at, limit=7)
    assert (done.planned, done.invited) == (60, 30)
    assert {row.bundle for row in desk.messages if row.notice in SURVEYS} == {None}
    assert len(desk.rows(Customer)) == 30


# --- what nobody asked for ---


def touchpoint(office, kind: str = "order_completed", hours: float = 1, number: int = 1) -> None:
    """An invitation as a touchpoint plans it."""
    customer = office.rows(Customer)[0]
    at = office.after(hours)
    with office.db.write() as session:
        insert_rows(session, Invitation, [{
            "key": f"touchpoint:{number}|{kind}|1", "subject_kind": "touchpoint", "subject_id": number,
            "customer_id": customer.id, "duty": kind, "round": 1, "questionnaire": "satisfaction",
            "policy_version": office.policy.survey.version, "started_at": at, "send_at": at,
            "due_at": office.after(hours + 72), "expires_at": office.after(hours + 24 * 14), "next_at": at,
            "state": PLANNED, "reason": None, "reminders": 0, "calls": 0,
        }])  # fmt: skip


def test_a_person_asked_lately_is_not_asked_about_a_touchpoint_and_the_ledger_says_why(desk):
    desk.handled()
    desk.follow(1)
    touchpoint(desk, hours=24)
    assert desk.follow(24).suppressed == 1
    last = desk.messages[-1]
    assert (last.subject_kind, last.state, last.reason) == ("touchpoint", MessageState.SUPPRESSED, "fatigue")
    assert desk.audit().holds


def test_of_two_touchpoints_at_once_the_more_important_is_asked_and_the_letter_is_about_no_complaint(desk):
    desk.at = desk.after(0)
    desk.register("1", customer=WANG)
    desk.deliver()
    touchpoint(desk, "order_completed", 2, 1)
    touchpoint(desk, "after_sales_done", 2, 2)
    desk.follow(2)
    states = {row.duty: (row.state, row.reason) for row in desk.rows(Invitation)}
    assert states == {"order_completed": (SUPPRESSED, "fatigue"), "after_sales_done": (INVITED, None)}
    assert sorted(state for _, state in asked(desk)) == [MessageState.SENT, MessageState.SUPPRESSED]
    assert "投诉" not in letters(desk)[-1].title


def test_a_touchpoint_never_takes_the_place_of_what_is_owed(desk):
    desk.handled()
    touchpoint(desk, hours=1)
    done = desk.follow(1)
    assert (done.invited, done.suppressed) == (1, 1)
    assert invitations(desk)[RESULT][0].state is INVITED


def test_a_history_that_was_filled_in_asks_nobody(desk):
    desk.handled()
    with desk.db.write() as session:
        assert pass_over(session, desk.at) == 2
    assert desk.follow(50) == FollowedUp()


# --- what it costs ---


def test_a_sweep_reads_by_the_indexes_of_what_is_new_and_due(desk):
    if not desk.db.is_sqlite:
        pytest.skip("the planner of PostgreSQL rightly scans a table of one page")
    with desk.db.read() as session:
        for statement in (news_by(desk.at, 10), invitations_due_by(desk.at, 10)):
            text = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
            plan = [row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            assert any("ix_deadline_survey_at" in line or "ix_invitation_next_at" in line for line in plan), plan


def test_messages_of_a_sweep_are_in_the_ledger_and_it_holds(desk):
    desk.handled()
    for hours in (1, 49, 97, 200):
        desk.follow(hours)
    assert desk.audit().holds
    of_them = {row.invitation_id for row in desk.rows(Message) if row.notice in SURVEYS}
    assert of_them == {row.id for row in desk.rows(Invitation)}


def test_whoever_is_reached_by_sms_gets_the_question_and_the_private_link_in_one_message(desk):
    by_sms = CustomerIn(external_id="li", contact_url="sms://token@gateway.example.com/send?to=13800138000")
    desk.handled(customer=by_sms)
    desk.follow()
    letter = next(letter for url, letter in desk.mail.sent if url.startswith("sms:") and "/s/" in letter.link)
    sent = short(letter, SMS_CHARACTERS)
    assert units(sent.body) <= SMS_CHARACTERS
    assert sent.body.endswith(letter.link)
    assert "问题解决了吗" in sent.body
    assert [row.state for row in invitations(desk)[RESULT]] == [INVITED]


@pytest.mark.parametrize("limit", [1, 2000])
def test_a_follow_up_is_not_pushed_aside_by_a_reminder_that_came_in_an_earlier_batch(desk, limit):
    """Both are due two days after the handling; however many wait before them, the one that is owed goes out."""
    desk.handled()
    desk.follow()
    desk.at += timedelta(hours=49)
    follow_up(desk.db, desk.policy, desk.settings, desk.at, limit=limit)
    assert [notice for notice, _ in asked(desk)] == [Notice.RESULT, Notice.FOLLOW_UP]
