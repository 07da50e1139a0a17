"""Indicators on pages: all of one month, one of them by dimension and month, and the complaints behind any number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.clock import zone
from bihuan.policy.kpi import DIMENSIONS, IndicatorPolicy
from bihuan.services import trend_words as said
from bihuan.services.kpi import Look, rows_of
from bihuan.services.kpi_behind import SIDES, complaints_behind, count_behind
from bihuan.store.queries import board, kept, names
from bihuan.store.queries.cut import Cut
from bihuan.store.queries.score import OURS
from bihuan.web import indicator_words as words
from bihuan.web.access import Unwelcome, any_of, is_admitted
from bihuan.web.reader import Reader, reader_of
from bihuan.web.view import page, site
from schemas.access import Role

BY_PERSON = any_of(Role.DEPARTMENT_HEAD, Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR)
"""Who may see figures of single people."""
WITHOUT = "-"
"""In an address: those that have no value of a dimension."""
PAGE_SIZE = 50
_PERSON = "handler"
_MONTHS, _ELEMENTS = 12, 30
_MONTH, _PAGE = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])"), re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class _Month:
    """A month of the installation's zone; ``is_running``: it goes on."""

    starts_on: date
    since: datetime
    until: datetime
    is_running: bool

    @property
    def name(self) -> str:
        """As addresses and people write it."""
        return f"{self.starts_on:%Y-%m}"

    @property
    def cut(self) -> Cut:
        """What is looked at."""
        return Cut(self.since, self.until)


def listing(request: Request) -> Response:
    """Every indicator of a month, as the snapshot keeps it; counted just now where it does not keep that month yet."""
    here, reader = site(request), reader_of(request, site(request).settings)
    with here.db.read() as session:
        month = _asked_month(request, session)
        rows = kept.months(session, _back(month.starts_on, _MONTHS - 1), month.starts_on)
        values = {"is_simulated": board.is_simulated(session), "choices": _choices(session, month)}
        now = [row for row in rows if row.starts_on == month.starts_on]
        figures = [(row.indicator, _of_snapshot(row)) for row in now] or list(_live(request, session, month))
    past = _by_month(rows)
    told = [
        words.line(here.policy.kpi.indicators[name], name, figure, past.get((name, figure.get("survey", "")), {}),
                   month.name, reader)
        for name, figure in _in_order(figures, here.policy.kpi.indicators)
    ]  # fmt: skip
    counted_at = max((row.counted_at for row in now), default=None)
    return page(request, "indicators.html", {**values, "month": month, "lines": told, "counted_at": counted_at})


def _in_order(
    figures: Sequence[tuple[str, Mapping[str, Any]]], known: Mapping[str, IndicatorPolicy]
) -> list[tuple[str, Mapping[str, Any]]]:  # fmt: skip
    """In the order of the policy, our own survey before others; what it does not know any more is left out."""
    place = {name: number for number, name in enumerate(known)}
    wanted = [(name, row) for name, row in figures if name in known and row["n"]]
    return sorted(wanted, key=lambda one: (place[one[0]], one[1].get("survey") not in {"", OURS}, one[1].get("survey")))


def _of_snapshot(row: Row[Any]) -> dict[str, Any]:
    figures = {name: getattr(row, name) for name in ("n", "value", "low", "high", "survey")}
    return {**row.apart, **figures, "is_corrected": row.corrected_at is not None, "first_value": row.first_value}


def _live(request: Request, session: Session, month: _Month) -> Sequence[tuple[str, dict[str, Any]]]:
    here = site(request)
    look = Look(session, zone(here.settings.timezone), month.cut, here.clock())
    return [(name, row) for name, it in here.policy.kpi.indicators.items() for row in rows_of(look, it)]


def _by_month(rows: Sequence[Row[Any]]) -> Mapping[tuple[str, str], Mapping[date, float | None]]:
    found: defaultdict[tuple[str, str], dict[date, float | None]] = defaultdict(dict)
    for row in rows:
        found[row.indicator, row.survey][row.starts_on] = row.value
    return found


def show(request: Request) -> Response:
    """One indicator of a month: its figure, what it counts, by a dimension, and month by month."""
    here, reader = site(request), reader_of(request, site(request).settings)
    name, it = _indicator(request)
    by = _dimension(request)
    with here.db.read() as session:
        month = _asked_month(request, session)
        look = Look(session, zone(here.settings.timezone), month.cut, here.clock())
        whole = [row | {"missed": count_behind(look, it, "missed", row.get("survey"))} for row in rows_of(look, it)]
        parts = rows_of(Look(look.session, look.here, Cut(month.since, month.until, by), look.at), it)
        past = kept.months(session, _back(month.starts_on, _MONTHS - 1), month.starts_on, name)
        called = _called(session, by, parts, reader)
        values = {"is_simulated": board.is_simulated(session), "choices": _choices(session, month)}
    parts.sort(key=lambda row: (-row["n"], called(row[by])))
    return page(request, "indicator.html", {
        **values, "name": name, "called": words.name_of(it, None, reader), "it": it, "month": month, "by": by,
        "most": _ELEMENTS,
        "heads": [words.head(it, name, row, month.name, reader) for row in whole],
        "definition": words.definition(it, reader),
        "dimensions": [one for one in DIMENSIONS if one != _PERSON or is_admitted(request, BY_PERSON)],
        "parts": [words.part(it, name, row, called(row[by]), (by, _asked(row[by])), month.name, reader)
                  for row in parts[:_ELEMENTS]],
        "past": [words.past(it, _of_snapshot(row), f"{row.starts_on:%Y-%m}", reader) for row in reversed(past)],
    })  # fmt: skip


def _asked(value: Any) -> str:
    return WITHOUT if value is None else str(value)


def _called(session: Session, by: str, rows: Sequence[Mapping[str, Any]], reader: Reader) -> Any:
    """What a reader calls a value of the dimension."""
    people = names.staff_names(session, {row[by] for row in rows if row[by]}) if by == _PERSON else {}
    departments = said.department_names(session)

    def called(value: Any) -> str:
        code = "" if value is None else str(value)
        named = people.get(code) or said.element(by, code, departments, reader.language)
        return named[:1].upper() + named[1:] if code != named else named

    return called


def complaints(request: Request) -> Response:
    """The complaints behind a number, a page at a time, counted just now."""
    here, reader = site(request), reader_of(request, site(request).settings)
    name, it = _indicator(request)
    asked = request.query_params
    side, number = asked.get("side") or "counted", asked.get("page") or "1"
    if side not in SIDES or not _PAGE.fullmatch(number):
        raise HTTPException(400)
    where = {each: None if asked[each] == WITHOUT else asked[each] for each in DIMENSIONS if asked.get(each)}
    _refuse_person(request, where)
    with here.db.read() as session:
        month = _asked_month(request, session)
        cut = Cut(month.since, month.until, where=where)
        look, survey = Look(session, zone(here.settings.timezone), cut, here.clock()), asked.get("survey") or None
        rows = complaints_behind(look, it, side, survey, limit=PAGE_SIZE, offset=(int(number) - 1) * PAGE_SIZE)
        values = {
            "is_simulated": board.is_simulated(session), "n": count_behind(look, it, side, survey),
            "where": [(each, _called(session, each, [{each: value}], reader)(value)) for each, value in where.items()],
        }  # fmt: skip
    query = {"month": month.name, "side": side, **{each: _asked(value) for each, value in where.items()},
             **({"survey": survey} if survey else {})}  # fmt: skip
    return page(request, "indicator_complaints.html", {
        **values, "name": name, "title": words.name_of(it, survey, reader), "month": month, "side": side,
        "query": query, "rows": [(row, words.remark(it, row, reader)) for row in rows], "number": int(number),
        "page_size": PAGE_SIZE,
    })  # fmt: skip


def _indicator(request: Request) -> tuple[str, IndicatorPolicy]:
    name = request.path_params["name"]
    it = site(request).policy.kpi.indicators.get(name)
    if it is None:
        raise HTTPException(404)
    return name, it


def _dimension(request: Request) -> str:
    by = request.query_params.get("by") or "department"
    if by not in DIMENSIONS:
        raise HTTPException(400)
    _refuse_person(request, {by})
    return by


def _refuse_person(request: Request, asked: Any) -> None:
    """Figures of single people are for those who lead."""
    if _PERSON in asked and not is_admitted(request, BY_PERSON):
        raise Unwelcome("role")


def _asked_month(request: Request, session: Session) -> _Month:
    """The month that is asked for, else the latest of which anything is kept, else the running one."""
    asked, here = request.query_params.get("month"), zone(site(request).settings.timezone)
    if asked is not None and not _MONTH.fullmatch(asked):
        raise HTTPException(400)
    now = site(request).clock().astimezone(here)
    known = date.fromisoformat(f"{asked}-01") if asked else kept.latest_month(session)
    day = known or now.date().replace(day=1)
    return _month(day, here, now)


def _month(day: date, here: ZoneInfo, now: datetime) -> _Month:
    following = _back(day, -1)
    ends = [datetime(each.year, each.month, 1, tzinfo=here) for each in (day, following)]
    return _Month(day, ends[0], ends[1], ends[0] <= now < ends[1])


def _back(day: date, months: int) -> date:
    """The first day of the month so many before; after, where it is negative."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _choices(session: Session, month: _Month) -> list[str]:
    """Months to go to: those kept in the year before this one and in the half after it, oldest first."""
    rows = kept.months(session, _back(month.starts_on, _MONTHS), _back(month.starts_on, -_MONTHS // 2))
    return sorted({f"{row.starts_on:%Y-%m}" for row in rows if row.n} | {month.name})
