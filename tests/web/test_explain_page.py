"""The page behind Why?: the same words as the command, in the reader's language and zone."""

from __future__ import annotations

import re

import pytest

from bihuan.services.deadline import check_all
from schemas.complaint import EventKind


@pytest.mark.parametrize(("language", "why"), [("zh", "为什么？"), ("en", "Why?")])
def test_every_deadline_links_to_its_own_explanation(office, browser, language, why):
    number = office.complaint()
    page = browser.get(f"/complaints/{number}?lang={language}").text
    anchors = re.findall(rf'href="/complaints/{number}/explain#([\w-]+)">([^<]+)<', page)
    assert {anchor for anchor, _ in anchors} == {"assigned-1", "first_response-1", "handled-1"}
    assert {words for _, words in anchors} == {why}
    explained = browser.get(f"/complaints/{number}/explain").text
    assert all(f'id="{anchor}"' in explained for anchor, _ in anchors)


def test_it_is_told_in_the_readers_language(office, browser):
    number = office.complaint()
    chinese, english = (browser.get(f"/complaints/{number}/explain?lang={it}").text for it in ("zh", "en"))
    assert "由“受理登记”起算：2026-11-16 09:00 +08:00" in chinese
    assert "2026-11-16 周一 09:00–11:00：计 2 小时" in chinese
    assert "Started by “registered”: 2026-11-16 09:00 +08:00" in english
    assert "Target 2 h of business time" in english


def test_it_is_told_in_the_readers_zone(office, browser):
    number = office.complaint()
    page = browser.get(f"/complaints/{number}/explain?lang=en&tz=America/New_York").text
    assert "Due 2026-11-15 22:00 -05:00" in page
    assert "2026-11-15 Sun 20:00–22:00: 2 h counted" in page


def test_a_breach_names_whom_it_told_and_what_ended_before_says_so(office, browser):
    number = office.complaint()
    office.happens(number, EventKind.ASSIGNED, handler="li")
    office.later(hours=3)
    check_all(office.db, office.policy, office.at)
    page = browser.get(f"/complaints/{number}/explain?lang=en").text
    assert "Message to Li 处理, handler: planned" in page
    assert "No notice: it had ended before" in page


def test_a_wait_that_lasts_leaves_the_due_instant_open(office, browser):
    number = office.complaint()
    office.later(hours=1)
    office.happens(number, EventKind.WAITING, reason="<photos>")
    page = browser.get(f"/complaints/{number}/explain?lang=en").text
    assert "Due is open: paused now" in page
    assert "(&lt;photos&gt;), not resumed" in page
    assert "Paused: the instant is open" in page


def test_a_complaint_that_does_not_exist_has_no_explanation(browser):
    assert browser.get("/complaints/nothing/explain").status_code == 404
