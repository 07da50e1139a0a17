"""Malformed requests of another system that does have a key: each is refused in JSON, and nothing is kept.

``make fuzz`` sends ten thousand, the usual run a few hundred of the same.
"""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from bihuan.services.api_key import make_key
from schemas.access import Scope

SEED = 20261126
WORDS = ("", "x", "x" * 5000, "\0", "\u202e", "😀" * 300, "' OR 1=1 --", "<script>", "{{7*7}}", "2026-11-16T09:00:00Z",
         "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00Z", "mailto:", "json://127.0.0.1/hook",
         "tel:+8613800138000")  # fmt: skip
VALUES = (None, True, -1, 0, 2**63, 10**400, 1.5, 1e308, [], {}, [None], {"": None}, {"a": {"b": [1]}}, ["x"] * 600)
FORM = "application/x-www-form-urlencoded"
KINDS = ("application/json", "application/json; charset=utf-16", "text/json", "", "application/json\0")


class Fuzz:
    """Makes bodies, always the same from one seed; none of them holds a touchpoint that could be taken."""

    def __init__(self, dice: random.Random, at: str) -> None:
        self.dice = dice
        self.good = {"source": "shop", "external_id": "1", "kind": "order_completed", "customer_id": "c1",
                     "occurred_at": at, "contact_url": "mailto:lin@mail.example", "name": "林女士",
                     "facts": {"sum": 12.5}}  # fmt: skip

    def value(self) -> Any:
        return self.dice.choice(VALUES) if self.dice.random() < 0.6 else self.dice.choice(WORDS)

    def touchpoint(self) -> dict[str, Any]:
        """One with fields that mean something else, and always one that there is not."""
        made = {name: said for name, said in self.good.items() if self.dice.random() < 0.9}
        for name in self.dice.sample([*self.good, "language", "timezone", "tier", ""], self.dice.randint(0, 4)):
            made[name] = self.value()
        return made | {"made_up": self.value()}

    def body(self) -> bytes:
        how = self.dice.randrange(8)
        if how == 0:
            return self.dice.randbytes(self.dice.randint(0, 3000))
        if how == 1:
            return self.dice.choice((b"[", b"{", b'{"a":', b"[[{}],", b'"')) * self.dice.randint(1, 60_000)
        if how == 2:
            return b"[" + b",".join([b"{}"] * self.dice.choice((1, 500, 501, 5000))) + b"]"
        if how == 3:
            return json.dumps(self.value()).encode()
        told = self.touchpoint() if self.dice.random() < 0.7 else [self.touchpoint() for _ in range(4)]
        said = json.dumps(told, ensure_ascii=self.dice.random() < 0.5).encode("utf-8", "surrogatepass")
        if how == 4:  # a name that stands twice
            return said.replace(b"{", b'{"kind": "x", ', 1)
        if how == 5:
            at = self.dice.randint(0, len(said))
            return said[:at] + self.dice.randbytes(2) + b"\xff" + said[at + 2 :]
        return said


@pytest.fixture
def key(asked: Any) -> str:
    with asked.office.db.write() as session:
        return make_key(session, "shop", Scope.TOUCHPOINTS, asked.office.at)


@pytest.mark.parametrize("count", [150, pytest.param(5000, marks=pytest.mark.fuzz)])
def test_malformed_requests_with_a_key_change_nothing(asked: Any, key: str, victim: Any, count: int) -> None:
    dice = random.Random(SEED)
    fuzz = Fuzz(dice, asked.office.at.isoformat())

    async def send() -> None:
        for path in (b"/nope", b"/s/" + b"x" * 22):
            await victim.take(("GET", path, {"host": "127.0.0.1"}, [b""]))
        await victim.take(("POST", b"/complaints/new", {"host": "127.0.0.1", "content-type": FORM}, [b"a=1"]))
        for _ in range(count):
            headers = {"host": "127.0.0.1", "authorization": f"Bearer {key}",
                       "content-type": dice.choices(KINDS, (9, 1, 1, 1, 1))[0]}  # fmt: skip
            await victim.take(("POST", b"/api/touchpoints", headers, [fuzz.body()]))

    asyncio.run(send())
    assert victim.statuses.keys() >= {400, 413, 415, 422}
    assert not victim.statuses.keys() & {200, 201, 207}
