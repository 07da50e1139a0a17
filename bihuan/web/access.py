"""Who asks, and who may see a page: every route says it, and nothing is served that does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route

from bihuan.notify.link import token_hash
from bihuan.rules.access import roles_of
from bihuan.store.queries.access import person_by_code, person_of_session
from bihuan.web.key import require_key
from bihuan.web.proxy import is_from_proxy, is_of_this_machine
from schemas.access import Role, Scope

if TYPE_CHECKING:
    from bihuan.web.view import Site

SESSION_COOKIE = "bihuan_session"
SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff who asks; ``until`` is when their sign-in ends, None where a proxy answers for it."""

    id: int
    code: str
    name: str
    roles: frozenset[Role]
    department_id: int
    language: str
    timezone: str
    until: datetime | None = None

    @property
    def signature(self) -> str:
        """How the person stands in a record: name and staff code."""
        return f"{self.name} ({self.code})"


@dataclass(frozen=True, slots=True)
class Who:
    """Who may see a page: those with one of the roles; everybody, signed in or not, where ``roles`` is None.

    ``has_link``: the address itself is private, and holds what proves that whoever asks may. ``scope``: another system
    asks, with a key that opens it; nobody of the staff does. ``is_local``: this machine needs no key for it.
    """

    roles: frozenset[Role] | None
    has_link: bool = False
    scope: Scope | None = None
    is_local: bool = False

    def admits(self, person: Person | None) -> bool:
        """Whether the person may."""
        return self.roles is None or (person is not None and bool(self.roles & person.roles))


ANYBODY = Who(None)
HAS_LINK = Who(None, has_link=True)
HAS_KEY = {scope: Who(frozenset(), scope=scope) for scope in Scope}
"""Other systems, by what their key has to open; asked for it however people sign in, and where they do not."""
WATCHES = Who(frozenset(), scope=Scope.METRICS, is_local=True)
"""Whoever watches the installation: from this machine, or with a key."""
SIGNED_IN = Who(frozenset(Role))
"""Everyone on the staff handles complaints, so everyone who signed in has a role."""


def any_of(*roles: Role) -> Who:
    """Those with one of these roles."""
    return Who(frozenset(roles))


class Unwelcome(HTTPException):
    """Not served; ``case`` is the word that says why (``error_…``)."""

    def __init__(self, case: str) -> None:
        """Keep what the page says about it."""
        super().__init__(403)
        self.case = case


class PageRoute(Route):
    """A route that says who may see it; made by ``page_route``."""

    who: Who


def page_route(
    path: str, endpoint: Callable[[Request], Any], who: Who, *, methods: Sequence[str] = ("GET",)
) -> PageRoute:
    """A route of ours: ``endpoint`` answers those whom ``who`` admits; who has not signed in is asked to."""
    is_coroutine = iscoroutinefunction(endpoint)

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        _refuse_nul(request)
        # whoever asks is looked up in a thread; where anybody may, nobody is looked up
        stopped = _stop(request, who) if who.roles is None else await run_in_threadpool(_stop, request, who)
        if stopped is not None:
            return stopped
        if is_coroutine:
            answered: Response = await endpoint(request)
            return answered
        return await run_in_threadpool(endpoint, request)

    route = PageRoute(path, answer, methods=list(methods))
    route.who = who
    return route


def _refuse_nul(request: Request) -> None:
    """No database keeps a NUL, and PostgreSQL refuses even to look for one; in a form it is left out.

    Raises:
        HTTPException: 404 the path holds one, 400 the query does.
    """
    if "\0" in request.scope["path"]:
        raise HTTPException(404)
    if b"%00" in request.scope["query_string"] or b"\0" in request.scope["query_string"]:
        raise HTTPException(400)


def person(request: Request) -> Person | None:
    """Who asks, looked up once a request; None where nobody has signed in, and where sign-in is off."""
    state = request.scope.setdefault("state", {})  # each `request.state` is a new object around it
    if "person" not in state:
        state["person"] = None  # should looking fail, the page that says so asks again
        row = _row(request)
        state["person"] = _person(row) if row is not None else None
    found: Person | None = state["person"]
    return found


def who_of(request: Request) -> Who | None:
    """Who may see the page that is asked for; None where there is no such page."""
    return getattr(request.state, "who", None)


def may(request: Request, path: str, method: str = "GET") -> bool:
    """Whether whoever asks may open that path of ours."""
    scope = {"type": "http", "path": path, "method": method, "headers": []}
    route = next((each for each in request.app.routes if each.matches(scope)[0] is Match.FULL), None)
    return isinstance(route, PageRoute) and (_is_off(request) or route.who.admits(person(request)))


def is_admitted(request: Request, who: Who) -> bool:
    """Whether whoever asks is among those who may see a part of a page."""
    return _is_off(request) or who.admits(person(request))


def _stop(request: Request, who: Who) -> Response | None:
    """What is answered instead of the page; None where it may be seen.

    Raises:
        Unwelcome: It may not, and signing in would not help.
        HTTPException: 401, 403 or 429, where another system asks without a key that opens it.
    """
    request.state.who = who
    if who.scope is not None:
        if not (who.is_local and is_of_this_machine(request)):
            require_key(request, who.scope)
        return None
    mode = _site(request).settings.sign_in
    if mode == "proxy":
        _refuse_impostor(request)
    if mode == "off" or who.roles is None or who.admits(asks := person(request)):
        return None
    if asks is not None:
        raise Unwelcome("role")
    if mode == "proxy":
        raise Unwelcome("stranger" if _names(request) else "unnamed")
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': _here(request)})}", 303)


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return quote(request.url.path) + query


def _refuse_impostor(request: Request) -> None:
    """Nobody but a trusted proxy says who somebody is, and it says so once."""
    named = _names(request)
    if named and (not is_from_proxy(request) or len(named) > 1):
        raise Unwelcome("impostor")


def _row(request: Request) -> Row[Any] | None:
    here = _site(request)
    if here.settings.sign_in == "link" and (cookie := request.cookies.get(SESSION_COOKIE)):
        with here.db.read() as session:
            return person_of_session(session, token_hash(cookie), here.clock())
    if here.settings.sign_in == "proxy" and is_from_proxy(request) and len(named := _names(request)) == 1:
        with here.db.read() as session:
            return person_by_code(session, named[0])
    return None


def _person(row: Row[Any]) -> Person:
    return Person(
        row.id, row.code, row.name, roles_of(row.is_head, row.roles), row.department_id, row.language, row.timezone,
        getattr(row, "expires_at", None),
    )  # fmt: skip


def _names(request: Request) -> list[str]:
    """Staff codes in the proxy's header; proxies write UTF-8, the protocol hands it on byte by byte."""
    said = request.headers.getlist(_site(request).settings.sign_in_header)
    return [name for each in said if (name := each.encode("latin-1").decode(errors="replace").strip())]


def _is_off(request: Request) -> bool:
    return _site(request).settings.sign_in == "off"


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found
