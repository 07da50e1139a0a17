"""The candidates of a month: accepted into a cycle, merged, or rejected, by forms beside them."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.services.cycle import open_month
from schemas.improvement import Disposition, Finding
from schemas.item import Item

FORM, MONTH = "/complaints/new", "/months/M-2026-11"


def send(browser: Any, act: str, **fields: str) -> Any:
    return browser.submit(FORM, f"{MONTH}?lang=zh", act=act, key="F-2026-11-01", **fields)


def test_a_candidate_is_accepted_into_an_open_cycle_once(improving: Any, browser: Any) -> None:
    assert "没有进行中的循环" in browser.get(f"{MONTH}?lang=zh").text
    cycle = improving(open_month, "M-2026-11", "zhao")
    assert f"<option>{cycle}</option>" in browser.get(MONTH).text
    answers = [send(browser, "accept", cycle=cycle, who="zhao") for _ in range(2)]
    assert {one.headers["location"] for one in answers} == {f"/improvement/{improving.number}?done=draft"}
    assert (len(improving.rows(Item)), improving.rows(Finding)[0].disposed_by) == (1, "zhao")
    page = browser.get(f"{MONTH}?lang=zh").text
    assert f'已接受</span> <a href="/improvement/{improving.number}">' in page
    assert "如何处置此候选" not in page


@pytest.mark.parametrize(("act", "expected", "said"), [
    ("merge", Disposition.MERGED, "已合并"), ("reject", Disposition.REJECTED, "已驳回"),
])  # fmt: skip
def test_a_candidate_is_merged_or_rejected_with_the_reason(
    improving: Any, browser: Any, act: str, expected: Disposition, said: str
) -> None:
    answer = send(browser, act, reason="与十月的备件问题是同一件事")
    assert answer.headers["location"] == f"{MONTH}?done={act}#F-2026-11-01"
    row = improving.rows(Finding)[0]
    assert (row.disposition, row.disposition_reason) == (expected, "与十月的备件问题是同一件事")
    page = browser.get(f"{MONTH}?done={act}&lang=zh").text
    assert page.count(said) >= 2
    assert "与十月的备件问题是同一件事" in page


def test_without_a_reason_nothing_is_rejected(improving: Any, browser: Any) -> None:
    answer = send(browser, "reject", reason=" ")
    assert (answer.status_code, improving.rows(Finding)[0].disposition) == (400, None)
    assert "有必填的内容没有填写" in answer.text


def test_what_an_item_works_on_is_not_rejected_behind_its_back(improving: Any, browser: Any) -> None:
    improving.drafted()
    answer = send(browser, "reject", reason="不做了")
    assert (answer.status_code, improving.rows(Finding)[0].disposition) == (409, Disposition.ACCEPTED)
    assert "已有改进项在处理此候选" in answer.text


def test_only_a_quality_manager_decides_what_becomes_of_a_candidate(improving: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    for code, is_offered in (("zhao", True), ("han", False)):
        page = browser.get(f"{MONTH}?lang=zh", **{"X-Forwarded-User": code}).text
        assert ("如何处置此候选" in page) is is_offered


@pytest.mark.parametrize("fields", [{"act": "sell"}, {}])
def test_a_form_that_asks_for_nothing_known_is_refused(improving: Any, browser: Any, fields: dict[str, str]) -> None:
    assert browser.submit(FORM, MONTH, **fields).status_code == 400
