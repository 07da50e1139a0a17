"""Complaints on a page: the list, one with its log, and the forms that record what happened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.clock import zone
from bihuan.errors import RefusedError, UsageError
from bihuan.rules.negative import RESULT
from bihuan.services import complaint as services
from bihuan.services.account import Account
from bihuan.services.negative_board import cases_of
from bihuan.store.queries import board, names
from bihuan.store.queries import complaint as queries
from bihuan.store.queries.improvement import cycles_of
from bihuan.web.access import person
from bihuan.web.event import NotRecordedError, is_bad, offer, read_event, why_refused
from bihuan.web.form import SOURCE, Draft, read_draft
from bihuan.web.look import note
from bihuan.web.reader import reader_of
from bihuan.web.security import genuine_form
from bihuan.web.timeline import lines, present_pause
from bihuan.web.view import page, site
from schemas.access import Seen
from schemas.complaint import Channel, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import DeadlineState

PAGE_SIZE = 50
STATES = ("open", *board.DEADLINE_STATES, *ComplaintState)
_PLACE = re.compile(r"[0-9]{1,18}")
_ENTRY = re.compile(r"[\w-]{8,40}")


class UnknownComplaint(HTTPException):
    """No complaint has that number."""

    def __init__(self, number: str) -> None:
        """Remember the number for the page that says so."""
        super().__init__(404)
        self.number = number


def listing(request: Request) -> Response:
    """Complaints, newest first, or deadlines by how they stand; narrowed by department and state."""
    here, wish = site(request), _wish(request)
    at = here.clock()
    with here.db.read() as session:
        if wish.state in board.DEADLINE_STATES:
            rows = board.deadlines(session, at, wish)
            due = {row.place: row for row in rows}
        else:
            rows = board.complaints(session, wish)
            due = board.next_due(session, (row.place for row in rows))
        values = {"departments": names.departments(session), "is_simulated": board.is_simulated(session)}
    has_more = len(rows) > PAGE_SIZE
    last = rows[PAGE_SIZE - 1].place if has_more else None
    values |= {"rows": rows[:PAGE_SIZE], "due_of": due, "wish": wish, "states": STATES, "last": last}
    return page(request, "complaints.html", values)


def _wish(request: Request) -> board.Wish:
    asked = request.query_params
    state, after = asked.get("state") or None, asked.get("after") or None
    if (state is not None and state not in STATES) or not (after is None or _PLACE.fullmatch(after)):
        raise HTTPException(400)
    return board.Wish(asked.get("department") or None, state, int(after) if after else None, PAGE_SIZE + 1)


def show(request: Request) -> Response:
    """One complaint with all that belongs to it, and what can be recorded about it now."""
    done = request.query_params.get("done")
    return _page(request, request.path_params["number"], done=done if done in set(EventKind) else None)


def _page(
    request: Request, number: str, *, done: str | None = None, refused: NotRecordedError | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The page of a complaint; where ``sent`` was refused, with the reason and with what was typed."""
    here = site(request)
    at = here.clock()
    with here.db.read() as session:
        row = find(session, number)
        events = queries.events(session, row.id)
        messages = queries.messages(session, row.id)
        values: dict[str, Any] = {
            "it": row,
            "lines": lines(events),
            "deadlines": [(deadline, standing(deadline, at), _department_of(deadline))
                          for deadline in queries.deadlines(session, row.id)],
            "messages": messages,
            "bad": cases_of(session, here.policy, [row.id]).get(number, []),
            "recipients": names.recipient_names(session, (message.recipient for message in messages)),
            "staff": names.staff_names(session, _codes(events)),
            "handlers": _near_first(names.handlers(session), row.department),
            "departments": {one.code: (one.name, one.name_en) for one in names.departments(session)},
            "cycles": cycles_of(session, row.id),
            "hold": standing_hold(session, row.id),
            "is_simulated": board.is_simulated(session) or row.is_simulated,
        }  # fmt: skip
    note(request, Seen.COMPLAINT, number)
    choices = {"severity": [code for code in Severity if code != row.severity],
               "department": [code for code in values["departments"] if code != row.department]}  # fmt: skip
    resolved = [event.data.get(RESULT, "") for event in events if event.kind is EventKind.NEGATIVE_RESOLVED]
    values |= {"resolved": resolved[-1] if resolved else "", "is_bad": is_bad(events),
               "offer": offer(row.state, events), "pause": present_pause(events), "choices": choices, "done": done,
               "entry": secrets.token_urlsafe(12), "refused": refused, "sent": sent or {}}  # fmt: skip
    return page(request, "complaint.html", values, status=refused.status if refused else 200)


def _department_of(deadline: Row[Any]) -> str | None:
    """The code of the department whose own clock this is; None for the clock of the whole complaint."""
    return getattr(deadline, "department", None) if deadline.leg else None


def standing(deadline: Row[Any] | Account, now: datetime) -> str:
    """How a deadline stands for a reader: running, paused, overdue, met, met_late or cancelled."""
    if deadline.cancelled_at:
        return "cancelled"
    if deadline.met_at:
        return "met" if deadline.met_at <= deadline.due_at else "met_late"
    is_late = deadline.due_at < now and deadline.state is not DeadlineState.PAUSED
    return "overdue" if is_late else str(deadline.state)


def find(session: Session, number: str) -> Row[Any]:
    """The complaint of that number.

    Raises:
        UnknownComplaint: There is none.
    """
    try:
        return queries.one(session, number)
    except UsageError as error:
        raise UnknownComplaint(number) from error


def standing_hold(session: Session, complaint_id: int) -> Row[Any] | None:
    """The legal hold under which a complaint is; None where it is under none."""
    return next((one for one in queries.holds(session, complaint_id) if one.released_at is None), None)


def _codes(events: Sequence[Row[Any]]) -> set[str]:
    """Of staff who were given it or who recorded something."""
    return {str(code) for event in events for code in (event.data.get("handler"), event.actor) if code}


def _near_first(handlers: Sequence[Row[Any]], department: str | None) -> list[Row[Any]]:
    """Those of the complaint's own department before the others."""
    return sorted(handlers, key=lambda handler: handler.department != department)


async def record(request: Request) -> Response:
    """Add what happened to the complaint's log, once however often the form is sent, and show the complaint."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_record, request, request.path_params["number"], fields)


def _record(request: Request, number: str, fields: dict[str, str]) -> Response:
    here = site(request)
    with here.db.read() as session:
        find(session, number)
    try:
        kind = recorded(request, number, fields)
    except NotRecordedError as refused:
        return _page(request, number, refused=refused, sent=fields)
    return RedirectResponse(f"{_address(number)}?done={kind}", 303)


def recorded(request: Request, number: str, fields: Mapping[str, str]) -> EventKind:
    """Record what the form says; a local time in it is one of the zone that the form named.

    Raises:
        NotRecordedError: It makes no sense, and a reader can be told why.
        BihuanError: The service refused it for a reason of its own.
    """
    here = site(request)
    local = zone(fields["zone"]) if fields.get("zone") else reader_of(request, here.settings).zone
    asks = person(request)
    event = read_event(fields, here.clock(), _entry(fields), local, asks.code if asks else SOURCE)
    try:
        with here.db.write() as session:
            services.record(session, here.policy, here.clock, number, event)
    except (RefusedError, UsageError) as error:
        with here.db.read() as session:
            refused = why_refused(session, number, event)
        if refused is None:
            raise
        raise refused from error
    return event.kind


def back(request: Request) -> Response:
    """The complaint itself: where whoever changes the language after a refusal, or reloads, is to end."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(_address(request.path_params["number"]) + query, 303)


def _address(number: str) -> str:
    return f"/complaints/{quote(number, safe='')}"


def blank(request: Request) -> Response:
    """The empty form of a new complaint."""
    return _form(request, Draft({"entry": secrets.token_urlsafe(12)}))


async def register(request: Request) -> Response:
    """Register what was filled in and show the complaint; or show the form again with what is wrong."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_register, request, fields)


def _register(request: Request, fields: dict[str, str]) -> Response:
    here = site(request)
    draft = read_draft({**fields, "entry": _entry(fields)}, here.clock(), here.settings.language)
    if draft.complaint is None:
        return _form(request, draft, status=400)
    with here.db.write() as session:
        number = services.register(session, here.policy, here.settings, here.clock, draft.complaint)
    return RedirectResponse(f"{_address(number)}?done={EventKind.REGISTERED}", 303)


def _form(request: Request, draft: Draft, status: int = 200) -> Response:
    with site(request).db.read() as session:
        is_simulated = board.is_simulated(session)
    choices = {"channels": list(Channel), "kinds": list(Kind), "severities": list(Severity)}
    return page(request, "new.html", {"draft": draft, "is_simulated": is_simulated, **choices}, status=status)


def _entry(fields: Mapping[str, str]) -> str:
    """The mark of this one filling-in, by which a form sent twice is known."""
    entry = fields.get("entry", "")
    return entry if _ENTRY.fullmatch(entry) else secrets.token_urlsafe(12)
