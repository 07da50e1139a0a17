"""The page behind a private link: looking changes nothing, the buttons act, and a link that does not open says why."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bihuan.notify.link import token_of
from bihuan.services.deadline import check_all
from bihuan.services.escalation import climb_all
from bihuan.services.link import NewLink, keep, revoke
from bihuan.services.outbox import deliver_all
from bihuan.services.people import save_staff
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.access import Link, Purpose
from schemas.complaint import EventKind
from schemas.escalation import Escalation, EscalationState
from schemas.outbox import Message, MessageState, Notice
from schemas.people import Staff, StaffIn

LINK = re.compile(r"/a/([\w-]{22})(?![\w-])")


@pytest.fixture
def told(office):
    """A complaint whose first response is overdue: the handler, who has a contact, was told by letter."""
    with office.db.write() as session:
        for code, is_head in (("li", False), ("head", True)):
            url = f"json://hooks.example.com/{code}"
            person = StaffIn(
                code=code, name=f"{code.title()} 处理", department="product", contact_url=url, is_head=is_head
            )
            save_staff(session, person, office.settings.secret_value())
        session.execute(update(Staff).where(Staff.code == "wang").values(is_active=False))
    office.number = office.complaint()
    office.later(hours=2, minutes=1)
    look(office)
    return office


def look(office) -> RecordingGateway:
    office.mail = RecordingGateway()
    check_all(office.db, office.policy, office.at)
    climb_all(office.db, office.policy, office.at)
    deliver_all(office.db, office.mail, office.settings, office.clock)
    return office.mail


def links(office) -> dict[str, str]:
    """The address of the link in the latest letter to each reader."""
    return {url.rpartition("/")[2]: LINK.search(letter.body)[0] for url, letter in office.mail.sent}


def rows(office, table):
    with office.db.read() as session:
        return session.execute(select(table_of(table)).order_by(table_of(table).c.id)).all()


def press(browser, address, **fields):
    return browser.send("POST", address, data=fields, headers={"Origin": browser.address})


def message_of(page: str) -> str:
    return re.search(r'name="message" value="(\d+)"', page)[1]


def test_looking_changes_nothing_whoever_looks_how_often(told, browser):
    """Mail scanners follow links: FreeScout 1743, Odoo PR 187373."""
    address, before = links(told)["li"], (told.stored(), rows(told, Escalation), rows(told, Message), rows(told, Link))
    for method in ("GET", "HEAD", "GET"):
        assert browser.send(method, address).status_code == 200
    assert (told.stored(), rows(told, Escalation), rows(told, Message), rows(told, Link)) == before


def test_the_page_shows_the_matter_why_it_is_overdue_and_who_else_was_told(told, browser):
    page = browser.get(links(told)["li"]).text
    for words in (
        "屏幕碎了",
        told.number,
        "首次响应",
        "Li 处理",
        "第 1 级",
        "未签收",
        "签收",
        "转交同事",
        "做不到",
        "deadline.yaml",
    ):
        assert words in page


def test_the_button_acknowledges_and_the_ladder_stops(told, browser):
    address = links(told)["li"]
    done = press(browser, address, message=message_of(browser.get(address).text), act="acknowledge")
    assert (done.status_code, done.headers["location"]) == (303, f"{address}?done=stopped")
    assert "已签收" in browser.get(done.headers["location"]).text
    assert {row.state for row in rows(told, Escalation) if row.acknowledged_at} == {EscalationState.ACKNOWLEDGED}


def test_pressed_twice_it_counts_once(told, browser):
    address = links(told)["li"]
    fields = {"message": message_of(browser.get(address).text), "act": "acknowledge"}
    press(browser, address, **fields)
    before = (told.stored(), rows(told, Escalation), rows(told, Message))
    told.later(minutes=1)
    press(browser, address, **fields)
    assert (told.stored(), rows(told, Escalation), rows(told, Message)) == before


def test_a_colleague_gets_it_with_a_link_of_their_own(told, browser):
    address = links(told)["li"]
    page = browser.get(address).text
    assert 'value="head"' in page
    assert 'value="li"' not in page
    done = press(browser, address, message=message_of(page), act="hand_over", to="head")
    assert done.headers["location"].endswith("?done=hand_over")
    mail = look(told)
    assert [letter.title.partition("】")[0] for _, letter in mail.sent] == ["【转交"]
    theirs = links(told)["head"]
    assert theirs != address
    assert browser.get(theirs).status_code == 200


def test_who_cannot_lets_the_next_rung_hear_the_reason_at_once(told, browser):
    address = links(told)["li"]
    press(browser, address, message=message_of(browser.get(address).text), act="cannot", reason="备件十天后才到")
    ((url, letter),) = look(told).sent
    assert url.endswith("/head")
    assert "备件十天后才到" in letter.body


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"act": "hand_over", "to": "li"}, "没有转交"),
        ({"act": "hand_over", "to": "nobody"}, "没有转交"),
        ({"act": "cannot", "reason": " "}, "没有提交"),
        ({"act": "dance"}, "没有保存"),
        ({"act": "acknowledge", "message": "999999"}, "没有保存"),
        ({"act": "acknowledge", "message": "x"}, "没有保存"),
    ],
)
def test_what_makes_no_sense_is_not_done_and_the_page_says_so(told, browser, fields, says):
    address = links(told)["li"]
    page = browser.get(address).text
    before = (told.stored(), rows(told, Escalation), rows(told, Link))
    answer = press(browser, address, **{"message": message_of(page), **fields})
    assert (answer.status_code, says in answer.text) == (400, True)
    assert (told.stored(), rows(told, Escalation), rows(told, Link)) == before


def test_when_the_matter_has_ended_the_page_says_so_and_offers_nothing(told, browser):
    address = links(told)["li"]
    message = message_of(browser.get(address).text)
    told.happens(told.number, EventKind.RESPONDED)
    page = browser.get(address).text
    assert "已结束" in page
    assert '<form class="stack"' not in page
    assert press(browser, address, message=message, act="acknowledge").headers["location"].endswith("?done=ended")
    assert press(browser, address, message=message, act="cannot", reason="x").status_code == 400


def test_a_link_of_somebody_else_does_nothing_to_what_it_does_not_speak_of(told, browser):
    """The link of the handler's letter, with the number of another message."""
    other = told.complaint("另一起")
    told.later(hours=4)
    look(told)
    stranger = next(row for row in rows(told, Message) if row.subject_id != 1 and row.notice is Notice.BREACH)
    first = next(f"/a/{token_of(told.settings.secret_value(), Purpose.ACT, row.key)}" for row in rows(told, Message)
                 if row.notice is Notice.BREACH and row.subject_id == 1)  # fmt: skip
    assert press(browser, first, message=str(stranger.id), act="acknowledge").status_code == 400
    assert other


def truncated(_office, token: str) -> str:
    return token[:-3]


def forged(_office, token: str) -> str:
    return "A" * len(token)


def longer(_office, token: str) -> str:
    return f"{token}x"


def expired(office, token: str) -> str:
    office.later(days=14)
    return token


def revoked(office, token: str) -> str:
    with office.db.write() as session:
        revoke(session, office.at, recipient=rows(office, Message)[-1].recipient)
    return token


def of_one_who_left(office, token: str) -> str:
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == "li").values(is_active=False))
    return token


def foreign(office, _token: str) -> str:
    token = token_of(office.settings.secret_value(), Purpose.SIGN_IN, "somebody")
    with office.db.write() as session:
        keep(session, [NewLink(token, Purpose.SIGN_IN, 1, "staff:1", office.at, office.at + timedelta(minutes=15))])
    return token


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "不完整"), (forged, "没有发出过"), (longer, "没有发出过"), (expired, "过期"), (revoked, "作废"),
        (of_one_who_left, "作废"), (foreign, "另作他用"),
    ],
)  # fmt: skip
def test_a_link_that_does_not_open_says_why_and_changes_nothing(told, browser, spoil, says):
    token = spoil(told, LINK.search(links(told)["li"])[1])
    before = told.stored()
    for answer in (browser.get(f"/a/{token}"), press(browser, f"/a/{token}", message="1", act="acknowledge")):
        assert (answer.status_code, says in answer.text) == (410, True)
    assert told.stored() == before
    assert not any(row.acknowledged_at for row in rows(told, Message))


def test_another_site_cannot_press_the_buttons(told, browser):
    address = links(told)["li"]
    message = message_of(browser.get(address).text)
    answer = browser.send("POST", address, data={"message": message, "act": "acknowledge"},
                          headers={"Origin": "https://evil.example"})  # fmt: skip
    assert answer.status_code == 403
    assert not any(row.acknowledged_at for row in rows(told, Message))


def test_several_matters_of_one_letter_stand_on_one_page_and_are_acknowledged_together(told, browser):
    for title in ("二", "三"):
        told.complaint(title)
    told.later(hours=30)  # a day later: the notices are late and share a letter
    look(told)
    address = links(told)["li"]
    page = browser.get(address).text
    assert page.count('name="act" value="acknowledge"') >= 3
    done = press(browser, address, message="all", act="acknowledge")
    assert done.status_code == 303
    mine = [row for row in rows(told, Message) if row.bundle and row.recipient == rows(told, Message)[0].recipient]
    assert len(mine) >= 2
    assert all(row.acknowledged_at for row in mine if row.state is MessageState.SENT)


def test_in_english_it_says_the_same(told, browser):
    page = browser.get(f"{links(told)['li']}?lang=en").text
    for words in ("Acknowledge", "Hand over", "Cannot do it", "Who else was told", "Rung 1"):
        assert words in page
