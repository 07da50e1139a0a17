"""The telephone worklist 电话回访 on a page, and the page of one call: the number, what to say, ask and record.

The number stands on the page of the call and nowhere else. Looking records nothing and claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.notify.words import spoken, words
from bihuan.policy.questionnaire import Question, QuestionKind, word_of
from bihuan.rules.questionnaire import Problem
from bihuan.services import call as services
from bihuan.services.call import NOTE_CHARACTERS, Call, CallSheet, OffListError, TakenError, UnknownCallError
from bihuan.store.queries import board, names
from bihuan.store.queries.call import CallWish, due_calls
from bihuan.web.access import person
from bihuan.web.form import SOURCE
from bihuan.web.look import note
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.access import Seen
from schemas.base import GREATEST_ID
from schemas.survey import CallOutcome

PAGE_SIZE = 50
ANSWER = "q-"
"""What the names of the fields with answers begin with: a question may have any name."""
NOT_REACHED = (CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.WRONG_NUMBER, CallOutcome.DECLINED)
_PLACE = re.compile(r"[0-9]{1,18}")
_TRY = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True)
class Refused:
    """A call that was not recorded: why (the word ``refused_…``), which answers are none, and what was typed."""

    case: str = ""
    problems: Mapping[str, Problem] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def listing(request: Request) -> Response:
    """Who is to be called, the one whose call was due first before the others."""
    here, asked = site(request), request.query_params
    after = asked.get("after") or None
    if after is not None and not _PLACE.fullmatch(after):
        raise HTTPException(400)
    wish = CallWish(asked.get("department") or None, int(after) if after else None, PAGE_SIZE + 1)
    at = here.clock()
    with here.db.read() as session:
        found = services.call_list(session, here.policy, at, wish)
        values = {"departments": names.departments(session), "due": due_calls(session, at),
                  "is_simulated": board.is_simulated(session)}  # fmt: skip
    last = found[PAGE_SIZE - 1].row.id if len(found) > PAGE_SIZE else None
    return page(request, "calls.html", values | {"lines": found[:PAGE_SIZE], "wish": wish, "last": last})


def show(request: Request) -> Response:
    """Everything for one call."""
    done = request.query_params.get("done")
    return _page(request, done=done if done in set(CallOutcome) else None)


def _page(request: Request, *, done: str | None = None, refused: Refused | None = None) -> Response:
    here = site(request)
    with here.db.read() as session:
        try:
            sheet = services.call_sheet(session, here.policy, here.settings, _id(request), here.clock())
        except UnknownCallError as error:
            raise HTTPException(404) from error
        values = {"staff": names.staff_names(session, {row.called_by for row in sheet.attempts}),
                  "is_simulated": board.is_simulated(session)}  # fmt: skip
    note(request, Seen.CALL, sheet.row.number or f"invitation {_id(request)}")
    refused = refused or Refused()
    language = spoken(sheet.row.language or here.settings.language)
    values |= {"sheet": sheet, "it": sheet.row, "done": done, "refused": refused, "their": language,
               "say": words(language)["call"], "s": words(language)["survey"], "when": _conditions(sheet, language),
               "not_reached": NOT_REACHED, "note_limit": NOTE_CHARACTERS, "prefix": ANSWER}  # fmt: skip
    return page(request, "call.html", values, status=refused.status)


def _conditions(sheet: CallSheet, language: str) -> dict[str, str]:
    """After which answers a question is asked, by its name: without a script the page shows them all."""
    only_if, by_name = words(language)["call"]["only_if"], sheet.questionnaire.by_name
    return {
        one.name: only_if.format(
            question=getattr(by_name[name].words, language),
            answer=" / ".join(_answer(by_name[name], word_of(word), language) for word in wanted),
        )
        for one in sheet.questionnaire
        for name, wanted in one.when.items()
    }


def _answer(question: Question, word: str, language: str) -> str:
    """An answer as its button says it."""
    if question.kind is QuestionKind.YES_NO:
        return words(language)["survey"][f"answer_{word}"]
    return str(getattr(question.choices[word], language)) if question.choices else word


def _id(request: Request) -> int:
    found = int(request.path_params["invitation_id"])
    if found > GREATEST_ID:
        raise HTTPException(404)
    return found


async def record(request: Request) -> Response:
    """Record how a call ended, once however often the form is sent."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_record, request, fields)


def _record(request: Request, fields: Mapping[str, str]) -> Response:
    here, invitation_id = site(request), _id(request)
    call = _read(request, fields)
    try:
        with here.db.write() as session:
            done = services.record_call(session, here.policy, here.settings, here.clock, invitation_id, call)
    except UnknownCallError as error:
        raise HTTPException(404) from error
    except TakenError:
        return _page(request, refused=Refused("taken", fields=fields, status=409))
    except OffListError:
        return _page(request, refused=Refused("over", fields=fields, status=409))
    if done.problems:
        return _page(request, refused=Refused("answers", done.problems, fields, 400))
    return RedirectResponse(f"/calls/{invitation_id}?done={call.outcome}", 303)


def _read(request: Request, fields: Mapping[str, str]) -> Call:
    """The try that a form tells."""
    outcome, number, asks = fields.get("outcome", ""), fields.get("number", ""), person(request)
    if outcome not in set(CallOutcome) or not _TRY.fullmatch(number):
        raise HTTPException(400)
    answers = {name.removeprefix(ANSWER): said for name, said in fields.items() if name.startswith(ANSWER)}
    return Call(
        int(number), CallOutcome(outcome), asks.code if asks else SOURCE, fields.get("note", "").strip(), answers,
        spoken(fields.get("language", "")), is_opting_out=outcome == "declined" and fields.get("no_more") == "yes",
    )  # fmt: skip
