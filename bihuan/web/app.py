"""The web application: its routes, its guards, and how it says that something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bihuan.clock import Clock
from bihuan.errors import BihuanError, RefusedError, UnavailableError, UsageError
from bihuan.policy.models import Policy
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web import board, complaint, explanation, gaming, matter, outbox
from bihuan.web.security import HEADERS, StrictHeaders, allowed_hosts
from bihuan.web.view import STATIC, Site, page

log = logging.getLogger(__name__)

_EXPLAINED = frozenset({400, 403, 404, 405, 409, 413, 415, 500, 503})
_STATUS_OF = ((RefusedError, 409), (UnavailableError, 503), (UsageError, 400))


class _OwnFiles(StaticFiles):
    """Our sheet and icon; their address carries a hash of the content, so a browser may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings, db: Database, policy: Policy | Callable[[], Policy], clock: Clock) -> FastAPI:
    """The pages of one installation. Reads need no proof; whatever records is a form this installation gave out.

    Args:
        settings: The installation's.
        db: Its database.
        policy: The policy, or what gives today's at each request.
        clock: Tells the present.
    """
    routes = [
        Route("/", board.show),
        Route("/healthz", board.health),
        Route("/complaints", complaint.listing),
        Route("/complaints/new", complaint.blank),
        Route("/complaints/new", complaint.register, methods=["POST"]),
        Route("/complaints/{number}", complaint.show),
        Route("/complaints/{number}/explain", explanation.show),
        Route("/complaints/{number}/events", complaint.record, methods=["POST"]),
        Route("/complaints/{number}/events", complaint.back),
        Route("/signs", gaming.show),
        Route("/a/{token}", matter.show),
        Route("/a/{token}", matter.act, methods=["POST"]),
        Route("/outbox", outbox.ledger),
        Route("/outbox/{message_id:int}/decide", outbox.decide, methods=["POST"]),
        Route("/outbox/{message_id:int}/decide", outbox.back),
        Route("/mail", outbox.mails),
        Route("/mail/{name}", outbox.mail),
        Mount("/static", _OwnFiles(directory=STATIC)),
    ]
    guards = [Middleware(StrictHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings),
                                                    www_redirect=False)]  # fmt: skip
    app = FastAPI(title="bihuan", routes=routes, middleware=guards, openapi_url=None, docs_url=None, redoc_url=None)
    source = (lambda: policy) if isinstance(policy, Policy) else policy
    app.state.site = Site(settings, db, source, clock)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(BihuanError, _explain)
    app.add_exception_handler(Exception, _apologise)
    return app


def _refuse(request: Request, error: Exception) -> Response:
    """A page for what the web itself refuses: its words are the reader's."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    case = str(status) if status in _EXPLAINED else "400"
    number = error.number if isinstance(error, complaint.UnknownComplaint) else ""
    values = {"case": "complaint" if number else case, "number": number, "detail": ""}
    response = page(request, "error.html", values, status=status)
    response.headers.update(error.headers or {})
    return response


def _explain(request: Request, error: Exception) -> Response:
    """A page for what bihuan refuses: said in general in the reader's language, exactly in bihuan's own words."""
    assert isinstance(error, BihuanError)
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    detail = "" if isinstance(error, UnavailableError) else str(error)
    if status >= 500:  # noqa: PLR2004 - the server's own fault begins there
        log.error("page not served", extra={"path": request.url.path, "what": error.what, "cure": error.cure})
    return page(request, "error.html", {"case": str(status), "number": "", "detail": detail}, status=status)


def _apologise(request: Request, _error: Exception) -> Response:
    """A page without details; the server logs the error itself. It bypasses the guards, so it brings the headers."""
    response = page(request, "error.html", {"case": "500", "number": "", "detail": ""}, status=500)
    response.headers.update({**HEADERS, "Cache-Control": "no-store"})
    return response
