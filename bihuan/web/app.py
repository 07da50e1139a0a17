"""The web application: its routes, its guards, and how it says that something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from bihuan.clock import Clock
from bihuan.errors import BihuanError, RefusedError, UnavailableError, UsageError
from bihuan.notify.gateway import AppriseGateway, Gateway
from bihuan.policy.models import Policy
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web import (
    api,
    board,
    call,
    complaint,
    explanation,
    finding,
    gaming,
    improvement,
    improvement_act,
    improvement_approval,
    improvement_item,
    improvement_plan,
    improvement_result,
    indicator,
    interview,
    look,
    matter,
    metric,
    month,
    negative,
    outbox,
    sign_in,
    survey,
    touchpoint,
    trend,
)
from bihuan.web.access import ANYBODY, HAS_KEY, HAS_LINK, SIGNED_IN, WATCHES, Unwelcome, any_of, page_route
from bihuan.web.improvement_access import IMPROVES, MANAGES
from bihuan.web.proxy import BehindProxy
from bihuan.web.security import StrictHeaders, allowed_hosts, shown_path, strict_headers
from bihuan.web.view import STATIC, Site, page
from schemas.access import Role, Scope

log = logging.getLogger(__name__)

_EXPLAINED = frozenset({400, 403, 404, 405, 409, 413, 415, 429, 500, 503})
_LEADS = any_of(Role.DEPARTMENT_HEAD, Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR)
_LEDGER = any_of(Role.QUALITY_MANAGER, Role.OPERATOR)
_NOTES = any_of(Role.QUALITY_MANAGER, Role.DEPARTMENT_HEAD)
"""Those who answer for what an indicator says."""
_STATUS_OF = ((RefusedError, 409), (UnavailableError, 503), (UsageError, 400))


class _OwnFiles(StaticFiles):
    """Our sheet and icon; their address carries a hash of the content, so a browser may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _routes() -> list[BaseRoute]:
    """Every page with who may see it, as far as sign-in is on: no page without."""
    post = ("POST",)
    return [
        page_route("/s/{token}", survey.show, HAS_LINK),  # first: what most people ask for is found soonest
        page_route("/s/{token}", survey.save, HAS_LINK, methods=post),
        page_route("/", board.show, SIGNED_IN),
        page_route("/healthz", board.health, ANYBODY),
        page_route("/readyz", metric.readiness, ANYBODY),
        page_route("/metrics", metric.metrics, WATCHES),
        page_route("/complaints", complaint.listing, SIGNED_IN),
        page_route("/complaints/new", complaint.blank, SIGNED_IN),
        page_route("/complaints/new", complaint.register, SIGNED_IN, methods=post),
        page_route("/complaints/{number}", complaint.show, SIGNED_IN),
        page_route("/complaints/{number}/explain", explanation.show, SIGNED_IN),
        page_route("/complaints/{number}/events", complaint.record, SIGNED_IN, methods=post),
        page_route("/complaints/{number}/events", complaint.back, SIGNED_IN),
        page_route("/signs", gaming.show, _LEADS),
        page_route("/months", month.listing, _LEADS),
        page_route("/months/{number}", month.show, _LEADS),
        page_route("/months/{number}/{name}", month.file, _LEADS),
        page_route("/a/{token}", matter.show, HAS_LINK),
        page_route("/a/{token}", matter.act, HAS_LINK, methods=post),
        page_route("/o/{token}", survey.stopping, HAS_LINK),
        page_route("/o/{token}", survey.stop, HAS_LINK, methods=post),
        page_route("/calls", call.listing, SIGNED_IN),
        page_route("/calls/{invitation_id:int}", call.show, SIGNED_IN),
        page_route("/calls/{invitation_id:int}", call.record, SIGNED_IN, methods=post),
        page_route("/interviews", interview.listing, SIGNED_IN),
        page_route("/interviews", interview.plan, _LEADS, methods=post),
        page_route("/interviews/{interview_id:int}", interview.show, SIGNED_IN),
        page_route("/interviews/{interview_id:int}", interview.act, SIGNED_IN, methods=post),
        page_route("/plate", matter.plate, SIGNED_IN),
        page_route("/plate", matter.act_on_plate, SIGNED_IN, methods=post),
        page_route("/outbox", outbox.ledger, _LEDGER),
        page_route("/outbox/{message_id:int}/decide", outbox.decide, any_of(Role.OPERATOR), methods=post),
        page_route("/outbox/{message_id:int}/decide", outbox.back, _LEDGER),
        page_route("/mail", outbox.mails, ANYBODY),
        page_route("/mail/{name}", outbox.mail, ANYBODY),
        page_route("/sign-in", sign_in.ask, ANYBODY),
        page_route("/sign-in", sign_in.send, ANYBODY, methods=post),
        page_route("/sign-in/{token}", sign_in.confirm, HAS_LINK),
        page_route("/sign-in/{token}", sign_in.enter, HAS_LINK, methods=post),
        page_route("/sign-out", sign_in.leaving, SIGNED_IN),
        page_route("/sign-out", sign_in.leave, SIGNED_IN, methods=post),
        page_route("/sign-out/everywhere", sign_in.leave_everywhere, SIGNED_IN, methods=post),
        page_route("/sign-out/everywhere", sign_in.back, SIGNED_IN),
        page_route("/api/touchpoints", touchpoint.receive, HAS_KEY[Scope.TOUCHPOINTS], methods=post),
        page_route("/negative", negative.show, SIGNED_IN),
        page_route("/negative", negative.act, SIGNED_IN, methods=post),
        page_route("/charts", trend.listing, SIGNED_IN),
        page_route("/charts/{indicator}", trend.show, SIGNED_IN),
        page_route("/charts/{indicator}", trend.save_note, _NOTES, methods=post),
        page_route("/indicators", indicator.listing, SIGNED_IN),
        page_route("/indicators/{name}", indicator.show, SIGNED_IN),
        page_route("/indicators/{name}/complaints", indicator.complaints, SIGNED_IN),
        *_improvement_routes(),
        page_route("/access", look.listing, _LEDGER),
        Mount("/static", _OwnFiles(directory=STATIC)),
    ]


def _improvement_routes() -> list[BaseRoute]:
    """The pages of the PDCA cycle; whoever only handles complaints sees the items that they have a part in."""
    post = ("POST",)
    return [
        page_route("/months/{number}", finding.act, MANAGES, methods=post),
        page_route("/improvement", improvement.show, SIGNED_IN),
        page_route("/improvement", improvement.act, MANAGES, methods=post),
        page_route("/improvement/approvals", improvement_approval.show, IMPROVES),
        page_route("/improvement/scoreboard", improvement_result.scoreboard, IMPROVES),
        page_route("/improvement/lessons", improvement_result.lessons, SIGNED_IN),
        page_route("/improvement/standards/{standard}", improvement_result.standard, SIGNED_IN),
        page_route("/improvement/cycles/{cycle}", improvement_plan.show, IMPROVES),
        page_route("/improvement/cycles/{cycle}", improvement_plan.bring_back, MANAGES, methods=post),
        page_route("/improvement/cycles/{cycle}/plan.xlsx", improvement_plan.workbook, IMPROVES),
        page_route("/improvement/cycles/{cycle}/gantt.svg", improvement_plan.drawing, IMPROVES),
        page_route("/improvement/{item}/gantt.svg", improvement_plan.item_drawing, SIGNED_IN),
        page_route("/improvement/{item}", improvement_item.show, SIGNED_IN),
        page_route("/improvement/{item}", improvement_act.act, SIGNED_IN, methods=post),
    ]


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
    app = FastAPI(title="bihuan", routes=_routes(), middleware=guards, openapi_url=None, docs_url=None, redoc_url=None)
    source = (lambda: policy) if isinstance(policy, Policy) else policy
    here = Site(settings, db, source, clock, open_gateway or cache(lambda: AppriseGateway(settings)))
    app.state.site, app.state.surveys = here, survey.Desk(here)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(BihuanError, _explain)
    app.add_exception_handler(Exception, _apologise)
    return app


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
