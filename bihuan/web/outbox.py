"""The sending ledger on a page, and in the demo the mail that was caught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.clock import zone
from bihuan.store.queries import board, names, outbox
from bihuan.web.view import page, site
from schemas.outbox import MessageState

PAGE_SIZE = 50
_LAST_PAGE = 10_000
_MAILS_LISTED = 100


def ledger(request: Request) -> Response:
    """Messages, newest first, narrowed by state; and whether what was due is all accounted for."""
    here, asked = site(request), request.query_params
    state, number = asked.get("state") or None, asked.get("page", "1")
    if (state is not None and state not in set(MessageState)) or not number.isdecimal() or int(number) > _LAST_PAGE:
        raise HTTPException(400)
    wanted, current = (MessageState(state) if state else None), max(1, int(number))
    with here.db.read() as session:
        rows = outbox.listing(session, state=wanted, limit=PAGE_SIZE + 1, offset=(current - 1) * PAGE_SIZE)
        values = {
            "rows": rows[:PAGE_SIZE],
            "recipients": names.recipient_names(session, (row.recipient for row in rows)),
            "audit": outbox.audit(session, zone(here.settings.timezone)),
            "is_simulated": board.is_simulated(session),
        }
    has_more = len(rows) > PAGE_SIZE
    return page(request, "outbox.html", {
        **values, "state": wanted, "states": list(MessageState), "current": current, "has_more": has_more,
    })  # fmt: skip


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
    return page(request, "mail.html", {"mail": found, "is_simulated": True})


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
