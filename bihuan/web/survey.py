"""The survey page 问卷页 on a complainant's phone: one request, no script, and nothing recorded by looking."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from markupsafe import escape
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bihuan.clock import Clock, zone
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import Questionnaire
from bihuan.rules.questionnaire import Problem, Read, read_answers, shown
from bihuan.services.link import Refusal
from bihuan.services.survey_answer import Draft, Form, asks_to_stop, has_opted_out, opt_in, opt_out, save_answers
from bihuan.services.survey_page import Asked, SurveyPage, survey_pages
from bihuan.services.touchpoint_work import open_work
from bihuan.store.queries import board
from bihuan.store.queries.touchpoint import SUBJECT as TOUCHPOINT
from bihuan.web.reader import Reader, reader_of
from bihuan.web.security import HEADERS, posted_form
from bihuan.web.together import Together
from bihuan.web.view import STATIC, Site, environment, site

_GAP = "\0"
"""Stands for what differs from page to page; nobody can type it."""
_GONE = 410
_BUSY = 429


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a form: what was read of it, or why nothing was; the page as it stands, where it shows again."""

    read: Read | Refusal
    page: SurveyPage | Refusal | None
    is_simulated: bool


class Desk:
    """Serves those who look, and those who answer, at the same moment together."""

    def __init__(self, here: Site) -> None:
        """At that site."""
        self._site = here
        self.open: Together[str, tuple[SurveyPage | Refusal, bool]] = Together(self._open)
        self.keep: Together[Form, Sent] = Together(self._keep)

    def _open(self, tokens: Sequence[str]) -> list[tuple[SurveyPage | Refusal, bool]]:
        here = self._site
        with here.db.look() as connection:
            pages = survey_pages(connection, here.policy, tokens, here.clock())
            known = [page.is_simulated for page in pages.values() if isinstance(page, SurveyPage)]
            is_simulated = known[0] if known else board.is_simulated(connection)
        return [(pages[token], is_simulated) for token in tokens]

    def _keep(self, forms: Sequence[Form]) -> list[Sent]:
        here, policy = self._site, self._site.policy
        with here.db.write() as session:
            kept = save_answers(session, policy, here.clock, forms)
            for invitation_id in _of_touchpoints(kept):
                open_work(session, policy, here.settings, here.clock, invitation_id)
            return [_sent(session, policy, here.clock, form, one) for form, one in zip(forms, kept, strict=True)]


def _of_touchpoints(kept: Sequence[Draft | Refusal]) -> set[int]:
    """The invitations of those that are about a touchpoint."""
    invitations = [one.opened.invitation for one in kept if isinstance(one, Draft)]
    return {it.id for it in invitations if it.subject_kind == TOUCHPOINT}


def _sent(session: Session, policy: Policy, clock: Clock, form: Form, kept: Draft | Refusal) -> Sent:
    if isinstance(kept, Draft) and kept.read.answers and not kept.read.problems:
        return Sent(kept.read, None, is_simulated=False)
    page = survey_pages(session, policy, [form.token], clock())[form.token]
    return Sent(kept if isinstance(kept, Refusal) else kept.read, page, board.is_simulated(session))


async def show(request: Request) -> Response:
    """The questions of an invitation, with what was answered so far."""
    page, is_simulated = await _desk(request).open(request.path_params["token"])
    return _shown(request, page, is_simulated)


def _shown(
    request: Request, page: SurveyPage | Refusal, is_simulated: bool, problems: Mapping[str, Problem] | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    if isinstance(page, Refusal):
        return _page(request, {"why": page.value, "is_simulated": is_simulated}, status=_GONE)
    reader, asked, is_saved = _reader(request), page.asked, b"saved=1" in request.scope["query_string"].split(b"&")
    until = reader.moment(page.expires_at, site(request).clock())
    if not (page.answers or problems or is_saved):
        before, between, after = _blank(asked, reader.language, is_simulated)
        return _answer(b"".join((before, escape(request.scope["path"]).encode(), between, until.encode(), after)))
    answers = read_answers(asked.questionnaire, sent, is_finished=False).answers if sent else page.answers
    return _page(request, {
        **_asking(asked, answers), "problems": problems or {}, "is_saved": is_saved, "until": until,
        "is_simulated": is_simulated, "said": sent or {},
    }, status=400 if problems else 200)  # fmt: skip


def _asking(asked: Asked, answers: Mapping[str, Any]) -> dict[str, Any]:
    questions = shown(asked.questionnaire, answers)
    return {"why": None, "questionnaire": asked.questionnaire, "questions": questions, "answers": answers}


@lru_cache(maxsize=64)
def _blank(asked: Asked, language: str, is_simulated: bool) -> list[bytes]:
    """The page that nobody has answered yet, before, between and after what differs: its address, and its end.

    Most who look see this one; filling it in takes longer than all the rest that an answer to them takes.
    """
    values = {**_asking(asked, {}), "problems": {}, "is_saved": False, "until": _GAP, "is_simulated": is_simulated,
              "said": {}, "path": _GAP}  # fmt: skip
    return [part.encode() for part in _filled("survey.html", Reader(language, zone("UTC")), values).split(_GAP)]


async def save(request: Request) -> Response:
    """Keep the answers of a form; where some are missing or wrong, keep the others and say which."""
    here, token = site(request), request.path_params["token"]
    if not here.answers.admits(token, here.clock()):
        raise HTTPException(_BUSY)
    fields = await posted_form(request)
    language = _reader(request).language
    return _answered(request, await _desk(request).keep(Form(token, fields, language)), fields, language)


def _answered(request: Request, sent: Sent, fields: Mapping[str, str], language: str) -> Response:
    read, page = sent.read, sent.page
    if isinstance(read, Refusal):
        return _shown(request, read, sent.is_simulated)
    if isinstance(page, SurveyPage):
        questions = page.asked.questionnaire
        known = {name: problem for name, problem in read.problems.items() if name in questions.by_name}
        if known or not read.answers:
            return _shown(request, page, sent.is_simulated, known or _nothing(questions), fields)
    return RedirectResponse(f"/s/{request.path_params['token']}?saved=1&lang={language}", 303)


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
    return RedirectResponse(f"/o/{token}?lang={_reader(request).language}", 303)


@cache
def style() -> str:
    """The sheet that stands inside the page, so that one request is enough."""
    return (STATIC / "survey.css").read_text(encoding="utf-8")


@cache
def style_source() -> str:
    """What lets a browser use that sheet and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()}'"


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.surveys
    return found


def _reader(request: Request) -> Reader:
    """Complainants do not sign in: nobody is looked up."""
    request.state.person = None
    return reader_of(request, site(request).settings)


def _page(request: Request, values: Mapping[str, Any], *, template: str = "survey.html", status: int = 200) -> Response:
    return _answer(_filled(template, _reader(request), {"path": request.url.path, **values}), status)


def _filled(template: str, reader: Reader, values: Mapping[str, Any]) -> str:
    common = {"reader": reader, "s": reader.section("survey"), "style_text": style()}
    return environment().get_template(template).render({**common, **values})


def _answer(html: str | bytes, status: int = 200) -> Response:
    return HTMLResponse(html, status, {"Content-Security-Policy": _security()})


@cache
def _security() -> str:
    return f"{HEADERS['Content-Security-Policy']}; style-src {style_source()}; img-src data:"
