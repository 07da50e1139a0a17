"""The key of another system, from ``Authorization: Bearer …``: whose it is, how often it asks, and what it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bihuan.services.api_key import is_use_noted, known_key, note_use
from schemas.access import Scope

if TYPE_CHECKING:
    from bihuan.web.view import Site

_REALM = 'Bearer realm="bihuan"'


def require_key(request: Request, scope: Scope) -> None:
    """Let a request pass that brings a key for ``scope``.

    Raises:
        HTTPException: 401 no key that opens anything, 429 too often with it, 403 it opens something else.
    """
    here: Site = request.app.state.site
    at, key = here.clock(), _sent(request)
    if key is None:
        raise HTTPException(401, headers={"WWW-Authenticate": _REALM})
    with here.db.read() as session:
        row = known_key(session, key)
    if row is None:
        raise HTTPException(401, headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})
    if not here.keys.admits(str(row.id), at):
        raise HTTPException(429, headers={"Retry-After": str(here.keys.wait_seconds)})
    if row.scope != scope:
        said = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
        raise HTTPException(403, headers={"WWW-Authenticate": said})
    if not is_use_noted(row, at):
        with here.db.write() as session:
            note_use(session, row.id, at)


def _sent(request: Request) -> str | None:
    """What stands behind ``Bearer``; None where nothing does, or several do."""
    said = request.headers.getlist("authorization")
    way, _, key = said[0].strip().partition(" ") if len(said) == 1 else ("", "", "")
    return key.strip() if way.lower() == "bearer" and key.strip() else None
