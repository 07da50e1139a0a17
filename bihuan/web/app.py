"""The web application: its guards, and how it says that something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response

from bihuan.clock import Clock
from bihuan.errors import BihuanError, RefusedError, UnavailableError, UsageError
from bihuan.notify.gateway import AppriseGateway, Gateway
from bihuan.policy.models import Policy
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web import api, board, complaint, survey
from bihuan.web.access import Unwelcome
from bihuan.web.proxy import BehindProxy
from bihuan.web.routes import routes
from bihuan.web.security import StrictHeaders, allowed_hosts, shown_path, strict_headers
from bihuan.web.view import Site, compile_pages, page

log = logging.getLogger(__name__)

_EXPLAINED = frozenset({400, 403, 404, 405, 409, 413, 415, 429, 500, 503})
_STATUS_OF = ((RefusedError, 409), (UnavailableError, 503), (UsageError, 400))


def create_app(
    settings: Settings, db: Database, policy: Policy | Callable[[], Policy], clock: Clock,
    open_gateway: Callable[[], Gateway] | None = None,
) -> FastAPI:  # fmt: skip
    """The pages of one installation. Whatever records is a form this installation gave out.

    Args:
        settings: The installation's.
        db: Its database.
        policy: The policy, or what gives today's at each request.
        clock: Tells the present.
        open_gateway: Gives the way out for links to sign in; Apprise where None.
    """
    guards = [
        Middleware(StrictHeaders, headers=strict_headers(settings)),
        Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings), www_redirect=False),
        Middleware(BehindProxy, trusted_proxies=settings.trusted_proxies),
    ]
    app = FastAPI(title="bihuan", routes=routes(), middleware=guards, openapi_url=None, docs_url=None, redoc_url=None)
    source = (lambda: policy) if isinstance(policy, Policy) else policy
    here = Site(settings, db, source, clock, open_gateway or cache(lambda: AppriseGateway(settings)))
    app.state.site, app.state.surveys = here, survey.Desk(here)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(BihuanError, _explain)
    app.add_exception_handler(Exception, _apologise)
    return app


def prepare(app: FastAPI) -> None:
    """Make what the first readers would wait for: the templates, and the board where it is long to count.

    A database that does not answer stops nobody: whoever asks is told.
    """
    compile_pages()
    with suppress(BihuanError):
        board.counted(app.state.site)


def _refuse(request: Request, error: Exception) -> Response:
    """A page for what the web itself refuses: its words are the reader's."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    if api.is_asked(request):
        return api.refuse(error)
    case = str(status) if status in _EXPLAINED else "400"
    number = error.number if isinstance(error, complaint.UnknownComplaint) else ""
    case = "complaint" if number else error.case if isinstance(error, Unwelcome) else case
    values = {"case": case, "number": number, "detail": ""}
    response = page(request, "error.html", values, status=status)
    response.headers.update(error.headers or {})
    return response


def _explain(request: Request, error: Exception) -> Response:
    """A page for what bihuan refuses: said in general in the reader's language, exactly in bihuan's own words."""
    assert isinstance(error, BihuanError)
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    detail = "" if isinstance(error, UnavailableError) else str(error)
    if status >= 500:  # noqa: PLR2004 - the server's own fault begins there
        said = {"path": shown_path(request), "what": error.what, "cure": error.cure, **_complaint(request)}
        log.error("page not served", extra=said)
    if api.is_asked(request):
        return api.explain(error, status)
    return page(request, "error.html", {"case": str(status), "number": "", "detail": detail}, status=status)


def _complaint(request: Request) -> dict[str, str]:
    """The complaint that the page is about, for the log."""
    number = request.path_params.get("number", "")
    return {"complaint": number} if number and request.url.path.startswith("/complaints/") else {}


def _apologise(request: Request, _error: Exception) -> Response:
    """A page without details; the server logs the error itself. It bypasses the guards, so it brings the headers."""
    values = {"case": "500", "number": "", "detail": ""}
    is_api = api.is_asked(request)
    response = api.refuse(HTTPException(500)) if is_api else page(request, "error.html", values, status=500)
    response.headers.update(strict_headers(request.app.state.site.settings))
    return response
