"""What people record, by clicks and keys on a phone with scripts off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("language", "label", "button", "done"),
    [("zh", "标题", "登记", "受理登记"), ("en", "Title", "Register", "Registered")],
)
def test_a_complaint_is_registered(
    visitor: Callable[..., Any], language: str, label: str, button: str, done: str
) -> None:
    one = visitor(language)
    one.open("/complaints/new")
    one.page.get_by_label(label).tap()
    one.page.keyboard.type("屏幕碎了 screen")
    one.page.get_by_label({"zh": "渠道", "en": "Channel"}[language]).select_option("store")
    one.page.get_by_role("button", name=button, exact=True).tap()
    expect(one.page.get_by_role("status")).to_contain_text(done)
    expect(one.page.get_by_role("heading", level=1)).to_have_text("屏幕碎了 screen")
    assert (one.faults, one.width()) == ([], 390)


def test_what_is_missing_is_asked_for_before_anything_is_sent(visitor: Callable[..., Any]) -> None:
    one = visitor()
    one.open("/complaints/new")
    one.page.get_by_role("button", name="登记", exact=True).tap()
    assert one.page.get_by_label("标题").evaluate("field => field.validity.valueMissing")
    assert one.page.url.endswith("/complaints/new")


def test_a_press_and_a_folded_form_each_record_an_event(visitor: Callable[..., Any], installation: Any) -> None:
    one = visitor()
    one.open(f"/complaints/{installation.named['assigned']}")
    record = one.page.locator("#record")
    record.get_by_label("备注").first.fill("已电话联系")
    record.get_by_role("button", name="已响应").tap()
    expect(one.page.get_by_role("status")).to_contain_text("首次响应")
    expect(one.page.locator(".line")).to_contain_text("已电话联系")

    one.page.locator("summary", has_text="等待他人").tap()
    form = one.page.locator("details[open]")
    form.get_by_label("在等谁").fill("等客户寄回")
    form.get_by_role("button").tap()
    expect(one.page.get_by_role("status")).to_contain_text("等待")
    expect(one.page.locator(".line")).to_contain_text("等客户寄回")
    assert (one.faults, one.width()) == ([], 390)


@pytest.mark.parametrize(
    ("address", "section", "field", "typed", "button"),
    [
        ("/complaints/new", "main", "标题", "  ", "登记"),
        ("/complaints/{handled}", "#record", "发生时间", "2030-01-01T09:00", "仅备注"),
        ("/outbox", "#unknown li:first-child", "您的姓名", "  ", "已送达"),
    ],
)
def test_what_is_refused_comes_back_with_the_reason_for_every_reader(
    visitor: Callable[..., Any], installation: Any, address: str, section: str, field: str, typed: str, button: str
) -> None:
    one = visitor(scripts=True)
    one.open(address.format_map(installation.named))
    part = one.page.locator(section)
    part.get_by_label(field).first.fill(typed)
    part.get_by_role("button", name=button, exact=True).first.tap()
    expect(one.page.get_by_role("alert")).to_be_visible()
    one.unfold()
    assert (one.violations(), one.width()) == ([], 390)


@pytest.mark.parametrize(("button", "done"), [("It arrived", "it arrived"), ("Send it again", "sent again")])
def test_a_person_decides_an_unknown_message(visitor: Callable[..., Any], button: str, done: str) -> None:
    one = visitor("en")
    one.open("/outbox")
    waiting = one.page.locator("#unknown .rows > li")
    before, first = waiting.count(), waiting.first
    first.get_by_label("Your name").fill("王芳")
    first.get_by_role("checkbox").check()
    first.get_by_role("button", name=button).tap()
    expect(one.page.get_by_role("status")).to_contain_text(done)
    expect(waiting).to_have_count(before - 1)
    assert (one.faults, one.width()) == ([], 390)


@pytest.mark.parametrize(
    ("fold", "field", "button", "done"),
    [
        ("", "", "签收", "已签收"),
        ("转交同事", "转交给", "转交", "已转交"),
        ("做不到", "为什么做不到", "提交", "下一级"),
    ],
)
def test_whoever_was_told_answers_from_the_link(
    visitor: Callable[..., Any], installation: Any, fold: str, field: str, button: str, done: str
) -> None:
    one = visitor()
    one.open(f"/a/{installation.named['link']}")
    if fold:
        one.page.locator("summary", has_text=fold).tap()
        asked = one.page.locator("details[open]").get_by_label(field)
        if asked.evaluate("field => field.tagName") == "SELECT":
            asked.select_option(index=1)
        else:
            asked.fill("正在外地")
    one.page.get_by_role("button", name=button, exact=True).tap()
    expect(one.page.get_by_role("status")).to_contain_text(done)
    assert (one.faults, one.width()) == ([], 390)
