"""Malformed requests: none breaks anything, none changes anything, and no answer is larger than a page.

``make fuzz`` sends forty thousand, with those of schemathesis; the usual run sends a thousand and a half of the same.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from bihuan.web.form import LIMITS
from bihuan.web.security import FORM_COOKIE, new_cookie, token

SEED = 20261122
LARGEST = 120_000
URLENCODED = "application/x-www-form-urlencoded"
FIELDS = ("solved", "still_open", "csat", "nps", "speed", "suggestion", "again", "who", "title", "matter", "channel",
          "severity", "email", "kind", "entry", "act", "reason", "to", "outcome", "number", "note", "plan", "token",
          *LIMITS)  # fmt: skip
WORDS = ("", "yes", "no", "maybe", "0", "-1", "11", "1e9", "٣", "５", "NaN", "true", "[]", "{}", "null", "' OR 1=1 --",
         "\x00", "\ud800", "😀" * 50, "<script>alert(1)</script>", "{{ 7*7 }}", "%", "a" * 5000, "\r\nX-Evil: 1",
         "\u202e")  # fmt: skip
PATHS = ("/s/", "/o/", "/a/", "/sign-in/", "/sign-in", "/complaints/", "/complaints/new", "/complaints", "/calls/",
         "/outbox/", "/api/touchpoints", "/static/", "/mail/", "/months/", "/interviews", "/negative", "/plate", "/",
         "")  # fmt: skip
TRICKS = (b"..", b"%2e%2e/%2e%2e/etc/passwd", b"//", b"/./", b";x=1", b"%00", b"%ed%a0%80", b"%ff%fe", b"%", b"%zz",
          b"%25%32%65", b"\\..\\", b"%0d%0aX-Evil:%201", b"~", b"*", b"%e2%80%ae", b"A" * 4000,
          b"/" * 300)  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get")
TYPES = ("application/json", "multipart/form-data; boundary=x", "text/plain", "", URLENCODED + "; charset=utf-16",
         "a" * 300, "application/x-www-form-urlencoded\x00", "\xff")  # fmt: skip
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
Raw = tuple[str, bytes, dict[str, str], list[bytes]]
"""Method, target, headers, and the body in the pieces in which it comes."""


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
        return method, target, headers, self._pieces(body)

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


@pytest.mark.parametrize("count", [550, pytest.param(15_000, marks=pytest.mark.fuzz)])
def test_our_own_malformed_requests_change_nothing(victim, asked, count):
    fuzz = Fuzz(asked, SEED)

    async def send() -> None:
        for _ in range(count):
            await victim.take(fuzz.request())

    asyncio.run(send())
    assert victim.statuses.total() == count
    assert victim.statuses.keys() >= {400, 403, 404, 405, 410, 413, 415}


# --- over the wire ---


def on_the_wire(fuzz: Fuzz) -> bytes:
    """What a socket brings: often not even HTTP."""
    dice = fuzz.dice
    method, target, headers, pieces = fuzz.request()
    body = b"".join(pieces)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1", "replace")
    head = method.encode() + b" " + target + b" HTTP/1.1\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return dice.choice((
        dice.randbytes(dice.randint(0, 3000)), head + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + lines + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        head + lines + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + body,
        head + lines + b"Content-Length: 999999999\r\n\r\n" + body[:10],
        head + lines + b"Content-Length: -5\r\n\r\n" + body, head + b"Host:" + b"a" * 70_000 + b"\r\n\r\n",
        head + lines + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n" + body,
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


@pytest.mark.parametrize("count", [75, pytest.param(900, marks=pytest.mark.fuzz)])
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
