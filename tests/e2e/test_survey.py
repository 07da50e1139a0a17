"""The survey on a phone in a real Chromium: one request, both languages, judged by axe, answered by taps."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.clock import Clock, fixed
from bihuan.services.intake import take_in
from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.testing import RecordingGateway
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind

PHONE, DESK = 390, 1280
IMAGES = os.environ.get("BIHUAN_SCREENSHOTS")
"""Where to leave pictures; nothing is left without it."""


@dataclass(frozen=True)
class Letters:
    """Paths of the links in the letters of a sweep."""

    result: str
    satisfaction: str
    opt_out: str


@pytest.fixture(scope="module")
def letters(installation: Any) -> Letters:
    """What complainants of the demo were written, by their letters."""
    site, mail = installation.app.state.site, RecordingGateway()
    at = site.clock()  # ten in the morning: within the hours in which complainants are written to
    for name, hours, milestone in (("yi", 1, "result_feedback"), ("er", 49, "satisfaction_follow_up")):
        _handled(site, name, milestone, at - timedelta(hours=hours), fixed(at))
    follow_up(site.db, site.policy, site.settings, at)
    deliver_all(site.db, mail, site.settings, fixed(at))
    bodies = [(letter.title, letter.body) for _, letter in mail.sent if "/s/" in letter.body]

    def link(kind: str, *words: str) -> str:
        body = next(body for title, body in bodies if any(word in title for word in words))
        return re.findall(rf"/{kind}/[\w-]+", body)[0]

    return Letters(link("s", "解决了吗", "solved"), link("s", "满意吗", "did we do"), link("o", "解决了吗", "solved"))


def _handled(site: Any, name: str, milestone: str, at: datetime, clock: Clock) -> None:
    """A complaint that was handled then, and whose complainant can be written to."""
    customer = CustomerIn(external_id=name, name=name, contact_url=f"mailto:{name}@mail.example")
    arrived = ComplaintIn(source="survey", external_id=name, registered_at=at - timedelta(hours=1), title="空调不制冷",
                          customer=customer, deadlines={milestone: None},
                          events=(EventIn(kind=EventKind.HANDLED, occurred_at=at),))  # fmt: skip
    with site.db.write() as session:
        take_in(session, site.policy, site.settings, clock, [arrived])


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["result", "satisfaction", "opt_out"])
def test_it_is_one_small_request_and_axe_finds_nothing(
    visitor: Callable[..., Any], letters: Letters, language: str, width: int, name: str
) -> None:
    plain, address = visitor(language, width=width), f"{getattr(letters, name)}?lang={language}"
    asked: list[str] = []
    plain.page.on("request", lambda request: asked.append(request.url))
    assert plain.open(address) == 200
    assert [url for url in asked if not url.startswith("data:")] == [plain.address + address]
    assert plain.width() <= width
    assert plain.faults == []
    if IMAGES:
        plain.page.screenshot(path=Path(IMAGES) / f"survey-{name}-{language}-{width}.png", full_page=True)
    judged = visitor(language, width=width, scripts=True)
    judged.open(address)
    assert judged.violations() == []


def test_a_complainant_answers_with_two_taps_and_changes_it(visitor: Callable[..., Any], letters: Letters) -> None:
    one = visitor()
    assert one.open(letters.result) == 200
    one.page.get_by_text("是", exact=True).click()
    one.page.get_by_role("button", name="提交").click()
    assert one.page.get_by_role("status").count() == 1
    one.page.get_by_text("否", exact=True).click()
    one.page.get_by_role("button", name="修改").click()
    assert one.page.get_by_role("textbox").count() == 1
    assert one.faults == []
