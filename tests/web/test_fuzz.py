"""Malformed requests: none is answered with a 500, none changes what is stored, however it is malformed.

The whole, 20,000 of them, runs with `make fuzz`; a short form in every run. Each request is made of a real one, and
then broken somewhere: what is well-formed by chance is left out, as it may rightly change something.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from sqlalchemy import select
from starlette.routing import Mount

from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.testing import RecordingGateway
from schemas.complaint import CustomerIn, EventKind
from schemas.tables import METADATA

LINK = re.compile(r"/([so])/([\w-]{22})(?![\w-])")
FORM = "application/x-www-form-urlencoded"
SHORT, WHOLE = 1_000, 20_000
JUNK = (
    b"", b"%", b"%zz", b"%00", b"\x00", b"\xff\xfe", b"%ed%a0%80", b"=" * 60, b"&" * 500, b"solved", b"solved=%C3%28",
    b"a=1;b=2", b"csat=99999999999999999999", b"csat=-1", b"csat=4.5", b"csat=NaN", b"csat=%D9%A4", b"solved=maybe",
    b"solved=yes" + b"&x=y" * 100, b"nps=" + b"9" * 5_000, b"{", b"[]", b'{"csat": 5}', b"<xml/>", b"csat[]=5",
    b"csat=5" * 40,
    b"suggestion=" + b"A" * 70_000,
)  # fmt: skip
TYPES = (FORM, "application/json", "multipart/form-data", "multipart/form-data; boundary=x",
          "text/plain", "", "a" * 300,
         f"{FORM}; charset=utf-16", "application/x-www-form-urlencoded\t; x")  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X" * 50)
PIECES = ("", "..", "%2e%2e", "%2f", "%00", "\ud83d".encode("utf-8",
          "surrogatepass").decode("latin-1"), "a" * 2_000, "0", "-1",
          "1e9", "9" * 30, "None", "<script>", "'; DROP TABLE answer; --", "{{7*7}}", "%E6%8A%95", "\t",
          "～")  # fmt: skip
ODD_HEADERS = (
    ("origin", "null"), ("origin", "http://evil.example"), ("host", "evil.example"), ("accept-language", "\xff" * 50),
    ("accept-language", "," * 900), ("cookie", "bihuan_form=" + "x" * 3_000), ("cookie", ";;;=;=;"), ("range",
    "bytes=9-1"),
    ("content-length", "-1"), ("transfer-encoding", "gzip, gzip"), ("x-forwarded-for", "'"), ("authorization",
    "Bearer \xff"),
    ("authorization", "Basic eA=="), ("if-none-match", '"' * 99), ("expect", "100-continue"),
)  # fmt: skip


@pytest.fixture
def asked(office: Any) -> Any:
    """An installation with a complaint, and a letter out with its private links."""
    customer = CustomerIn(external_id="c1", name="王女士", contact_url="json://hooks.example.com/wang")
    office.number = office.complaint(customer=customer)
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED)
    follow_up(office.db, office.policy, office.settings, office.at)
    deliver_all(office.db, mail := RecordingGateway(), office.settings, office.clock)
    office.tokens = dict(LINK.findall("\n".join(letter.body for _, letter in mail.sent)))
    return office


def contents(office: Any) -> str:
    """A hash over everything in the database."""
    digest = hashlib.sha256()
    with office.db.read() as session:
        for name, table in sorted(METADATA.tables.items()):
            digest.update(name.encode())
            for row in session.execute(select(table).order_by(*table.primary_key)):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def addresses(office: Any, app: Any) -> list[str]:
    """Every route of ours, its places filled with what exists.

    The opt-out's link does not: whoever sends anything to that is out, as one press is meant to be enough.
    """
    filled = {
        "number": office.number,
        "name": "none",
        "message_id:int": "1",
        "invitation_id:int": "1",
        "interview_id:int": "1",
    }
    found = []
    for route in app.routes:
        if not isinstance(route, Mount):
            token = office.tokens["s"] if route.path.startswith("/s/") else "A" * 22
            found.append(re.sub(r"\{(.+?)\}", lambda place, token=token: filled.get(place[1], token), route.path))
    return sorted(set(found))


def broken(chance: random.Random, address: str) -> dict[str, Any]:
    """A request that no browser of ours would send."""
    path, method, body, headers = address, chance.choice(METHODS), b"", []
    match chance.randrange(6):
        case 0:  # a body that is no form of ours
            method, body = "POST", chance.choice(JUNK) or bytes(chance.randrange(256) for _ in range(200))
            headers = [("content-type", chance.choice(TYPES))]
        case 1:  # a path that leads nowhere
            parts = path.split("/")
            parts[chance.randrange(len(parts))] = chance.choice(PIECES)
            path = "/".join(parts) or "/"
        case 2:  # a token of a wrong length or alphabet
            path = re.sub(r"[\w-]{22}", lambda found: found[0][: chance.randrange(22)] + chance.choice(PIECES), path)
            method = chance.choice(("GET", "POST"))
            headers = [("content-type", FORM)]
        case 3:  # headers that make no sense, some of them twice
            method, body = "POST", b"csat=5"
            headers = [("content-type", FORM), *chance.choices(ODD_HEADERS, k=3), ("origin", "http://evil.example")]
        case 4:  # a query that makes no sense
            path += "?" + "&".join(
                chance.choice(PIECES) + "=" + chance.choice(PIECES) for _ in range(chance.randrange(1, 5))
            )
            method = "GET"
        case _:  # something that is no language of the web at all
            method = "POST"
            body = bytes(chance.randrange(256) for _ in range(chance.randrange(300)))
            headers = [("content-type", chance.choice(TYPES[1:]))]
    return {"method": method, "url": path, "content": body, "headers": headers}


async def sent(app: Any, requests: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """What is answered wrongly: a fault of ours, or a body without bounds; with what was asked."""
    inside = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 40_000))
    found = []
    async with httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1:8700") as client:
        for request in requests:
            headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in request.pop("headers")]
            try:
                made = client.build_request(**request, headers=headers)
            except (httpx.InvalidURL, UnicodeError, ValueError):
                continue  # nothing that a client can put on a line
            answer = await client.send(made)
            if answer.status_code >= 500 or len(answer.content) > 300_000:
                found.append((answer.status_code, f"{request['method']} {request['url'][:200]!r} {headers!r:.200}"))
    return found


def assault(office: Any, app: Any, count: int, seed: int, caplog: Any) -> None:
    """Send so many, and see that nothing happened."""
    chance, before = random.Random(seed), contents(office)
    known = addresses(office, app)
    with caplog.at_level(logging.ERROR):
        wrong = asyncio.run(sent(app, [broken(chance, chance.choice(known)) for _ in range(count)]))
    assert wrong == []
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert contents(office) == before


def test_malformed_requests_are_no_fault_of_ours_and_change_nothing(asked, app, caplog):
    assault(asked, app, SHORT, 20_261_125, caplog)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(2))
def test_twenty_thousand_malformed_requests_change_nothing(asked, app, caplog, seed):
    """10,000 for each database and seed."""
    assault(asked, app, WHOLE // 2, seed, caplog)


def described() -> dict[str, Any]:
    """An OpenAPI document of the forms that anybody may send: the application publishes none.

    Its link is none of ours: of a form that is half right, whatever is right is rightly kept.
    """
    fields = {
        "/s/{token}": {"solved": ["yes", "no"], "csat": list("12345"), "nps": list("0123456789"), "still_open": None},
        "/sign-in": {"code": None},
        "/a/{token}": {"act": ["acknowledge", "cannot", "hand_over"], "reason": None},
        "/complaints/new": {"title": None, "channel": ["phone", "web"], "severity": ["general", "urgent"]},
    }  # fmt: skip
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "enum": ["A" * 22]}}
    return {"openapi": "3.0.3", "info": {"title": "bihuan", "version": "1"}, "paths": {
        path: {"post": {
            "parameters": [token] if "{token}" in path else [],
            "requestBody": {"required": True, "content": {FORM: {"schema": {
                "type": "object", "additionalProperties": False, "required": sorted(names),
                "properties": {name: {"type": "string", **({"enum": values} if values else {"maxLength": 200})}
                               for name, values in names.items()},
            }}}},
            "responses": {"default": {"description": "a page"}},
        }}
        for path, names in fields.items()
    }}  # fmt: skip


def schemathesised(office: Any, app: Any, count: int, caplog: Any) -> None:
    """Send what schemathesis makes against the description, ``count`` for each form, and see that nothing happened."""
    document, before = schemathesis.openapi.from_dict(described()), contents(office)
    requests: list[dict[str, Any]] = []
    for operation in document.get_all_operations():

        @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def make(case: Any) -> None:
            body = case.body if isinstance(case.body, dict) else {}
            pairs = [(str(name), str(value)) for name, value in body.items()]
            requests.append({
                "method": "POST", "url": case.formatted_path, "headers": [("content-type", FORM)],
                "content": urlencode(pairs, errors="replace").encode(),
            })  # fmt: skip

        make()
    with caplog.at_level(logging.ERROR):
        assert asyncio.run(sent(app, requests)) == []
    assert len(requests) >= count
    assert contents(office) == before


def test_what_schemathesis_makes_of_our_forms_is_no_fault_of_ours(asked, app, caplog):
    schemathesised(asked, app, 25, caplog)


@pytest.mark.fuzz
def test_thousands_that_schemathesis_makes_change_nothing(asked, app, caplog):
    schemathesised(asked, app, 1_500, caplog)
