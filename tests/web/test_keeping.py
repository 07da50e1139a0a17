"""The page of a complaint and its account say what retention may not do to it, or has done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bihuan.services.hold import place_hold
from bihuan.services.retention import erase_all
from schemas.complaint import EventKind


@pytest.mark.parametrize("path", ["/complaints/{number}", "/complaints/{number}/explain"])
def test_a_hold_and_an_erasure_are_said_in_both_languages(office: Any, browser: Any, path: str) -> None:
    number = office.complaint("屏幕碎了")
    at = path.format(number=number)
    assert "法务保全" not in browser.get(f"{at}?lang=zh").text
    with office.db.write() as session:
        place_hold(session, number, "诉讼 <44>", "王芳", office.at)
    assert "诉讼 &lt;44&gt;" in browser.get(f"{at}?lang=zh").text
    assert "Under legal hold since" in browser.get(f"{at}?lang=en").text

    other = office.complaint("键盘失灵")
    office.happens(other, EventKind.HANDLED)
    office.later(days=1200)
    erase_all(office.db, office.policy, office.at + timedelta(days=1))
    page = browser.get(f"{path.format(number=other)}?lang=en").text
    assert "Personal data were erased on" in page
    assert "键盘失灵" not in page
