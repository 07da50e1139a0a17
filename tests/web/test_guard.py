"""Only a form that this installation gave to this browser records; nothing foreign gets in, nothing inner out."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.store.queries import board
from bihuan.web.security import FORM_COOKIE, LARGEST_BODY, token
from schemas.complaint import EventKind

FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.php"\r\n\r\n<?php ?>\r\n--x--\r\n'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: what is refused never reaches it."""
    return sqlite_url


def test_a_form_without_its_token_is_refused_and_records_nothing(office: Any, browser: Any) -> None:
    number = office.complaint()
    browser.get("/")
    before = office.stored()
    for path, fields in (
        (f"/complaints/{number}/events", {"kind": "handled"}),
        ("/complaints/new", {"title": "x", "channel": "phone", "severity": "general"}),
    ):
        for proof in ({}, {"token": ""}, {"token": "0" * 64}, {"token": "é"}):
            assert browser.send("POST", path, data={**fields, **proof}).status_code == 403
    assert office.stored() == before


def test_a_token_serves_no_other_browser(office: Any, browse: Any) -> None:
    number, mine, yours = office.complaint(), browse(), browse()
    mine.get("/")
    yours.get("/")
    theirs = token(office.settings.secret_value(), yours.cookies[FORM_COOKIE])
    answer = mine.send("POST", f"/complaints/{number}/events", data={"kind": "handled", "token": theirs})
    assert answer.status_code == 403


def test_a_token_without_its_cookie_is_refused(office: Any, browse: Any) -> None:
    number, mine = office.complaint(), browse()
    mine.get("/")
    good = token(office.settings.secret_value(), mine.cookies[FORM_COOKIE])
    answer = browse().send("POST", f"/complaints/{number}/events", data={"kind": "handled", "token": good})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:3000", "null"])
def test_a_form_sent_by_another_origin_is_refused(office: Any, browser: Any, origin: str) -> None:
    number = office.complaint()
    browser.get("/")
    good = token(office.settings.secret_value(), browser.cookies[FORM_COOKIE])
    answer = browser.send(
        "POST", f"/complaints/{number}/events", data={"kind": "handled", "token": good}, headers={"Origin": origin}
    )
    assert answer.status_code == 403


def test_the_cookie_of_the_forms_is_for_us_alone(browser: Any) -> None:
    cookie = browser.get("/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "set-cookie" not in browser.get("/").headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "127.0.0.2", "10.0.0.1"]
)
def test_a_foreign_host_is_refused(browse: Any, host: str) -> None:
    assert browse(f"http://{host}").get("/").status_code == 400


@pytest.mark.parametrize("host", ["localhost:8700", "127.0.0.1", "[::1]:8700", "bihuan.example", "BIHUAN.example:443"])
def test_loopback_and_the_installation_s_own_name_are_served(browse: Any, host: str) -> None:
    assert browse(f"http://{host}").get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/complaints/nope", "/healthz", "/static/style.css", "/nope"])
def test_every_answer_carries_the_strict_headers(browser: Any, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    assert ("immutable" if path.startswith("/static") else "no-store") in headers["cache-control"]


@pytest.mark.parametrize("path", ["/", "/nope", "/healthz", "/static/style.css"])
def test_behind_a_certificate_a_browser_is_told_to_ask_for_nothing_unencrypted(browse_other: Any, path: str) -> None:
    answer = browse_other("https://bihuan.example", web_url="https://bihuan.example").get(path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_an_unexpected_error_shows_no_detail(office: Any, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(board, "by_department", fail)
    answer = browser.get("/?lang=en")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "secret of the house" not in answer.text
    assert "Traceback" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_body_beyond_the_limit_is_not_read_to_its_end(office: Any, browser: Any) -> None:
    number = office.complaint()
    answer = browser.send("POST", f"/complaints/{number}/events", content=b"note=" + b"x" * LARGEST_BODY, headers=FORM)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (FILE, {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"", {}, 415),
        (b"kind=%ff%fe", FORM, 400),
        ("kind=é".encode(), FORM, 400),
        (b"&".join(b"a=1" for _ in range(50)), FORM, 400),
    ],
)
def test_what_is_no_form_is_refused(browser: Any, body: bytes, headers: dict[str, str], status: int) -> None:
    assert browser.send("POST", "/complaints/new", content=body, headers=headers).status_code == status


def test_an_unknown_page_is_friendly_and_an_unknown_method_refused(browser: Any) -> None:
    answer = browser.get("/nope?lang=en")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert browser.send("DELETE", "/").status_code == 405


def test_no_interface_description_is_offered(browser: Any) -> None:
    assert {browser.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_recording_still_works_with_all_guards(office: Any, browse: Any) -> None:
    number, browser = office.complaint(), browse("http://bihuan.example")
    answer = browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind=EventKind.HANDLED.value)
    assert answer.status_code == 303
