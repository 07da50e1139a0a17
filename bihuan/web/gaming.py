"""Signs of gaming on a page, each with the complaints behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.analysis.gaming import Sign
from bihuan.services import gaming_words as words
from bihuan.services.gaming import OURS, Figure, calendars_of, signs
from bihuan.store.queries import board, names
from bihuan.store.queries.gaming import DIMENSIONS, Scope
from bihuan.web.reader import Reader, reader_of
from bihuan.web.view import page, site

USUAL_SPAN = timedelta(days=90)
"""Looked at where the reader names no days."""
_WORDED = frozenset({"channel", "kind", "severity"})
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Wish:
    """The days asked for, both included, and the dimension."""

    first: date
    last: date
    by: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    """One figure in words."""

    it: Figure
    name: str
    figure: str
    verdict: str
    remarks: list[str]
    behind: str


def show(request: Request) -> Response:
    """The signs for the complaints registered on the days asked for."""
    here = site(request)
    at, reader = here.clock(), reader_of(request, here.settings)
    wish = _wish(request, at.astimezone(reader.zone).date())
    scope = Scope(_midnight(wish.first, reader), _midnight(wish.last + _ONE_DAY, reader), wish.by)
    with here.db.read() as session:
        found = signs(session, here.policy, calendars_of(session, here.policy), scope, at)
        name_of = _namer(session, wish.by, found, reader)
        values = {"is_simulated": board.is_simulated(session)}
    rows = {sign: [_row(it, name_of, reader) for it in some] for sign, some in groupby(found, key=lambda it: it.sign)}
    return page(request, "signs.html", {
        **values, "wish": wish, "dimensions": DIMENSIONS,
        "signs": [(sign, words.counts(sign, OURS, reader.language), rows.get(sign, [])) for sign in Sign],
    })  # fmt: skip


def _wish(request: Request, today: date) -> _Wish:
    asked = request.query_params
    by = asked.get("by") or None
    try:
        last = date.fromisoformat(asked.get("to") or today.isoformat())
        first = date.fromisoformat(asked.get("from") or (last - USUAL_SPAN + _ONE_DAY).isoformat())
    except (ValueError, OverflowError) as error:
        raise HTTPException(400) from error
    is_sound = date(1900, 1, 1) <= first <= last <= date(2200, 1, 1)
    if not is_sound or not (by is None or by in DIMENSIONS):
        raise HTTPException(400)
    return _Wish(first, last, by)


def _midnight(day: date, reader: Reader) -> datetime:
    return datetime.combine(day, time(), reader.zone)


def _namer(session: Session, by: str | None, found: Sequence[Figure], reader: Reader) -> Callable[[str | None], str]:
    """What a reader calls a value of the dimension."""
    nobody = reader.word("signs", "all" if by is None else "nobody")
    if by in _WORDED:
        return lambda key: reader.word(str(by), key) if key else nobody
    if by == "department":
        known = {row.code: reader.department(row.name, row.name_en) for row in names.departments(session)}
    else:
        known = names.staff_names(session, {it.key for it in found if it.key})
    return lambda key: known.get(key, key) if key else nobody


def _row(it: Figure, name_of: Callable[[str | None], str], reader: Reader) -> _Row:
    language = reader.language
    return _Row(
        it, name_of(it.key), words.figure(it, language), words.verdict(it, OURS, language),
        words.remarks(it, OURS, language), words.behind(it, language),
    )  # fmt: skip
