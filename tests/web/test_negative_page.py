"""The shared board and the forms that move a bad answer on: from the answer to the letter in the mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bihuan.notify.gateway import AppriseGateway
from bihuan.services.deadline import check_all
from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.store.queries.outbox import audit
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway, SmtpServer
from schemas.access import Role
from schemas.complaint import ComplaintEvent, CustomerIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice
from schemas.survey import Answer, Review

WANG = CustomerIn(external_id="wang", name="王女士", contact_url="json://hooks.example.com/customer")
LINK = re.compile(r"/([sa])/[\w-]{22}(?![\w-])")
PLAN, DONE = "今天由主管致电，三天内换新", "主管已致电道歉，新机已换好"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def unhappy(office: Any, browser: Any) -> Any:
    """A complaint whose complainant said on Wednesday morning that they are not satisfied; the handler was told."""
    office.reach("li")
    office.number = office.complaint(customer=WANG)
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED)
    sweep(office)
    office.later(hours=48)
    sweep(office)
    answers(office, browser, csat="1", nps="3", why_low="slow", suggestion="快一点")
    sweep(office)
    return office


def sweep(office: Any, gateway: Any = None) -> Any:
    """What the schedule does: ask, decide what is late, and send; the letters are kept."""
    office.mail = gateway or getattr(office, "mail", None) or RecordingGateway()
    follow_up(office.db, office.policy, office.settings, office.at)
    check_all(office.db, office.policy, office.at)
    deliver_all(office.db, office.mail, office.settings, office.clock, contact=office.policy.survey.contact)
    return office.mail


def links(office: Any, kind: str) -> list[str]:
    """The addresses of that kind in the letters so far, oldest first."""
    bodies = (letter.body for _, letter in office.mail.sent)
    return [one[0] for body in bodies for one in LINK.finditer(body) if one[1] == kind]


def answers(office: Any, browser: Any, **fields: str) -> None:
    form = {"Origin": browser.address, "Content-Type": "application/x-www-form-urlencoded"}
    sent = browser.send("POST", links(office, "s")[-1], content=urlencode(fields), headers=form)
    assert sent.status_code == 303


def rows(office: Any, table: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))


def of(office: Any, kind: EventKind) -> list[Any]:
    return [row for row in rows(office, ComplaintEvent) if row.kind is kind]


def deadline(office: Any, milestone: str) -> Any:
    return next(row for row in rows(office, Deadline) if row.milestone == milestone)


def press(browser: Any, **fields: str) -> Any:
    """Fill in a form of the board."""
    return browser.submit("/negative", "/negative", **fields)


# --- the whole way, to the mailbox ---


@pytest.fixture
def post() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def test_from_the_bad_answer_to_the_letter_in_the_mailbox(office: Any, browser: Any, post: SmtpServer) -> None:
    """A bad answer, the notice, a plan, what was done, the letter by SMTP, told: both deadlines met."""
    account = SecretStr(f"mailto://clerk:open-sesame@127.0.0.1:{post.port}/?from=bihuan@example.com")
    office.settings = office.settings.model_copy(update={"mail_url": account, "allow_private_targets": True})
    gateway = AppriseGateway(office.settings)
    office.reach("li")
    office.number = office.complaint(
        customer=CustomerIn(external_id="w", name="王女士", contact_url="mailto:wang@example.com")
    )
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED)
    office.mail = RecordingGateway()
    sweep(office)
    office.later(hours=48)
    sweep(office)
    answers(office, browser, csat="1", suggestion="快一点")
    sweep(office)
    by_link = links(office, "a")[-1]
    message = re.search(r'name="message" value="(\d+)"', browser.get(by_link).text)[1]
    form = {"message": message, "act": "take_on", "plan": PLAN}
    for _ in range(2):
        done = browser.send("POST", by_link, data=form, headers={"Origin": browser.address})
        assert done.headers["location"] == f"{by_link}?done=take_on"
    assert "已承接" in browser.get(f"{by_link}?done=take_on").text
    office.later(hours=24)
    assert press(browser, number=office.number, kind="negative_resolved", result=DONE).status_code == 303
    sweep(office, gateway)
    (mail,) = post.messages
    assert mail["To"] == "wang@example.com"
    assert office.number in str(mail["Subject"])
    assert DONE in mail.get_body().get_content()
    assert [row.data for row in of(office, EventKind.NEGATIVE_TAKEN_ON)] == [{"plan": PLAN}]
    assert [row.data for row in of(office, EventKind.NEGATIVE_TOLD)] == [{"way": "letter"}]
    for milestone in ("negative_taken_on", "negative_told"):
        row = deadline(office, milestone)
        assert (row.met_at is not None and row.met_at <= row.due_at, row.breached_at) == (True, None)
    with office.db.read() as session:
        assert audit(session, ZoneInfo("Asia/Shanghai")).holds
    assert "已告知投诉者" in browser.get("/negative?state=done").text


# --- what the board shows ---


def test_the_board_says_who_said_what_by_when_and_how_far_it_is(unhappy: Any, browser: Any) -> None:
    zh, en = (browser.get(f"/negative?lang={language}").text for language in ("zh", "en"))
    for words in (unhappy.number, "屏幕碎了", "产品部", "满意度 1 / 5", "推荐 3 / 10", "处理太慢", "“快一点”", "待承接",
                  "负面反馈承接 · 还剩 2 天", "负面反馈答复 · 还剩"):  # fmt: skip
        assert words in zh
    for words in ("Product", "Satisfaction 1 of 5", "It took too long", "Not taken on", "2 d left"):
        assert words in en
    press(browser, number=unhappy.number, kind="negative_taken_on", plan=PLAN)
    page = browser.get("/negative?lang=zh").text
    assert (PLAN in page, "已承接，处理中" in page, "按时达成" in page) == (True, True, True)
    unhappy.later(days=20)
    assert "负面反馈答复 · 已超时" in browser.get("/negative?state=overdue").text


def test_looking_records_nothing(unhappy: Any, browser: Any) -> None:
    before = unhappy.stored()
    for path in ("/negative", "/negative?state=done", "/negative?state=", "/negative?department=product"):
        assert browser.get(path).status_code == 200
        assert browser.send("HEAD", path).status_code == 200
    assert unhappy.stored() == before


def test_it_is_narrowed_and_what_it_does_not_know_is_refused(unhappy: Any, browser: Any) -> None:
    for query, is_there in (("", True), ("?department=product", True), ("?department=service", False),
                            ("?state=done", False), ("?state=overdue", False), ("?state=", True)):  # fmt: skip
        listed = browser.get(f"/negative{query}").text.split('id="review"')[0]
        assert (f'href="/complaints/{unhappy.number}"' in listed) is is_there, query
    for query in ("?state=nice", "?after=x", "?after=-1"):
        assert browser.get(f"/negative{query}").status_code == 400


def test_the_board_is_linked_from_the_front_page_and_from_the_complaint(unhappy: Any, browser: Any) -> None:
    for path in ("/", f"/complaints/{unhappy.number}"):
        assert 'href="/negative"' in browser.get(path).text
    assert 'href="/negative"' not in browser.get(f"/complaints/{unhappy.complaint()}").text


def test_whoever_has_no_contact_is_to_be_called(office: Any, browser: Any) -> None:
    number = office.complaint()
    for kind in (EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE):
        office.later(minutes=1)
        office.happens(number, kind)
    page = browser.get("/negative").text
    assert ('value="negative_resolved"' in page, 'value="negative_told"' in page) == (False, True)
    press(browser, number=number, kind="negative_resolved", result=DONE)
    assert "没有联系方式：请打电话" in browser.get("/negative").text
    assert press(browser, number=number, kind="negative_told", result=DONE).status_code == 303
    assert number not in browser.get("/negative").text.split('id="review"')[0]


# --- its forms ---


@pytest.mark.parametrize(("fields", "says"), [
    ({"kind": "negative_taken_on", "plan": "  "}, "请写明打算怎样处理"),
    ({"kind": "negative_taken_on", "plan": "长" * 501}, "缩短到 500 字以内"),
    ({"kind": "negative_resolved", "result": ""}, "请写明做了什么"),
    ({"kind": "negative_told"}, "请写明做了什么"),
])  # fmt: skip
def test_without_words_nothing_is_recorded_and_the_page_says_so(
    unhappy: Any, browser: Any, fields: dict[str, str], says: str
) -> None:
    before = unhappy.stored()
    answer = press(browser, number=unhappy.number, **fields)
    assert (answer.status_code, says in answer.text, unhappy.stored() == before) == (400, True, True)


def test_a_form_sent_twice_records_once(unhappy: Any, browser: Any) -> None:
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', browser.get("/negative").text))
    form = hidden | {"number": unhappy.number, "kind": "negative_resolved", "result": DONE}
    for _ in range(2):
        assert browser.send("POST", "/negative", data=form, headers={"Origin": browser.address}).status_code == 303
    assert len(of(unhappy, EventKind.NEGATIVE_RESOLVED)) == 1
    assert [row.notice for row in rows(unhappy, Message)].count(Notice.NEGATIVE_TOLD) == 1


def test_what_was_answered_meanwhile_is_not_answered_again(unhappy: Any, browser: Any) -> None:
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', browser.get("/negative").text))
    unhappy.happens(unhappy.number, EventKind.NEGATIVE_TOLD, way="phone")
    said = form | {"kind": "negative_resolved", "result": DONE}
    answer = browser.send("POST", "/negative", data=said, headers={"Origin": browser.address})
    assert (answer.status_code, "没有等待答复的负面反馈" in answer.text) == (409, True)


@pytest.mark.parametrize("fields", [
    {"kind": "handled"}, {"kind": "exploded"}, {}, {"verdict": "maybe", "answer": "1", "revision": "1"},
    {"verdict": "negative", "answer": "x", "revision": "1"}, {"verdict": "negative"},
])  # fmt: skip
def test_what_no_form_of_the_board_says_is_refused(unhappy: Any, browser: Any, fields: dict[str, str]) -> None:
    before = unhappy.stored()
    assert press(browser, number=unhappy.number, **fields).status_code == 400
    assert press(browser, number="20990101-000001", kind="negative_taken_on", plan="x").status_code == 404
    assert unhappy.stored() == before


def test_another_site_cannot_use_its_forms(unhappy: Any, browser: Any) -> None:
    answer = browser.send("POST", "/negative", data={"number": unhappy.number, "kind": "negative_told", "result": "x"})
    assert answer.status_code == 403
    assert of(unhappy, EventKind.NEGATIVE_TOLD) == []


def test_hostile_text_comes_back_as_text(unhappy: Any, browser: Any) -> None:
    answers(unhappy, browser, csat="1", suggestion=EVIL)
    press(browser, number=unhappy.number, kind="negative_taken_on", plan=EVIL)
    press(browser, number=unhappy.number, kind="negative_resolved", result=EVIL)
    for path in ("/negative", f"/complaints/{unhappy.number}", links(unhappy, "a")[-1]):
        page = browser.get(path).text
        assert ("<script" in page, "<img src=x" in page) == (False, False)


def test_what_staff_took_down_of_it_is_on_the_board(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(minutes=1)
    office.happens(number, EventKind.HANDLED)
    office.later(minutes=1)
    office.happens(number, EventKind.ANSWERED_NEGATIVE, note="电话里说还是不满意")
    assert "电话里说还是不满意" in browser.get("/negative").text


def test_the_complaint_shows_the_plan_and_the_words(unhappy: Any, browser: Any) -> None:
    press(browser, number=unhappy.number, kind="negative_taken_on", plan=PLAN)
    page = browser.get(f"/complaints/{unhappy.number}").text
    assert ("“快一点”" in page, "由 投诉者" in page) == (True, True)
    assert PLAN in page[page.index('<ol class="line">') :]
    press(browser, number=unhappy.number, kind="negative_resolved", result=DONE)
    page = browser.get(f"/complaints/{unhappy.number}").text
    assert f">{DONE}</textarea>" in page  # to be corrected until it has gone out


def test_why_it_is_due_is_explained(unhappy: Any, browser: Any) -> None:
    page = browser.get(f"/complaints/{unhappy.number}/explain").text
    for words in ("负面反馈承接", "负面反馈答复", "由“收到负面反馈”起算", "milestones.negative_taken_on"):
        assert words in page


# --- by the private link ---


def act(browser: Any, address: str, **fields: str) -> Any:
    message = re.search(r'name="message" value="(\d+)"', browser.get(address).text)[1]
    return browser.send("POST", address, data={"message": message, **fields}, headers={"Origin": browser.address})


def test_the_link_of_the_notice_takes_it_on_and_answers_it(unhappy: Any, browser: Any) -> None:
    address = links(unhappy, "a")[-1]
    page = browser.get(address).text
    assert ("负面反馈承接" in page, "还剩 2 天" in page, "已结束" in page) == (True, True, False)
    assert ("“快一点”" in page, "满意度 1 / 5" in page, "处理太慢" in page) == (True, True, True)
    refused = act(browser, address, act="take_on", plan=" ")
    assert (refused.status_code, "没有承接：请写明打算怎样处理" in refused.text) == (400, True)
    act(browser, address, act="take_on", plan=PLAN)
    (event,) = of(unhappy, EventKind.NEGATIVE_TAKEN_ON)
    assert (event.actor, event.data) == ("li", {"plan": PLAN})
    page = browser.get(address).text
    assert ('name="plan"' in page, 'name="result"' in page) == (False, True)
    refused = act(browser, address, act="answer", result="")
    assert (refused.status_code, "请写明做了什么" in refused.text) == (400, True)
    done = act(browser, address, act="answer_by_phone", result=DONE)
    assert done.headers["location"] == f"{address}?done=answer_by_phone"
    assert 'name="result"' not in browser.get(address).text
    assert deadline(unhappy, "negative_told").met_at == unhappy.at


def test_the_link_of_a_late_notice_answers_it_too(unhappy: Any, browser: Any) -> None:
    unhappy.at = deadline(unhappy, "negative_told").due_at
    unhappy.later(minutes=1)
    sweep(unhappy)
    page = browser.get(links(unhappy, "a")[-1]).text
    assert page.count('name="plan"') + page.count('name="result"') >= 1


# --- review ---


@pytest.fixture
def praised(office: Any, browser: Any) -> Any:
    """An answer with a high score and words against it."""
    office.number = office.complaint(customer=WANG)
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED)
    sweep(office)
    office.later(hours=48)
    sweep(office)
    answers(office, browser, csat="5", suggestion="态度很好，但问题没有解决")
    return office


def verdict(browser: Any, word: str) -> Any:
    return browser.submit("/negative", "/negative", verdict=word)


def test_a_text_under_review_is_shown_and_judged_with_one_press(praised: Any, browser: Any) -> None:
    page = browser.get("/negative").text
    review = page[page.index('id="review"') :]
    assert ("“态度很好，但问题没有解决”" in review, "满意度 5 / 5" in review) == (True, True)
    assert verdict(browser, "negative").headers["location"] == "/negative?done=negative"
    (answer,) = rows(praised, Answer)
    assert (answer.review, answer.reviewed_by, answer.reviewed_at) == (Review.NEGATIVE, "web", praised.at)
    assert len(of(praised, EventKind.ANSWERED_NEGATIVE)) == 1
    page = browser.get("/negative").text
    assert "待承接" in page
    assert "没有您要复核的文字" in page


def test_a_verdict_sent_twice_counts_once_and_another_is_refused(praised: Any, browser: Any) -> None:
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', browser.get("/negative").text))
    sent = [browser.send("POST", "/negative", data=form | {"verdict": word}, headers={"Origin": browser.address})
            for word in ("dismissed", "dismissed", "negative")]  # fmt: skip
    assert [one.status_code for one in sent] == [303, 303, 409]
    assert "已由他人复核" in sent[-1].text
    assert of(praised, EventKind.ANSWERED_NEGATIVE) == []


@pytest.mark.parametrize(("code", "roles", "sees"), [
    ("li", (), True), ("zhao", (), False), ("zhao", (Role.QUALITY_MANAGER,), True), ("zhao", (Role.OPERATOR,), False),
])  # fmt: skip
def test_quality_managers_and_the_department_judge_and_nobody_else(
    praised: Any, browse_other: Any, code: str, roles: tuple[Role, ...], sees: bool
) -> None:
    praised.roles(code, *roles)
    browser, named = browse_other(sign_in="proxy"), {"X-Forwarded-User": code}
    page = browser.get("/negative", **named).text
    assert ("态度很好，但问题没有解决" in page[page.index('id="review"') :]) is sees
    token = re.search(r'name="token" value="([^"]+)"', browser.get("/complaints/new", **named).text)[1]
    (row,) = rows(praised, Answer)
    form = {"token": token, "answer": str(row.id), "revision": "1", "verdict": "negative"}
    sent = browser.send("POST", "/negative", data=form, headers={"Origin": browser.address, **named})
    (row,) = rows(praised, Answer)
    assert (sent.status_code, row.reviewed_by) == ((303, code) if sees else (403, ""))
    assert len(of(praised, EventKind.ANSWERED_NEGATIVE)) == int(sees)


def test_the_plate_says_how_many_texts_wait_for_its_reader(praised: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="proxy")
    for code, is_told in (("li", True), ("zhao", False)):
        assert ("1 份答卷的文字待您复核" in browser.get("/plate", **{"X-Forwarded-User": code}).text) is is_told


def test_the_plate_has_the_bad_answer_until_it_is_taken_on(unhappy: Any, browse_other: Any) -> None:
    browser, named = browse_other(sign_in="proxy"), {"X-Forwarded-User": "li"}
    page = browser.get("/plate", **named).text
    assert ("负面反馈承接" in page, 'name="plan"' in page) == (True, True)
    unhappy.happens(unhappy.number, EventKind.NEGATIVE_TAKEN_ON, plan=PLAN)
    assert 'name="plan"' not in browser.get("/plate", **named).text


def test_ones_own_department_stands_first(unhappy: Any, browser: Any, browse_other: Any) -> None:
    other = unhappy.complaint("没人回电", customer=CustomerIn(external_id="z"), department="service", kind=None)
    for kind in (EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE):
        unhappy.later(minutes=1)
        unhappy.happens(other, kind)
    assert other in browser.get("/negative").text
    page = browse_other(sign_in="proxy").get("/negative", **{"X-Forwarded-User": "li"}).text
    assert page.index(unhappy.number) < page.index(other)
