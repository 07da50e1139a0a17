"""In-depth interviews 深度访谈 on pages: who is offered and who is planned; and one, with how to reach the customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.services import interview as services
from bihuan.services.interview import HasOneError, OverError, Plan, UnknownInterviewError
from bihuan.store.queries import board, names
from bihuan.store.queries import interview as queries
from bihuan.web.access import person
from bihuan.web.form import SOURCE, local_instant
from bihuan.web.look import note
from bihuan.web.reader import reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.access import Seen
from schemas.base import GREATEST_ID

_ID = re.compile(r"[0-9]{1,18}")
SHOWN = 20
"""Interviews shown of those that are over."""
DONE = ("planned", "held", "cancelled")
"""What a page says was done; the words are ``done_…``."""


@dataclass(frozen=True)
class Refused:
    """What was not done: why (the word ``refused_…``), and what was typed."""

    case: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def listing(request: Request) -> Response:
    """Interviews that are to take place, customers who are offered for one, and what was held lately."""
    return _listing(request, Refused())


def _listing(request: Request, refused: Refused) -> Response:
    here = site(request)
    with here.db.read() as session:
        offered = services.candidates(session, here.policy, here.clock())
        values = {
            "planned": queries.planned(session),
            "candidates": offered,
            "numbers": names.numbers(session, [one.row.last_id for one in offered]),
            "over": queries.over(session, SHOWN),
            "handlers": names.handlers(session),
            "is_simulated": board.is_simulated(session),
        }
    return page(request, "interviews.html", values | {
        "refused": refused, "done": _done(request), "policy": here.policy.survey.interviews,
        "limit": services.REASON_CHARACTERS,
    }, status=refused.status)  # fmt: skip


def _done(request: Request) -> str | None:
    done = request.query_params.get("done")
    return done if done in DONE else None


async def plan(request: Request) -> Response:
    """Plan an interview, once however often the form is sent, and show the list."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_plan, request, fields)


def _plan(request: Request, fields: Mapping[str, str]) -> Response:
    here, asks, customer = site(request), person(request), fields.get("customer", "")
    local = zone(fields["zone"]) if fields.get("zone") else reader_of(request, here.settings).zone
    when = local_instant(fields.get("when", ""), local)
    if not _ID.fullmatch(customer):
        raise HTTPException(400)
    if when is None or when <= here.clock():
        return _listing(request, Refused("when", fields, 400))
    wished = Plan(int(customer), fields.get("interviewer", ""), when, fields.get("reason", "").strip(),
                  asks.code if asks else SOURCE)  # fmt: skip
    try:
        with here.db.write() as session:
            services.plan(session, here.clock, wished)
    except HasOneError:
        return _listing(request, Refused("has_one", fields, 409))
    except UsageError:
        return _listing(request, Refused("plan", fields, 400))
    return RedirectResponse("/interviews?done=planned", 303)


def show(request: Request) -> Response:
    """One interview, and what can be said of it now."""
    return _page(request, Refused())


def _page(request: Request, refused: Refused) -> Response:
    here = site(request)
    with here.db.read() as session:
        row = queries.one(session, _id(request))
        is_simulated = board.is_simulated(session)
    if row is None:
        raise HTTPException(404)
    note(request, Seen.INTERVIEW, f"interview {_id(request)}")
    telephone, address = services.reached_at(row, here.settings)
    return page(request, "interview.html", {
        "it": row, "telephone": telephone, "address": address, "refused": refused, "done": _done(request),
        "limit": services.SUMMARY_CHARACTERS, "is_simulated": is_simulated,
    }, status=refused.status)  # fmt: skip


def _id(request: Request) -> int:
    found = int(request.path_params["interview_id"])
    if found > GREATEST_ID:
        raise HTTPException(404)
    return found


async def act(request: Request) -> Response:
    """Record what came of an interview, or that it does not take place."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: Mapping[str, str]) -> Response:
    here, interview_id = site(request), _id(request)
    try:
        with here.db.write() as session:
            match fields.get("act"):
                case "hold":
                    services.hold(session, here.clock, interview_id, fields.get("summary", ""))
                case "cancel":
                    services.cancel(session, here.clock, interview_id)
                case _:
                    raise HTTPException(400)
    except UnknownInterviewError as error:
        raise HTTPException(404) from error
    except OverError:
        return _page(request, Refused("over", fields, 409))
    except UsageError:
        return _page(request, Refused("summary", fields, 400))
    done = "held" if fields["act"] == "hold" else "cancelled"
    return RedirectResponse(f"/interviews/{interview_id}?done={done}", 303)
