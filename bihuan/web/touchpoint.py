"""``POST /api/touchpoints``: another system tells what happened to its customers, one at a time or many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bihuan.inbound.touchpoint import read_touchpoint
from bihuan.rules.touchpoint import Fault
from bihuan.services.touchpoint import Fate, Told, take_touchpoints
from bihuan.web.api import Refusal, json_of
from bihuan.web.view import site

MOST = 500
"""Touchpoints in one request."""
LARGEST = 1024 * 1024
"""Bytes of a request."""
_OK, _CREATED, _MIXED, _NONE = 200, 201, 207, 422


async def receive(request: Request) -> Response:
    """Take the touchpoints of a request, each by itself: a bad one leaves the others.

    201 where something is new and nothing was refused, 200 where all was known, 207 where some were refused, 422 where
    all were. The body says of each, in the order in which they came, what became of it and why.
    """
    said = await json_of(request, LARGEST)
    if not isinstance(said, dict | list) or said == []:
        raise Refusal(400, "the body holds no touchpoint", "send one object, or a list of them")
    elements = said if isinstance(said, list) else [said]
    if len(elements) > MOST:
        raise Refusal(413, f"more than {MOST} touchpoints", f"send at most {MOST} at once")
    return await run_in_threadpool(_take, request, elements)


def _take(request: Request, elements: Sequence[Any]) -> Response:
    here = site(request)
    read = [read_touchpoint(one) for one in elements]
    sound = [one for one in read if not isinstance(one, Fault)]
    fates: Iterator[Told] = iter(())
    if sound:
        with here.db.write() as session:
            fates = iter(take_touchpoints(session, here.policy, here.settings, here.clock, sound))
    told = [Told(Fate.REJECTED, one) if isinstance(one, Fault) else next(fates) for one in read]
    counts = Counter(one.fate for one in told)
    results = [_result(place, one, said) for place, (one, said) in enumerate(zip(told, read, strict=True))]
    return JSONResponse({**{fate.value: counts[fate] for fate in Fate}, "results": results}, _status(counts))


def _result(place: int, told: Told, said: object) -> dict[str, Any]:
    """What became of one; where it could be read, under the name its sender gave it."""
    name = getattr(said, "external_id", None)
    fault = {"error": told.fault._asdict()} if told.fault else {}
    return {"index": place, "external_id": name, "status": told.fate.value, **fault}


def _status(counts: Counter[Fate]) -> int:
    if counts[Fate.REJECTED]:
        return _MIXED if counts[Fate.CREATED] or counts[Fate.UNCHANGED] else _NONE
    return _CREATED if counts[Fate.CREATED] else _OK
