"""What a bad answer sets in motion, to its end: taken on with a plan, done, told; or handled again, and told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bihuan.errors import RefusedError, UsageError
from bihuan.notify.link import token_of
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.rules.negative import Stage, Wanted
from bihuan.services.acknowledgement import EndedError
from bihuan.services.deadline import check_all
from bihuan.services.decision import Statement, decide
from bihuan.services.escalation import climb_all
from bihuan.services.integrity import inspect_database
from bihuan.services.kpi import show
from bihuan.services.link import Refusal
from bihuan.services.negative import answer, take_on
from bihuan.services.negative_board import Case, cases, counts, look, unanswered
from bihuan.services.survey import FollowedUp, follow_up
from bihuan.services.survey_answer import Form, opt_out, save_answers
from bihuan.services.survey_review import review
from bihuan.store.queries import negative as queries
from bihuan.store.queries import review as reviews
from bihuan.store.queries.negative import Counts, Wish
from schemas.access import Purpose
from schemas.complaint import CustomerIn, EventKind
from schemas.escalation import Escalation
from schemas.outbox import AttemptOutcome, MessageState, Notice, Verdict
from schemas.people import Customer
from schemas.survey import Answer, Invitation, Review

RESULT, ASKED, TAKEN_ON, TOLD = "result_feedback", "satisfaction_follow_up", "negative_taken_on", "negative_told"
WANG = CustomerIn(external_id="wang", name="王", contact_url="mailto://127.0.0.1/?to=wang@example.com")
LI = CustomerIn(external_id="li", name="李", language="en", contact_url="mailto://127.0.0.1/?to=li@example.com")
PLAN, DONE = "今天由主管致电，三天内换新", "主管已致电道歉，新机已换好"


@pytest.fixture
def desk(office):
    """An office with a handler, a head and an executive, and complaints that were handled and asked about."""
    office.department("service", "json://hooks.example.com/desk")
    office.anna = office.staff("anna")
    office.staff("boss", is_head=True)

    def handled(external_id: str = "1", customer: CustomerIn | None = WANG, hours: float = 1, **facts: Any) -> str:
        office.at = office.after(hours)
        number = office.register(external_id, customer=customer, title="耳机左边没有声音", **facts)
        office.record(number, EventKind.HANDLED)
        return number

    def sweep(hours: float | None = None, **how: Any) -> FollowedUp:
        office.at = office.at if hours is None else office.after(hours)
        done = follow_up(office.db, office.policy, office.settings, office.at)
        office.deliver(**how)
        return done

    def answers(number: str, duty: str = ASKED, hours: float | None = None, **raw: str) -> None:
        office.at = office.at if hours is None else office.after(hours)
        complaint = next(row.id for row in office.complaints if row.number == number)
        it = [row for row in office.rows(Invitation) if row.subject_id == complaint and row.duty == duty][-1]
        token = token_of(office.settings.secret_value(), Purpose.SURVEY, it.key)
        with office.db.write() as session:
            (kept,) = save_answers(session, office.policy, office.clock, [Form(token, raw, "zh")])
            assert not isinstance(kept, Refusal)

    office.handled, office.sweep, office.answers = handled, sweep, answers
    return office


@pytest.fixture
def bad(desk):
    """A complaint whose complainant is not satisfied since hour 50, a Wednesday at eleven; everybody was told."""
    desk.number = desk.handled()
    desk.sweep(1)
    desk.sweep(49)
    desk.answers(desk.number, ASKED, 50, csat="1", nps="3", why_low="slow", suggestion="快一点")
    desk.sweep()
    return desk


def notices(office, notice: Notice) -> list:
    return [row for row in office.messages if row.notice is notice]


def letters(office, who: str) -> list:
    return [letter for url, letter in office.mail.sent if who in url]


def board(office, **wish: Any) -> list[Case]:
    with office.db.read() as session:
        wanted = Wish(**wish)
        seen = look(session, office.policy, office.at, office.at)
        return cases(session, office.policy, wanted, seen) + unanswered(session, office.policy, wanted, office.at)


def counted(office) -> Counts:
    with office.db.read() as session:
        seen = look(session, office.policy, office.at, office.after(0))
        return counts(session, office.policy, seen, office.at)


def of(office, kind: EventKind) -> list:
    return [row for row in office.events if row.kind is kind]


def say(office, kind: EventKind, hours: float | None = None, **data: str) -> None:
    office.at = office.at if hours is None else office.after(hours)
    office.record(office.number, kind, **data)


# --- the work that is opened ---


def test_the_notice_says_by_when_and_its_reader_is_told_once(bad):
    (notice,) = notices(bad, Notice.NEGATIVE)
    assert (notice.recipient, notice.state) == (bad.anna, MessageState.SENT)
    (letter,) = letters(bad, "anna")
    assert "负面反馈承接" in letter.body
    assert "2026-11-20 11:00 +08:00" in letter.body
    assert "/a/" in letter.link
    bad.answers(bad.number, ASKED, 51, csat="2")
    bad.sweep()
    assert len(letters(bad, "anna")) == len(of(bad, EventKind.ANSWERED_NEGATIVE)) == 1


def test_a_low_score_opens_work_and_does_not_close_the_complaint(bad):
    """Seen in Frappe Helpdesk."""
    assert bad.complaints[0].state == "handled"
    assert {bad.deadlines[name, 1].state for name in (TAKEN_ON, TOLD)} == {"running"}
    (case,) = board(bad)
    assert (case.stage, case.said.csat, case.said.nps, case.said.comment) == (Stage.ANSWERED, 1, 3, "快一点")
    assert [(one.question, one.zh, one.en) for one in case.said.choices] == [
        ("why_low", "处理太慢", "It took too long")
    ]  # fmt: skip
    assert [one.milestone for one in case.due] == [TAKEN_ON, TOLD]


def test_a_good_answer_opens_nothing_and_is_on_no_board(desk):
    number = desk.handled()
    desk.sweep(1)
    desk.answers(number, RESULT, 2, solved="yes")
    assert (board(desk), counted(desk), notices(desk, Notice.NEGATIVE)) == ([], Counts(), [])


# --- the whole way, by letter ---


def test_taken_on_done_and_told_by_letter_meets_both_deadlines(bad):
    say(bad, EventKind.NEGATIVE_TAKEN_ON, 60, plan=PLAN)
    assert bad.deadlines[TAKEN_ON, 1].met_at == bad.after(60)
    (case,) = board(bad)
    assert (case.stage, case.taken_on.said) == (Stage.TAKEN_ON, PLAN)
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    assert board(bad)[0].stage is Stage.RESOLVED
    assert bad.deadlines[TOLD, 1].met_at is None
    bad.deliver()
    *_, letter = letters(bad, "wang")
    assert bad.number in letter.title
    assert DONE in letter.body
    assert PLAN not in letter.body
    assert "/o/" not in letter.body
    assert bad.deadlines[TOLD, 1].met_at == bad.after(73)
    (told,) = of(bad, EventKind.NEGATIVE_TOLD)
    assert (told.actor, told.occurred_at, told.data) == ("bihuan", bad.after(73), {"way": "letter"})
    (case,) = board(bad, state=Wanted.DONE)
    assert (case.stage, case.told.way, counted(bad)) == (Stage.TOLD, "letter", Counts(0, 0, 1))
    assert board(bad, state=Wanted.OPEN) == []
    assert inspect_database(bad.db, bad.policy).is_sound
    assert bad.audit().holds


def test_sweeping_twice_writes_and_sends_nothing_more(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    for _ in range(2):
        bad.sweep()
        check_all(bad.db, bad.policy, bad.at)
        climb_all(bad.db, bad.policy, bad.at)
    before = (bad.events, bad.messages, len(bad.mail.sent))
    bad.sweep()
    check_all(bad.db, bad.policy, bad.at)
    assert (bad.events, bad.messages, len(bad.mail.sent)) == before
    assert len(of(bad, EventKind.NEGATIVE_TOLD)) == len(notices(bad, Notice.NEGATIVE_TOLD)) == 1


def test_the_letter_is_in_the_language_of_the_complainant(desk):
    desk.number = desk.handled(customer=LI)
    desk.sweep(1)
    desk.sweep(49)
    desk.answers(desk.number, ASKED, 50, csat="1")
    say(desk, EventKind.NEGATIVE_RESOLVED, 73, result="We sent a new one")
    desk.deliver()
    letter = letters(desk, "li@")[-1]
    assert "what we did about your feedback" in letter.title
    assert "What we did: We sent a new one" in letter.body


def test_all_that_was_written_for_the_complainant_reaches_them(bad):
    said = "我们查了记录，" * 60
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=said)
    bad.deliver()
    assert said in letters(bad, "wang")[-1].body


def test_written_twice_before_it_goes_out_the_last_words_count_and_one_letter_goes(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 72.5, result="写错了")
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver()
    bad.deliver(74)
    told = [letter for letter in letters(bad, "wang") if "我们做了这些" in letter.title]
    assert [DONE in letter.body for letter in told] == [True]


# --- when it goes out ---


def test_at_night_it_waits_for_the_morning(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 85, result=DONE)  # ten in the evening
    assert bad.deliver().held == 1
    assert bad.deliver(95.9).sent == 0
    assert bad.deliver(96).sent == 1


def test_whoever_was_asked_today_hears_tomorrow(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 51, result=DONE)  # the survey came at ten
    assert bad.deliver().held == 1
    bad.deliver(71.9)
    assert notices(bad, Notice.NEGATIVE_TOLD)[0].state is MessageState.PLANNED
    bad.deliver(72)
    assert notices(bad, Notice.NEGATIVE_TOLD)[0].state is MessageState.SENT


def test_what_would_be_late_by_the_morning_goes_out_at_night(bad):
    due_at = bad.deadlines[TOLD, 1].due_at
    bad.at = due_at - timedelta(minutes=1)
    narrow = bad.policy.survey.contact.model_copy(update={"window": ("07:00", "07:30")})
    bad.policy = bad.policy.model_copy(update={"survey": bad.policy.survey.model_copy(update={"contact": narrow})})
    say(bad, EventKind.NEGATIVE_RESOLVED, result=DONE)
    bad.deliver()
    assert bad.deadlines[TOLD, 1].met_at == bad.at


def test_an_invitation_waits_for_the_day_after_an_answer(bad):
    other = bad.handled("2", hours=72.5)
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver()
    before = len(letters(bad, "wang"))
    bad.sweep(74)
    assert len(letters(bad, "wang")) == before
    bad.sweep(96)
    assert len(letters(bad, "wang")) == before + 1
    assert other in letters(bad, "wang")[-1].title


def test_whoever_wants_no_surveys_still_hears_what_was_done(bad):
    """It answers what they said; it is no survey."""
    with bad.db.write() as session:
        opt_out(session, bad.rows(Customer)[0].id, bad.at)
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver()
    assert notices(bad, Notice.NEGATIVE_TOLD)[0].state is MessageState.SENT


# --- when it does not arrive ---


def test_an_unknown_fate_tells_nobody_until_a_person_says_that_it_arrived(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver(outcomes=[AttemptOutcome.AMBIGUOUS])
    bad.sweep(74)
    assert bad.deadlines[TOLD, 1].met_at is None
    message = notices(bad, Notice.NEGATIVE_TOLD)[0]
    assert message.state is MessageState.UNKNOWN
    with bad.db.write() as session:
        decide(session, bad.clock, message.id, Statement(Verdict.ARRIVED, "Anna"))
    assert bad.deadlines[TOLD, 1].met_at == bad.after(73)


def test_a_letter_that_is_refused_leaves_them_to_be_called(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver(outcomes=[AttemptOutcome.REFUSED])
    (case,) = board(bad)
    assert (case.stage, case.letter, case.needs_call) == (Stage.RESOLVED, MessageState.FAILED, True)


@pytest.mark.parametrize("contact", [None, "tel:+8613800138000"])
def test_whoever_cannot_be_written_to_is_called_and_that_meets_the_duty_at_once(desk, contact):
    desk.number = desk.handled(customer=CustomerIn(external_id="mute", name="无", contact_url=contact))
    desk.record(desk.number, EventKind.ANSWERED_NEGATIVE, desk.after(1))
    say(desk, EventKind.NEGATIVE_RESOLVED, 3, result=DONE)
    assert notices(desk, Notice.NEGATIVE_TOLD) == []
    (case,) = board(desk)
    assert (case.needs_call, case.has_contact, case.said) == (True, False, None)
    say(desk, EventKind.NEGATIVE_TOLD, 4, result=DONE, way="phone")
    assert desk.deadlines[TOLD, 1].met_at == desk.after(4)


def test_whoever_was_called_first_gets_no_letter_too(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 85, result=DONE)
    say(bad, EventKind.NEGATIVE_TOLD, 86, way="phone")
    (letter,) = notices(bad, Notice.NEGATIVE_TOLD)
    assert (letter.state, letter.reason) == (MessageState.SUPPRESSED, "told")
    assert bad.deliver(96).sent == 0


def test_a_second_bad_answer_of_a_round_is_answered_by_a_letter_of_its_own(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 73, result=DONE)
    bad.deliver()
    say(bad, EventKind.ANSWERED_NEGATIVE, 74)
    say(bad, EventKind.NEGATIVE_RESOLVED, 97, result="再次致电")
    bad.deliver()
    assert [row.state for row in notices(bad, Notice.NEGATIVE_TOLD)] == [MessageState.SENT] * 2


# --- handled again ---


def test_not_solved_is_told_by_the_next_result_and_not_twice(desk):
    desk.number = desk.handled()
    desk.sweep(1)
    desk.answers(desk.number, RESULT, 2, solved="no", still_open="还在漏水")
    (case,) = board(desk)
    assert (case.stage, [one.milestone for one in case.due]) == (Stage.REOPENED, ["handled"])
    assert counted(desk) == Counts(open=1)
    say(desk, EventKind.HANDLED, 26, result=DONE)
    assert board(desk)[0].stage is Stage.HANDLED_AGAIN
    desk.sweep(26)
    assert DONE in letters(desk, "wang")[-1].body
    (case,) = board(desk)
    assert (case.stage, case.resolved.said, counted(desk)) == (Stage.TOLD, DONE, Counts(told=1))
    assert notices(desk, Notice.NEGATIVE_TOLD) == []
    assert (TAKEN_ON, 1) not in desk.deadlines


def test_reopened_while_the_letter_waits_it_is_not_sent(bad):
    say(bad, EventKind.NEGATIVE_RESOLVED, 85, result=DONE)
    say(bad, EventKind.REOPENED, 86)
    bad.deliver(96)
    assert notices(bad, Notice.NEGATIVE_TOLD)[0].state is MessageState.SUPPRESSED
    assert board(bad)[0].stage is Stage.REOPENED


def test_a_complaint_that_is_withdrawn_leaves_the_open_board(bad):
    say(bad, EventKind.WITHDRAWN, 60)
    assert (board(bad, state=Wanted.OPEN), board(bad)[0].stage) == ([], Stage.DROPPED)
    assert counted(bad) == Counts()


# --- late, changed ---


def test_a_late_answer_opens_work_from_when_it_came(desk):
    desk.number = desk.handled()
    desk.sweep(1)
    desk.sweep(49)
    desk.answers(desk.number, ASKED, 49 + 24 * 13, csat="2")
    assert desk.deadlines[TAKEN_ON, 1].started_at == desk.at
    assert board(desk)[0].stage is Stage.ANSWERED


def test_a_good_answer_that_turns_bad_opens_work_then(desk):
    desk.number = desk.handled()
    desk.sweep(1)
    desk.sweep(49)
    desk.answers(desk.number, ASKED, 50, csat="5")
    assert board(desk) == []
    desk.answers(desk.number, ASKED, 55, csat="1")
    (case,) = board(desk)
    assert (case.stage, desk.deadlines[TAKEN_ON, 1].started_at) == (Stage.ANSWERED, desk.after(55))


def test_a_bad_answer_that_turns_good_keeps_its_work_on_the_board_until_it_is_done(bad):
    bad.answers(bad.number, ASKED, 51, csat="5", nps="9")
    (case,) = board(bad)
    assert (case.place, case.said, case.stage, counted(bad)) == (None, None, Stage.ANSWERED, Counts(open=1))
    say(bad, EventKind.NEGATIVE_TAKEN_ON, 60, plan=PLAN)
    assert board(bad)[0].taken_on.said == PLAN
    say(bad, EventKind.NEGATIVE_TOLD, 61, way="phone")
    assert (board(bad), counted(bad)) == ([], Counts())


# --- what makes no sense ---


@pytest.mark.parametrize("data", [{}, {"plan": ""}, {"plan": "  "}, {"note": "ok"}, {"plan": "长" * 501}])
def test_nobody_takes_it_on_without_a_plan(bad, data):
    with pytest.raises(UsageError, match="plan"):
        say(bad, EventKind.NEGATIVE_TAKEN_ON, **data)
    assert bad.deadlines[TAKEN_ON, 1].met_at is None


@pytest.mark.parametrize("kind", [EventKind.NEGATIVE_RESOLVED, EventKind.NEGATIVE_TOLD])
def test_whoever_has_done_it_already_needs_no_plan(bad, kind):
    say(bad, kind, 60, result=DONE)
    assert bad.deadlines[TAKEN_ON, 1].met_at == bad.after(60)


def test_nothing_is_answered_that_nobody_asked_or_that_was_answered(bad):
    with pytest.raises(UsageError, match="result"):
        say(bad, EventKind.NEGATIVE_RESOLVED)
    say(bad, EventKind.NEGATIVE_TOLD, 60, way="phone")
    with pytest.raises(RefusedError, match="no negative answer"):
        say(bad, EventKind.NEGATIVE_RESOLVED, 61, result=DONE)
    assert notices(bad, Notice.NEGATIVE_TOLD) == []


# --- by the link of the notice ---


def by_link(office, act, *what: str, **how: Any) -> None:
    (notice,) = notices(office, Notice.NEGATIVE)
    with office.db.write() as session:
        act(session, office.policy, office.clock, notice.id, *what, "anna", **how)


def test_by_the_link_of_the_notice_it_is_taken_on_once_and_by_one(bad):
    for _ in range(2):
        by_link(bad, take_on, PLAN)
        bad.at += timedelta(minutes=1)
    assert [(row.actor, row.data) for row in of(bad, EventKind.NEGATIVE_TAKEN_ON)] == [("anna", {"plan": PLAN})]
    with pytest.raises(EndedError):
        by_link(bad, take_on, "另一个办法")


def test_by_the_link_of_the_notice_it_is_answered_after_it_was_taken_on(bad):
    by_link(bad, take_on, PLAN)
    by_link(bad, answer, DONE, by_phone=True)
    (told,) = of(bad, EventKind.NEGATIVE_TOLD)
    assert told.data == {"result": DONE, "way": "phone"}
    with pytest.raises(EndedError):
        by_link(bad, answer, "again", by_phone=False)
    with pytest.raises(UsageError, match="nothing is said"):
        by_link(bad, answer, " ", by_phone=True)


# --- the ladder ---


def breached(office, milestone: str) -> list:
    """Let that deadline of the complaint pass, and sweep as the schedule does until the head has heard of it."""
    due_at = office.deadlines[milestone, 1].due_at
    office.mail.sent.clear()
    for minutes in (1, 61, 121, 181, 600, 1500):
        office.at = due_at + timedelta(minutes=minutes)
        check_all(office.db, office.policy, office.at)
        climb_all(office.db, office.policy, office.at)
        office.deliver()
    return letters(office, "anna") + letters(office, "boss")


@pytest.mark.parametrize(("milestone", "words"), [(TAKEN_ON, "负面反馈承接"), (TOLD, "负面反馈答复")])
def test_what_is_late_climbs_its_ladder_and_every_letter_says_what_it_is_about(bad, milestone, words):
    if milestone == TOLD:
        say(bad, EventKind.NEGATIVE_TAKEN_ON, 60, plan=PLAN)
    told = breached(bad, milestone)
    mine = [letter for letter in told if words in letter.title]
    assert {letter.title[:4] for letter in mine} >= {"【超时】"}
    assert len({row.recipient for row in bad.messages if row.notice is Notice.ESCALATION}) >= 1
    assert {row.duty for row in bad.rows(Escalation)} >= {milestone}
    assert any("boss" in url and words in letter.title for url, letter in bad.mail.sent)
    assert counted(bad).overdue == 1
    assert len(board(bad, state=Wanted.OVERDUE)) == 1


# --- review ---


@pytest.fixture
def praised(desk):
    """An answer with a high score whose text says otherwise."""
    desk.number = desk.handled()
    desk.sweep(1)
    desk.sweep(49)
    desk.answers(desk.number, ASKED, 50, csat="5", suggestion="态度很好，但问题没有解决")
    return desk


def judge(office, verdict: Review, revision: int = 1, who: str = "qing") -> None:
    (row,) = office.rows(Answer)
    with office.db.write() as session:
        review(session, office.policy, office.clock, row.id, revision, verdict, who)


def verdicts(office) -> list[tuple]:
    return [(row.review, row.is_negative, row.reviewed_by) for row in office.rows(Answer)]


def test_a_text_against_a_high_score_waits_for_a_person_and_disturbs_nobody(praised):
    assert verdicts(praised) == [(Review.PENDING, False, "")]
    assert (board(praised), notices(praised, Notice.NEGATIVE)) == ([], [])
    with praised.db.read() as session:
        (row,) = reviews.pending(session, None, 10)
        assert (row.number, reviews.count(session, None)) == (praised.number, 1)
        assert reviews.count(session, row.department_id) == 1
        assert reviews.count(session, row.department_id + 1) == 0


def test_judged_bad_it_opens_the_work_of_a_low_score_once(praised):
    for _ in range(2):
        judge(praised, Review.NEGATIVE)
    assert verdicts(praised) == [(Review.NEGATIVE, True, "qing")]
    (event,) = of(praised, EventKind.ANSWERED_NEGATIVE)
    assert event.data["why"] == ["text"]
    assert len(notices(praised, Notice.NEGATIVE)) == 1
    assert board(praised)[0].stage is Stage.ANSWERED
    assert praised.deadlines[TAKEN_ON, 1].started_at == praised.after(50)


def test_judged_harmless_it_opens_nothing_and_who_said_so_when_is_kept(praised):
    praised.at = praised.after(51)
    judge(praised, Review.DISMISSED)
    assert verdicts(praised) == [(Review.DISMISSED, False, "qing")]
    assert praised.rows(Answer)[0].reviewed_at == praised.after(51)
    with pytest.raises(RefusedError):
        judge(praised, Review.NEGATIVE)
    assert of(praised, EventKind.ANSWERED_NEGATIVE) == []


def test_a_text_that_was_changed_since_it_was_read_is_not_judged(praised):
    praised.answers(praised.number, ASKED, 51, csat="5", suggestion="太慢，失望")
    with pytest.raises(RefusedError):
        judge(praised, Review.DISMISSED, revision=1)
    judge(praised, Review.DISMISSED, revision=2)


@pytest.mark.parametrize(
    ("verdict", "csat", "words", "expected"),
    [
        (None, "5", "都很好", None),
        (None, "5", "太慢", Review.PENDING),
        (None, "1", "太慢", None),
        (Review.DISMISSED, "4", "态度很好，但问题没有解决", Review.DISMISSED),
        (Review.DISMISSED, "5", "太慢", Review.PENDING),
        (Review.DISMISSED, "5", "都很好", None),
        (Review.NEGATIVE, "4", "态度很好，但问题没有解决", Review.NEGATIVE),
        (Review.NEGATIVE, "5", "都很好", None),
    ],
)
def test_what_was_decided_stays_until_the_text_changes(praised, verdict, csat, words, expected):
    if verdict:
        judge(praised, verdict)
    praised.answers(praised.number, ASKED, 51, csat=csat, suggestion=words)
    (row,) = praised.rows(Answer)
    assert (row.review, row.reviewed_by) == (expected, "qing" if verdict and expected is verdict else "")
    assert row.is_negative is (csat == "1" or expected is Review.NEGATIVE)


def test_an_answer_judged_bad_counts_in_the_negative_rate(praised):
    def rate() -> list[tuple]:
        with praised.db.read() as session:
            rows = show(session, praised.policy, ZoneInfo("Asia/Shanghai"), None, None, None)
        return [(row["value"], row["n"]) for row in rows if row["indicator"] == "negative_rate"]

    assert rate() == [(0, 1)]
    judge(praised, Review.NEGATIVE)
    assert rate() == [(1, 1)]


# --- the board as a list ---


def test_the_own_department_comes_first_and_pages_leave_nothing_out(desk):
    other = desk.department("product", "json://hooks.example.com/product")
    desk.staff("ben", "product")
    numbers = [desk.handled(str(n), CustomerIn(external_id=f"c{n}", contact_url=f"json://hooks.example.com/c{n}"),
                            department="product" if n % 3 == 0 else "service") for n in range(7)]  # fmt: skip
    desk.sweep(1)
    for n, number in enumerate(numbers):
        desk.answers(number, RESULT, 2 + n / 10, solved="no")
    everything = [case.number for case in board(desk, own=other)]
    own = [number for n, number in enumerate(numbers) if n % 3 == 0]
    assert everything[: len(own)] == own[::-1]
    assert sorted(everything) == sorted(numbers)
    paged, after = [], None
    while found := board(desk, own=other, after=after, limit=2):
        paged += [case.number for case in found]
        after = found[-1].place
    assert paged == everything
    assert [case.number for case in board(desk, department="product")] == own[::-1]
    assert board(desk, department="-") == []


def test_the_list_says_the_same_as_the_rules_for_every_way_a_complaint_can_go(desk):
    """The database picks the open ones; the rules say how far each has come."""
    ways = [
        [], [("negative_taken_on", {"plan": "x"})], [("negative_resolved", {"result": "x"})], [("negative_told", {})],
        [("reopened", {})], [("reopened", {}), ("handled", {})],
        [("reopened", {}), ("handled", {}), ("result_told", {})],
        [("withdrawn", {})], [("withdrawn", {}), ("reopened", {})], [("negative_told", {}), ("reopened", {})],
        [("result_told", {})], [("closed", {})],
    ]  # fmt: skip
    numbers = [desk.handled(str(n), CustomerIn(external_id=f"c{n}", contact_url=f"json://hooks.example.com/c{n}"))
               for n in range(len(ways))]  # fmt: skip
    desk.sweep(1)
    desk.sweep(49)
    for number in numbers:
        desk.answers(number, ASKED, 50, csat="1")
    for hour in range(3):
        desk.at = desk.after(51 + hour)
        for number, way in zip(numbers, ways, strict=True):
            if hour < len(way):
                kind, data = way[hour]
                desk.record(number, EventKind(kind), **data)
    stages = {case.number: case.stage for case in board(desk)}
    opened = {case.number for case in board(desk, state=Wanted.OPEN)}
    assert len(stages) == len(ways)
    assert opened == {number for number, stage in stages.items() if stage not in {Stage.TOLD, Stage.DROPPED}}
    assert {case.number for case in board(desk, state=Wanted.DONE)} == set(numbers) - opened
    assert counted(desk).open == len(opened)


def test_a_policy_without_these_deadlines_still_has_the_board(bad):
    said = bad.policy.written()["deadline"]
    for name in (TAKEN_ON, TOLD):
        said["milestones"][name]["severity"] = dict.fromkeys(("general", "urgent", "major"), "none")
    bad.policy = bad.policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(said), "loaded_at": None})
    other = bad.handled("2", LI, 51)
    bad.sweep(51)
    bad.sweep(51 + 49)
    bad.answers(other, ASKED, csat="1")
    bad.number = other
    say(bad, EventKind.NEGATIVE_TAKEN_ON, 101, plan=PLAN)
    say(bad, EventKind.NEGATIVE_RESOLVED, 121, result=DONE)
    bad.deliver()
    case = next(one for one in board(bad) if one.number == other)
    assert (case.stage, case.due, case.told.way) == (Stage.TOLD, (), "letter")


def test_the_negative_ones_are_found_by_their_index(bad):
    with bad.db.read() as session:
        if session.get_bind().dialect.name != "sqlite":
            return
        statement = queries._answers(queries._A.id).where(queries._IS_NEGATIVE)
        sql = str(statement.order_by(queries._A.answered_at.desc()).compile(
            session.get_bind(), compile_kwargs={"literal_binds": True}))  # fmt: skip
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {sql}")))
    assert "ix_answer_negative" in plan
    assert "SCAN complaint" not in plan
