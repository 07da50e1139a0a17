"""The pages for signing in and out in a real Chromium, on a phone, in both languages, judged by axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bihuan.web.access import SESSION_COOKIE

PHONE = 390
OUTSIDE = {"/sign-in": 200, "/sign-in?sent=1": 200, "/sign-in/{link}": 200, "/sign-in/{used}": 410, "/sign-in/x": 404}
INSIDE = {"/plate": 200, "/sign-out": 200, "/": 200, "/outbox": 403}


def look(visitor: Any, door: Any, address: str, status: int) -> Any:
    """Open the page there, signed in where the page is one for those inside."""
    visitor.address = door.address
    if address in INSIDE:
        visitor.page.context.add_cookies([{"name": SESSION_COOKIE, "value": door.named["session"],
                                           "url": door.address}])  # fmt: skip
    assert visitor.open(address.format_map(door.named)) == status
    return visitor


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("address", "status"), [*OUTSIDE.items(), *INSIDE.items()])
def test_it_fits_a_phone_without_a_script_and_axe_finds_nothing(
    visitor: Callable[..., Any], door: Any, language: str, address: str, status: int
) -> None:
    plain = look(visitor(language), door, address, status)
    assert plain.width() <= PHONE
    assert [fault for fault in plain.faults if f"status of {status}" not in fault] == []
    assert look(visitor(language, scripts=True), door, address, status).violations() == []


def test_somebody_signs_in_with_two_presses_and_out_with_one(visitor: Callable[..., Any], door: Any) -> None:
    one = look(visitor(), door, "/sign-in/{link}", 200)
    one.page.get_by_role("button", name="登录").click()
    assert one.page.url == f"{door.address}/plate"
    assert one.page.get_by_role("link", name="甄靠谱").count() == 1
    one.page.get_by_role("button", name="退出").click()
    assert one.page.url == f"{door.address}/sign-in"
    assert one.open("/complaints") == 200
    assert one.page.url.startswith(f"{door.address}/sign-in?next=")
    assert one.faults == []
