"""The board of bad answers in a real Chromium: on a phone and a desk, in both languages, judged by axe, by taps."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from bihuan.clock import fixed
from bihuan.notify.link import token_of
from bihuan.services.complaint import record
from bihuan.services.intake import take_in
from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.services.survey_answer import Form, save_answers
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.access import Purpose
from schemas.complaint import Complaint, ComplaintIn, CustomerIn, EventIn, EventKind, Severity
from schemas.survey import Invitation

PHONE, DESK = 390, 1280
IMAGES = os.environ.get("BIHUAN_SCREENSHOTS")
"""Where to leave pictures; nothing is left without it."""
PLAN, DONE = "今天由主管致电道歉，三天内上门更换压缩机", "主管已致电道歉，压缩机已更换，试机一小时正常"
MILESTONES = dict.fromkeys(
    ("handled", "result_feedback", "satisfaction_follow_up", "negative_taken_on", "negative_told")
)
_I, _C = table_of(Invitation).c, table_of(Complaint).c


@pytest.fixture(scope="module")
def bad(installation: Any) -> dict[str, str]:
    """What the pages are looked at with: numbers by how far the answer has come, and the link of a notice."""
    site, mail = installation.app.state.site, RecordingGateway()
    at = site.clock()
    names = ("answered", "taken_on", "resolved", "told", "praised", "unsolved")
    for name in names:
        _handled(site, name, at - timedelta(hours=49), has_contact=name != "resolved")
    follow_up(site.db, site.policy, site.settings, at)
    deliver_all(site.db, mail, site.settings, fixed(at))
    words = "上门的师傅态度很好，可是空调还是不制冷，很失望，说好周三回电也没有回。" + "我已经打了三次电话。" * 3
    low = {"csat": "1", "nps": "2", "why_low": "slow", "speed": "1", "suggestion": words}
    for name, raw in (("answered", low), ("taken_on", low), ("told", low), ("unsolved", {"solved": "no"}),
                      ("praised", {"csat": "5", "suggestion": words})):  # fmt: skip
        _answers(site, name, raw)
    numbers = {name: _number(site, name) for name in names}
    heard, taken, done = (
        (EventKind.ANSWERED_NEGATIVE, {"note": "电话里说不满意"}),
        (EventKind.NEGATIVE_TAKEN_ON, {"plan": PLAN}),
        (EventKind.NEGATIVE_RESOLVED, {"result": DONE}),
    )
    told = EventKind.NEGATIVE_TOLD, {"way": "phone"}
    for name, steps in (("taken_on", [taken]), ("resolved", [heard, taken, done]), ("told", [taken, done, told])):
        for minutes, (kind, data) in enumerate(steps):
            with site.db.write() as session:
                event = EventIn(kind=kind, occurred_at=at, actor="zhen", data=data, key=f"{minutes}")
                record(session, site.policy, fixed(at), numbers[name], event)
    deliver_all(site.db, mail, site.settings, fixed(at))
    mine = [letter.body for _, letter in mail.sent if numbers["answered"] in letter.title and "/a/" in letter.body]
    return numbers | {"link": re.findall(r"/a/[\w-]{22}", mine[-1])[0]}


def _handled(site: Any, name: str, at: Any, *, has_contact: bool) -> None:
    """A complaint that was handled then, two days ago, by somebody who can be written to."""
    contact = f"mailto:{name}@mail.example" if has_contact else None
    arrived = ComplaintIn(
        source="negative", external_id=name, registered_at=at - timedelta(hours=1), title="空调不制冷",
        severity=Severity.URGENT if name == "answered" else Severity.GENERAL, department="product", handler="zhen",
        customer=CustomerIn(external_id=name, name=name, contact_url=contact), deadlines=MILESTONES,
        events=(EventIn(kind=EventKind.HANDLED, occurred_at=at),),
    )  # fmt: skip
    with site.db.write() as session:
        take_in(session, site.policy, site.settings, fixed(at), [arrived])


def _answers(site: Any, name: str, raw: dict[str, str]) -> None:
    duty = "result_feedback" if "solved" in raw else "satisfaction_follow_up"
    with site.db.write() as session:
        its = (_C.external_id == name) & (_C.source == "negative") & (_I.subject_id == _C.id) & (_I.duty == duty)
        key = session.execute(select(_I.key).where(its)).scalar_one()
        token = token_of(site.settings.secret_value(), Purpose.SURVEY, key)
        save_answers(session, site.policy, site.clock, [Form(token, raw, "zh")])


def _number(site: Any, name: str) -> str:
    with site.db.read() as session:
        its = (_C.external_id == name) & (_C.source == "negative")
        return str(session.execute(select(_C.number).where(its)).scalar_one())


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize(
    ("name", "address"),
    [("board", "/negative?state="), ("complaint", "/complaints/{taken_on}"), ("notice", "{link}")],
)
def test_it_fits_works_without_a_script_and_axe_finds_nothing(
    visitor: Callable[..., Any], bad: dict[str, str], language: str, width: int, name: str, address: str
) -> None:
    plain, at = visitor(language, width=width), address.format_map(bad)
    assert plain.open(at) == 200
    assert plain.width() <= width
    assert plain.faults == []
    if IMAGES:
        plain.page.screenshot(path=Path(IMAGES) / f"negative-{name}-{language}-{width}.png", full_page=True)
    for scheme in ("light", "dark"):
        judged = visitor(language, width=width, scripts=True, scheme=scheme)
        judged.open(at)
        judged.unfold()
        assert judged.violations() == []


def test_a_bad_answer_is_taken_on_and_answered_by_taps(visitor: Callable[..., Any], bad: dict[str, str]) -> None:
    one = visitor()
    assert one.open(bad["link"]) == 200
    one.page.get_by_label("打算怎样处理").fill(PLAN)
    one.page.get_by_role("button", name="承接", exact=True).tap()
    expect(one.page.get_by_role("status")).to_contain_text("已承接")
    assert one.open("/negative") == 200
    case = one.page.locator(f'li[id^="{bad["answered"]}"]')
    expect(case).to_contain_text("已承接，处理中")
    case.locator("summary", has_text="告知投诉者").tap()
    case.get_by_label("做了什么").fill(DONE)
    case.get_by_role("button", name="写信告知").tap()
    expect(one.page.get_by_role("status")).to_contain_text("会写信告知投诉者")
    expect(one.page.locator(f'li[id^="{bad["answered"]}"]')).to_contain_text("已处理，待告知")
    assert (one.faults, one.width()) == ([], PHONE)
