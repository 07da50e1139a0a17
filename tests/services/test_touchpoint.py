"""Touchpoints: kept once, asked about under the guard, and a bad answer becomes a complaint once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from bihuan.notify.contact import unseal
from bihuan.notify.link import token_of
from bihuan.policy.survey import SurveyPolicy
from bihuan.services.integrity import inspect_database
from bihuan.services.survey import FollowedUp, follow_up
from bihuan.services.survey_answer import Form, opt_out, save_answers
from bihuan.services.survey_page import survey_pages
from bihuan.services.touchpoint import Fate, take_touchpoints
from bihuan.services.touchpoint_work import open_work
from bihuan.store.queries.touchpoint import listing, owed_by
from schemas.access import Purpose
from schemas.complaint import Channel, CustomerIn, EventKind, Kind, Severity
from schemas.outbox import MessageState, Notice
from schemas.people import Customer
from schemas.survey import Invitation, InvitationState, Touchpoint
from schemas.touchpoint import TouchpointIn

PLANNED, INVITED, SUPPRESSED = InvitationState.PLANNED, InvitationState.INVITED, InvitationState.SUPPRESSED
ASKING = {Notice.FOLLOW_UP, Notice.SURVEY_REMINDER, Notice.RESULT}
DAY = 24
LIN = "mailto://127.0.0.1/?to=lin@example.com"
SHOP = {"source": "shop", "customer_id": "lin", "contact_url": LIN, "name": "林女士"}


@pytest.fixture
def desk(office):
    """An office with somebody who handles, and the verbs of touchpoints."""
    office.department("service", "json://hooks.example.com/desk")
    office.staff("anna")
    office.department("shop")

    def tell(*touchpoints: dict, hours: float = 0, **facts) -> list[Fate]:
        """Told at that hour; what happened then is an order, unless it says otherwise."""
        office.at = office.after(hours)
        told = [
            TouchpointIn.model_validate(
                {**SHOP, "kind": "order_completed", "occurred_at": office.at, "external_id": f"{number}"} | facts | one
            )
            for number, one in enumerate(touchpoints or [{}])
        ]
        with office.db.write() as session:
            return [one.fate for one in take_touchpoints(session, office.policy, office.settings, office.clock, told)]

    def follow(hours: float | None = None) -> FollowedUp:
        office.at = office.at if hours is None else office.after(hours)
        done = follow_up(office.db, office.policy, office.settings, office.at)
        office.deliver()
        return done

    def answer(place: int = -1, *, is_by_page: bool = True, **raw: str) -> str | None:
        """What somebody answers to that invitation, with the work it opens where it comes by the page."""
        row = office.rows(Invitation)[place]
        token = token_of(office.settings.secret_value(), Purpose.SURVEY, row.key)
        with office.db.write() as session:
            (kept,) = save_answers(session, office.policy, office.clock, [Form(token, raw, "zh")])
            assert kept.read.answers
            if is_by_page:
                return open_work(session, office.policy, office.settings, office.clock, row.id)
        return None

    office.tell, office.follow, office.answer = tell, follow, answer
    return office


def stand(office) -> list[tuple]:
    return [(row.duty, row.state, row.reason) for row in office.rows(Invitation)]


def ledger(office) -> list[tuple]:
    return [(row.notice, row.state, row.reason) for row in office.messages if row.notice in ASKING]


def letters(office) -> list:
    return [letter for url, letter in office.mail.sent if "lin" in url]


# --- taken ---


def test_it_is_kept_once_and_told_again_it_changes_nothing(desk):
    assert desk.tell() == [Fate.CREATED]
    assert desk.tell({"name": "别人", "facts": {"order": "9"}}, hours=1) == [Fate.UNCHANGED]
    (kept,) = desk.rows(Touchpoint)
    assert (kept.facts, kept.received_at, len(desk.rows(Invitation))) == ({}, desk.after(0), 1)


def test_of_one_that_a_batch_names_twice_the_first_counts(desk):
    fates = desk.tell({"external_id": "a", "facts": {"n": 1}}, {"external_id": "a", "facts": {"n": 2}})
    assert (fates, desk.rows(Touchpoint)[0].facts) == ([Fate.CREATED, Fate.UNCHANGED], {"n": 1})


def test_a_bad_one_leaves_the_others(desk):
    fates = desk.tell({"kind": "order_lost"}, {}, {"occurred_at": desk.after(0.1)}, {"contact_url": "file:///etc/x"})
    assert fates == [Fate.REJECTED, Fate.CREATED, Fate.REJECTED, Fate.REJECTED]
    assert len(desk.rows(Touchpoint)) == len(desk.rows(Customer)) == 1


def test_a_clock_that_is_a_little_ahead_is_believed(desk):
    assert desk.tell({"occurred_at": desk.after(0) + timedelta(minutes=5)}) == [Fate.CREATED]


@pytest.mark.parametrize("contact", ["lin@example.com", "http://evil.example/x", "tcp://1.2.3.4", "mailto:***", "x"])
def test_a_contact_that_nothing_may_be_sent_to_is_refused(desk, contact):
    assert desk.tell({"contact_url": contact}) == [Fate.REJECTED]
    assert desk.rows(Customer) == []


def test_two_requests_at_once_keep_it_once(desk):
    done, ready = [], threading.Barrier(2)

    def tells() -> None:
        ready.wait()
        one = TouchpointIn.model_validate(
            {**SHOP, "kind": "order_completed", "occurred_at": desk.at, "external_id": "1"}
        )
        with desk.db.write() as session:
            done.extend(take_touchpoints(session, desk.policy, desk.settings, desk.clock, [one]))

    threads = [threading.Thread(target=tells) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.fate for one in done) == [Fate.CREATED, Fate.UNCHANGED]
    assert [len(desk.rows(table)) for table in (Touchpoint, Invitation, Customer)] == [1, 1, 1]


def test_the_customer_is_the_one_of_the_complaints_and_keeps_the_contact_that_is_known(desk):
    desk.register("1", customer=CustomerIn(external_id="lin", name="林", contact_url=LIN), source="shop")
    desk.tell({"contact_url": "mailto://127.0.0.1/?to=thief@example.com"})
    (person,) = desk.rows(Customer)
    assert (unseal(person.sealed_contact, "for tests only"), person.name) == (LIN, "林")


def test_a_contact_is_filled_in_where_none_was_known(desk):
    desk.tell({"contact_url": None})
    desk.tell({"external_id": "later"}, hours=1)
    (person,) = desk.rows(Customer)
    assert unseal(person.sealed_contact, "for tests only") == LIN


# --- asked ---


def test_it_is_asked_about_once_by_a_letter_that_names_it_and_whose_answer_is_kept(desk):
    desk.tell({"facts": {"order": "SO-1001"}})
    assert desk.follow(1).invited == 0
    assert desk.follow(24).invited == 1
    assert desk.follow(24).waiting == 1  # that it was sent is news
    assert desk.follow(24) == FollowedUp()
    (letter,) = letters(desk)
    assert (letter.title, "说的是：订单完成（SO-1001）" in letter.body) == ("您对我们的服务满意吗？（订单完成）", True)
    assert "投诉" not in letter.title + letter.body
    token = letter.link.rpartition("/")[2]
    with desk.db.read() as session:
        page = survey_pages(session, desk.policy, [token], desk.at)[token]
    assert page.asked.questionnaire is desk.policy.survey.questionnaires["experience"]
    assert desk.answer(csat="5", nps="9") is None
    assert stand(desk) == [("order_completed", InvitationState.ANSWERED, None)]
    assert desk.complaints == []


def test_in_english_the_letter_says_the_same(desk):
    desk.tell(
        {"facts": {"order": "SO-1001"}, "language": "en"}, {"external_id": "b", "customer_id": "b", "language": "en"}
    )
    desk.follow(24)
    (letter,) = [one for one in letters(desk) if "SO-1001" in one.body]
    assert letter.title == "How did we do? (Order completed)"
    assert "This is about: Order completed (SO-1001)" in letter.body
    assert any("This is about: Order completed\n" in one.body for one in letters(desk))


def test_hostile_facts_come_out_inert(desk):
    desk.tell({"facts": {"order": "{{7*7}}<script>\u202e http://evil.example/ @all"}})
    desk.follow(24)
    assert not set("<>@") & set(letters(desk)[0].body.replace(letters(desk)[0].link, ""))
    assert "49" not in letters(desk)[0].body


def test_the_letter_has_the_words_of_the_edition_it_was_planned_under(desk):
    desk.tell()
    said = desk.policy.written()["survey"]
    del said["touchpoints"]["order_completed"]
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said), "loaded_at": None})
    desk.follow(24)
    assert "订单完成" in letters(desk)[0].title


@pytest.mark.parametrize("days", [3.1, 30])
def test_what_lies_too_long_ago_is_kept_and_the_ledger_says_why_nobody_is_asked(desk, days):
    assert desk.tell({"occurred_at": desk.after(-days * DAY)}) == [Fate.CREATED]
    assert desk.follow().suppressed == 1
    assert stand(desk) == [("order_completed", SUPPRESSED, "too_late")]
    assert ledger(desk) == [(Notice.FOLLOW_UP, MessageState.SUPPRESSED, "too_late")]
    assert desk.audit().holds


def test_while_the_house_was_down_it_became_too_late(desk):
    desk.tell()
    assert desk.follow(3.5 * DAY).suppressed == 1
    assert stand(desk)[0][2] == "too_late"


def test_without_a_contact_nobody_is_asked_nor_called(desk):
    desk.tell({"contact_url": None})
    desk.follow(24)
    assert stand(desk) == [("order_completed", SUPPRESSED, "no_contact")]
    assert ledger(desk) == [(Notice.FOLLOW_UP, MessageState.SUPPRESSED, "no_contact")]


def test_whoever_does_not_want_it_is_not_asked(desk):
    desk.tell()
    with desk.db.write() as session:
        opt_out(session, desk.rows(Customer)[0].id, desk.at)
    desk.follow(24)
    assert ledger(desk) == [(Notice.FOLLOW_UP, MessageState.SUPPRESSED, "opted_out")]


def test_within_thirty_days_nobody_is_asked_again_and_then_they_are(desk):
    for number, hours in enumerate((0, 10 * DAY, 29 * DAY, 31 * DAY)):
        desk.tell({"external_id": f"n{number}"}, hours=hours)
        desk.follow(hours + 24)
        desk.follow(hours + 24)
    assert [state for _, state, _ in stand(desk)] == [InvitationState.EXPIRED, SUPPRESSED, SUPPRESSED, INVITED]
    assert {row[2] for row in ledger(desk)} == {None, "fatigue"}
    assert desk.audit().holds


def test_a_complaint_that_was_followed_up_counts_too(desk):
    desk.register("1", customer=CustomerIn(external_id="lin", contact_url=LIN), source="shop")
    desk.record(desk.complaints[0].number, EventKind.HANDLED)
    desk.follow()
    desk.tell(hours=5 * DAY)
    desk.follow(6 * DAY)
    assert stand(desk)[-1] == ("order_completed", SUPPRESSED, "fatigue")


def test_of_several_on_one_day_the_most_important_is_asked(desk):
    desk.tell({}, {"kind": "after_sales_done", "occurred_at": desk.after(-2)}, hours=2)
    desk.follow(24)
    assert set(stand(desk)) == {("order_completed", SUPPRESSED, "fatigue"), ("after_sales_done", INVITED, None)}


def test_the_list_says_how_each_stands_and_why(desk):
    desk.tell({}, {"external_id": "old", "occurred_at": desk.after(-9 * DAY)})
    desk.follow(24)
    with desk.db.read() as session:
        rows = listing(session, 10)
    assert [(row.external_id, row.state, row.reason) for row in rows] == [
        ("old", SUPPRESSED, "too_late"), ("0", INVITED, None),
    ]  # fmt: skip


# --- a bad answer ---


@pytest.fixture
def asked(desk):
    """Somebody who was asked about an order."""
    desk.tell({"facts": {"order": "SO-1001", "amount": 99.5}})
    desk.follow(24)
    return desk


def test_a_bad_answer_is_registered_as_a_complaint_that_is_routed_and_told_at_once(asked):
    number = asked.answer(csat="1", nps="3", suggestion="包装破了，客服不回")
    (row,) = asked.complaints
    assert (row.number, row.source, row.external_id) == (number, "survey", asked.rows(Invitation)[0].key)
    assert (row.channel, row.kind, row.severity) == (Channel.WEB, Kind.SERVICE, Severity.GENERAL)
    assert (row.title, row.customer_id) == ("订单完成 SO-1001：客户不满意", asked.rows(Customer)[0].id)
    assert row.matter == "包装破了，客服不回\nCSAT 1 · NPS 3"
    assert (row.attributes["order"], row.attributes["amount"]) == ("SO-1001", 99.5)
    assert (row.missing, row.handler_id is not None) == (["demand"], True)
    assert {"first_response", "handled"} <= {milestone for milestone, _ in asked.deadlines}
    asked.deliver()
    (told,) = [letter for url, letter in asked.mail.sent if url.endswith("/anna")]
    assert f"已登记为投诉 {number}" in told.body
    assert "/a/" in told.link
    assert number in letters(asked)[-1].title  # the receipt
    assert len(asked.rows(Customer)) == 1


def test_it_is_registered_once_and_what_is_said_later_is_noted(asked):
    number = asked.answer(csat="2")
    assert asked.answer(csat="2") == number
    asked.at = asked.after(25)
    assert asked.answer(csat="1", suggestion="还没人联系我") == number
    assert asked.answer(csat="5") == number
    assert len(asked.complaints) == 1
    notes = [row.data["note"] for row in asked.events if row.kind is EventKind.NOTE]
    assert notes == ["还没人联系我\nCSAT 1", "CSAT 5"]
    assert [row.notice for row in asked.messages].count(Notice.NEGATIVE) == 1


def test_a_good_answer_that_turns_bad_becomes_one(asked):
    assert asked.answer(csat="5") is None
    assert asked.answer(csat="1") == asked.complaints[0].number


def test_the_policy_says_as_what_it_is_registered(desk):
    said = desk.policy.written()["survey"]
    said["touchpoints"]["order_completed"]["complaint"] = {"channel": "chat", "kind": "product", "severity": "urgent"}
    desk.policy = desk.policy.model_copy(update={"survey": SurveyPolicy.model_validate(said), "loaded_at": None})
    desk.department("product")
    desk.tell()
    desk.follow(24)
    desk.answer(csat="1")
    (row,) = desk.complaints
    assert (row.channel, row.kind, row.severity) == (Channel.CHAT, Kind.PRODUCT, Severity.URGENT)


def test_a_bad_answer_by_another_way_is_registered_by_the_next_sweep(asked):
    asked.answer(csat="1", is_by_page=False)
    assert asked.complaints == []
    assert asked.follow(25).opened == 1
    assert asked.follow(26).opened == 0
    assert len(asked.complaints) == 1


def test_staff_are_told_even_where_the_person_wants_no_more_letters(asked):
    asked.answer(csat="1")
    with asked.db.write() as session:
        opt_out(session, asked.rows(Customer)[0].id, asked.at)
    asked.deliver()
    assert [row.state for row in asked.messages if row.notice is Notice.NEGATIVE] == [MessageState.SENT]


def test_two_answers_at_once_are_one_complaint(asked):
    asked.answer(csat="1", is_by_page=False)
    invitation, ready = asked.rows(Invitation)[0].id, threading.Barrier(2)

    def opens() -> None:
        ready.wait()
        with asked.db.write() as session:
            open_work(session, asked.policy, asked.settings, asked.clock, invitation)

    threads = [threading.Thread(target=opens) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked.complaints) == 1
    assert [row.notice for row in asked.messages].count(Notice.NEGATIVE) == 1


def test_in_sixty_days_one_bad_answer_leads_to_a_bounded_number_of_letters(asked):
    """Chatwoot 11637: a survey that triggers surveys. The person answers badly whatever they are asked."""
    number = asked.answer(csat="1")
    for hours in range(25, 60 * DAY, 6):
        asked.follow(hours)
        if asked.complaints[0].handled_at is None and hours % DAY < 6:
            asked.record(number, EventKind.HANDLED)
        if hours % (5 * DAY) == 1:
            asked.tell({"external_id": f"more {hours}"}, hours=hours)  # and they go on buying
        for place, row in enumerate(asked.rows(Invitation)):
            is_open = row.state is INVITED and row.invited_at and asked.at < row.expires_at
            if is_open and row.duty == "satisfaction_follow_up":
                asked.answer(place, csat="1")
    assert len(asked.complaints) == 1
    invitations = [row for row in asked.rows(Invitation) if row.subject_kind == "complaint"]
    assert sorted(row.duty for row in invitations) == ["result_feedback", "satisfaction_follow_up"]
    # About the order, the receipt, the result, the satisfaction; after 30 days without a letter, about a new order.
    assert len(letters(asked)) == 5
    asked_about = [row for row in asked.rows(Invitation) if row.subject_kind == "touchpoint" and row.contacted_at]
    assert len(asked_about) == 2
    assert asked.audit().holds
    assert inspect_database(asked.db, asked.policy).is_sound


def test_looking_for_what_is_owed_reads_bad_answers_by_their_index(desk):
    if not desk.db.is_sqlite:
        pytest.skip("the planner of PostgreSQL rightly scans a table of one page")
    with desk.db.read() as session:
        text = str(owed_by(desk.at, 10).compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert any("ix_answer_negative" in line for line in plan), plan
