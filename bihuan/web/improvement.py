"""The board of improvement items 改进看板 on a page: by phase, with the cycles, and the forms that open one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import BihuanError
from bihuan.services import cycle as cycles
from bihuan.services.approval import waiting
from bihuan.services.dossier import today_of
from bihuan.services.item import draft
from bihuan.services.item_board import Board, Standing, board
from bihuan.services.item_people import active_staff
from bihuan.services.month import months
from bihuan.store.queries import board as complaints
from bihuan.store.queries import improvement as queries
from bihuan.store.queries import names
from bihuan.web.access import Person, is_admitted, person
from bihuan.web.form import SOURCE
from bihuan.web.improvement_access import IMPROVES
from bihuan.web.improvement_words import why
from bihuan.web.reader import Reader, reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.item import CycleKind, Priority

DONE = ("open_month", "open_special", "close_cycle")
"""What the page says was done; the words are ``done_…``."""
_ASKED = ("cycle", "owner", "department", "priority", "standing", "complaint")


@dataclass(frozen=True)
class Refused:
    """Something that was not done: why, in the reader's words, and what was typed."""

    words: str
    fields: Mapping[str, str]
    status: int


def actor(request: Request, fields: Mapping[str, str]) -> str:
    """By whom it is done: who signed in, else whom the form names, else the page itself."""
    who = person(request)
    return who.code if who else fields.get("who") or SOURCE


def show(request: Request) -> Response:
    """The board: open items by phase, those that ended lately, and the cycles."""
    return _page(request)


def _page(request: Request, refused: Refused | None = None) -> Response:
    here, reader, done = site(request), reader_of(request, site(request).settings), request.query_params.get("done")
    asked = {name: request.query_params.get(name) or None for name in _ASKED}
    sees_all = is_admitted(request, IMPROVES)
    with here.db.read() as session:
        wish = _wish(session, asked, None if sees_all else person(request))
        found = board(session, wish, today_of(here.policy, here.clock()), _standing(asked))
        all_cycles = cycles.cycles(session) if sees_all else []
        values: dict[str, Any] = {
            "board": found, "cycles": all_cycles, "choices": _choices(session, all_cycles, reader),
            "people": _people(session), "is_simulated": complaints.is_simulated(session),
            "months": _months(session, all_cycles), "totals": _totals(request, session, wish, found, asked),
        }  # fmt: skip
    values |= {"asked": asked, "sees_all": sees_all, "refused": refused, "done": done if done in DONE else None,
               "open_cycles": [one for one in all_cycles if one["closed_at"] is None]}  # fmt: skip
    return page(request, "improvement.html", values, status=refused.status if refused else 200)


def _standing(asked: Mapping[str, str | None]) -> Standing | None:
    try:
        return Standing(asked["standing"]) if asked["standing"] else None
    except ValueError as error:
        raise HTTPException(400) from error


def _wish(session: Session, asked: Mapping[str, str | None], only: Person | None) -> queries.Wish:
    """The part that is asked for; whoever does not lead sees what they have a part in."""
    try:
        level = Priority(asked["priority"]) if asked["priority"] else None
    except ValueError as error:
        raise HTTPException(400) from error
    seen = queries.own(session, only.id, only.code) if only else None
    return queries.Wish(asked["cycle"], asked["owner"], asked["department"], level, seen)


def _totals(
    request: Request, session: Session, wish: queries.Wish, found: Board, asked: Mapping[str, str | None]
) -> dict[str, int]:  # fmt: skip
    """How many there are, whatever part is shown; those that wait for the reader, or where nobody signs in for all."""
    here, who = site(request), person(request)
    whole = found
    if any(asked.values()):
        whole = board(session, queries.Wish(only=wish.only), today_of(here.policy, here.clock()))
    owed = waiting(session, here.policy, here.clock, who.id if who else None) if is_admitted(request, IMPROVES) else []
    cards = whole.cards
    return {
        "open": len(cards), "late": sum(bool(one.is_late or one.late_measures) for one in cards),
        "carried": sum(one.row.carry_count > 0 for one in cards), "waiting": len(owed),
    }  # fmt: skip


def _choices(
    session: Session, found: Sequence[Mapping[str, Any]], reader: Reader
) -> dict[str, list[tuple[str, str]]]:  # fmt: skip
    return {
        "cycles": [(one["number"], one["number"]) for one in found],
        "owners": [(row.code, row.name) for row in queries.owners(session)],
        "departments": [(row.code, reader.department(row.name, row.name_en)) for row in names.departments(session)],
        "priorities": [(one.value, reader.word("priority", one)) for one in Priority],
        "standings": [(one.value, reader.section("improvement")[f"standing_{one}"]) for one in Standing],
    }


def _people(session: Session) -> dict[str, str]:
    return {one.code: one.name for one in active_staff(session)}


def _months(session: Session, found: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The analysed months that no cycle was opened from."""
    used = {one["analysis"] for one in found if one["kind"] is CycleKind.MONTHLY}
    return [row for row in months(session) if row.number not in used]


async def act(request: Request) -> Response:
    """Open a cycle, or begin an item by hand; doing it again gives the one that there is."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: Mapping[str, str]) -> Response:
    try:
        return RedirectResponse(_done(request, fields), 303)
    except BihuanError as error:
        words, status = why(error, fields.get("act", ""), reader_of(request, site(request).settings))
        return _page(request, Refused(words, fields, status))


def _done(request: Request, fields: Mapping[str, str]) -> str:
    """Do it; where to go then."""
    here, by = site(request), actor(request, fields)
    with here.db.write() as session:
        match fields.get("act"):
            case "open_month":
                number = cycles.open_month(session, here.policy, here.clock, fields.get("run", ""), by)
                cycles.carry_forward(session, here.policy, here.clock, number, by)
            case "open_special":
                about = fields.get("complaint") or None
                number = cycles.open_special(session, here.policy, here.clock, fields.get("title", ""), by, about)
            case "close_cycle":
                number, summary = fields.get("key", ""), fields.get("summary", "")
                cycles.close_cycle(session, here.policy, here.clock, number, by, summary)
            case "draft":
                told = {"name": fields.get("name", "")}
                number = draft(session, here.policy, here.clock, fields.get("cycle", ""), by, told)
                return f"/improvement/{quote(number, safe='')}?done=draft"
            case _:
                raise HTTPException(400)
    return f"/improvement?cycle={quote(number, safe='')}&done={fields['act']}#cycles"
