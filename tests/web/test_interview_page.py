"""In-depth interviews on pages: offered, planned by those who lead, held by whoever is to, with the summary."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.store.rows import table_of
from schemas.complaint import CustomerIn
from schemas.outbox import Message, Notice
from schemas.survey import Interview

VIP = CustomerIn(
    external_id="vip", name="周小姐", tier="premium", contact_url="mailto:zhou@example.com tel:13800138000"
)
FORM = "/complaints/new"
"""A page that always has a form, for the proof that one is ours."""
PLAN = {"customer": "1", "when": "2026-11-18T15:00", "interviewer": "wang", "reason": "高价值客户"}


@pytest.fixture
def offered(office: Any) -> Any:
    """One customer who is worth an interview."""
    office.number = office.complaint(customer=VIP)
    return office


def rows(office: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(Interview))))


def plan(browser: Any, **fields: str) -> Any:
    return browser.submit(FORM, "/interviews?lang=zh", **{**PLAN, **fields})


def act(browser: Any, name: str, **fields: str) -> Any:
    return browser.submit(FORM, "/interviews/1?lang=zh", act=name, **fields)


def test_the_list_offers_who_is_worth_one_and_why_without_name_or_number(offered: Any, browser: Any) -> None:
    page = browser.get("/interviews?lang=zh").text
    assert all(word in page for word in ("周**", "高价值客户（尊享）", "安排访谈", "没有安排好的访谈"))
    assert "周小姐" not in page
    assert "13800138000" not in page
    assert "high-value customer" in browser.get("/interviews?lang=en").text


def test_planning_puts_it_on_the_list_and_tells_the_interviewer(offered: Any, browser: Any) -> None:
    answer = plan(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/interviews?done=planned")
    (row,) = rows(offered)
    assert (row.interviewer, f"{row.planned_at:%m-%d %H:%M}", row.planned_by) == ("wang", "11-18 07:00", "web")
    with offered.db.read() as session:
        told = session.execute(select(table_of(Message).c.notice)).scalars().all()
    assert told.count(Notice.INTERVIEW) == 1
    page = browser.get("/interviews?done=planned&lang=zh").text
    assert all(word in page for word in ("已安排，访谈人会收到通知", "11-18 15:00", "Wang 处理"))
    assert "现在没有符合条件的客户" in page


def test_a_local_time_is_one_of_the_zone_of_the_form(offered: Any, browser: Any) -> None:
    plan(browser, zone="Europe/Berlin")
    assert f"{rows(offered)[0].planned_at:%m-%d %H:%M}" == "11-18 14:00"


def test_a_form_sent_twice_plans_once(offered: Any, browser: Any) -> None:
    page = browser.get("/interviews").text
    form = PLAN | dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    answers = [browser.send("POST", "/interviews", data=form).status_code for _ in range(2)]
    assert (answers, len(rows(offered))) == ([303, 303], 1)


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"when": ""}, 400, "选择一个还没有到的时间"), ({"when": "2026-11-16T08:00"}, 400, "选择一个还没有到的时间"),
        ({"when": "soon"}, 400, "选择一个还没有到的时间"), ({"interviewer": "nobody"}, 400, "选择一位在岗的访谈人"),
        ({"reason": "长" * 501}, 400, "选择一位在岗的访谈人"), ({"customer": "9"}, 400, "没有安排"),
        ({"customer": "x"}, 400, ""), ({"customer": "9" * 30}, 400, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_says_why_and_keeps_what_was_typed(
    offered: Any, browser: Any, fields: dict[str, str], status: int, said: str
) -> None:
    answer = plan(browser, **fields)
    assert (answer.status_code, rows(offered)) == (status, [])
    assert said in answer.text


def test_a_second_interview_of_one_customer_is_refused(offered: Any, browser: Any) -> None:
    plan(browser)
    answer = plan(browser, when="2026-11-19T15:00")
    assert (answer.status_code, len(rows(offered))) == (409, 1)
    assert "已经有一次安排好的访谈" in answer.text


def test_the_page_of_one_says_how_to_reach_the_customer_until_it_is_over(offered: Any, browser: Any) -> None:
    plan(browser)
    page = browser.get("/interviews/1?lang=zh").text
    assert all(word in page for word in ('href="tel:13800138000"', "zhou@example.com", "周小姐", offered.number))
    offered.later(days=3)
    assert "时间已过，还没有小结" in browser.get("/interviews/1?lang=zh").text
    assert act(browser, "hold", summary="希望当天有人回电").headers["location"] == "/interviews/1?done=held"
    page = browser.get("/interviews/1?done=held&lang=zh").text
    assert "希望当天有人回电" in page
    assert all(word not in page for word in ("13800138000", "zhou@", "周小姐"))
    assert rows(offered)[0].held_at == offered.at


def test_one_that_does_not_take_place_is_cancelled_and_offered_again(offered: Any, browser: Any) -> None:
    plan(browser)
    assert act(browser, "cancel").headers["location"] == "/interviews/1?done=cancelled"
    assert act(browser, "hold", summary="x").status_code == 409
    assert "安排访谈" in browser.get("/interviews?lang=zh").text


@pytest.mark.parametrize(("fields", "status"), [({"act": "hold"}, 400), ({"act": "x"}, 400), ({}, 400)])
def test_what_says_nothing_changes_nothing(offered: Any, browser: Any, fields: dict[str, str], status: int) -> None:
    plan(browser)
    assert browser.submit(FORM, "/interviews/1", **fields).status_code == status
    assert (rows(offered)[0].held_at, rows(offered)[0].cancelled_at) == (None, None)


@pytest.mark.parametrize("address", ["/interviews/7", "/interviews/999999999999999999999"])
def test_there_is_no_page_of_an_interview_nobody_planned(offered: Any, browser: Any, address: str) -> None:
    assert browser.get(address).status_code == 404
    assert browser.submit(FORM, address, act="cancel").status_code == 404


def test_whoever_is_to_hold_it_has_it_on_the_plate(offered: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    plan(browse_other())
    for code, has_it in (("wang", True), ("li", False)):
        plate = browser.get("/plate?lang=zh", **{"X-Forwarded-User": code}).text
        assert ("我的深度访谈" in plate and "/interviews/1" in plate) is has_it


def test_whoever_does_not_lead_plans_none(offered: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    page = browser.get("/interviews?lang=zh", **{"X-Forwarded-User": "li"}).text
    assert "周**" in page
    assert "安排，并通知访谈人" not in page
