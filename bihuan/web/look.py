"""Whoever sees something of a person on a page is noted; and the page that says who saw what.

A page notes before it is answered. What was noted of the last minutes is remembered in this process, so that reloading
writes nothing. Where nobody signs in nobody is known, and nothing is noted. A look that cannot be noted is shown all
the same, and said in the log: who must answer a complainant does not wait for the ledger.
"""

from __future__ import annotations

import logging
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.errors import UnavailableError
from bihuan.services import access
from bihuan.services.access import AccessWish, Looker
from bihuan.store.queries import board, names
from bihuan.web.access import person
from bihuan.web.reader import reader_of
from bihuan.web.security import shown_path
from bihuan.web.view import page, site
from schemas.access import Seen, Way

if TYPE_CHECKING:
    from bihuan.web.reader import Reader

log = logging.getLogger(__name__)

PAGE_SIZE = 50
_PAGE, _DAY = re.compile(r"[1-9][0-9]{0,5}"), re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def note(request: Request, what: Seen, *subjects: str, recipient: str | None = None) -> None:
    """Note that whoever asks sees this.

    Args:
        request: For the page.
        what: Is on it.
        subjects: Complaint numbers, or the name of a file.
        recipient: Of the private link that leads here, where one does.
    """
    asks, here = person(request), site(request)
    who = Looker(asks.code, Way.SIGNED_IN) if asks else Looker(recipient, Way.LINK) if recipient else None
    if who is None or request.method == "HEAD":
        return
    at = here.clock()
    new = here.looks.new([(who.person, what, subject) for subject in subjects], at)
    if not new:
        return
    try:
        with here.db.write() as session:
            access.note(session, who, what, [subject for *_, subject in new], shown_path(request), at)
        here.looks.keep(new, at)
    except UnavailableError as error:
        log.error("a look was not noted", extra={"path": shown_path(request), "what": error.what})  # noqa: TRY400


def listing(request: Request) -> Response:
    """Who saw and exported what, newest first, narrowed by complaint, person and days."""
    here, asked = site(request), request.query_params
    number = asked.get("page") or "1"
    if not _PAGE.fullmatch(number):
        raise HTTPException(400)
    wish = _wish(request, reader_of(request, here.settings))
    with here.db.read() as session:
        rows = access.looks(session, wish, limit=PAGE_SIZE + 1, offset=(int(number) - 1) * PAGE_SIZE)
        values = {"staff": names.staff_names(session, {row.person for row in rows}),
                  "is_simulated": board.is_simulated(session)}  # fmt: skip
    query = {name: asked[name] for name in ("complaint", "person", "from", "to") if asked.get(name)}
    return page(request, "looks.html", values | {
        "rows": rows[:PAGE_SIZE], "has_more": len(rows) > PAGE_SIZE, "number": int(number), "query": query,
        "kept": here.policy.retention.looks, "minutes": access.ONCE_IN.seconds // 60,
    })  # fmt: skip


def _wish(request: Request, reader: Reader) -> AccessWish:
    """What is asked for; days are whole ones of the reader's zone, the last included."""
    asked = request.query_params
    since, until = (_begin(asked.get(name) or "", reader) for name in ("from", "to"))
    end = until + timedelta(days=1) if until else None
    return AccessWish(asked.get("complaint") or None, asked.get("person") or None, since, end)


def _begin(text: str, reader: Reader) -> datetime | None:
    """When a day begins where the reader is; None where no day is asked for."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not date.min.year < day.year < date.max.year:
        raise HTTPException(400)
    return datetime.combine(day, time(), reader.zone)
