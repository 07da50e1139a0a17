"""The pages for signing in and out: they say nothing about whom we know, and a link is used by a button alone."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import BihuanError
from bihuan.rules.access import LINK_LIFE, LINKS_AT_MOST
from bihuan.services import sign_in
from bihuan.services.link import Refusal
from bihuan.services.outbox import deliver_one
from bihuan.store.queries.board import is_simulated
from bihuan.web import security
from bihuan.web.access import SESSION_COOKIE, SIGN_IN, person
from bihuan.web.proxy import asker
from bihuan.web.view import Site, page, site

log = logging.getLogger(__name__)

CODE_CHARACTERS = 60
NEXT_COOKIE = "bihuan_next"
_LOCAL = re.compile(r"/(?!/)[!-\[\]-~]{0,500}")
"""Visible ASCII without a backslash, which browsers take for a slash: two at the beginning lead to another host."""
_AGAIN = (SIGN_IN, "/sign-out")
_PLATE = "/plate"
_GONE = frozenset({Refusal.USED, Refusal.REVOKED, Refusal.EXPIRED})


def ask(request: Request) -> Response:
    """The form that asks for a link; after it was sent, the same sentence for everybody."""
    here = _require_links(request)
    wish = _local(request.query_params.get("next", ""))
    if person(request):
        return RedirectResponse(wish or home(request), 303)
    with here.db.read() as session:
        label = is_simulated(session)
    return page(request, "sign_in.html", {
        "is_sent": request.query_params.get("sent") == "1", "wish": wish, "minutes": LINK_LIFE.seconds // 60,
        "most": LINKS_AT_MOST, "characters": CODE_CHARACTERS, "is_simulated": label,
    })  # fmt: skip


async def send(request: Request) -> Response:
    """Send a link to whoever has that code, after the answer: it takes as long for those we do not know."""
    here = _require_links(request)
    fields = await security.genuine_form(request, here.secret)
    code, wish = fields.get("code", "")[:CODE_CHARACTERS], _local(fields.get("next", ""))
    response = RedirectResponse(f"{SIGN_IN}?sent=1", 303)
    if here.throttle.admits(asker(request), here.clock()):
        response.background = BackgroundTask(_bring, here, code)
    if wish:
        security.set_cookie(request, response, NEXT_COOKIE, wish, int(LINK_LIFE.total_seconds()))
    else:
        response.delete_cookie(NEXT_COOKIE)
    return response


def _bring(here: Site, code: str) -> None:
    """Plan the link and bring it out at once; what hinders the latter leaves it to the sweep."""
    try:
        with here.db.write() as session:
            message_id = sign_in.plan_link(session, here.settings, here.clock(), code)
        if message_id is not None:
            deliver_one(here.db, here.open_gateway(), here.settings, here.clock, message_id)
    except BihuanError as error:
        log.warning("a link to sign in did not go out at once", extra={"what": error.what, "cure": error.cure})


def confirm(request: Request) -> Response:
    """Whom the link signs in, and a button: programs that look at mail follow links, but press nothing."""
    here = _require_links(request)
    with here.db.read() as session:
        found = sign_in.invited(session, request.path_params["token"], here.clock())
        label = is_simulated(session)
    if isinstance(found, Refusal):
        return _refused(request, found)
    values = {"name": found.name, "action": request.url.path, "hours": here.settings.sign_in_hours}
    return page(request, "sign_in_confirm.html", {**values, "is_simulated": label})


async def enter(request: Request) -> Response:
    """Use the link up and begin a session in this browser."""
    here = _require_links(request)
    await security.genuine_form(request, here.secret)
    return await run_in_threadpool(_enter, request, here)


def _enter(request: Request, here: Site) -> Response:
    """Begin anew whatever the browser brought along: a session, or a form's proof, that somebody else planted."""
    at, length = here.clock(), timedelta(hours=here.settings.sign_in_hours)
    with here.db.write() as session:
        begun = sign_in.begin(session, request.path_params["token"], at, length)
        if not isinstance(begun, Refusal) and (before := request.cookies.get(SESSION_COOKIE)):
            sign_in.end(session, before, at)
    if isinstance(begun, Refusal):
        return _refused(request, begun)
    response = RedirectResponse(_local(request.cookies.get(NEXT_COOKIE, "")) or home(request), 303)
    security.set_cookie(request, response, SESSION_COOKIE, begun.token, int(length.total_seconds()))
    security.set_form_cookie(request, response, security.new_cookie())
    response.delete_cookie(NEXT_COOKIE)
    return response


def _refused(request: Request, why: Refusal) -> Response:
    return page(request, "sign_in_refused.html", {"why": why}, status=410 if why in _GONE else 404)


def leaving(request: Request) -> Response:
    """Who has signed in here and until when, and the two ways out."""
    here = _require_links(request)
    with here.db.read() as session:
        return page(request, "sign_out.html", {"is_simulated": is_simulated(session)})


async def leave(request: Request) -> Response:
    """Sign out in this browser."""
    here = _require_links(request)
    await security.genuine_form(request, here.secret)
    return await run_in_threadpool(_leave, request, is_everywhere=False)


async def leave_everywhere(request: Request) -> Response:
    """Sign out in every browser, and make links that are on their way worthless."""
    here = _require_links(request)
    await security.genuine_form(request, here.secret)
    return await run_in_threadpool(_leave, request, is_everywhere=True)


def _leave(request: Request, *, is_everywhere: bool) -> Response:
    here, asks = site(request), person(request)
    with here.db.write() as session:
        if asks and is_everywhere:
            sign_in.end_everywhere(session, asks.id, here.clock())
        sign_in.end(session, request.cookies.get(SESSION_COOKIE, ""), here.clock())
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


def back(request: Request) -> Response:
    """The two ways out: where a reload ends."""
    _require_links(request)
    return RedirectResponse("/sign-out", 303)


def home(request: Request) -> str:
    """Where somebody who wished for nothing else ends up: at their own plate, where there is one."""
    return _PLATE if any(getattr(route, "path", "") == _PLATE for route in request.app.routes) else "/"


def _local(wish: str) -> str:
    """A wish for a page of ours; nothing where it leads elsewhere, or back to the door."""
    return wish if _LOCAL.fullmatch(wish) and not wish.startswith(_AGAIN) else ""


def _require_links(request: Request) -> Site:
    """The site, where people sign in by links.

    Raises:
        HTTPException: 404 where they do not.
    """
    here = site(request)
    if here.settings.sign_in != "link":
        raise HTTPException(404)
    return here
