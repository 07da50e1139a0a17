"""What staff do about what they were told: the page behind a message's private link, and everything on one's plate.

Looking changes nothing: programs that look at mail follow links too. Only the buttons act. The link says who acts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.services import negative
from bihuan.services.acknowledgement import REASON_CHARACTERS, EndedError, Standing, acknowledge, cannot, hand_over
from bihuan.services.escalation import climb_due
from bihuan.services.explanation import accounts
from bihuan.services.explanation_words import passages
from bihuan.services.link import Refusal, open_link, use
from bihuan.services.negative_board import cases_of
from bihuan.store.queries import acknowledgement as queries
from bihuan.store.queries import board, interview, names
from bihuan.store.queries.acknowledgement import Told
from bihuan.store.queries.review import count as count_reviews
from bihuan.web.access import Person, person
from bihuan.web.look import note
from bihuan.web.negative import reviewed_department
from bihuan.web.reader import reader_of
from bihuan.web.security import genuine_form, posted_form
from bihuan.web.view import page, site
from schemas.access import Purpose, Seen
from schemas.complaint import EventKind
from schemas.outbox import Notice

PLATE = 100
"""Matters shown of one person's; the others come up as these are done."""
DONE = (*Standing, "hand_over", "cannot", "take_on", "answer", "answer_by_phone")
"""What a page says was done; the words are ``matter_done_…``."""


_CASES = {"hand_over": "to", "cannot": "reason", "take_on": "plan", "answer": "result", "answer_by_phone": "result"}
"""Why something was not done, the word for it: mostly a field that says too little or too much."""


@dataclass(frozen=True)
class Refused:
    """Something that was not done: about which message, why (the word ``matter_refused_…``), and what was typed."""

    message_id: int
    case: str
    fields: Mapping[str, str]


def show(request: Request) -> Response:
    """The matters of the letter behind a private link, with what can be done about them."""
    done = request.query_params.get("done")
    return _page(request, done=done if done in DONE else None)


def _page(request: Request, *, done: str | None = None, refused: Refused | None = None) -> Response:
    here, token = site(request), request.path_params["token"]
    at = here.clock()
    with here.db.read() as session:
        link = _opened(session, token, at)
        if isinstance(link, Refusal):
            return page(request, "link_refused.html", {"why": link.value}, status=410)
        matters = queries.letter_of(session, link.message_id)
        values = _values(request, session, matters, link.recipient)
    note(request, Seen.COMPLAINT, *(one.number for one in matters if one.number), recipient=link.recipient)
    values |= {"address": f"/a/{token}", "done": done, "refused": refused, "is_plate": False}
    return page(request, "matter.html", values, status=400 if refused else 200)


def plate(request: Request) -> Response:
    """Everything on the plate of whoever signed in: what they were told of, and what they handle."""
    done = request.query_params.get("done")
    return _plate(request, done=done if done in DONE else None)


def _plate(request: Request, *, done: str | None = None, refused: Refused | None = None) -> Response:
    who = _who(request)
    here, recipient = site(request), f"staff:{who.id}"
    with here.db.read() as session:
        values = _values(request, session, queries.plate(session, recipient, PLATE), recipient, is_plate=True)
        values["own"] = queries.own_complaints(session, who.id, PLATE)
        values["interviews"] = interview.planned(session, who.code)
        values["reviews"] = count_reviews(session, reviewed_department(who))
    values |= {"address": "/plate", "done": done, "refused": refused, "is_plate": True}
    return page(request, "matter.html", values, status=400 if refused else 200)


def _who(request: Request) -> Person:
    """Whoever signed in.

    Raises:
        HTTPException: 404 where nobody does, because the installation knows no signing in.
    """
    who = person(request)
    if who is None:
        raise HTTPException(404)
    return who


async def act_on_plate(request: Request) -> Response:
    """Do what a button on one's plate says about one matter, and show the plate again."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act_on_plate, request, fields)


def _act_on_plate(request: Request, fields: Mapping[str, str]) -> Response:
    here, who = site(request), _who(request)
    try:
        with here.db.write() as session:
            (chosen,) = _chosen(queries.plate(session, f"staff:{who.id}", PLATE), fields, is_one=True)
            done = _do(request, session, chosen, fields, who.code)
    except (RefusedError, UsageError) as error:
        return _plate(request, refused=Refused(_number(fields.get("message", "")), _case(error, fields), fields))
    return _after(request, "/plate", fields, done)


def _opened(session: Session, token: str, at: datetime) -> Row[Any] | Refusal:
    """The link that a token opens; that of a person who left opens no more."""
    link = open_link(session, token, Purpose.ACT, at)
    if not isinstance(link, Refusal) and not queries.is_there(session, link.recipient):
        return Refusal.REVOKED
    return link


def _values(
    request: Request, session: Session, matters: Sequence[Told], recipient: str, *, is_plate: bool = False
) -> dict[str, Any]:
    """What a page of matters shows: one in full with its explanation, several in short."""
    ladders = [one.escalation_id for one in matters if one.escalation_id]
    steps, seen = queries.steps_of(session, ladders), queries.acknowledgers(session, ladders)
    told = {one.partition(" ")[0] for some in steps.values() for each in some for one in each.told}
    alone = matters[0] if len(matters) == 1 and not is_plate else None
    return {
        "matters": matters,
        "steps": steps,
        "seen": seen,
        "people": names.recipient_names(session, {*told, recipient, *(who for some in seen.values() for who in some)}),
        "colleagues": queries.colleagues(session, matters[0].department_id if matters else None, recipient),
        "why": _why(request, session, alone) if alone else [],
        "limit": REASON_CHARACTERS,
        "own": [],
        "reviews": 0,
        **_answering(session, site(request).policy, matters),
        "holder": recipient,
        "is_simulated": board.is_simulated(session),
    }


def _answering(session: Session, policy: Policy, matters: Sequence[Told]) -> dict[str, Any]:
    """Which matters are about a bad answer, what it says, and of which of them the complainant waits for word."""
    takes_on = policy.deadline.met_by(EventKind.NEGATIVE_TAKEN_ON)
    tells = policy.deadline.met_by(EventKind.NEGATIVE_TOLD, but=EventKind.NEGATIVE_TAKEN_ON)
    about = [it.subject_id for it in matters
             if it.notice is Notice.NEGATIVE or it.milestone in {*takes_on, *tells}]  # fmt: skip
    waiting = queries.waiting_for_word(session, about, tells) if about else set()
    return {"takes_on": takes_on, "tells": tells, "waiting": waiting, "bad": cases_of(session, policy, about)}


def _why(request: Request, session: Session, it: Told) -> Any:
    """The explanation of the deadline of one matter, as passages."""
    if it.milestone is None:
        return []
    here = site(request)
    reader = reader_of(request, here.settings)
    found = accounts(session, here.policy, it.number, here.clock(), it.milestone)
    mine = next((one for one in found if one.due_at == it.due_at), None)
    return passages(mine, reader.language, reader.zone.key) if mine else []


async def act(request: Request) -> Response:
    """Do what a button says, once however often it is pressed, and show the matter again."""
    fields = await posted_form(request)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: Mapping[str, str]) -> Response:
    here, token = site(request), request.path_params["token"]
    try:
        with here.db.write() as session:
            link = _opened(session, token, here.clock())
            if isinstance(link, Refusal):
                return page(request, "link_refused.html", {"why": link.value}, status=410)
            use(session, link.id, here.clock())
            chosen = _chosen(queries.letter_of(session, link.message_id), fields)
            who = _code(session, link.recipient)
            done = [_do(request, session, one, fields, who) for one in chosen]
    except (RefusedError, UsageError) as error:
        return _page(request, refused=Refused(_number(fields.get("message", "")), _case(error, fields), fields))
    return _after(request, f"/a/{token}", fields, done[0] if done else "")


def _after(request: Request, address: str, fields: Mapping[str, str], done: str) -> Response:
    """Show the page again; where somebody cannot, the next rung hears of it before that."""
    here = site(request)
    if fields.get("act") == "cannot":
        climb_due(here.db, here.policy, here.clock())
    return RedirectResponse(f"{address}?done={done}", 303)


def _chosen(matters: Sequence[Told], fields: Mapping[str, str], *, is_one: bool = False) -> list[Told]:
    """The matters that the form means: one of the letter, or all of it."""
    if fields.get("message") == "all" and not is_one:
        return list(matters)
    found = [one for one in matters if str(one.id) == fields.get("message")]
    if not found:
        raise UsageError("this letter speaks of no such matter", cure="open the link again")
    return found


def _do(request: Request, session: Session, it: Told, fields: Mapping[str, str], who: str) -> str:
    """Do what a button says about one matter; the word for what was done."""
    here = site(request)
    match fields.get("act"):
        case "acknowledge":
            return acknowledge(session, here.policy, here.clock, it.id).standing
        case "hand_over":
            hand_over(session, here.policy, here.clock, it.id, fields.get("to", ""), who)
        case "cannot":
            cannot(session, here.policy, here.clock, it.id, fields.get("reason", ""), who)
        case "take_on":
            negative.take_on(session, here.policy, here.clock, it.id, fields.get("plan", ""), who)
        case "answer" | "answer_by_phone" as act:
            by_phone = act == "answer_by_phone"
            negative.answer(session, here.policy, here.clock, it.id, fields.get("result", ""), who, by_phone=by_phone)
        case _:
            raise UsageError("no such button", cure="open the link again")
    return str(fields["act"])


def _code(session: Session, recipient: str) -> str:
    """Who acts, as the log names them: the staff code; what a link of a department or the operator says, else."""
    return queries.staff_code(session, recipient) or recipient


def _case(error: RefusedError | UsageError, fields: Mapping[str, str]) -> str:
    """The word for why it was not done."""
    if isinstance(error, EndedError):
        return "ended"
    return _CASES.get(fields.get("act", ""), "form")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 18 else 0  # noqa: PLR2004 - a 64-bit number has at least 18
