"""The shared board 负面反馈看板 on a page: every bad answer with its progress, and the forms that move it on."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import RefusedError, UsageError
from bihuan.rules.negative import Wanted
from bihuan.services.negative_board import Case, cases, counts, look, unanswered
from bihuan.services.survey_review import review
from bihuan.store.queries import board, names
from bihuan.store.queries import review as reviews
from bihuan.store.queries.negative import Wish
from bihuan.web.access import Person, Unwelcome, person
from bihuan.web.complaint import find, recorded
from bihuan.web.event import ANSWERING, NotRecordedError
from bihuan.web.form import SOURCE
from bihuan.web.look import note
from bihuan.web.reader import Reader, reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.access import Role, Seen
from schemas.survey import Review

PAGE_SIZE = 30
REVIEWS = 50
"""Texts shown that wait for a review; the others come up as these are done."""
SOON = timedelta(hours=24)
VERDICTS = {Review.NEGATIVE.value: Review.NEGATIVE, Review.DISMISSED.value: Review.DISMISSED}
DONE = (*(kind.value for kind in ANSWERING), *VERDICTS)
"""What a page says was done; the words are ``done_…``."""
_PLACE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Refused:
    """Something that was not done: why, in the reader's words, and what was typed."""

    words: str
    fields: Mapping[str, str]
    status: int


def show(request: Request) -> Response:
    """The board: what is open unless the reader asks for something else, the reader's own department first."""
    done = request.query_params.get("done")
    return _page(request, done=done if done in DONE else None)


def _page(request: Request, *, done: str | None = None, refused: Refused | None = None) -> Response:
    here, wish, who = site(request), _wish(request), person(request)
    at, reader = here.clock(), reader_of(request, here.settings)
    with here.db.read() as session:
        seen = look(session, here.policy, at, month_start(at, reader))
        found = cases(session, here.policy, wish, seen)
        last = found[PAGE_SIZE - 1].place if len(found) > PAGE_SIZE else None
        values: dict[str, Any] = {
            "cases": found[:PAGE_SIZE] + _others(session, request, wish, at),
            "counts": counts(session, here.policy, seen, at),
            "waiting": reviews.count(session, None),
            "reviews": _reviews(session, who),
            "departments": names.departments(session),
            "is_simulated": board.is_simulated(session),
        }
    note(request, Seen.ANSWERS, *(case.number for case in values["cases"] if case.said))
    values |= {"wish": wish, "states": list(Wanted), "last": last, "done": done, "refused": refused, "soon": SOON,
               "entry": secrets.token_urlsafe(12)}  # fmt: skip
    return page(request, "negative.html", values, status=refused.status if refused else 200)


def _wish(request: Request) -> Wish:
    """The part that is asked for. After a form was refused it is the open part."""
    asked, who = request.query_params, person(request)
    state, after = asked.get("state", Wanted.OPEN) or None, asked.get("after") or None
    if (state is not None and state not in set(Wanted)) or not (after is None or _PLACE.fullmatch(after)):
        raise HTTPException(400)
    own = who.department_id if who else None
    return Wish(asked.get("department") or None, Wanted(state) if state else None, own,
                int(after) if after else None, PAGE_SIZE + 1)  # fmt: skip


def _others(session: Session, request: Request, wish: Wish, at: datetime) -> list[Case]:
    """Open work without an answer on record, below the first page of the others."""
    is_first = wish.after is None and wish.state is not Wanted.DONE
    return unanswered(session, site(request).policy, wish, at) if is_first else []


def month_start(at: datetime, reader: Reader) -> datetime:
    """When the month that is running began where the reader is."""
    return at.astimezone(reader.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def reviewed_department(who: Person | None) -> int | None:
    """The department whose texts somebody may judge; None: all, for quality managers and where nobody signs in."""
    return None if who is None or Role.QUALITY_MANAGER in who.roles else who.department_id


def _reviews(session: Session, who: Person | None) -> Any:
    return reviews.pending(session, reviewed_department(who), REVIEWS)


async def act(request: Request) -> Response:
    """Do what a form of the board says, once however often it is sent, and show the board again."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: dict[str, str]) -> Response:
    try:
        done = _judged(request, fields) if "verdict" in fields else _recorded(request, fields)
    except NotRecordedError as refused:
        words = refused.words(reader_of(request, site(request).settings))
        return _page(request, refused=Refused(words, fields, refused.status))
    return RedirectResponse(f"/negative?done={done}", 303)


def _recorded(request: Request, fields: dict[str, str]) -> str:
    """Take an answer on, or answer it, as on the complaint's own page."""
    number = fields.get("number", "")
    if fields.get("kind") not in set(ANSWERING):
        raise HTTPException(400)
    with site(request).db.read() as session:
        find(session, number)
    return recorded(request, number, fields).value


def _judged(request: Request, fields: Mapping[str, str]) -> str:
    """Say what a text is.

    Raises:
        Unwelcome: It is of another department.
        NotRecordedError: It was decided otherwise, or changed since it was read.
    """
    here, who, verdict = site(request), person(request), fields["verdict"]
    answer, revision = fields.get("answer", ""), fields.get("revision", "")
    if verdict not in VERDICTS or not (_PLACE.fullmatch(answer) and _PLACE.fullmatch(revision)):
        raise HTTPException(400)
    try:
        with here.db.write() as session:
            mine = reviewed_department(who)
            if mine is not None and reviews.department_of(session, int(answer)) != mine:
                raise Unwelcome("role")
            by = who.code if who else SOURCE
            review(session, here.policy, here.clock, int(answer), int(revision), VERDICTS[verdict], by)
    except (RefusedError, UsageError) as error:
        raise NotRecordedError("reviewed", 409) from error
    return verdict
