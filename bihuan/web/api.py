"""How we answer other systems: in JSON whatever happens, where it failed with what is wrong, where, and the cure.

Nothing of what was sent is repeated in it, and nothing of ours that broke.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from bihuan.errors import BihuanError, UnavailableError
from bihuan.web.security import body_of

_ROOT = "/api/"
_WATCHED = frozenset({"/metrics", "/readyz"})
_JSON = "application/json"
_SAID = {
    400: ("the body is not JSON as we take it", "send one object, or a list of them, as JSON in UTF-8"),
    401: ("no key that opens anything", "send `Authorization: Bearer` and a key of `bihuan key make`"),
    403: ("the key opens something else", "use a key with the scope that WWW-Authenticate names"),
    404: ("there is no such address", "see docs/api.md"),
    405: ("the address does not take this method", "use one that Allow names"),
    413: ("the body is too large", "send less at once"),
    415: ("the body is not sent as JSON", "send `Content-Type: application/json`, not compressed"),
    429: ("too many requests with this key", "send the next one after the seconds that Retry-After names"),
    500: ("something broke here", "try again later; whoever runs this installation has it in the log"),
    503: ("the database does not answer", "try again later"),
}
"""What and cure, by status."""


class Refusal(HTTPException):
    """A request that is refused in words of its own."""

    def __init__(self, status: int, what: str, cure: str, where: str = "") -> None:
        """Keep what the answer says."""
        super().__init__(status)
        self.words = {"what": what, "where": where, "cure": cure}


def is_asked(request: Request) -> bool:
    """Whether another system asks: its answers are no pages."""
    return request.url.path.startswith(_ROOT) or request.url.path in _WATCHED


def refuse(error: HTTPException) -> JSONResponse:
    """The answer to what the web itself refuses."""
    what, cure = _SAID.get(error.status_code, _SAID[400])
    words = error.words if isinstance(error, Refusal) else {"what": what, "where": "", "cure": cure}
    return JSONResponse({"error": words}, error.status_code, dict(error.headers or {}))


def explain(error: BihuanError, status: int) -> JSONResponse:
    """The answer to what bihuan refuses."""
    if isinstance(error, UnavailableError):
        return refuse(HTTPException(status))
    return JSONResponse({"error": {"what": error.what, "where": "", "cure": error.cure}}, status)


async def json_of(request: Request, largest: int) -> Any:
    """What a request says in JSON, at most ``largest`` bytes of it.

    Raises:
        HTTPException: 413 it is longer, 415 it is none or compressed, 400 it cannot be read, or nests too deep.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != _JSON or request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HTTPException(415)
    return await run_in_threadpool(_read, await body_of(request, largest))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400) from error


def _refuse_constant(name: str) -> None:
    """``NaN`` and ``Infinity`` are no JSON."""
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object in which every name stands once: of two, readers differ about which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
