"""Who does what with an improvement item on a page."""

from __future__ import annotations

from typing import Any

import pytest

FORM = "/complaints/new"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: whose something is does not depend on it."""
    return sqlite_url


def look(improving: Any, browser: Any, code: str) -> str:
    answer = browser.get(f"/improvement/{improving.number}?lang=zh", **{"X-Forwarded-User": code})
    assert answer.status_code == 200
    return str(answer.text)


@pytest.mark.parametrize(("code", "decides", "works", "reports"), [
    ("zhao", False, True, True), ("han", True, True, True), ("eve", True, True, True), ("li", False, True, True),
    ("wang", False, False, True), ("bo", False, False, False),
])  # fmt: skip
def test_each_is_offered_what_is_theirs(
    improving: Any, browse_other: Any, code: str, decides: bool, works: bool, reports: bool
) -> None:
    improving.reviewed()
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    page = look(improving, browser, code)
    assert ('value="decide"' in page, 'value="edit"' in page) == (decides, works)
    improving.agree_plan()
    page = look(improving, browser, code)
    assert ('value="progress"' in page) is reports


def as_one(improving: Any, browser: Any, code: str, **fields: str) -> Any:
    """Send a form as somebody whom the proxy names."""
    page = browser.get(FORM, **{"X-Forwarded-User": code}).text
    token = page.split('name="token" value="')[1].split('"')[0]
    return browser.send("POST", f"/improvement/{improving.number}?lang=zh", data={"token": token, **fields},
                        headers={"Origin": browser.address, "X-Forwarded-User": code})  # fmt: skip


@pytest.mark.parametrize(("code", "fields", "status"), [
    ("wang", {"act": "progress", "key": "1", "ratio": "50%"}, 303),
    ("wang", {"act": "edit", "remarks": "x"}, 403), ("wang", {"act": "measure_cancel", "key": "1", "reason": "x"}, 403),
    ("li", {"act": "edit", "remarks": "x"}, 303), ("li", {"act": "hold", "until_on": "2026-12-01", "reason": "x"}, 403),
    ("li", {"act": "cancel", "reason": "x"}, 403), ("bo", {"act": "edit", "remarks": "x"}, 403),
    ("bo", {"act": "progress", "key": "1", "ratio": "50%"}, 403), ("han", {"act": "cancel", "reason": "x"}, 303),
    ("zhao", {"act": "hold", "until_on": "2026-12-01", "reason": "x"}, 303), ("eve", {"act": "resume"}, 303),
    ("wang", {"act": "progress", "key": "9", "ratio": "50%"}, 403), ("li", {"act": "sell"}, 400),
])  # fmt: skip
def test_each_does_only_what_is_theirs(
    improving: Any, browse_other: Any, code: str, fields: dict[str, str], status: int
) -> None:
    improving.doing()
    before = improving.show()["revision"]
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    assert as_one(improving, browser, code, **fields).status_code == status
    if status == 403:
        assert improving.show()["revision"] == before
