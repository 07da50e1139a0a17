"""The board of improvement items on a page: what stands where, who sees what, and how a cycle is opened."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bihuan.services.cycle import open_month
from bihuan.services.item import cancel, draft
from schemas.improvement import AnalysisRun
from schemas.item import Cycle, Item

FORM = "/complaints/new"
"""A page that always has a form, for the proof that one is ours."""


def column(page: str, name: str) -> str:
    """The part of the board that stands under the heading."""
    after = page.split(f"<h2>{name}</h2>")[1]
    return after.split("</section>")[0]


def test_an_item_stands_under_its_phase_with_state_priority_owner_and_day(improving: Any, browser: Any) -> None:
    improving.doing()
    page = browser.get("/improvement?lang=zh").text
    card = column(page, "计划 P")
    assert all(
        word in card for word in ("处理及时率：洗衣机", "已批准", "优先级 高", "Li 处理", "产品部", "截止 2027-03-31")
    )
    assert improving.number not in column(page, "执行 D")
    english = column(browser.get("/improvement?lang=en").text, "Plan")
    assert all(word in english for word in ("Approved", "Priority High", "Product", "due 2027-03-31"))


def test_what_is_late_is_marked_and_counted(improving: Any, browser: Any) -> None:
    improving.doing()
    assert "项措施逾期" not in browser.get("/improvement?lang=zh").text
    improving.office.at = datetime(2026, 12, 20, 2, 0, tzinfo=UTC)
    page = browser.get("/improvement?lang=zh&standing=late").text
    assert "1 项措施逾期" in column(page, "计划 P")
    assert 'class="is-late"' in page
    assert '<a class="total is-red" href="/improvement?standing=late"><b>1</b>' in page


def test_it_is_narrowed_and_the_totals_stay_those_of_the_whole(improving: Any, browser: Any) -> None:
    improving.drafted()
    page = browser.get("/improvement?lang=zh&owner=li&priority=low").text
    assert improving.number not in page.split('class="phases"')[1].split('id="cycles"')[0]
    assert 'href="/improvement"><b>1</b><span>进行中</span>' in page
    assert improving.number in browser.get("/improvement?owner=li&department=product&cycle=PDCA-2026-12").text


@pytest.mark.parametrize("query", ["standing=x", "priority=highest"])
def test_there_is_no_part_of_the_board_that_nobody_named(improving: Any, browser: Any, query: str) -> None:
    assert browser.get(f"/improvement?{query}").status_code == 400


def test_what_ended_stands_below(improving: Any, browser: Any) -> None:
    improving(cancel, improving.drafted(), "zhao", "承运商罢工", "zhao")
    page = browser.get("/improvement?lang=zh").text
    assert improving.number in column(page, "已结束")
    assert improving.number not in column(page, "计划 P")
    assert "已取消" in browser.get("/improvement?lang=zh&standing=ended").text


def test_a_monthly_cycle_is_opened_from_an_analysed_month_once(improving: Any, browser: Any) -> None:
    page = browser.get("/improvement?lang=zh").text
    assert '<option value="M-2026-11">' in page
    answers = [browser.submit(FORM, "/improvement", act="open_month", run="M-2026-11") for _ in range(2)]
    assert [(one.status_code, one.headers["location"]) for one in answers] == [
        (303, "/improvement?cycle=PDCA-2026-12&done=open_month#cycles")
    ] * 2
    assert [row.number for row in improving.rows(Cycle)] == ["PDCA-2026-12"]
    page = browser.get("/improvement?cycle=PDCA-2026-12&done=open_month&lang=zh").text
    assert all(word in page for word in ("循环已开启", "依据月度分析 M-2026-11", "没有尚未开启循环的月度分析"))


def test_opening_a_month_carries_what_has_not_ended_into_it(improving: Any, browser: Any) -> None:
    improving.drafted()
    improving.keep(AnalysisRun(
        number="M-2026-12", period_on=date(2026, 12, 1), until_on=date(2027, 1, 1), as_of=improving.office.at,
        sha256="0" * 64, complaints=1, answers=0, policy_version="1", code_version="1", made_at=improving.office.at,
    ))  # fmt: skip
    browser.submit(FORM, "/improvement", act="open_month", run="M-2026-12", who="zhao")
    told = improving.show()
    assert (told["cycle"], told["carry_count"]) == ("PDCA-2027-01", 1)
    page = browser.get("/improvement?cycle=PDCA-2027-01&lang=zh").text
    assert all(word in page for word in ("已结转 1 次", "其中结转 1"))
    answer = browser.submit(FORM, "/improvement", act="close_cycle", key="PDCA-2026-12", summary="并入一月")
    assert answer.headers["location"] == "/improvement?cycle=PDCA-2026-12&done=close_cycle#cycles"
    assert {row.number: row.summary for row in improving.rows(Cycle)} == {
        "PDCA-2026-12": "并入一月",
        "PDCA-2027-01": "",
    }
    answer = browser.submit(FORM, "/improvement?lang=zh", act="close_cycle", key="PDCA-2027-01")
    assert (answer.status_code, "循环里还有没结束的改进项" in answer.text) == (409, True)


def test_a_special_cycle_is_opened_by_whom_the_form_names(improving: Any, browser: Any) -> None:
    browser.submit(FORM, "/improvement", act="open_special", title="门店冷柜批量故障", who="zhao")
    (row,) = improving.rows(Cycle)
    assert (row.number, row.title, row.opened_by) == ("PDCA-S-2026-001", "门店冷柜批量故障", "zhao")


def test_a_complaint_has_a_button_for_a_special_cycle_of_its_own_until_there_is_one(
    improving: Any, browser: Any
) -> None:
    number = improving.evidence[0]
    page = browser.get(f"/complaints/{number}?lang=zh").text
    assert "为此投诉开启专项改进" in page
    fields = dict(re.findall(r'name="(act|complaint|title)" value="([^"]*)"', page.split("<h2>改进</h2>")[1]))
    answer = browser.submit(FORM, "/improvement", **fields)
    assert answer.headers["location"] == "/improvement?cycle=PDCA-S-2026-001&done=open_special#cycles"
    page = browser.get(f"/complaints/{number}?lang=zh").text
    assert "为此投诉开启专项改进" not in page
    assert 'href="/improvement?cycle=PDCA-S-2026-001"' in page


def test_an_item_is_begun_by_hand(improving: Any, browser: Any) -> None:
    improving(open_month, "M-2026-11", "zhao")
    answer = browser.submit(FORM, "/improvement", act="draft", cycle="PDCA-2026-12", name="备件总是缺货")
    assert answer.headers["location"] == f"/improvement/{improving.number}?done=draft"
    assert [row.name for row in improving.rows(Item)] == ["备件总是缺货"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "open_month", "run": "M-1999-01"}, "填写有误"), ({"act": "open_special", "title": ""}, "填写有误"),
        ({"act": "open_special", "title": "x", "complaint": "C-0"}, "填写有误"), ({"act": "sell"}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_says_why(improving: Any, browser: Any, fields: dict[str, str], said: str) -> None:
    answer = browser.submit(FORM, "/improvement?lang=zh", **fields)
    assert (answer.status_code, improving.rows(Cycle)) == (400, [])
    assert said in answer.text


def test_whoever_handles_sees_what_they_have_a_part_in_and_opens_nothing(improving: Any, browse_other: Any) -> None:
    improving.reviewed()
    other = improving(draft, "PDCA-2026-12", "zhao", {"name": "另一件事", "owner": "bo"})
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    for code, seen in (("li", {improving.number}), ("wang", {improving.number}), ("zhao", {improving.number, other}),
                       ("han", {improving.number, other})):  # fmt: skip
        page = browser.get("/improvement?lang=zh", **{"X-Forwarded-User": code}).text
        assert {number for number in (improving.number, other) if number in page} == seen, code
        assert ("开启月度循环" in page) is (code == "zhao")
    for code, status in (("li", 200), ("wang", 200), ("han", 200), ("zhao", 200)):
        assert browser.get(f"/improvement/{improving.number}", **{"X-Forwarded-User": code}).status_code == status
    assert browser.get(f"/improvement/{other}", **{"X-Forwarded-User": "li"}).status_code == 403
