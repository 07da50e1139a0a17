"""Every page in a real Chromium: on a phone, with scripts off, in both languages, judged by axe.

A new page needs one line in ``PAGES``. The short form at the end runs with `make test`, the whole with `make e2e`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.routing import Route

PAGES = {
    "/": ("/", "/?live=yes"),
    "/complaints": ("/complaints", "/complaints?state=overdue", "/complaints?department=nowhere"),
    "/complaints/new": ("/complaints/new",),
    "/complaints/{number}": (
        "/complaints/{full}?done=waiting", "/complaints/{assigned}", "/complaints/{handled}", "/complaints/{closed}",
        "/complaints/{merged}",
    ),
    "/complaints/{number}/explain": ("/complaints/{full}/explain", "/complaints/{closed}/explain"),
    "/a/{token}": ("/a/{link}", "/a/{links}", "/a/{link}?done=stopped"),
    "/signs": ("/signs", "/signs?by=handler"),
    "/indicators": ("/indicators", "/indicators?month=2026-10"),
    "/indicators/{name}": (
        "/indicators/on_time_handled", "/indicators/handling_time?by=handler", "/indicators/nps?month=2020-01",
    ),
    "/indicators/{name}/complaints": (
        "/indicators/on_time_handled/complaints?side=apart", "/indicators/handling_time/complaints?channel=phone",
    ),
    "/months": ("/months",),
    "/months/{number}": ("/months/{month}",),
    "/charts": ("/charts",),
    "/charts/{indicator}": (
        "/charts/on_time_handled", "/charts/on_time_handled?dimension=department", "/charts/csat_mean?grain=day",
        "/charts/nps",
    ),
    "/outbox": ("/outbox", "/outbox?state=failed&done=arrived", "/outbox?state=sending"),
    "/negative": ("/negative", "/negative?state=", "/negative?department=product&state=done&done=negative_told"),
    "/improvement": ("/improvement", "/improvement?standing=ended"),
    "/improvement/approvals": ("/improvement/approvals",),
    "/improvement/scoreboard": ("/improvement/scoreboard",),
    "/improvement/lessons": ("/improvement/lessons", "/improvement/lessons?q=nothing"),
    "/access": ("/access", "/access?complaint={full}&from=2026-11-01&to=2026-11-30"),
    "/mail": ("/mail",),
    "/mail/{name}": ("/mail/{mail}",),
}  # fmt: skip
"""Route to the addresses looked at; the names in braces are those of the fixture ``installation``."""
NO_PAGE = {
    "/months/{number}/{name}": "hands out files",
    "/healthz": "answers machines",
    "/readyz": "answers machines",
    "/metrics": "answers machines",
    "/.well-known/security.txt": "a text",
    "/complaints/{number}/events": "leads to the complaint",
    "/outbox/{message_id:int}/decide": "leads to the ledger",
    "/s/{token}": "looked at in test_survey.py",
    "/o/{token}": "looked at in test_survey.py",
    "/calls": "looked at in test_calls.py",
    "/calls/{invitation_id:int}": "looked at in test_calls.py",
    "/interviews": "looked at in test_calls.py",
    "/interviews/{interview_id:int}": "looked at in test_calls.py",
    "/plate": "looked at in test_door.py",
    "/sign-in": "looked at in test_door.py",
    "/sign-in/{token}": "looked at in test_door.py",
    "/sign-out": "looked at in test_door.py",
    "/sign-out/everywhere": "leads to /sign-out",
    "/improvement/cycles/{cycle}": "looked at in test_improvement.py",
    "/improvement/cycles/{cycle}/plan.xlsx": "hands out a file",
    "/improvement/cycles/{cycle}/gantt.svg": "is drawn on the cycle's page",
    "/improvement/{item}/gantt.svg": "is drawn on the item's page",
    "/improvement/{item}": "looked at in test_improvement.py",
    "/improvement/standards/{standard}": "looked at in test_improvement.py",
}
REFUSED = {"/nowhere": 404, "/complaints/C-0": 404, "/outbox?page=x": 400, "/a/cut-off": 410}
"""Addresses that end on the page of what went wrong."""

EXCUSED = {("/?live=yes", "meta-refresh"): "the reader asked for it, and stops it on the page (WCAG 2.2.1)"}
"""What axe must report of an address, and why it may stay."""

ADDRESSES = [address for addresses in PAGES.values() for address in addresses] + list(REFUSED)
LANGUAGES = ("zh", "en")
PHONE, DESK = 390, 1280


def look(visitor: Any, address: str, installation: Any) -> Any:
    """Open the page there, which must answer as it should; whoever opened it."""
    assert visitor.open(address.format_map(installation.named)) == REFUSED.get(address, 200)
    return visitor


def wrong(visitor: Any, address: str) -> list[str]:
    """What went wrong on the page; that it was refused is no fault where it is meant to be."""
    refused = f"status of {REFUSED[address]}" if address in REFUSED else None
    return [fault for fault in visitor.faults if not (refused and refused in fault)]


def judged(visitor: Any, address: str) -> list[str]:
    """What axe finds on the page there, with everything unfolded, but for what is excused."""
    visitor.unfold()
    return [line for line in visitor.violations() if (address, line.split(":")[0]) not in EXCUSED]


def test_every_page_of_the_application_is_looked_at(installation: Any) -> None:
    routes = {route.path for route in installation.app.routes if isinstance(route, Route) and "GET" in route.methods}
    assert PAGES.keys() | NO_PAGE.keys() == routes


@pytest.mark.e2e
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_loads_whole_without_a_script_and_fits(
    visitor: Callable[..., Any], installation: Any, address: str, language: str, width: int
) -> None:
    one = look(visitor(language, width=width), address, installation)
    assert wrong(one, address) == []
    assert one.width() <= width
    assert one.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]


@pytest.mark.e2e
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESK, "light")])
def test_axe_finds_nothing(
    visitor: Callable[..., Any], installation: Any, address: str, language: str, width: int, scheme: str
) -> None:
    one = look(visitor(language, width=width, scheme=scheme, scripts=True), address, installation)
    assert judged(one, address) == []


@pytest.mark.parametrize(("address", "language"), [("/outbox", "en"), ("/complaints/{full}?done=waiting", "zh")])
def test_on_a_phone_it_works_without_a_script_and_axe_finds_nothing(
    visitor: Callable[..., Any], installation: Any, address: str, language: str
) -> None:
    plain = look(visitor(language), address, installation)
    assert (wrong(plain, address), plain.width()) == ([], PHONE)
    assert judged(look(visitor(language, scripts=True), address, installation), address) == []


def test_what_is_wrong_with_a_page_is_found(visitor: Callable[..., Any], installation: Any) -> None:
    one = look(visitor(scripts=True), "/signs", installation)
    one.page.evaluate(PLANTED)
    assert one.width() > PHONE
    found = {line.split(":")[0] for line in one.violations()}
    assert {"button-name", "color-contrast", "target-size", "label", "region"} <= found
    elsewhere = installation.address.replace("127.0.0.1", "localhost")
    one.page.evaluate("address => fetch(address).catch(() => 0)", elsewhere)
    one.page.goto(elsewhere)
    kinds = {fault.split(":")[0] for fault in one.faults}
    assert kinds == {"console", "outside"}, one.faults


PLANTED = """() => {
  const plant = (tag, style, words) => {
    const one = document.body.appendChild(document.createElement(tag))
    one.textContent = words
    Object.assign(one.style, style)
  }
  plant('p', {width: '900px', color: '#bbb'}, 'grey and wide')
  plant('input', {}, '')
  for (const words of ['', 'x']) plant('button', {width: '12px', height: '12px', padding: '0', minHeight: '0'}, words)
}"""
