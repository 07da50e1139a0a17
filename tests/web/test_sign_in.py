"""Signing in through the pages: nobody learns whom we know, a link needs a button, and what is over stays over."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bihuan.notify.words import LANGUAGES, words
from bihuan.services.link import Refusal
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries import complaint as queries
from bihuan.testing import RecordingGateway
from bihuan.web.access import SESSION_COOKIE
from bihuan.web.app import create_app
from bihuan.web.security import FORM_COOKIE
from bihuan.web.sign_in import NEXT_COOKIE
from bihuan.web.throttle import ADDRESSES, Throttle
from schemas.access import Role, SignInSession
from schemas.complaint import EventKind
from schemas.outbox import DeliveryAttempt, Message, MessageState
from schemas.people import Staff

KNOWN = "http://bihuan.example:8700"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: services are tested on both."""
    return sqlite_url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "installation", web_url=KNOWN, sign_in="link")


@pytest.fixture
def mail(office: Any) -> RecordingGateway:
    """Where links go; Wang can be reached, Li cannot."""
    office.reach("wang")
    office.roles("wang", Role.OPERATOR)
    return RecordingGateway()


@pytest.fixture
def app(office: Any, mail: RecordingGateway) -> Any:
    return create_app(office.settings, office.db, office.policy, office.clock, lambda: mail)


def ask(browser: Any, code: str = "wang", page: str = "/sign-in") -> Any:
    return browser.submit(page, "/sign-in", code=code)


def link(mail: RecordingGateway) -> str:
    """The path of the link that was sent last."""
    found = re.findall(rf"{KNOWN}(/sign-in/\S+)", mail.sent[-1][1].body)
    assert len(found) == 1
    return str(found[0])


def signed_in(browser: Any, mail: RecordingGateway, code: str = "wang", page: str = "/sign-in") -> Any:
    ask(browser, code, page)
    return browser.submit(link(mail), link(mail))


def messages(office: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(Message.__table__)))


def test_whoever_has_not_signed_in_is_asked_to_and_then_sees_what_was_wished_for(
    office: Any, browser: Any, mail: Any
) -> None:
    number = office.complaint()
    answer = browser.get(f"/complaints/{number}?done=handled")
    assert (answer.status_code, answer.headers["location"]) == (
        303, f"/sign-in?next=%2Fcomplaints%2F{number}%3Fdone%3Dhandled",
    )  # fmt: skip
    entered = signed_in(browser, mail, page=answer.headers["location"])
    assert (entered.status_code, entered.headers["location"]) == (303, f"/complaints/{number}?done=handled")
    page = browser.get(f"/complaints/{number}").text
    assert "Wang 处理" in page
    assert "所有登录的员工" in page


@pytest.mark.parametrize("wish", [
    "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "/sign-in",
    "/sign-out/everywhere", "evil", "/é", "",
])  # fmt: skip
def test_a_wish_for_another_site_leads_to_the_board(browser: Any, mail: Any, wish: str) -> None:
    browser.get("/sign-in")
    ask_with = {"next": wish, "code": "wang"}
    browser.submit("/sign-in", "/sign-in", **ask_with)
    assert NEXT_COOKIE not in browser.cookies
    browser.cookies.set(NEXT_COOKIE, wish.encode("ascii", "ignore").decode(), domain="127.0.0.1")
    assert browser.submit(link(mail), link(mail)).headers["location"] in {"/plate", "/"}


def test_known_and_unknown_are_answered_alike(office: Any, browse: Callable[..., Any], mail: Any) -> None:
    answers = {}
    for code in ("wang", "li", "nobody", "x" * 300, "<b>"):
        browser = browse()
        sent = ask(browser, code)
        answers[code] = (sent.status_code, sent.headers["location"], sorted(sent.headers), browser.get(
            sent.headers["location"]).text)  # fmt: skip
    tokens = re.compile(r'value="[0-9a-f]{64}"')
    assert len({(status, place, tuple(names), tokens.sub("", text))
                for status, place, names, text in answers.values()}) == 1  # fmt: skip
    assert "如果我们认识您，登录链接已在路上，15 分钟内有效。" in answers["nobody"][3]
    assert len(mail.sent) == 1


def test_the_answer_goes_out_before_anybody_is_looked_up(office: Any, app: Any, browser: Any, mail: Any) -> None:
    """What takes its time for those we know happens once the answer is on its way."""
    order: list[str] = []
    app.state.site.__dict__["open_gateway"] = lambda: order.append("sent") or mail

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            order.append(message["type"])
            await send(message)

        await app(scope, receive, noted)

    token = re.findall(r'name="token" value="(\w+)"', browser.get("/sign-in").text)[0]
    browser.app = noting
    browser.send("POST", "/sign-in", data={"token": token, "code": "wang"})
    assert order == ["http.response.start", "http.response.body", "sent"]


def test_a_link_needs_its_button_and_works_once(office: Any, browse: Callable[..., Any], mail: Any) -> None:
    mine, scanner = browse(), browse()
    ask(mine)
    path = link(mail)
    page = scanner.get(path)
    assert page.status_code == scanner.send("HEAD", path).status_code == 200
    assert "以 W** 的身份登录？" in page.text
    assert "Wang 处理" not in page.text
    assert SESSION_COOKIE not in scanner.cookies
    assert mine.submit(path, path).status_code == 303
    again = mine.get(path)
    assert (again.status_code, "这个链接已经用过" in again.text) == (410, True)
    assert scanner.submit("/sign-in", path).status_code == 410


def test_a_link_is_not_used_by_a_form_of_another_site(browser: Any, mail: Any) -> None:
    ask(browser)
    for data in ({"x": "1"}, {"token": "0" * 64}):
        assert browser.send("POST", link(mail), data=data).status_code == 403
    assert browser.submit(link(mail), link(mail)).status_code == 303


def test_what_opens_nothing_says_why_and_offers_another(office: Any, browser: Any, mail: Any) -> None:
    ask(browser)
    path = link(mail)
    office.later(minutes=16)
    forged = f"/sign-in/{'A' * 22}"
    for bad, status, said in ((path, 410, "已经过期"), (path[:-1], 404, "不完整"), (forged, 404, "没有发出过这个链接")):
        for answer in (browser.get(bad), browser.submit("/sign-in", bad)):
            assert (answer.status_code, said in answer.text, 'href="/sign-in"' in answer.text) == (status, True, True)


def test_every_refusal_has_its_words_in_both_languages(browser: Any) -> None:
    assert [why for why in Refusal for language in LANGUAGES if why not in words(language)["link"]] == []


def test_the_session_s_cookie_is_for_us_alone_and_for_twelve_hours(browse: Callable[..., Any], mail: Any) -> None:
    for address, is_secure in (("http://127.0.0.1:8700", False), ("https://127.0.0.1:8700", True)):
        browser = browse(address)
        cookie = next(
            line.lower() for line in signed_in(browser, mail).headers.get_list("set-cookie") if SESSION_COOKIE in line
        )
        assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age=43200"))
        assert ("secure" in cookie) == is_secure
        assert len(browser.cookies[SESSION_COOKIE]) >= 32


def test_behind_a_certificate_cookies_are_secure_even_where_the_proxy_does_not_say_so(browse_other: Any) -> None:
    browser = browse_other("http://bihuan.example", web_url="https://bihuan.example")
    assert "secure" in browser.get("/sign-in").headers["set-cookie"].lower()


def test_a_session_that_somebody_planted_is_not_taken_over(office: Any, browse: Callable[..., Any], mail: Any) -> None:
    attacker, victim = browse(), browse()
    signed_in(attacker, mail)
    planted = attacker.cookies[SESSION_COOKIE]
    victim.get("/sign-in")
    form = victim.cookies[FORM_COOKIE]
    victim.cookies.set(SESSION_COOKIE, planted, domain="127.0.0.1")
    ask_path = link(mail)
    office.later(minutes=1)
    ask(browse())
    assert link(mail) != ask_path
    victim.submit(link(mail), link(mail))
    mine = {cookie.value for cookie in victim.cookies.jar if cookie.name == SESSION_COOKIE}
    assert mine != {planted}
    assert attacker.get("/").status_code == 303, "the session that was brought along has ended"
    assert form not in {cookie.value for cookie in victim.cookies.jar if cookie.name == FORM_COOKIE}


@pytest.mark.parametrize("value", ["", "x", "é", "x" * 4000, "0" * 43])
def test_a_cookie_that_is_none_of_ours_is_nobody(browser: Any, mail: Any, value: str) -> None:
    header = {"Cookie": f"{SESSION_COOKIE}={value}".encode()}
    assert browser.send("GET", "/", headers=header).status_code == 303


def test_signing_out_ends_this_browser_and_everywhere_all(browse: Callable[..., Any], mail: Any) -> None:
    here, there, third = browse(), browse(), browse()
    for browser in (here, there, third):
        signed_in(browser, mail)
    kept = here.cookies[SESSION_COOKIE]
    assert here.submit("/", "/sign-out").headers["location"] == "/sign-in"
    assert SESSION_COOKIE not in here.cookies
    here.cookies.set(SESSION_COOKIE, kept, domain="127.0.0.1")
    assert [browser.get("/").status_code for browser in (here, there, third)] == [303, 200, 200]
    there.submit("/sign-out", "/sign-out/everywhere")
    assert [browser.get("/").status_code for browser in (there, third)] == [303, 303]


def test_signing_out_takes_a_form_of_ours(browser: Any, mail: Any) -> None:
    signed_in(browser, mail)
    for path in ("/sign-out", "/sign-out/everywhere"):
        assert browser.send("POST", path, data={"token": "0" * 64}).status_code == 403
    assert browser.get("/").status_code == 200


def test_twelve_hours_are_not_stretched_by_use(office: Any, browser: Any, mail: Any) -> None:
    signed_in(browser, mail)
    for hours in (6, 5.99):
        office.later(hours=hours)
        assert browser.get("/").status_code == 200
    office.later(hours=0.01)
    assert browser.get("/").status_code == 303


def test_who_is_no_longer_active_is_out_at_once(office: Any, browser: Any, mail: Any) -> None:
    signed_in(browser, mail)
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == "wang").values(is_active=False))
    assert browser.get("/").status_code == 303


def test_an_address_asks_for_twenty_links_a_minute_and_is_not_told(
    office: Any, browse: Callable[..., Any], mail: Any
) -> None:
    browser, other = browse(), browse("http://127.0.0.1:8700", "203.0.113.9")
    for _ in range(20):
        ask(browser, "nobody")
    answer = ask(browser)
    assert (answer.headers["location"], mail.sent) == ("/sign-in?sent=1", [])
    ask(other)
    assert len(mail.sent) == 1
    office.later(seconds=3)
    ask(browser)
    assert len(mail.sent) == 2


def test_a_person_gets_three_links_in_a_quarter_of_an_hour_and_the_fourth_is_not_told(
    office: Any, browser: Any, mail: Any
) -> None:
    answers = {ask(browser).headers["location"] for _ in range(5)}
    assert (answers, len(mail.sent), len(messages(office))) == ({"/sign-in?sent=1"}, 3, 3)


def test_addresses_are_counted_apart_and_only_so_many_are_remembered(office: Any) -> None:
    throttle = Throttle(2)
    assert [throttle.admits("a", office.at) for _ in range(3)] == [True, True, False]
    assert throttle.admits("b", office.at)
    assert throttle.admits("a", office.at + timedelta(seconds=30))
    assert not throttle.admits("a", office.at + timedelta(seconds=30))
    for number in range(ADDRESSES + 10):
        throttle.admits(str(number), office.at)
    assert len(throttle._left) == ADDRESSES


def test_what_is_recorded_and_decided_bears_the_person_s_name(office: Any, browser: Any, mail: Any) -> None:
    number = office.complaint()
    signed_in(browser, mail)
    browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind=EventKind.HANDLED.value)
    page = browser.get(f"/complaints/{number}").text
    assert "由 Wang 处理" in page
    with office.db.read() as session:
        events = queries.events(session, queries.one(session, number).id)
    assert [event.actor for event in events if event.kind is EventKind.HANDLED] == ["wang"]


def test_a_decision_bears_the_name_of_who_signed_in_whatever_the_form_says(
    office: Any, browser: Any, mail: Any
) -> None:
    signed_in(browser, mail)
    unknown = messages(office)[0].id
    with office.db.write() as session:
        session.execute(update(Message).values(state=MessageState.UNKNOWN, next_at=None))
    page = browser.get("/outbox").text
    assert "由 Wang 处理 判断" in page
    assert 'name="who"' not in page
    browser.submit("/outbox", f"/outbox/{unknown}/decide", verdict="arrived", who="somebody else", how="电话")
    with office.db.read() as session:
        said = session.execute(select(DeliveryAttempt.error).order_by(DeliveryAttempt.id.desc())).scalars().first()
    assert said == "Wang 处理 (wang): 电话"


def test_the_person_s_own_language_and_zone_are_used_until_another_is_chosen(
    office: Any, browser: Any, mail: Any
) -> None:
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == "wang").values(language="en", timezone="Europe/Berlin"))
    signed_in(browser, mail)
    page = browser.get("/", **{"Accept-Language": "zh"}).text
    assert '<html lang="en">' in page
    assert "<option selected>Europe/Berlin</option>" in page
    page = browser.get("/?lang=zh&tz=UTC").text
    assert '<html lang="zh-CN">' in page
    assert "<option selected>UTC</option>" in page


def test_a_token_is_in_no_log_and_no_table(
    office: Any, browser: Any, mail: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(browser)
    path = link(mail)
    token = path.rpartition("/")[2]
    gone = Database(f"sqlite:///{office.settings.data_dir}/nowhere/none.db")
    with monkeypatch.context() as patched:
        patched.setitem(browser.app.state.site.__dict__, "db", gone)
        assert browser.get(path).status_code == 503
    browser.submit(path, path)
    # httpx is the browser here: what it logs is none of ours
    said = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name != "httpx")
    assert "/sign-in/***" in said
    assert token not in said
    assert browser.cookies[SESSION_COOKIE] not in said
    with office.db.read() as session:
        rows = repr([list(session.execute(select(table.__table__))) for table in (Message, SignInSession)])
    assert token not in rows
    assert browser.cookies[SESSION_COOKIE] not in rows


def test_the_database_gone_says_so_instead_of_promising_a_link(office: Any, browser: Any, mail: Any) -> None:
    browser.app.state.site.__dict__["db"] = Database(f"sqlite:///{office.settings.data_dir}/nowhere/none.db")
    assert browser.get("/sign-in").status_code == 503


@pytest.mark.parametrize("mode", ["off", "proxy"])
@pytest.mark.parametrize("path", ["/sign-in", f"/sign-in/{'A' * 22}"])
def test_without_links_there_is_no_door(browse_other: Any, mode: str, path: str) -> None:
    browser = browse_other(sign_in=mode)
    assert browser.get(path).status_code == 404
    assert browser.submit("/nope", path).status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_signing_in_is_whole_in_the_reader_s_language(office: Any, browser: Any, mail: Any, language: str) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]+")
    ask(browser)
    paths = [f"/sign-in?lang={language}", "/sign-in?sent=1", link(mail), "/sign-in/short", "/outbox"]
    pages = [browser.get(path).text for path in paths[:4]]
    signed_in(browser, mail)
    pages += [browser.get("/sign-out").text, browser.get("/").text]
    if language == "en":
        given = {"闭环", "中文", "处理", "服务部", "产品部"}
        assert set().union(*(chinese.findall(page) for page in pages)) <= given
    else:
        assert [page for page in pages if "Sign in" in page or "Staff code" in page] == []
