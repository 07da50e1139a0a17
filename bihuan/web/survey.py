"""The survey page 问卷页 on a complainant's phone: one request, no script, and nothing recorded by looking."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bihuan.policy.questionnaire import Questionnaire
from bihuan.rules.questionnaire import Problem, read_answers, shown
from bihuan.services.link import Refusal
from bihuan.services.survey_answer import (
    Opened,
    asks_to_stop,
    has_opted_out,
    open_survey,
    opt_in,
    opt_out,
    save_answer,
)
from bihuan.services.touchpoint_work import open_work
from bihuan.store.queries import board
from bihuan.web.reader import reader_of
from bihuan.web.security import HEADERS, posted_form
from bihuan.web.view import STATIC, environment, site

_GONE = 410
_BUSY = 429


def show(request: Request) -> Response:
    """The questions of an invitation, with what was answered so far."""
    here = site(request)
    with here.db.read() as session:
        opened = open_survey(session, here.policy, request.path_params["token"], here.clock())
        is_simulated = board.is_simulated(session)
    if isinstance(opened, Refusal):
        return _page(request, {"why": opened.value, "is_simulated": is_simulated}, status=_GONE)
    return _form(request, opened, {}, is_simulated)


def _form(
    request: Request, opened: Opened, problems: Mapping[str, Problem], is_simulated: bool,
    sent: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    answers = read_answers(opened.questionnaire, sent, is_finished=False).answers if sent else _kept(opened)
    return _page(request, {
        "why": None, "questionnaire": opened.questionnaire, "questions": shown(opened.questionnaire, answers),
        "answers": answers, "problems": problems, "is_saved": request.query_params.get("saved") == "1",
        "expires_at": opened.invitation.expires_at, "is_simulated": is_simulated, "said": sent or {},
    }, status=400 if problems else 200)  # fmt: skip


def _kept(opened: Opened) -> dict[str, Any]:
    return dict(opened.answer.values) if opened.answer else {}


async def save(request: Request) -> Response:
    """Keep the answers of a form; where some are missing or wrong, keep the others and say which."""
    here, token = site(request), request.path_params["token"]
    if not here.answers.admits(token, here.clock()):
        raise HTTPException(_BUSY)
    return await run_in_threadpool(_save, request, await posted_form(request))


def _save(request: Request, fields: dict[str, str]) -> Response:
    here, token = site(request), request.path_params["token"]
    language = reader_of(request, here.settings).language
    with here.db.write() as session:
        read = save_answer(session, here.policy, here.clock, token, fields, language)
        opened = open_survey(session, here.policy, token, here.clock())
        if not isinstance(opened, Refusal):
            open_work(session, here.policy, here.settings, here.clock, opened.invitation.id)
        is_simulated = board.is_simulated(session)
    if isinstance(opened, Refusal) or isinstance(read, Refusal):
        why = read if isinstance(read, Refusal) else opened
        return _page(request, {"why": str(why), "is_simulated": is_simulated}, status=_GONE)
    known = {name: problem for name, problem in read.problems.items() if name in opened.questionnaire.by_name}
    if known or not read.answers:
        return _form(request, opened, known or _nothing(opened.questionnaire), is_simulated, fields)
    return RedirectResponse(f"/s/{token}?saved=1&lang={language}", 303)


def _nothing(questionnaire: Questionnaire) -> dict[str, Problem]:
    """The form was sent empty: its first question is missing."""
    return {questionnaire.questions[0].name: Problem.MISSING}


def stopping(request: Request) -> Response:
    """Whether somebody really does not want to be asked any more; looking changes nothing."""
    here = site(request)
    with here.db.read() as session:
        row = asks_to_stop(session, request.path_params["token"], here.clock())
        is_simulated = board.is_simulated(session)
        is_out = not isinstance(row, Refusal) and has_opted_out(session, row.customer_id)
    if isinstance(row, Refusal):
        return _page(request, {"why": row.value, "is_simulated": is_simulated}, status=_GONE)
    return _page(request, {"is_out": is_out, "is_simulated": is_simulated, "why": None}, template="opt_out.html")


async def stop(request: Request) -> Response:
    """Ask that person no more, or again."""
    return await run_in_threadpool(_stop, request, await posted_form(request))


def _stop(request: Request, fields: Mapping[str, str]) -> Response:
    here, token = site(request), request.path_params["token"]
    with here.db.write() as session:
        row = asks_to_stop(session, token, here.clock())
        if isinstance(row, Refusal):
            return _page(request, {"why": row.value, "is_simulated": False}, status=_GONE)
        change = opt_in if fields.get("again") == "yes" else opt_out
        change(session, row.customer_id, here.clock())
    return RedirectResponse(f"/o/{token}?lang={reader_of(request, here.settings).language}", 303)


@cache
def style() -> str:
    """The sheet that stands inside the page, so that one request is enough."""
    return (STATIC / "survey.css").read_text(encoding="utf-8")


@cache
def style_source() -> str:
    """What lets a browser use that sheet and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()}'"


def _page(request: Request, values: Mapping[str, Any], *, template: str = "survey.html", status: int = 200) -> Response:
    here = site(request)
    reader = reader_of(request, here.settings)
    common = {"reader": reader, "s": reader.section("survey"), "now": here.clock(), "style_text": style(),
              "path": request.url.path, "Problem": Problem}  # fmt: skip
    html = environment().get_template(template).render({**common, **values})
    own = f"{HEADERS['Content-Security-Policy']}; style-src {style_source()}; img-src data:"
    return HTMLResponse(html, status, {"Content-Security-Policy": own})
