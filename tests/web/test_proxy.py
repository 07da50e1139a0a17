"""Where requests come from: a proxy in front is believed where it is named, and nothing is open beyond loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from sqlalchemy import update
from starlette.requests import Request

from bihuan.errors import RefusedError, UnavailableError
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.models import Policy
from bihuan.settings import Settings, is_loopback
from bihuan.web.__main__ import listen
from bihuan.web.proxy import BehindProxy, asker
from schemas.access import Role
from schemas.people import Staff

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is bound here is closed at once


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: what a proxy says does not depend on it."""
    return sqlite_url


NAMED = {"X-Forwarded-User": "wang"}


def test_a_trusted_proxy_says_who_it_is_and_nobody_else_does(office: Any, browse_other: Any) -> None:
    office.roles("wang", Role.OPERATOR)
    proxy = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1,::1,10.1.0.0/16")
    answer = proxy.get("/outbox", **NAMED)
    assert (answer.status_code, "Wang 处理" in answer.text) == (200, True)
    assert 'action="/sign-out"' not in answer.text
    for peer, status in (("10.1.2.3", 200), ("::ffff:10.1.2.3", 200), ("10.2.0.1", 403), ("203.0.113.5", 403)):
        stranger = browse_other(peer=peer, sign_in="proxy", trusted_proxies="127.0.0.1,10.1.0.0/16")
        for path in ("/", "/outbox", "/healthz") if status == 403 else ("/outbox",):
            answer = stranger.get(path, **NAMED)
            assert answer.status_code == status, peer
            assert ("不是由可信的代理给出的" in answer.text) == (status == 403)


UNNAMED, STRANGER, IMPOSTOR = "没有说明您是谁", "名册里没有这个工号", "不是由可信的代理给出的"


@pytest.mark.parametrize(("header", "case"), [
    ([], UNNAMED), ([b""], UNNAMED), ([b"nobody"], STRANGER), ([b"gone"], STRANGER), ([b"\xff\xfe"], STRANGER),
    ([b"wang,zhao"], STRANGER), ([b"wang", b"zhao"], IMPOSTOR),
])  # fmt: skip
def test_whom_the_proxy_does_not_name_well_is_turned_away(
    office: Any, browse_other: Any, header: list[bytes], case: str
) -> None:
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == "zhao").values(code="gone", is_active=False))
    browser = browse_other(sign_in="proxy")
    answer = browser.send("GET", "/", headers=[(b"X-Forwarded-User", value) for value in header])
    assert (answer.status_code, case in answer.text) == (403, True)
    assert browser.get("/healthz").status_code == 200


def test_the_proxy_s_header_may_have_another_name_and_a_chinese_code(office: Any, browse_other: Any) -> None:
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == "wang").values(code="王一"))
    browser = browse_other(sign_in="proxy", sign_in_header="X-Staff")
    assert browser.send("GET", "/", headers=[(b"x-staff", "王一".encode())]).status_code == 200
    assert browser.get("/", **NAMED).status_code == 403


def test_where_people_sign_in_by_links_the_header_says_nothing(office: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="link")
    assert browser.get("/", **NAMED).status_code == 303
    assert "Wang" not in browser.get("/nope", **NAMED).text


def test_what_is_recorded_behind_a_proxy_bears_the_person_s_code(office: Any, browse_other: Any) -> None:
    number, browser = office.complaint(), browse_other(sign_in="proxy")
    token = browser.get(f"/complaints/{number}", **NAMED).text.partition('name="token" value="')[2][:64]
    answer = browser.send(
        "POST", f"/complaints/{number}/events", data={"kind": "handled", "token": token}, headers=NAMED
    )
    assert answer.status_code == 303
    assert "由 Wang 处理" in browser.get(f"/complaints/{number}", **NAMED).text


def test_only_whom_the_policy_names_stops_the_clock_from_the_page_too(
    office: Any, policy: Policy, browse_other: Any
) -> None:
    said = policy.written()["deadline"] | {"pause": {"who": ["department_head"]}}
    stern = policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(said)})
    number = office.complaint()
    office.roles("wang", is_head=True)
    for mode, code, status in (("off", "wang", 409), ("proxy", "zhao", 409), ("proxy", "wang", 303)):
        browser = browse_other(policy=stern, sign_in=mode)
        named = {"X-Forwarded-User": code}
        token = browser.get(f"/complaints/{number}", **named).text.partition('name="token" value="')[2][:64]
        fields = {"kind": "waiting", "reason": "等配件", "token": token}
        answer = browser.send("POST", f"/complaints/{number}/events", data=fields, headers=named)
        assert answer.status_code == status, (mode, code)
        assert ("政策只许处理人或部门负责人暂停计时" in answer.text) == (status == 409)


@pytest.mark.parametrize(("peer", "forwarded", "address", "scheme"), [
    ("127.0.0.1", ["203.0.113.9"], "203.0.113.9", "https"),
    ("127.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9", "https"),
    ("127.0.0.1", ["203.0.113.9, 10.0.0.1"], "203.0.113.9", "https"),
    ("127.0.0.1", ["203.0.113.9", "10.0.0.1"], "203.0.113.9", "https"),
    ("127.0.0.1", [], "127.0.0.1", "https"),
    ("127.0.0.1", ["rubbish"], "rubbish", "https"),
    ("198.51.100.7", ["203.0.113.9"], "198.51.100.7", "http"),
    ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64", "http"),
    ("::ffff:198.51.100.7", [], "198.51.100.7", "http"),
    ("", ["203.0.113.9"], "", "http"),
])  # fmt: skip
def test_where_a_request_came_from_is_believed_from_trusted_proxies_only(
    peer: str, forwarded: list[str], address: str, scheme: str
) -> None:
    seen: list[Request] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(Request(scope))

    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded] + [(b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "headers": headers, "client": (peer, 1) if peer else None, "scheme": "http"}
    asyncio.run(BehindProxy(app, "127.0.0.1,10.0.0.0/8")(scope, None, None))  # type: ignore[arg-type]
    assert (asker(seen[0]), scope["scheme"]) == (address, scheme)


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "bihuan.example", ""])
def test_beyond_loopback_nothing_is_served_while_sign_in_is_off(host: str) -> None:
    with pytest.raises(RefusedError, match="sign-in is off"):
        Settings(web_host=host).listening_host()
    assert Settings(web_host=host, sign_in="link").listening_host() == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9", "[::1]"])
def test_loopback_needs_no_sign_in(host: str) -> None:
    assert is_loopback(host)
    assert Settings(web_host=host).listening_host() == host


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "localhost", "127.0.0.1"])
def test_the_pages_listen_where_they_are_told(host: str) -> None:
    with listen(0, host) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # else asyncio sends pages late: Nagle waits for a delayed ACK
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize(
    ("host", "said"), [("192.0.2.1", "no address of this machine"), ("no.such.invalid", "there is no")]
)
def test_an_address_of_nobody_is_one_clear_line(host: str, said: str) -> None:
    with pytest.raises(UnavailableError, match=said):
        listen(0, host)


def test_a_slip_in_the_list_of_proxies_is_found_when_it_is_read() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.300"):
        Settings(trusted_proxies="10.0.0.300")


def test_a_page_may_be_asked_for_by_the_address_it_listens_on(browse_other: Any) -> None:
    assert browse_other("http://192.0.2.7:8700", web_host="192.0.2.7").get("/healthz").status_code == 200
    assert browse_other("http://192.0.2.8:8700", web_host="192.0.2.7").get("/healthz").status_code == 400
    assert browse_other("http://0.0.0.0:8700", web_host=EVERYWHERE).get("/healthz").status_code == 400
