"""Calls and interviews in a real Chromium: both languages, phone and desk, without a script, one call by presses."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.clock import fixed
from bihuan.services.intake import take_in
from bihuan.services.interview import Plan, candidates, plan
from bihuan.services.survey import follow_up
from bihuan.store.queries.call import CallWish, worklist
from bihuan.store.queries.names import handlers
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind

PHONE, DESK = 390, 1280
IMAGES = os.environ.get("BIHUAN_SCREENSHOTS")
"""Where to leave pictures; nothing is left without it."""


@pytest.fixture(scope="module")
def pages(installation: Any) -> dict[str, str]:
    """The list with two people on it who left a number only, a call about each questionnaire, and an interview."""
    site = installation.app.state.site
    at = site.clock()
    for name, hours, milestone in (("yi", 3, "result_feedback"), ("er", 49, "satisfaction_follow_up")):
        handled_at = at - timedelta(hours=hours)
        customer = CustomerIn(external_id=f"call-{name}", name="周小姐", contact_url="tel:+12025550123", language="zh")
        done = EventIn(
            kind=EventKind.HANDLED, occurred_at=handled_at, data={"result": "已上门更换压缩机，保修延长一年。"}
        )
        arrived = ComplaintIn(source="call", external_id=name, registered_at=handled_at - timedelta(hours=1),
                              title="空调不制冷，修了两次还是不行", customer=customer, department="service",
                              deadlines={milestone: None}, events=(done,))  # fmt: skip
        with site.db.write() as session:
            take_in(session, site.policy, site.settings, fixed(at), [arrived])
    follow_up(site.db, site.policy, site.settings, at)
    with site.db.read() as session:
        mine = {row.duty: row.id for row in worklist(session, at, CallWish()) if row.title and "压缩机" not in row.title
                and row.customer == "周小姐"}  # fmt: skip
    with site.db.write() as session:
        interviewer = handlers(session)[0].code
        customer = candidates(session, site.policy, at)[0].row.id
        one = plan(session, fixed(at), Plan(customer, interviewer, at + timedelta(days=2), "90 天内投诉 3 次"))
    calls = {name: f"/calls/{mine[duty]}" for name, duty in
             (("call-result", "result_feedback"), ("call-satisfaction", "satisfaction_follow_up"))}  # fmt: skip
    return {"interviews": "/interviews", "interview": f"/interviews/{one}", "calls": "/calls"} | calls


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["calls", "call-result", "call-satisfaction", "interviews", "interview"])
def test_it_fits_without_a_script_and_axe_finds_nothing(
    visitor: Callable[..., Any], pages: dict[str, str], language: str, width: int, name: str
) -> None:
    plain, address = visitor(language, width=width), f"{pages[name]}?lang={language}"
    assert plain.open(address) == 200
    assert plain.width() <= width
    assert plain.faults == []
    if IMAGES:
        plain.page.screenshot(path=Path(IMAGES) / f"{name}-{language}-{width}.png", full_page=True)
    judged = visitor(language, width=width, scripts=True)
    judged.open(address)
    judged.unfold()
    assert judged.violations() == []


def test_somebody_calls_and_records_it_with_three_presses(visitor: Callable[..., Any], pages: dict[str, str]) -> None:
    one = visitor()
    assert one.open(pages["calls"]) == 200
    assert one.open(pages["call-result"]) == 200
    one.page.get_by_text("否", exact=True).click()
    one.page.get_by_role("textbox").first.fill("还是不制冷")
    one.page.get_by_role("button", name="已接通，保存").click()
    assert one.page.get_by_role("status").count() == 1
    assert one.page.get_by_role("link", name="回到清单").count() == 1
    assert one.faults == []


def test_a_call_that_nobody_takes_is_one_press(visitor: Callable[..., Any], pages: dict[str, str]) -> None:
    one = visitor()
    assert one.open(pages["call-satisfaction"]) == 200
    one.page.get_by_role("button", name="无人接听").click()
    assert "再打" in one.page.get_by_role("status").inner_text()
    assert one.faults == []
