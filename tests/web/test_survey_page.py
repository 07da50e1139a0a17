"""The survey page: looking records nothing, an answer counts once and can be changed, and a bad one opens work."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.complaint import ComplaintEvent, CustomerIn, EventKind
from schemas.outbox import Message, Notice
from schemas.survey import Answer, Invitation, InvitationState, OptOut

LINK = re.compile(r"(/[so]/[\w-]{22})(?![\w-])")


@pytest.fixture
def asked(office: Any) -> Any:
    """A complaint that was handled an hour ago; its complainant has the letter that asks whether it is solved."""
    customer = CustomerIn(external_id="c1", name="王女士", contact_url="json://hooks.example.com/wang")
    office.number = office.complaint(customer=customer)
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED)
    sweep(office)
    return office


def sweep(office: Any) -> RecordingGateway:
    """What the schedule does: plan, write and send; the letters to the complainant are kept."""
    office.mail = RecordingGateway()
    follow_up(office.db, office.policy, office.settings, office.at)
    deliver_all(office.db, office.mail, office.settings, office.clock)
    office.letters = [letter for url, letter in office.mail.sent if url.endswith("/wang")]
    return office.mail


def link(office: Any, kind: str = "s", place: int = -1) -> str:
    """The address of the survey, or of the opt-out, in the latest letter."""
    found = [one for letter in office.letters for one in LINK.findall(letter.body) if one.startswith(f"/{kind}/")]
    return found[place]


def rows(office: Any, table: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))


def send(browser: Any, address: str, **fields: str) -> Any:
    form = {"Origin": browser.address, "Content-Type": "application/x-www-form-urlencoded"}
    return browser.send("POST", address, content=urlencode(fields), headers=form)


def test_a_mail_scanner_that_follows_the_link_records_nothing(asked, browser):
    """FreeScout 1743, Odoo PR 187373."""
    before = (asked.stored(), rows(asked, Invitation))
    for method in ("HEAD", "GET", "GET"):
        assert browser.send(method, link(asked)).status_code == 200
        assert browser.send(method, link(asked, "o")).status_code == 200
    assert (asked.stored(), rows(asked, Invitation)) == before


def test_the_page_is_small_and_asks_for_nothing_else(asked, browser):
    answer = browser.get(link(asked))
    assert len(answer.content) < 15_000
    assert re.findall(r'(?:src|href)="([^"]+)"', answer.text) == ["data:,", "?lang=en"]
    assert "<script" not in answer.text
    assert "您的问题解决了吗？" in answer.text
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]


def test_an_answer_is_kept_once_and_can_be_changed(asked, browser):
    address = link(asked)
    assert send(browser, address, solved="yes").headers["location"] == f"{address}?saved=1&lang=zh"
    (answer,) = rows(asked, Answer)
    assert (answer.is_solved, answer.revision, answer.is_negative) == (True, 1, False)
    assert 'value="yes" checked' in browser.get(f"{address}?saved=1").text
    asked.later(minutes=5)
    send(browser, address, solved="no", still_open="还在漏水")
    (answer,) = rows(asked, Answer)
    assert (answer.is_solved, answer.revision, answer.comment) == (False, 2, "还在漏水")


def test_a_form_sent_twice_counts_once(asked, browser):
    """Formbricks 4797."""
    for _ in range(2):
        send(browser, link(asked), solved="yes")
    assert [(row.revision, row.is_solved) for row in rows(asked, Answer)] == [(1, True)]
    assert {row.state for row in rows(asked, Invitation) if row.duty == "result_feedback"} == {InvitationState.ANSWERED}


def test_not_solved_reopens_the_complaint_and_reaches_the_team_at_once(asked, browser):
    send(browser, link(asked), solved="no", still_open="还在漏水")
    send(browser, link(asked), solved="no", still_open="还在漏")
    kinds = [row.kind for row in rows(asked, ComplaintEvent)]
    assert kinds.count(EventKind.REOPENED) == 1
    assert [row.notice for row in rows(asked, Message)].count(Notice.NEGATIVE) == 1
    assert all(row.state is not InvitationState.PLANNED for row in after_sweep(asked))


def after_sweep(office: Any) -> list[Any]:
    """The invitations of the first round, once a sweep has looked."""
    sweep(office)
    return [row for row in rows(office, Invitation) if row.round == 1]


def test_a_low_score_opens_work_and_does_not_close_the_complaint(asked, browser):
    """Seen in Frappe Helpdesk."""
    asked.later(hours=49)
    sweep(asked)
    send(browser, link(asked), csat="1", why_low="slow", nps="3", suggestion="快一点")
    (answer,) = [row for row in rows(asked, Answer) if row.csat]
    assert (answer.csat, answer.nps, answer.is_negative, answer.comment) == (1, 3, True, "快一点")
    events = [row for row in rows(asked, ComplaintEvent) if row.kind is EventKind.ANSWERED_NEGATIVE]
    assert [event.data["why"] for event in events] == [["csat", "nps"]]
    assert not any(row.kind is EventKind.CLOSED for row in rows(asked, ComplaintEvent))


def test_what_is_missing_or_wrong_is_said_and_the_rest_is_kept(asked, browser):
    asked.later(hours=49)
    sweep(asked)
    answer = send(browser, link(asked), nps="11", speed="4", csat="")
    assert answer.status_code == 400
    assert "还差一点" in answer.text
    assert "请选一个数" in answer.text
    (kept,) = [row for row in rows(asked, Answer) if row.values]
    assert kept.values == {"speed": 4}


@pytest.mark.parametrize("fields", [{}, {"solved": "maybe"}, {"x" * 60: "y"}, {"solved": ""}])
def test_a_form_without_an_answer_records_nothing(asked, browser, fields):
    before = asked.stored()
    assert send(browser, link(asked), **fields).status_code == 400
    assert asked.stored() == before


@pytest.mark.parametrize(
    ("spoil", "says"),
    [("/s/short", "不完整"), (f"/s/{'A' * 22}", "没有发出过"), ("{}x", "没有发出过")],
)
def test_a_forged_or_broken_link_is_told_so_kindly(asked, browser, spoil, says):
    address = spoil.format(link(asked))
    before = asked.stored()
    for answer in (browser.get(address), send(browser, address, solved="yes")):
        assert (answer.status_code, says in answer.text) == (410, True)
    assert asked.stored() == before


def test_a_foreign_link_opens_no_survey(asked, browser):
    opt_out = link(asked, "o").replace("/o/", "/s/")
    assert "另作他用" in browser.get(opt_out).text


def test_after_its_end_nothing_is_taken(asked, browser):
    address = link(asked)
    asked.later(days=15)
    answer = send(browser, address, solved="yes")
    assert (answer.status_code, "填写时间已过" in answer.text) == (410, True)
    assert rows(asked, Answer) == []


def test_reopened_before_the_answer_the_link_is_void_and_a_second_handling_asks_anew(asked, browser):
    """Chatwoot 4526, 10628."""
    first = link(asked)
    asked.happens(asked.number, EventKind.REOPENED)
    asked.later(minutes=20)
    sweep(asked)
    assert "已经取消" in browser.get(first).text
    asked.later(hours=1)
    asked.happens(asked.number, EventKind.HANDLED)
    asked.later(hours=22)  # one letter a day: the next morning
    sweep(asked)
    assert link(asked) != first
    assert browser.get(link(asked)).status_code == 200


def test_one_press_and_a_confirmation_end_the_asking_and_it_can_be_taken_back(asked, browser):
    address = link(asked, "o")
    assert "确认退订" in browser.get(address).text
    for _ in range(2):
        assert send(browser, address).status_code == 303
    assert [row.until for row in rows(asked, OptOut)] == [None]
    assert "已退订" in browser.get(address).text
    asked.later(hours=49)
    sweep(asked)
    assert asked.letters == []
    send(browser, address, again="yes")
    assert [row.until is None for row in rows(asked, OptOut)] == [False]


def test_too_many_answers_in_a_minute_are_put_off(asked, browser):
    codes = [send(browser, link(asked), solved="yes").status_code for _ in range(40)]
    assert codes[0] == 303
    assert codes[-1] == 429
    assert len(rows(asked, Answer)) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://[::1", "", "//127.0.0.1:8700"])
def test_another_site_cannot_answer(asked, browser, origin):
    answer = browser.send("POST", link(asked), data={"solved": "yes"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert rows(asked, Answer) == []


def test_in_english_it_asks_the_same(asked, browser):
    page = browser.get(f"{link(asked)}?lang=en").text
    for words in ("Has your problem been solved?", "Yes", "No", "Send"):
        assert words in page


def test_whoever_chose_english_stays_with_it(asked, browser):
    """The page keeps no cookie: the form itself says in which language it is."""
    address = link(asked)
    action = re.findall(r'action="([^"]+)"', browser.get(f"{address}?lang=en").text)[0]
    done = send(browser, action, solved="yes").headers["location"]
    assert "Thank you" in browser.get(done).text
    assert "Change" in browser.get(done).text
