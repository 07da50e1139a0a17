"""Malformed requests: none breaks anything, none changes anything, and no answer is larger than a page.

``make fuzz`` sends twenty thousand; the usual run sends a thousand and a half of the same. Those that schemathesis
makes follow, and break, a description of our forms that is written here from the routes; the others are our own.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from bihuan.web.access import PageRoute
from bihuan.web.app import create_app
from bihuan.web.form import LIMITS
from bihuan.web.security import FORM_COOKIE, new_cookie, token

SEED = 20261122
LARGEST = 120_000
"""Bytes of the largest answer there may be."""
URLENCODED = "application/x-www-form-urlencoded"
FIELDS = ("solved", "still_open", "csat", "nps", "speed", "suggestion", "again", "who", "title", "matter", "channel",
          "severity", "email", "kind", "entry", "act", "reason", "to", "outcome", "number", "note", "plan", "token",
          *LIMITS)  # fmt: skip
WORDS = ("", "yes", "no", "maybe", "0", "-1", "11", "1e9", "٣", "５", "NaN", "true", "[]", "{}", "null",
         "' OR 1=1 --", "\x00",
         "\ud800", "😀" * 50, "<script>alert(1)</script>", "{{ 7*7 }}", "%", "a" * 5000, "\r\nX-Evil: 1",
         "\u202e")  # fmt: skip
PATHS = ("/s/", "/o/", "/a/", "/sign-in/", "/sign-in", "/complaints/", "/complaints/new", "/complaints",
         "/calls/", "/outbox/",
         "/api/touchpoints", "/static/", "/mail/", "/months/", "/interviews", "/negative", "/plate", "/",
         "")  # fmt: skip
TRICKS = (b"..", b"%2e%2e/%2e%2e/etc/passwd", b"//", b"/./", b";x=1", b"%00", b"%ed%a0%80", b"%ff%fe", b"%",
         b"%zz", b"%25%32%65",
          b"\\..\\", b"%0d%0aX-Evil:%201", b"~", b"*", b"%e2%80%ae", b"A" * 4000, b"/" * 300)  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get")
TYPES = ("application/json", "multipart/form-data; boundary=x", "text/plain", "",
         URLENCODED + "; charset=utf-16", "a" * 300,
         "application/x-www-form-urlencoded\x00", "\xff")  # fmt: skip
ORIGINS = (
    "null",
    "https://evil.example",
    "http://[",
    "http://[::1",
    "//",
    "http://127.0.0.1:8700@evil.example",
    "\xff",
    "",
)
Raw = tuple[str, bytes, list[tuple[bytes, bytes]], list[bytes]]
"""Method, target, headers, and the body in the pieces in which it comes."""


class Victim:
    """An application in this process, and how it answered."""

    def __init__(self, house: Any) -> None:
        self.house, self.statuses = house, Counter[int]()
        self.app = create_app(house.settings, house.office.db, house.office.policy, house.office.clock)

    async def take(self, raw: Raw) -> None:
        """Send one request as uvicorn hands it on; judge the answer."""
        method, target, headers, pieces = raw
        path, _, query = target.partition(b"?")
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
                 "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query, "root_path": "",
                 "headers": headers, "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 8700)}  # fmt: skip
        coming, answer = iter(pieces), list[Any]()

        async def receive() -> dict[str, Any]:
            piece = next(coming, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Any) -> None:
            answer.append(message)

        await self.app(scope, receive, send)
        self.house.office.later(seconds=6)  # so that nobody is put off for asking too often
        size = sum(len(message.get("body", b"")) for message in answer)
        self.statuses[answer[0]["status"]] += 1
        assert answer[0]["status"] < 500, raw
        assert size < LARGEST, raw


@pytest.fixture
def victim(asked: Any, caplog: pytest.LogCaptureFixture) -> Iterator[Victim]:
    """With an open survey, whose links the requests know; afterwards nothing may have changed or been logged."""
    before, found = asked.everything(), Victim(asked)
    yield found
    assert asked.everything() == before
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info
    ] == []
    assert found.statuses.keys() > {400, 403, 404}


# --- our own ---


class Fuzz:
    """Makes malformed requests, always the same from one seed."""

    def __init__(self, house: Any, seed: int) -> None:
        self.dice = random.Random(seed)
        self.secret = house.settings.secret_value()
        self.survey, self.opt_out = (house.link(kind).rpartition("/")[2].encode() for kind in ("s", "o"))

    def request(self) -> Raw:
        method = self.dice.choices(METHODS, (4, 12, 1, 1, 1, 1, 1, 1, 1, 1))[0]
        target, form = self._target(), {"content-type": URLENCODED}
        headers = {"host": "127.0.0.1", **form, **self._junk_headers()}
        body = self._body()
        if self.dice.random() < 0.3:  # a form that we gave out, filled in with nonsense
            cookie = new_cookie()
            headers |= {"cookie": f"{FORM_COOKIE}={cookie}", **form}
            body = f"token={token(self.secret, cookie)}&title={'x' * 400}&".encode() + body
        if target.lstrip(b"/").startswith((b"s/" + self.survey, b"o/" + self.opt_out)):
            headers, body = self._refused(headers, body)
        return method, target, _encoded(headers), self._pieces(body)

    def _refused(self, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """A link that opens, with what can be no answer whatever its fields say."""
        wrong = self.dice.choice(("type", "origin", "size", "fields"))
        headers |= {"content-type": URLENCODED, "origin": "http://127.0.0.1"}
        match wrong:
            case "type":
                headers["content-type"] = self.dice.choice([kind for kind in TYPES if "urlencoded; " not in kind])
            case "origin":
                headers["origin"] = self.dice.choice([each for each in ORIGINS if each])
            case "size":
                body = b"solved=yes&still_open=" + b"x" * self.dice.randint(64 * 1024, 200_000)
            case _:
                body = b"&".join(b"f%d=%s" % (n, self._noise(20).hex().encode()) for n in range(60))
        return headers, body

    def _target(self) -> bytes:
        if self.dice.random() < 0.3:
            return self.dice.choice((b"/s/" + self.survey, b"/o/" + self.opt_out))
        path = self.dice.choice(PATHS).encode()
        tail = self.dice.choice((
            self.survey, self.opt_out, self.survey[:-1], self.survey + b"x", self.survey.swapcase(), self._token(),
            self.dice.choice(TRICKS), self._percent(self._noise(30)), b"9" * self.dice.randint(1, 400), b"-1", b"",
        ))  # fmt: skip
        query = b"?" + self._query() if self.dice.random() < 0.4 else b""
        return (path + tail if path.endswith(b"/") else path) + query or b"/"

    def _token(self) -> bytes:
        letters = self.dice.choice((b"abcXYZ019-_", b"!$&'()*+,;=:@", b"01"))
        return bytes(self.dice.choice(letters) for _ in range(self.dice.choice((0, 1, 21, 22, 22, 22, 23, 200))))

    def _query(self) -> bytes:
        names = ("lang", "tz", "saved", "page", "next", "state", "q", "at", "to", "department", "\x00")
        return b"&".join(
            self._percent(self.dice.choice(names).encode()) + b"=" + self._percent(self._word()) for _ in range(3)
        )

    def _body(self) -> bytes:
        how = self.dice.randrange(7)
        if how == 0:
            return self._noise(2000)
        if how == 1:
            return b"%" * self.dice.randint(1, 2000)
        if how == 2:
            return b"&".join(b"a" for _ in range(self.dice.randint(41, 3000)))
        if how == 3:
            return b"[" * self.dice.randint(1, 60_000)
        if how == 4:
            return b'{"source": "' + self._noise(50) + b'", "facts": {"a": ' + b"1" * self.dice.randint(1, 6000) + b"}}"
        if how == 5:
            return b"x" * self.dice.choice((0, 1, 64 * 1024, 64 * 1024 + 1, 300_000))
        # a field may be there twice, or have what cannot be text; the last of two counts, and it is no answer
        pairs = [(self.dice.choice(FIELDS), self._percent(self._word())) for _ in range(self.dice.randint(1, 12))]
        return b"&".join(
            name.encode() + b"=" + value for name, value in [*pairs, *((name, b"%00") for name, _ in pairs)]
        )

    def _word(self) -> bytes:
        return self.dice.choice(WORDS).encode("utf-8", "surrogatepass") if self.dice.random() < 0.7 else self._noise(40)

    def _percent(self, raw: bytes) -> bytes:
        broken = self.dice.random() < 0.2
        return b"".join(b"%%%02x" % byte if not broken or byte % 7 else b"%g" for byte in raw)

    def _noise(self, at_most: int) -> bytes:
        return self.dice.randbytes(self.dice.randint(0, at_most))

    def _junk_headers(self) -> dict[str, str]:
        noise = self._noise(60).decode("latin-1")
        junk = {
            "host": self.dice.choice(("evil.example", "", "[", "127.0.0.1:99999", noise)), "cookie": noise,
            "content-type": self.dice.choice(TYPES), "origin": self.dice.choice(ORIGINS), "accept-language": noise,
            "x-forwarded-for": noise, "x-forwarded-proto": noise, "content-length": noise, "x-forwarded-user": noise,
            "authorization": f"Bearer {noise}", "range": "bytes=0-,9-1,-", "if-modified-since": noise,
            "cookie\x00": noise, "content-encoding": "gzip", "expect": "100-continue", "upgrade": "websocket",
        }  # fmt: skip
        return {name: junk[name] for name in self.dice.sample(sorted(junk), self.dice.randint(0, 3))}

    def _pieces(self, body: bytes) -> list[bytes]:
        if self.dice.random() < 0.7 or not body:
            return [body]
        size = self.dice.randint(1, len(body))
        return [body[start : start + size] for start in range(0, len(body), size)][:200]


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]


@pytest.mark.parametrize("count", [550, pytest.param(7500, marks=pytest.mark.fuzz)])
def test_our_own_malformed_requests_change_nothing(victim, asked, count):
    fuzz = Fuzz(asked, SEED)

    async def send() -> None:
        for _ in range(count):
            await victim.take(fuzz.request())

    asyncio.run(send())
    assert victim.statuses.total() == count
    assert victim.statuses.keys() >= {400, 403, 404, 405, 410, 413, 415}


# --- schemathesis ---


def described(routes: list[Any]) -> dict[str, Any]:
    """An OpenAPI document of our forms and pages, whose links are never ones that open."""
    form = {"type": "object", "properties": {
        "solved": {"enum": ["yes", "no"]}, "csat": {"type": "integer", "minimum": 1, "maximum": 5},
        "nps": {"type": "integer", "minimum": 0, "maximum": 10}, "suggestion": {"type": "string", "maxLength": 1000},
        "title": {"type": "string", "maxLength": LIMITS["title"]}, "email": {"type": "string", "format": "email"},
        "who": {"type": "string"}, "again": {"const": "yes"}, "token": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }}  # fmt: skip
    kinds = {"token": {"type": "string", "pattern": "^x[A-Za-z0-9_-]{20}$"}, "int": {"type": "integer"}}
    paths: dict[str, Any] = {}
    for route in (each for each in routes if isinstance(each, PageRoute)):
        path = re.sub(r":int}", "}", route.path)
        places = [
            {"name": name, "in": "path", "required": True, "schema": kinds.get(kind or name, {"type": "string"})}
            for name, kind in re.findall(r"{(\w+)(?::(\w+))?}", route.path)
        ]  # fmt: skip
        asks = [{"name": name, "in": "query", "schema": schema} for name, schema in (
            ("lang", {"enum": ["zh", "en"]}), ("tz", {"type": "string"}), ("saved", {"const": "1"}),
        )]  # fmt: skip
        for method in (method for method in route.methods or () if method != "HEAD"):
            content = {"application/json" if "/api/" in path else URLENCODED: {"schema": form}}
            body = {"requestBody": {"content": content}} if method == "POST" else {}
            operation = {"parameters": places + asks, "responses": {"200": {"description": "said"}}, **body}
            paths.setdefault(path, {})[method.lower()] = operation
    return {"openapi": "3.0.3", "info": {"title": "forms", "version": "1"}, "paths": paths}


def raw_of(case: Any) -> Raw:
    """A request of schemathesis as it would go over the wire; nobody has one of our forms' proofs."""
    with suppress(ValueError):  # what cannot be put into a URL or a header is never sent
        made = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
        headers = {**{name.lower(): str(value) for name, value in made.headers.items()}, "host": "127.0.0.1"}
        body = made.body.encode() if isinstance(made.body, str) else made.body or b""
        return str(made.method), made.path_url.encode(), _encoded(headers), [body]
    return "GET", b"/", [(b"host", b"127.0.0.1")], []


@pytest.mark.parametrize("examples", [3, pytest.param(40, marks=pytest.mark.fuzz)])
def test_requests_that_follow_and_break_a_description_of_our_forms_change_nothing(victim, examples):
    document = described(list(victim.app.routes))
    operations = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) > 40
    with asyncio.Runner() as runner:
        for operation in operations:
            _exhaust(operation, examples, lambda raw: runner.run(victim.take(raw)))
    assert victim.statuses.total() >= len(operations) * examples


def _exhaust(operation: Any, examples: int, take: Callable[[Raw], None]) -> None:
    @hypothesis_settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def send(case: Any) -> None:
        take(raw_of(case))

    send()


# --- over the wire ---


def on_the_wire(fuzz: Fuzz) -> bytes:
    """What a socket brings: often not even HTTP."""
    dice = fuzz.dice
    method, target, headers, pieces = fuzz.request()
    body = b"".join(pieces)
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    head = method.encode() + b" " + target + b" HTTP/1.1\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return dice.choice((
        dice.randbytes(dice.randint(0, 3000)), head + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + lines + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        head + lines + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + body,
        head + lines + b"Content-Length: 999999999\r\n\r\n" + body[:10],
        head + lines + b"Content-Length: -5\r\n\r\n" + body,
        head + lines + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n" + body,
        head + b"Host:" + b"a" * 70_000 + b"\r\n\r\n",
        method.encode() + b" " + dice.randbytes(20) + b" HTTP/9.9\r\n\r\n", head.replace(b"\r\n", b"\n") + b"\n", head,
        b"GET /s/" + fuzz.survey + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"x: y\r\n" * 2000 + b"\r\n",
    ))  # fmt: skip


def answer_to(port: int, sent: bytes) -> bytes:
    """What comes back until the server hangs up; nothing more is sent, so it need not wait."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        with suppress(OSError):  # it may have hung up before it got everything
            wire.sendall(sent)
            wire.shutdown(socket.SHUT_WR)
        said = b""
        with suppress(ConnectionResetError):
            while piece := wire.recv(65536):
                said += piece
    return said


@pytest.mark.parametrize("count", [75, pytest.param(600, marks=pytest.mark.fuzz)])
def test_whatever_comes_over_the_wire_changes_nothing(asked, caplog, count):
    before, fuzz, port = asked.everything(), Fuzz(asked, SEED + 1), int(asked.addresses[0].rpartition(":")[2])
    statuses = Counter[bytes]()
    for _ in range(count):
        sent = on_the_wire(fuzz)
        said = answer_to(port, sent)
        statuses[said[9:12]] += 1
        assert not said or (said.startswith(b"HTTP/1.1 ") and said[9:10] < b"5"), (sent[:500], said[:200])
        assert len(said) < LARGEST
    assert asked.everything() == before
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info
    ] == []
    assert b"400" in statuses
    assert asked.client.get(asked.link()).status_code == 200
