"""The sending ledger on a page, and in the demo the mail that was caught."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from markupsafe import Markup
from sqlalchemy import Row
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.clock import zone
from bihuan.errors import RefusedError, UsageError
from bihuan.services import decision
from bihuan.services.watchdog import sweep_of
from bihuan.store.queries import board, names, outbox
from bihuan.web.access import person
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.base import GREATEST_ID
from schemas.outbox import MessageState, Notice, Verdict

PAGE_SIZE = 50
UNKNOWN_LISTED = 20
"""Unknown messages shown with their forms; the others come up as these are decided."""
DAYS = 14
_OF_SWEEPS = frozenset({Notice.SILENCE, Notice.RUNS_AGAIN})
_DECIDED = frozenset({decision.CONFIRMED, decision.ASKED_AGAIN})
_LAST_PAGE = 10_000
_MAILS_LISTED = 100


def ledger(request: Request) -> Response:
    """Messages, newest first, narrowed by state; before them what waits for a person, and the daily conservation."""
    done = request.query_params.get("done")
    return _page(request, done=done if done in set(Verdict) else None)


def _page(request: Request, *, done: str | None = None, refused: Refused | None = None) -> Response:
    """The page of the ledger; where a decision was ``refused``, with the reason and with what was typed."""
    here, (state, current) = site(request), _asked(request)
    with here.db.read() as session:
        rows = outbox.listing(session, state=state, limit=PAGE_SIZE + 1, offset=(current - 1) * PAGE_SIZE)
        unknown = decision.waiting(session, here.settings, UNKNOWN_LISTED)
        shown = [*rows[:PAGE_SIZE], *(one.row for one in unknown)]
        values = {
            "rows": rows[:PAGE_SIZE],
            "notes": _notes(session, rows[:PAGE_SIZE]),
            "recipients": names.recipient_names(session, (row.recipient for row in shown)),
            "audit": (audit := outbox.audit(session, zone(here.settings.timezone))),
            "days": _last_days(audit, here.clock().astimezone(zone(here.settings.timezone)).date()),
            "unknown": unknown,
            "more_unknown": audit.unknown - len(unknown),
            "is_simulated": board.is_simulated(session),
        }
    return page(request, "outbox.html", {
        **values, "state": state, "states": list(MessageState), "current": current, "has_more": len(rows) > PAGE_SIZE,
        "sweep_of": lambda row: sweep_of(row.key) if row.notice in _OF_SWEEPS else "", "done": done,
        "refused": refused, "lengths": (decision.WHO_CHARACTERS, decision.HOW_CHARACTERS),
    }, status=refused.status if refused else 200)  # fmt: skip


def _asked(request: Request) -> tuple[MessageState | None, int]:
    """The state and the page of the list that a reader wants."""
    state, number = request.query_params.get("state") or None, request.query_params.get("page", "1")
    if (state is not None and state not in set(MessageState)) or not number.isdecimal() or int(number) > _LAST_PAGE:
        raise HTTPException(400)
    return MessageState(state) if state else None, max(1, int(number))


def _last_days(audit: outbox.Audit, today: date) -> list[dict[str, Any]]:
    """The days on which something was planned, of the last ``DAYS``, newest first."""
    first = (today - timedelta(days=DAYS - 1)).isoformat()
    return [day for day in reversed(audit.days) if day["day"] >= first]


def _notes(session: Session, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """Who decided those that a person decided, and how it was known, by message id."""
    tries = outbox.attempts_at(session, (row.id for row in rows if row.reason in _DECIDED))
    return {of: next((each.error for each in reversed(found) if not each.target_key and each.error), "")
            for of, found in tries.items()}  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A decision that was not taken: of which message, why (the word ``decide_…``), and what was typed."""

    message_id: int
    case: str
    fields: Mapping[str, str]
    status: int = 400


async def decide(request: Request) -> Response:
    """Record what a person says of an unknown message, once however often the form is sent, and show the ledger."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_decide, request, int(request.path_params["message_id"]), fields)


def _decide(request: Request, message_id: int, fields: Mapping[str, str]) -> Response:
    here = site(request)
    asks = person(request)
    verdict, how = fields.get("verdict", ""), fields.get("how", "")
    who = asks.signature[: decision.WHO_CHARACTERS] if asks else fields.get("who", "")
    if verdict not in set(Verdict):
        raise HTTPException(400)
    if message_id > GREATEST_ID:
        raise HTTPException(404)
    if not who or len(who) > decision.WHO_CHARACTERS or len(how) > decision.HOW_CHARACTERS:
        return _page(request, refused=Refused(message_id, "who", fields))
    said = decision.Statement(Verdict(verdict), who, how, is_sure=fields.get("sure") == "yes")
    try:
        with here.db.write() as session:
            decision.decide(session, here.clock, message_id, said)
    except UsageError as error:
        raise HTTPException(404) from error
    except decision.UnconfirmedError:
        return _page(request, refused=Refused(message_id, "sure", fields, 409))
    except RefusedError:
        return _page(request, refused=Refused(message_id, "over", fields, 409))
    return RedirectResponse(f"/outbox?done={verdict}", 303)


def back(_request: Request) -> Response:
    """The ledger itself: where whoever changes the language after a refusal, or reloads, is to end."""
    return RedirectResponse("/outbox", 303)


@dataclass(frozen=True)
class Mail:
    """One caught mail as a page shows it; ``name`` is its file's."""

    name: str
    subject: str
    sender: str
    to: str
    caught_at: datetime | None
    text: str = ""


def mails(request: Request) -> Response:
    """The newest caught mails."""
    return page(request, "mails.html", {"mails": list(_newest(_folder(request))), "is_simulated": True})


def mail(request: Request) -> Response:
    """The text of one caught mail."""
    name = request.path_params["name"]
    file = next((file for file in _folder(request).glob("*.eml") if file.name == name), None)
    found = _read(file) if file else None
    if found is None:
        raise HTTPException(404)
    text = _with_links(found.text, site(request).settings.web_url)
    return page(request, "mail.html", {"mail": found, "text": text, "is_simulated": True})


def _with_links(text: str, web_url: str) -> Markup:
    """The text of a mail, in which our own addresses can be followed: as paths, wherever the page is looked at from."""
    parts = re.split(rf"({re.escape(web_url)}/[\w/?=&.%-]*)", text)
    linked = [
        Markup('<a href="{}">{}</a>').format(part[len(web_url) :], part) if place % 2 else Markup.escape(part)
        for place, part in enumerate(parts)
    ]
    return Markup("").join(linked)


def _folder(request: Request) -> Path:
    folder = site(request).mail_dir
    if not folder.is_dir():
        raise HTTPException(404)
    return folder


def _newest(folder: Path) -> Iterator[Mail]:
    for file in sorted(folder.glob("*.eml"), reverse=True)[:_MAILS_LISTED]:
        if found := _read(file):
            yield found


def _read(file: Path) -> Mail | None:
    """The mail in ``file``; None when the catcher has just removed it."""
    try:
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
    except OSError:
        return None
    subject, sender, to = (str(message.get(name, "")) for name in ("Subject", "From", "To"))
    return Mail(file.name, subject, sender, to, _date(message), _text(message))


def _date(message: EmailMessage) -> datetime | None:
    try:
        at: datetime | None = message["Date"].datetime if message["Date"] else None
    except (ValueError, AttributeError):
        return None
    return at if at and at.tzinfo else None


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, MessageError):
        return str(body.get_payload())
