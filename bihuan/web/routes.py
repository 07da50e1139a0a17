"""Every page with who may see it, as far as sign-in is on: no page without."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from bihuan.web import (
    board,
    call,
    complaint,
    disclosure,
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
from bihuan.web.access import ANYBODY, HAS_KEY, HAS_LINK, SIGNED_IN, WATCHES, any_of, page_route
from bihuan.web.improvement_access import IMPROVES, MANAGES
from bihuan.web.view import STATIC
from schemas.access import Role, Scope

POST = ("POST",)
_LEADS = any_of(Role.DEPARTMENT_HEAD, Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR)
_LEDGER = any_of(Role.QUALITY_MANAGER, Role.OPERATOR)
_NOTES = any_of(Role.QUALITY_MANAGER, Role.DEPARTMENT_HEAD)
"""Those who answer for what an indicator says."""


class _OwnFiles(StaticFiles):
    """Our sheet and icon; their address carries a hash of the content, so a browser may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def routes() -> list[BaseRoute]:
    """All of them; what most people ask for is found soonest."""
    return [
        *_by_link(), *_work(), *_figures(), *_improvement(), *_operation(), *_signing_in(),
        Mount("/static", _OwnFiles(directory=STATIC)),
    ]  # fmt: skip


def _by_link() -> list[BaseRoute]:
    """What a private link opens, for complainants and staff."""
    return [
        page_route("/s/{token}", survey.show, HAS_LINK),  # first: what most people ask for is found soonest
        page_route("/s/{token}", survey.save, HAS_LINK, methods=POST),
        page_route("/a/{token}", matter.show, HAS_LINK),
        page_route("/a/{token}", matter.act, HAS_LINK, methods=POST),
        page_route("/o/{token}", survey.stopping, HAS_LINK),
        page_route("/o/{token}", survey.stop, HAS_LINK, methods=POST),
    ]


def _work() -> list[BaseRoute]:
    """Complaints, and what is done about them."""
    return [
        page_route("/", board.show, SIGNED_IN),
        page_route("/complaints", complaint.listing, SIGNED_IN),
        page_route("/complaints/new", complaint.blank, SIGNED_IN),
        page_route("/complaints/new", complaint.register, SIGNED_IN, methods=POST),
        page_route("/complaints/{number}", complaint.show, SIGNED_IN),
        page_route("/complaints/{number}/explain", explanation.show, SIGNED_IN),
        page_route("/complaints/{number}/events", complaint.record, SIGNED_IN, methods=POST),
        page_route("/complaints/{number}/events", complaint.back, SIGNED_IN),
        page_route("/calls", call.listing, SIGNED_IN),
        page_route("/calls/{invitation_id:int}", call.show, SIGNED_IN),
        page_route("/calls/{invitation_id:int}", call.record, SIGNED_IN, methods=POST),
        page_route("/interviews", interview.listing, SIGNED_IN),
        page_route("/interviews", interview.plan, _LEADS, methods=POST),
        page_route("/interviews/{interview_id:int}", interview.show, SIGNED_IN),
        page_route("/interviews/{interview_id:int}", interview.act, SIGNED_IN, methods=POST),
        page_route("/plate", matter.plate, SIGNED_IN),
        page_route("/plate", matter.act_on_plate, SIGNED_IN, methods=POST),
        page_route("/negative", negative.show, SIGNED_IN),
        page_route("/negative", negative.act, SIGNED_IN, methods=POST),
    ]


def _figures() -> list[BaseRoute]:
    """What the figures say."""
    return [
        page_route("/signs", gaming.show, _LEADS),
        page_route("/months", month.listing, _LEADS),
        page_route("/months/{number}", month.show, _LEADS),
        page_route("/months/{number}/{name}", month.file, _LEADS),
        page_route("/charts", trend.listing, SIGNED_IN),
        page_route("/charts/{indicator}", trend.show, SIGNED_IN),
        page_route("/charts/{indicator}", trend.save_note, _NOTES, methods=POST),
        page_route("/indicators", indicator.listing, SIGNED_IN),
        page_route("/indicators/{name}", indicator.show, SIGNED_IN),
        page_route("/indicators/{name}/complaints", indicator.complaints, SIGNED_IN),
    ]


def _improvement() -> list[BaseRoute]:
    """The PDCA cycle; whoever only handles complaints sees the items that they have a part in."""
    return [
        page_route("/months/{number}", finding.act, MANAGES, methods=POST),
        page_route("/improvement", improvement.show, SIGNED_IN),
        page_route("/improvement", improvement.act, MANAGES, methods=POST),
        page_route("/improvement/approvals", improvement_approval.show, IMPROVES),
        page_route("/improvement/scoreboard", improvement_result.scoreboard, IMPROVES),
        page_route("/improvement/lessons", improvement_result.lessons, SIGNED_IN),
        page_route("/improvement/standards/{standard}", improvement_result.standard, SIGNED_IN),
        page_route("/improvement/cycles/{cycle}", improvement_plan.show, IMPROVES),
        page_route("/improvement/cycles/{cycle}", improvement_plan.bring_back, MANAGES, methods=POST),
        page_route("/improvement/cycles/{cycle}/plan.xlsx", improvement_plan.workbook, IMPROVES),
        page_route("/improvement/cycles/{cycle}/gantt.svg", improvement_plan.drawing, IMPROVES),
        page_route("/improvement/{item}/gantt.svg", improvement_plan.item_drawing, SIGNED_IN),
        page_route("/improvement/{item}", improvement_item.show, SIGNED_IN),
        page_route("/improvement/{item}", improvement_act.act, SIGNED_IN, methods=POST),
    ]


def _operation() -> list[BaseRoute]:
    """The ledger, who saw what, and what machines ask."""
    return [
        page_route("/healthz", board.health, ANYBODY),
        page_route("/readyz", metric.readiness, ANYBODY),
        page_route(disclosure.PATH, disclosure.show, ANYBODY),
        page_route("/metrics", metric.metrics, WATCHES),
        page_route("/outbox", outbox.ledger, _LEDGER),
        page_route("/outbox/{message_id:int}/decide", outbox.decide, any_of(Role.OPERATOR), methods=POST),
        page_route("/outbox/{message_id:int}/decide", outbox.back, _LEDGER),
        page_route("/mail", outbox.mails, ANYBODY),
        page_route("/mail/{name}", outbox.mail, ANYBODY),
        page_route("/api/touchpoints", touchpoint.receive, HAS_KEY[Scope.TOUCHPOINTS], methods=POST),
        page_route("/access", look.listing, _LEDGER),
    ]


def _signing_in() -> list[BaseRoute]:
    """Coming and going."""
    return [
        page_route("/sign-in", sign_in.ask, ANYBODY),
        page_route("/sign-in", sign_in.send, ANYBODY, methods=POST),
        page_route("/sign-in/{token}", sign_in.confirm, HAS_LINK),
        page_route("/sign-in/{token}", sign_in.enter, HAS_LINK, methods=POST),
        page_route("/sign-out", sign_in.leaving, SIGNED_IN),
        page_route("/sign-out", sign_in.leave, SIGNED_IN, methods=POST),
        page_route("/sign-out/everywhere", sign_in.leave_everywhere, SIGNED_IN, methods=POST),
        page_route("/sign-out/everywhere", sign_in.back, SIGNED_IN),
    ]
