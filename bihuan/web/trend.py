"""Control charts on pages: watched indicators with their verdicts, one chart with its signals, and notes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.policy.trend import DIMENSIONS
from bihuan.report.control_chart import control_chart
from bihuan.report.drawing import NARROW
from bihuan.services import trend
from bihuan.services import trend_words as said
from bihuan.services.letter_signal import address
from bihuan.services.trend_chart import View, views
from bihuan.store.queries import board
from bihuan.store.queries import trend as queries
from bihuan.store.queries.trend import Slice
from bihuan.web import trend_picture as picture
from bihuan.web.access import person
from bihuan.web.reader import Reader, reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import page, site
from schemas.base import GREATEST_ID
from schemas.kpi import Grain

_NEWEST, _SLICES = 10, 30
_SHOWN = 26
"""Lines of a table before it is folded."""
_PICTURE_WIDTH = 860


@dataclass(frozen=True, slots=True)
class _Row:
    """One chart in a list of charts."""

    name: str
    address: str
    newest: str
    verdicts: list[tuple[str, str, str, str]]
    signal: str


def listing(request: Request) -> Response:
    """Every watched indicator with its two verdicts and its newest signal, and the newest signals of all."""
    here, reader = site(request), reader_of(request, site(request).settings)
    with here.db.read() as session:
        names = said.department_names(session)
        kept = queries.signals(session)
        rows = [
            _row(view, kept, names, here.policy.trend.least, reader)
            for name in here.policy.trend.watched if name in here.policy.kpi.indicators
            for view in views(session, here.policy, zone(here.settings.timezone), here.clock(), Slice(name))
        ]  # fmt: skip
        values = {"is_simulated": board.is_simulated(session)}
    newest = [_signal(row, names, reader) for row in kept[:_NEWEST]]
    return page(request, "charts.html", {**values, "rows": rows, "signals": newest})


def _row(view: View, kept: Sequence[Row[Any]], names: said.Names, least: int, reader: Reader) -> _Row:
    of, charted = view.of, view.now.charted
    words, language = reader.section("chart"), reader.language
    newest = max((at for at, n in enumerate(charted.series.n) if n), default=len(view.now.starts) - 1)
    last = next((row for row in kept if queries.slice_of(row) == of and row.grain == view.grain), None)
    part = said.element(of.dimension, of.element, names, language) if of.dimension else ""
    value = float(charted.series.value[newest])
    shown = said.figure(None if isnan(value) else value, view.unit, language)
    return _Row(
        part or getattr(view.indicator.words, language) + (f" · {of.survey}" if _is_foreign(of) else ""),
        _address(view),
        words["of_point"].format(value=shown, period=view.now.starts[newest], n=int(charted.series.n[newest])),
        picture.verdicts(view, least, reader),
        said.since(last, language) if last else words["no_signal"],
    )


def _is_foreign(of: Slice) -> bool:
    return of.survey not in {"", "bihuan"}


def _address(view: View) -> str:
    asked = {"grain": view.grain.value, **view.of._asdict()}
    query = urlencode({name: value for name, value in asked.items() if value and name != "indicator"})
    return f"/charts/{view.of.indicator}?{query}"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What of an indicator is asked for."""

    of: Slice
    grain: Grain

    @property
    def query(self) -> str:
        """The same wish as the query of an address."""
        asked = {"grain": self.grain.value, **self.of._asdict()}
        return urlencode({name: value for name, value in asked.items() if value and name != "indicator"})


def show(request: Request) -> Response:
    """One chart: the picture, its points, and what it has said."""
    done = request.query_params.get("done")
    return _show(request, done=done if done == "noted" else None)


def _show(request: Request, *, done: str | None = None, refused: Mapping[str, str] | None = None) -> Response:
    here, reader, wish = site(request), reader_of(request, site(request).settings), _wish(request)
    trend_policy = here.policy.trend
    with here.db.read() as session:
        names = said.department_names(session)
        found = _one(session, request, wish)
        kept = [row for row in queries.signals(session, indicator=wish.of.indicator) if _is_of(row, wish)]
        slices = _slices(session, request, wish, names, reader) if wish.of.dimension and not wish.of.element else []
        values = {"is_simulated": board.is_simulated(session)}
    words = here.policy.kpi.indicators[wish.of.indicator].words
    part = said.element(wish.of.dimension, wish.of.element, names, reader.language) if wish.of.element else ""
    name = " · ".join(filter(None, (getattr(words, reader.language), part)))
    chart = _chart(found, name, trend_policy.least, trend_policy.nelson, reader) if found else None
    return page(request, "chart.html", {
        **values, "wish": wish, "name": name, "grains": list(Grain), "dimensions": DIMENSIONS, "slices": slices,
        "most": _SLICES, "shown": _SHOWN, "chart": chart, "signals": [_signal(row, names, reader) for row in kept],
        "done": done, "refused": refused, "lengths": (trend.WHO_CHARACTERS, trend.NOTE_CHARACTERS),
        "has_nelson": trend_policy.nelson,
    }, status=400 if refused else 200)  # fmt: skip


def _one(session: Session, request: Request, wish: _Wish) -> View | None:
    """The chart asked for; where only a dimension is named, that of everything."""
    here = site(request)
    of = wish.of if wish.of.element else wish.of._replace(dimension="")
    found = views(session, here.policy, zone(here.settings.timezone), here.clock(), of, wish.grain)
    return max(found, key=lambda view: (not _is_foreign(view.of), view.now.charted.series.n.sum()), default=None)


def _slices(session: Session, request: Request, wish: _Wish, names: said.Names, reader: Reader) -> list[_Row]:
    """Each value of the dimension that is asked for, those with the most cases first."""
    here = site(request)
    found = views(session, here.policy, zone(here.settings.timezone), here.clock(), wish.of, wish.grain, most=_SLICES)
    kept = queries.signals(session, indicator=wish.of.indicator)
    return [_row(view, kept, names, here.policy.trend.least, reader) for view in found]


def _wish(request: Request) -> _Wish:
    here, asked = site(request), request.query_params
    indicator, dimension = request.path_params["indicator"], asked.get("dimension", "")
    if indicator not in here.policy.kpi.indicators:
        raise HTTPException(404)
    grain = asked.get("grain") or here.policy.trend.grain_of(indicator)
    is_long = any(len(asked.get(name, "")) > most for name, most in (("element", 160), ("survey", 60)))
    if grain not in set(Grain) or (dimension and dimension not in DIMENSIONS) or is_long:
        raise HTTPException(400)
    element = asked.get("element", "") if dimension else ""
    return _Wish(Slice(indicator, dimension, element, asked.get("survey", "")), Grain(grain))


def _is_of(row: Row[Any], wish: _Wish) -> bool:
    """Whether a signal is of the chart that is shown."""
    of = wish.of if wish.of.element else wish.of._replace(dimension="")
    is_same = (row.dimension, row.element, row.grain) == (of.dimension, of.element, wish.grain)
    return is_same and of.survey in {"", row.survey}


def _chart(view: View, name: str, least: int, has_nelson: bool, reader: Reader) -> dict[str, Any]:
    dots = picture.dots_of(view)
    drawn = picture.picture_of(view, dots, name, reader)
    lines = picture.lines_of(view, dots, reader, has_nelson=has_nelson)
    return {
        "wide": control_chart(drawn, _PICTURE_WIDTH), "narrow": control_chart(drawn, NARROW),
        "key": picture.key_of(dots), "lines": lines, "explained": list(picture.explained(view, lines, least, reader)),
        "verdicts": picture.verdicts(view, least, reader),
        "target": said.figure(view.indicator.target, view.unit, reader.language),
        "phases": [(phase.said.starts_on, getattr(phase.said.reason, reader.language))
                   for phase in view.phases if phase.said],
    }  # fmt: skip


def _signal(row: Row[Any], names: said.Names, reader: Reader) -> dict[str, Any]:
    language = reader.language
    return {
        "row": row, "headline": said.headline(row, names, language), "since": said.since(row, language),
        "evidence": said.evidence(row, language), "changed": said.changed(row, names, language),
        "status": said.status(row, language), "address": address(row),
    }  # fmt: skip


async def save_note(request: Request) -> Response:
    """Keep what a person says of a signal, and show its chart."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_save_note, request, fields)


def _save_note(request: Request, fields: Mapping[str, str]) -> Response:
    here, asks, wish = site(request), person(request), _wish(request)
    number = fields.get("signal", "")
    if not number.isdecimal() or int(number) > GREATEST_ID:
        raise HTTPException(400)
    who = asks.signature[: trend.WHO_CHARACTERS] if asks else fields.get("who", "")
    try:
        with here.db.write() as session:
            trend.note(session, int(number), fields.get("note", ""), who, here.clock())
    except UsageError:
        return _show(request, refused=fields)
    return RedirectResponse(f"/charts/{wish.of.indicator}?{wish.query}&done=noted", 303)
