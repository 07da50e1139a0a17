"""Everything on one's plate: what somebody was told of and handles, what is done about it there, and by nobody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.services.deadline import check_all
from bihuan.services.outbox import deliver_all
from bihuan.settings import Settings
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from bihuan.web.app import create_app
from schemas.access import Role
from schemas.complaint import EventKind
from schemas.outbox import Message, Notice

ADDRESS = "http://bihuan.example:8700"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "installation", web_url=ADDRESS, sign_in="link")


@pytest.fixture
def mail() -> RecordingGateway:
    return RecordingGateway()


@pytest.fixture
def app(office: Any, mail: RecordingGateway) -> Any:
    return create_app(office.settings, office.db, office.policy, office.clock, lambda: mail)


@pytest.fixture
def overdue(office: Any) -> Any:
    """Two complaints whose first response is overdue, one of each handler; both handlers were told."""
    for code in ("li", "wang", "zhao"):
        office.reach(code)
    office.numbers = [office.complaint("屏幕碎了"), office.complaint("没人回电")]
    office.later(hours=2, minutes=1)
    check_all(office.db, office.policy, office.at)
    deliver_all(office.db, RecordingGateway(), office.settings, office.clock)
    return office


def enter(browser: Any, mail: RecordingGateway, code: str) -> Any:
    """Sign in by the link that was sent; the page one lands on."""
    browser.submit("/sign-in", "/sign-in", code=code)
    path = re.findall(rf"{ADDRESS}(/sign-in/\S+)", mail.sent[-1][1].body)[0]
    return browser.get(browser.submit(path, path).headers["location"])


def press(browser: Any, page: str, act: str, **fields: str) -> Any:
    """Press a button of the first matter on the plate."""
    hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("token", "message")}
    return browser.send("POST", "/plate", data={**hidden, "act": act, **fields}, headers={"Origin": browser.address})


def rows(office: Any, table: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))


def test_after_signing_in_people_see_their_own_plate_and_nobody_else_s(overdue, browse, mail):
    handlers = {code: enter(browse(), mail, code).text for code in ("li", "wang")}
    titles = ("屏幕碎了", "没人回电")
    shown = {code: [title in page for title in titles] for code, page in handlers.items()}
    assert sorted(shown.values()) == [[False, True], [True, False]]
    assert enter(browse(), mail, "zhao").text.count("没有需要您处理的事项") == 1


def test_a_matter_told_twice_stands_there_once_and_goes_when_it_ends(overdue, browse, mail):
    browser = browse()
    page = enter(browser, mail, "li").text
    assert page.count('name="act" value="acknowledge"') == 1
    number = next(number for number in overdue.numbers if number in page)
    overdue.happens(number, EventKind.RESPONDED)
    page = browser.get("/plate").text
    assert 'name="act"' not in page
    assert number in page, "it is still theirs to handle"
    overdue.happens(number, EventKind.HANDLED)
    assert number not in browser.get("/plate").text


def test_what_is_done_there_bears_the_person_s_name(overdue, browse, mail):
    browser = browse()
    page = enter(browser, mail, "li").text
    assert press(browser, page, "acknowledge").headers["location"] == "/plate?done=stopped"
    assert press(browser, page, "hand_over", to="wang").headers["location"] == "/plate?done=hand_over"
    handed = next(row for row in rows(overdue, Message) if row.notice is Notice.HANDED_OVER)
    assert handed.recipient != rows(overdue, Message)[0].recipient


def test_what_makes_no_sense_is_refused_on_the_plate(overdue, browse, mail):
    browser = browse()
    page = enter(browser, mail, "li").text
    answer = press(browser, page, "cannot", reason=" ")
    assert (answer.status_code, "没有提交" in answer.text) == (400, True)


def test_nobody_acts_on_what_was_told_to_another(overdue, browse, mail):
    """The form of one, with the number of another's message."""
    mine, other = browse(), browse()
    enter(mine, mail, "li")
    theirs = enter(other, mail, "wang").text
    message = re.search(r'name="message" value="(\d+)"', theirs)[1]
    token = re.search(r'name="token" value="([^"]*)"', mine.get("/plate").text)[1]
    before = rows(overdue, Message)
    answer = mine.send("POST", "/plate", data={"token": token, "message": message, "act": "acknowledge"},
                       headers={"Origin": mine.address})  # fmt: skip
    assert answer.status_code == 400
    assert rows(overdue, Message) == before


def test_without_a_genuine_form_nothing_is_done(overdue, browse, mail):
    browser = browse()
    enter(browser, mail, "li")
    answer = browser.send("POST", "/plate", data={"message": "1", "act": "acknowledge"},
                          headers={"Origin": browser.address})  # fmt: skip
    assert answer.status_code == 403


@pytest.fixture
def app_without_sign_in(office: Any) -> Any:
    settings = office.settings.model_copy(update={"sign_in": "off"})
    return create_app(settings, office.db, office.policy, office.clock)


def test_where_nobody_signs_in_there_is_no_plate(app_without_sign_in, browse):
    browser = browse()
    browser.app = app_without_sign_in
    assert browser.get("/plate").status_code == 404


def test_the_menu_leads_there(overdue, browse, mail):
    overdue.roles("li", Role.OPERATOR)
    assert '<a href="/plate" aria-current="page">我的待办</a>' in enter(browse(), mail, "li").text
