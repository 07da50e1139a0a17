"""In-depth interviews in the database: who is offered, what planning tells, and that each has one end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.errors import UsageError
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.interview import Why
from bihuan.services.interview import (
    HasOneError,
    OverError,
    Plan,
    UnknownInterviewError,
    cancel,
    candidates,
    hold,
    plan,
    reached_at,
)
from bihuan.services.outbox import deliver_all
from bihuan.services.survey_answer import opt_out
from bihuan.store.queries import interview as queries
from schemas.complaint import CustomerIn, EventKind
from schemas.outbox import AttemptOutcome, Message, MessageState, Notice
from schemas.people import Customer, Staff
from schemas.survey import Interview

VIP = CustomerIn(
    external_id="vip", name="周女士", tier="premium", contact_url="mailto:zhou@example.com tel:13800138000"
)
USUAL = CustomerIn(external_id="usual", name="王先生", tier="basic")


@pytest.fixture
def desk(office):
    """An office with an interviewer, a high-value customer with one complaint and a usual one with two."""
    office.staff("anna")
    office.numbers = [office.register("1", customer=USUAL, title="太吵"), office.register("2", 1, customer=USUAL),
                      office.register("3", 2, customer=VIP)]  # fmt: skip
    office.at = office.after(3)
    office.deliver()
    return office


def offered(office) -> list[tuple[str, tuple[Why, ...]]]:
    with office.db.read() as session:
        return [(one.row.name, one.why) for one in candidates(session, office.policy, office.at)]


def customer(office, name: str) -> int:
    return next(row.id for row in office.rows(Customer) if row.name == name)


def planned(office, hours: float = 48, interviewer: str = "anna", name: str = "周女士", **facts) -> int:
    with office.db.write() as session:
        wish = Plan(customer(office, name), interviewer, office.after(hours), **facts)
        return plan(session, office.clock, wish)


def ends(office, act, *said) -> None:
    with office.db.write() as session:
        act(session, office.clock, *said)


def letters(office) -> list:
    return [(row.recipient, row.state, row.reason) for row in office.rows(Message) if row.notice is Notice.INTERVIEW]


# --- who is offered ---


def test_high_value_and_repeatedly_complaining_customers_are_offered_with_the_reason(desk):
    desk.register("4", 3, customer=CustomerIn(external_id="once", name="李先生"))
    assert offered(desk) == [("周女士", (Why.TIER,)), ("王先生", (Why.REPEATED,))]


def test_who_is_offered_is_policy(desk):
    said = desk.policy.written()["survey"]
    said["interviews"] = {"tiers": ["basic"], "complaints_at_least": 3}
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said)})
    assert offered(desk) == [("王先生", (Why.TIER,))]


def test_complaints_count_for_as_long_as_policy_says(desk):
    desk.at = desk.after(24 * 90)
    assert [name for name, _ in offered(desk)] == ["周女士"]
    desk.at = desk.after(24 * 90 + 2)
    assert offered(desk) == []


def test_a_complaint_that_was_withdrawn_does_not_count(desk):
    desk.record(desk.numbers[0], EventKind.WITHDRAWN)
    assert [name for name, _ in offered(desk)] == ["周女士"]


def test_whoever_opted_out_is_not_offered(desk):
    with desk.db.write() as session:
        opt_out(session, customer(desk, "周女士"), desk.at)
    assert [name for name, _ in offered(desk)] == ["王先生"]


def test_whoever_has_one_planned_or_had_one_lately_is_not_offered_again(desk):
    one = planned(desk)
    assert [name for name, _ in offered(desk)] == ["王先生"]
    ends(desk, cancel, one)
    assert [name for name, _ in offered(desk)] == ["周女士", "王先生"]
    ends(desk, hold, planned(desk, 72), "希望有人回电")
    assert [name for name, _ in offered(desk)] == ["王先生"]


# --- planning ---


def test_planning_tells_the_interviewer_when_and_why_and_not_whom(desk):
    one = planned(desk, reason="高价值客户", by="berta")
    desk.deliver()
    (row,) = desk.rows(Interview)
    assert (row.interviewer, row.planned_at, row.planned_by, row.reason) == (
        "anna",
        desk.after(48),
        "berta",
        "高价值客户",
    )
    (letter,) = [letter for url, letter in desk.mail.sent if url.endswith("/anna") and "访谈" in letter.title]
    assert "2026-11-18 09:00" in letter.title
    assert all(word in letter.body for word in ("高价值客户", desk.numbers[2], f"/interviews/{one}"))
    assert letter.link == f"{desk.settings.web_url}/interviews/{one}"
    assert all(word not in letter.body + letter.title for word in ("周", "1380013", "zhou"))
    assert letters(desk) == [(f"staff:{desk.rows(Staff)[0].id}", MessageState.SENT, None)]
    assert desk.audit().holds


def test_the_same_plan_again_is_the_one_there_is(desk):
    assert planned(desk) == planned(desk)
    assert (len(desk.rows(Interview)), len(letters(desk))) == (1, 1)


def test_a_customer_has_one_interview_at_a_time(desk):
    planned(desk)
    with pytest.raises(HasOneError):
        planned(desk, 72)
    assert len(desk.rows(Interview)) == 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"interviewer": "nobody"}, "no active staff"), ({"hours": 3}, "is past"), ({"reason": "长" * 501}, "too long")],
)
def test_what_cannot_be_planned_is_refused_and_nobody_is_told(desk, facts, said):
    with pytest.raises(UsageError, match=said):
        planned(desk, **facts)
    assert (desk.rows(Interview), letters(desk)) == ([], [])


def test_nobody_is_interviewed_whom_we_do_not_know(desk):
    with pytest.raises(UsageError, match="no such customer"), desk.db.write() as session:
        plan(session, desk.clock, Plan(99, "anna", desk.after(48)))


def test_a_plan_made_at_night_is_told_in_the_morning_with_the_rest(desk):
    """One letter with a warning: its link is good for the matter, and the interview is an item of it."""
    desk.at = desk.after(14.5)
    planned(desk)
    desk.check(14.5)
    deliver_all(desk.db, desk.mail, desk.settings, desk.clock, reminders=desk.policy.escalation.reminders)
    assert [state for _, state, _ in letters(desk)] == [MessageState.PLANNED]
    desk.mail.sent.clear()
    desk.check(24)
    deliver_all(desk.db, desk.mail, desk.settings, desk.clock, reminders=desk.policy.escalation.reminders)
    assert [state for _, state, _ in letters(desk)] == [MessageState.SENT]
    (digest,) = [letter for url, letter in desk.mail.sent if url.endswith("/anna")]
    assert f"4. {desk.numbers[2]}  深度访谈 2026-11-18 09:00 +08:00" in digest.body
    assert digest.link.startswith(f"{desk.settings.web_url}/a/")
    assert desk.audit().holds


# --- the end ---


def test_an_interview_is_held_once_and_its_summary_can_be_corrected(desk):
    one = planned(desk)
    desk.at = desk.after(49)
    ends(desk, hold, one, "  希望有人回电 ")
    desk.at = desk.after(60)
    ends(desk, hold, one, "希望当天有人回电")
    (row,) = desk.rows(Interview)
    assert (row.held_at, row.summary, row.cancelled_at) == (desk.after(49), "希望当天有人回电", None)


def test_one_that_was_cancelled_is_not_told_and_not_held(desk):
    one = planned(desk)
    for _ in range(2):
        ends(desk, cancel, one)
    desk.deliver()
    assert [(state, reason) for _, state, reason in letters(desk)] == [(MessageState.SUPPRESSED, "ended")]
    with pytest.raises(OverError):
        ends(desk, hold, one, "x")
    assert desk.audit().holds


def test_one_that_was_held_is_not_cancelled(desk):
    one = planned(desk)
    ends(desk, hold, one, "x")
    with pytest.raises(OverError):
        ends(desk, cancel, one)


@pytest.mark.parametrize("summary", ["", "  ", "长" * 10_001])
def test_without_a_summary_it_is_not_held(desk, summary):
    one = planned(desk)
    with pytest.raises(UsageError):
        ends(desk, hold, one, summary)
    assert desk.rows(Interview)[0].held_at is None


def test_an_interview_nobody_planned_cannot_end(desk):
    for act, said in ((hold, ("x",)), (cancel, ())):
        with pytest.raises(UnknownInterviewError):
            ends(desk, act, 7, *said)


def test_how_the_customer_is_reached_is_read_as_long_as_it_is_to_take_place(desk):
    one = planned(desk)
    with desk.db.read() as session:
        assert reached_at(queries.one(session, one), desk.settings) == ("13800138000", "zhou@example.com")
    ends(desk, hold, one, "x")
    with desk.db.read() as session:
        assert reached_at(queries.one(session, one), desk.settings) == ("", "")


def test_the_next_interviews_of_a_person_stand_first(desk):
    desk.staff("berta")
    first, second = planned(desk, 72), planned(desk, 48, name="王先生")
    with desk.db.read() as session:
        assert [row.id for row in queries.planned(session)] == [second, first]
        assert queries.planned(session, "berta") == []
    desk.at += timedelta(days=4)
    assert desk.deliver(outcomes=[AttemptOutcome.SENT] * 4).failed == 0
