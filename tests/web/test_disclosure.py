"""Whoever finds a hole in an installation learns whom to tell, without signing in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bihuan.settings import Settings
from bihuan.web.disclosure import PATH


def fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


def test_the_contact_is_named_to_anybody_and_the_file_ends_within_a_year(office: Any, browse_other: Any) -> None:
    page = browse_other(
        security_contact="mailto:security@example.com", web_url="https://care.example.com/", sign_in="link"
    )
    answer = page.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    said = fields(answer.text)
    ends = datetime.fromisoformat(said.pop("Expires"))
    assert ends.astimezone(UTC) == ends
    assert office.at + timedelta(days=30) < ends < office.at + timedelta(days=365)
    assert said == {
        "Contact": "mailto:security@example.com",
        "Preferred-Languages": "zh, en",
        "Canonical": f"https://care.example.com{PATH}",
    }


def test_a_plain_address_is_no_canonical_one(browse_other: Any) -> None:
    assert "Canonical" not in browse_other(security_contact="https://example.com/report").get(PATH).text


def test_where_nobody_is_named_there_is_no_such_file(browser: Any) -> None:
    assert browser.get(PATH).status_code == 404


@pytest.mark.parametrize(
    "value", ["security@example.com", "http://example.com", "mailto:", "mailto:a@b\nContact: tel:1", "tel:+1 555"]
)
def test_what_reaches_nobody_or_adds_a_line_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="is no address such as"):
        Settings(security_contact=value)
