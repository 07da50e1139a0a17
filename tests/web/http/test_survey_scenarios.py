"""SCENARIOS "Surveys", each through HTTP against a running server, as somebody does who has a mail and a browser."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import httpx
import pytest

from bihuan.clock import zone
from bihuan.store.queries.outbox import audit
from schemas.complaint import Complaint, ComplaintEvent, ComplaintState, EventKind
from schemas.outbox import Message, Notice
from schemas.survey import Answer, Invitation, InvitationState, OptOut

WANG, LI = "wang@mail.example", "li@mail.example"
SCANNERS = ({"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"}, {"User-Agent": "Barracuda Sentinel"}, {})
SURVEY, OPT_OUT = "s", "o"


def at_once(*acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The answers to requests that are sent at the same moment."""
    barrier, found = Barrier(len(acts)), dict[int, httpx.Response]()

    def send(place: int) -> None:
        barrier.wait()
        found[place] = acts[place]()

    threads = [Thread(target=send, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(acts))]


def test_a_mail_scanner_that_looks_at_every_link_records_nothing(asked):
    """FreeScout 1743, Odoo PR 187373."""
    before = asked.everything()
    for headers in SCANNERS:
        for kind in (SURVEY, OPT_OUT):
            for method in ("HEAD", "GET", "GET"):
                answered = asked.client.request(method, asked.link(kind), headers=headers)
                assert answered.status_code == 200
                assert bool(answered.content) is (method == "GET")
    assert asked.everything() == before


@pytest.mark.parametrize("is_other_process", [False, True])
def test_a_form_sent_twice_at_the_same_moment_counts_once(asked, is_other_process):
    """Formbricks 4797."""
    first = asked.link()
    second = first.replace(*asked.addresses) if is_other_process else first
    sent = at_once(*(lambda to=to: asked.answer(to, solved="yes") for to in (first, second, first, second)))
    assert [each.status_code for each in sent] == [303] * 4
    assert [(row.revision, row.is_solved) for row in asked.rows(Answer)] == [(1, True)]
    assert asked.invitations() == [(InvitationState.ANSWERED, None)]


def test_two_different_answers_at_the_same_moment_are_one_that_was_changed(asked):
    """Formbricks 4797: neither is lost without a word, and the database holds one."""
    first = asked.link()
    second = first.replace(*asked.addresses)
    sent = at_once(lambda: asked.answer(first, solved="yes"),
                   lambda: asked.answer(second, solved="no", still_open="还在漏水"))  # fmt: skip
    assert [each.status_code for each in sent] == [303, 303]
    assert [row.revision for row in asked.rows(Answer)] == [2]
    assert [row.kind for row in asked.rows(ComplaintEvent)].count(EventKind.REOPENED) == 1


def test_after_its_end_an_answer_is_refused_kindly_and_not_kept(asked):
    asked.office.later(days=14, seconds=-1)
    assert asked.answer(asked.link(), solved="yes").status_code == 303
    asked.office.later(seconds=1)
    before = asked.everything()
    for late in (asked.answer(asked.link(), solved="no"), asked.client.get(asked.link())):
        assert (late.status_code, "填写时间已过" in late.text) == (410, True)
    assert asked.everything() == before


def test_forged_foreign_and_truncated_links_open_nothing(asked):
    """Links of another purpose are no surveys, nor is one letter of them changed, dropped or added."""
    survey, opt_out = asked.link(SURVEY), asked.link(OPT_OUT)
    token = survey.rpartition("/")[2]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    addresses = [
        opt_out.replace("/o/", "/s/"), survey.replace("/s/", "/o/"), survey.replace("/s/", "/a/"),
        survey.replace(token, forged), survey.replace(token, token.swapcase()), survey[:-1], survey[:-15], survey + "x",
        survey.replace(token, "A" * 22),
    ]  # fmt: skip
    before = asked.everything()
    for address in addresses:
        for got in (asked.client.get(address), asked.answer(address, solved="yes", again="no")):
            assert got.status_code in {403, 404, 410}, address
            assert "您的问题解决了吗" not in got.text
    assert asked.everything() == before


def test_anothers_link_answers_for_the_other_and_for_nobody_else(asked):
    """Whoever is forwarded a link answers that invitation: what they send cannot name a different one."""
    asked.handled(LI)
    asked.sweep()
    mine, others = asked.link(), asked.link(mailbox=LI)
    invitations = {row.customer_id: row.id for row in asked.rows(Invitation) if row.duty == "result_feedback"}
    assert mine != others
    asked.answer(others, solved="yes", invitation_id=str(min(invitations.values())), token=mine)
    assert [row.invitation_id for row in asked.rows(Answer)] == [max(invitations.values())]


def test_opted_out_between_planning_and_the_next_mail_nothing_more_is_sent(asked):
    """The follow-up was planned with the first mail; the link in that mail ends it."""
    assert asked.invitations("satisfaction_follow_up") == [(InvitationState.PLANNED, None)]
    assert asked.answer(asked.link(OPT_OUT)).status_code == 303
    for _ in range(40):
        asked.sweep(hours=12)
    assert len(asked.mails()) == 1
    assert asked.invitations("satisfaction_follow_up") == [(InvitationState.SUPPRESSED, "opted_out")]
    last = asked.rows(Message)[-1]
    assert (last.notice, last.state, last.reason) == (Notice.FOLLOW_UP, "suppressed", "opted_out")


def test_opted_out_while_the_mail_is_in_the_outbox_it_is_not_sent(asked):
    asked.sweep(hours=48, delivers=False)
    assert asked.answer(asked.link(OPT_OUT)).status_code == 303
    asked.deliver()
    asked.sweep(hours=1)
    assert len(asked.mails()) == 1
    assert asked.invitations("satisfaction_follow_up") == [(InvitationState.SUPPRESSED, "opted_out")]
    assert [row.until for row in asked.rows(OptOut)] == [None]
    with asked.office.db.read() as session:
        assert audit(session, zone(asked.settings.timezone)).holds


def test_two_complaints_of_one_person_due_the_same_day_are_one_mail_with_both_links(house):
    house.handled(title="屏幕碎了")
    house.handled(title="送货太慢")
    house.sweep()
    (mail,) = house.mails()
    assert "屏幕碎了" in house.words(mail) or "送货太慢" in house.words(mail)
    links = [house.link(place=place) for place in range(2)]
    assert len(set(links)) == 2
    for address, solved in zip(links, ("yes", "no"), strict=True):
        assert house.answer(address, solved=solved).status_code == 303
    assert sorted(row.is_solved for row in house.rows(Answer)) == [False, True]


def test_only_whoever_did_not_answer_is_reminded_and_no_more_than_so_often(asked):
    """GLPI 3705, Formbricks 3250."""
    asked.handled(LI)
    asked.sweep()
    for mailbox in (WANG, LI):
        asked.answer(asked.link(mailbox=mailbox), solved="yes")
    asked.sweep(hours=50)
    assert asked.answer(asked.link(), csat="5", nps="9").status_code == 303
    for _ in range(30):
        asked.sweep(hours=12)
    assert (len(asked.mails()), len(asked.mails(LI))) == (2, 3)
    reminders = [row for row in asked.rows(Message) if row.notice is Notice.SURVEY_REMINDER]
    at_most = asked.office.policy.survey.follow_ups["satisfaction_follow_up"].reminder.at_most
    assert len(reminders) == at_most == 1
    assert asked.link(mailbox=LI, mail=-1) == asked.link(mailbox=LI, mail=-2)  # it brings the very same link


def test_a_survey_ends(asked):
    """GLPI 7028."""
    asked.sweep(hours=49)
    addresses = [asked.link(mail=mail) for mail in range(len(asked.mails()))]
    for _ in range(20):
        asked.sweep(hours=24)
    assert {row.state for row in asked.rows(Invitation)} == {InvitationState.EXPIRED}
    assert {row.next_at for row in asked.rows(Invitation)} == {None}
    before = asked.everything()
    assert {asked.client.get(address).status_code for address in addresses} == {410}
    asked.sweep(hours=24)
    assert asked.everything() == before


def test_sending_an_invitation_never_triggers_another_one(asked):
    """Chatwoot PR 11637: an endless loop. Sixty days of sweeps, and two looks at the page each."""
    for _ in range(60 * 3):
        asked.sweep(hours=8)
        if asked.office.at.hour == 9:
            asked.client.get(asked.link())
    notices = [row.notice for row in asked.rows(Message)]
    asking = (Notice.RESULT, Notice.FOLLOW_UP, Notice.SURVEY_REMINDER)
    assert sorted(one for one in notices if one in asking) == sorted(asking)
    assert len(asked.mails()) == 3
    assert len(asked.rows(Invitation)) == 2


def test_a_low_score_opens_work_and_does_not_close_the_complaint(asked):
    """Seen in Frappe Helpdesk."""
    asked.sweep(hours=49)
    assert asked.answer(asked.link(), csat="1", why_low="slow", nps="2", suggestion="快一点").status_code == 303
    opened = [row for row in asked.rows(ComplaintEvent) if row.kind is EventKind.ANSWERED_NEGATIVE]
    assert [row.data["why"] for row in opened] == [["csat", "nps"]]
    assert [row.notice for row in asked.rows(Message)].count(Notice.NEGATIVE) == 1
    for _ in range(10):
        asked.sweep(hours=24)
    (complaint,) = asked.rows(Complaint)
    assert complaint.state is ComplaintState.HANDLED
    assert EventKind.CLOSED not in {row.kind for row in asked.rows(ComplaintEvent)}
