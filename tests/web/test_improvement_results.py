"""What improvements came to, on pages: approvals that wait, the scoreboard, a standard, the case library."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.effect import Lesson, Standard, SustainWatch, WatchState
from schemas.item import Item
from schemas.verification import Verdict


def test_approvals_that_wait_are_listed_with_role_term_and_people(improving: Any, browser: Any) -> None:
    assert "没有待审批的" in browser.get("/improvement/approvals?lang=zh").text
    improving.reviewed()
    page = browser.get("/improvement/approvals?lang=zh").text
    said = ("处理及时率：洗衣机", "关口三：计划审批", "部门负责人", "高管", "截止 2026-11-19", "Han 负责", "Eve 负责")
    assert [word for word in said if word not in page] == []
    assert "逾期" not in page
    improving.office.at = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    assert page.count(f'href="/improvement/{improving.number}#now"') == 2
    assert "截止 2026-11-19 · 逾期" in browser.get("/improvement/approvals?lang=zh").text


def test_whoever_signed_in_sees_first_what_waits_for_them(improving: Any, browse_other: Any) -> None:
    improving.reviewed()
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    for code, is_own in (("han", True), ("zhao", False)):
        page = browser.get("/improvement/approvals?lang=zh", **{"X-Forwarded-User": code}).text
        own = page.split("<h2>等您决定</h2>")[1].split("</section>")[0]
        assert (improving.number in own) is is_own


def test_the_scoreboard_says_verdicts_effects_and_how_many_hold(improving: Any, browser: Any) -> None:
    page = browser.get("/improvement/scoreboard?lang=zh").text
    assert all(word in page for word in ("还没有判定过任何改进项", "还没有可以统计的"))
    improving.judged()
    improving.keep(SustainWatch(item_id=improving.rows(Item)[0].id, indicator="on_time_handled", points=12, clean=0,
                                started_on=date(2027, 2, 1), state=WatchState.BROKEN))  # fmt: skip
    page = browser.get("/improvement/scoreboard?lang=zh").text
    assert all(word in page for word in ("有效</dt><dd>1", "无效</dt><dd>0", "+7.0 个百分点", "未保持", "0/1 仍然保持",
                                         "95% 区间 0.0% 至 79.3%"))  # fmt: skip


def test_a_watch_that_has_said_nothing_yet_is_not_counted(improving: Any, browser: Any) -> None:
    improving.judged()
    improving.keep(SustainWatch(item_id=improving.rows(Item)[0].id, indicator="on_time_handled", points=3, clean=3,
                                started_on=date(2027, 2, 1)))  # fmt: skip
    assert "还没有可以统计的" in browser.get("/improvement/scoreboard?lang=zh").text


def test_a_standard_names_its_complaints_its_difference_and_its_versions(improving: Any, browser: Any) -> None:
    number = improving.standard()
    improving.keep(Standard(
        number=number, version=2, item_id=improving.rows(Item)[0].id, title="门店备件与盘点", content="每天盘点。",
        difference="- 每周一盘点\n+ 每天盘点", made_at=improving.office.at,
        audits=[{"due_on": "2027-03-12", "done_on": None, "is_kept": None, "by": ""}],
    ))  # fmt: skip
    page = browser.get(f"/improvement/standards/{number}?lang=zh").text
    assert all(
        word in page
        for word in ("门店备件与盘点", "第 2 版", "+ 每天盘点", "第 1 版", "每周一盘点。", "2027-03-12 到期 · 未审核")
    )
    assert all(f'href="/complaints/{one}"' in page for one in improving.evidence)
    assert f'href="/improvement/{improving.number}"' in page
    assert browser.get("/improvement/standards/SOP-1999-001").status_code == 404


@pytest.mark.parametrize(("wanted", "is_found"), [
    ("", True), ("备件", True), ("等配件 门店", True), ("LOST", True), ("退款", False), ("备件 退款", False),
    ("PDCA-2026-12-01", True),
])  # fmt: skip
def test_the_case_library_is_searched_by_every_word(improving: Any, browser: Any, wanted: str, is_found: bool) -> None:
    improving.judged()
    improving.keep(Lesson(
        item_id=improving.rows(Item)[0].id, title="备件放在门店", problem="维修超时", causes=["等配件"],
        measures=["门店备齐十种常用配件"], effect="lost hours", verdict=Verdict.EFFECTIVE, advice="先看消耗量",
        made_at=improving.office.at,
    ))  # fmt: skip
    page = browser.get(f"/improvement/lessons?q={wanted}&lang=zh").text
    assert ("先看消耗量" in page) is is_found
    assert ("没有找到案例" in page) is not is_found


def test_whoever_handles_reads_lessons_and_standards_and_sees_no_scoreboard(improving: Any, browse_other: Any) -> None:
    number = improving.standard()
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    statuses = [browser.get(f"/improvement/{path}", **{"X-Forwarded-User": "wang"}).status_code
                for path in ("lessons", f"standards/{number}", "scoreboard", "approvals")]  # fmt: skip
    assert statuses == [200, 200, 403, 403]
