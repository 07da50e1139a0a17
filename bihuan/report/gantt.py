"""The Gantt chart 甘特图 of a cycle as SVG: planned against done, what waits for what, today, and what is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from unicodedata import east_asian_width

import altair as alt

from bihuan.report.drawing import INK, LINE, NARROW, SOFT, Drawing, svg
from bihuan.report.plan_wording import Fact, PlanWording, facts
from bihuan.rules.gantt import Bar, bars, undated

WHOLE = 860
"""Pixels: a whole desktop page, or a sheet of paper."""
KINDS = {"planned": ("#c9dff0", 15), "actual": ("#0f6b5c", 8), "late": ("#d55e00", 4)}
"""Colour and height of each kind of span: what a colour says, the height says too."""
_TODAY = "#b3261e"
_ROOM = {WHOLE: (270, 130), NARROW: (118, 0)}
"""Pixels for names at the left and for what is said at the right; a server may lack the font to measure them by."""
_STEP, _BELOW = 24, "└ "
_EDGE, _FULL, _HALF = 22, 12.0, 6.9
"""Pixels between a name and the plot, and of a wide and another letter."""
_DAY = timedelta(days=1)
_LONG = 120
"""From so many days on the axis tells months."""

Row = dict[str, Any]


class Gantt(NamedTuple):
    """The chart in both widths, and what has to be said below it."""

    wide: str
    narrow: str
    note: str


def gantt(wording: PlanWording) -> Gantt | None:
    """The chart of a cycle; None where nothing in it has a day."""
    wide, narrow = (gantt_of(wording, width) for width in (WHOLE, NARROW))
    return Gantt(wide, narrow, gantt_note(wording)) if wide and narrow else None


def gantt_of(wording: PlanWording, width: int) -> str | None:
    """The chart in one width, ``WHOLE`` or ``NARROW``; None where nothing in it has a day."""
    rows = bars(wording.book.items, wording.book.today)
    return _drawn(rows, wording, gantt_label(wording), width) if rows else None


def gantt_label(wording: PlanWording) -> str:
    """What the chart shows, as a screen reader says it; empty where nothing has a day."""
    book = wording.book
    rows = bars(book.items, book.today)
    measures = [one for one in rows if not one.is_item]
    late = sum(one.late_until_on is not None and not one.is_over for one in measures)
    return wording.say("gantt_label", cycle=book.number, items=len(rows) - len(measures), measures=len(measures),
                       late=late, today=book.today) if rows else ""  # fmt: skip


def gantt_note(wording: PlanWording) -> str:
    """How the chart is read, and what is not on it."""
    without = undated(wording.book.items)
    return wording.say("gantt_note") + (
        wording.say("gantt_undated", numbers=wording.listed(without)) if without else ""
    )


def _drawn(rows: Sequence[Bar], wording: PlanWording, label: str, width: int) -> str:
    names, said = _ROOM[width]
    labels = _names(rows, wording.book.number, names)
    plot = width - names - said - 16
    layers = [_ground(rows, labels), *_spans(rows, labels, wording, width), *_links(rows, labels)]
    layers += [_today(wording)]
    if said:
        layers.append(_facts(rows, labels, wording, plot))
    return svg(alt.layer(*layers).properties(width=plot, height=alt.Step(_STEP)), label)


def _names(rows: Sequence[Bar], cycle: str, room: int) -> dict[str, str]:
    """What each row is called: the end of its number, of one from another cycle all of it, and what words have room."""
    found = {}
    for bar in rows:
        short = bar.number.removeprefix(f"{cycle}-").removeprefix(f"{cycle}.").removeprefix("PDCA-")
        said = f"{short} {bar.name}" if bar.is_item else f"{_BELOW}{short} {bar.name}"
        found[bar.number] = _cut(said, room - _EDGE, is_bold=bar.is_item)
    return found


def _cut(text: str, room: int, *, is_bold: bool) -> str:
    """As much of a text as fits, by the usual widths of letters: to measure each takes seconds for a long plan."""
    left = float(room)
    for at, letter in enumerate(text):
        left -= (_FULL if east_asian_width(letter) in "WF" else _HALF) * (1.06 if is_bold else 1)
        if left < 0:
            return f"{text[: max(at - 1, 1)].rstrip()}…"
    return text


def _y(labels: Mapping[str, str], width: int) -> alt.Y:
    room = _ROOM[width][0]
    bold: Any = {"condition": {"test": f"datum.label[0] !== '{_BELOW[0]}'", "value": "bold"}, "value": "normal"}
    axis = alt.Axis(labelAlign="left", labelPadding=room - 8, labelLimit=0, minExtent=room - 4,
                    maxExtent=room - 4, ticks=False, domain=False, labelColor=INK, labelFontWeight=bold)  # fmt: skip
    return alt.Y("label:N", scale=_order(labels), title=None, axis=axis)


def _order(labels: Mapping[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(labels.values()))


def _x(rows: Sequence[Bar], width: int) -> alt.X:
    first, last = _ends(rows)
    is_long = (last - first).days > _LONG
    count = (8 if is_long else 10) if width == WHOLE else 3
    axis = alt.Axis(format="%Y-%m" if is_long else "%m-%d", tickCount=count, title=None, grid=True, labelFlush=False,
                    orient="top", labelOverlap=True)  # fmt: skip
    return alt.X("start:T", scale=_scale(rows), axis=axis)


def _scale(rows: Sequence[Bar]) -> alt.Scale:
    first, last = _ends(rows)
    return alt.Scale(type="utc", domain=[first.isoformat(), (last + _DAY).isoformat()], nice=False)


def _ends(rows: Sequence[Bar]) -> tuple[date, date]:
    return min(one.start_on for one in rows), max(max(one.due_on, one.late_until_on or one.due_on) for one in rows)


def _spans(rows: Sequence[Bar], labels: Mapping[str, str], wording: PlanWording, width: int) -> list[Drawing]:
    """Planned below, done above it, late behind its end; UTC, so that the machine's own zone moves no day."""
    called = {kind: wording.say(f"legend_{kind}") for kind in KINDS}
    colours = alt.Scale(domain=list(called.values()), range=[colour for colour, _ in KINDS.values()])
    found: list[Drawing] = []
    for kind, (_, height) in KINDS.items():
        data = [row | {"kind": called[kind]} for row in _rows(rows, labels, kind)]
        found.append(alt.Chart(alt.InlineData(values=data)).mark_bar(height=height, aria=False).encode(
            _x(rows, width), _y(labels, width), x2="end:T",
            color=alt.Color("kind:N", scale=colours, title=None, legend=alt.Legend()),
            opacity=alt.condition("datum.is_cancelled", alt.value(0.35), alt.value(1)),
        ))  # fmt: skip
    return found


def _rows(rows: Sequence[Bar], labels: Mapping[str, str], kind: str) -> list[Row]:
    ends = {
        "planned": lambda one: (one.start_on, one.due_on),
        "actual": lambda one: (one.start_on, one.done_until_on),
        "late": lambda one: (one.due_on + _DAY, one.late_until_on),
    }
    spans = ((one, *ends[kind](one)) for one in rows)
    return [
        {"label": labels[one.number], "start": start.isoformat(), "end": (end + _DAY).isoformat(),
         "is_cancelled": one.is_cancelled}
        for one, start, end in spans if end is not None
    ]  # fmt: skip


def _ground(rows: Sequence[Bar], labels: Mapping[str, str]) -> Drawing:
    """Every row has its line, also where its bar is short."""
    first, last = _ends(rows)
    ends = {"start": first.isoformat(), "end": (last + _DAY).isoformat()}
    data = alt.InlineData(values=[ends | {"label": label} for label in labels.values()])
    line: alt.Chart = alt.Chart(data).mark_rule(color=LINE, strokeWidth=1, aria=False).encode(
        alt.X("start:T", scale=_scale(rows)), alt.Y("label:N", scale=_order(labels)), x2="end:T"
    )  # fmt: skip
    return line


def _links(rows: Sequence[Bar], labels: Mapping[str, str]) -> list[Drawing]:
    """From the end of what is waited for down to the beginning of what waits."""
    by_number = {one.number: one for one in rows}
    down: list[Row] = []
    for bar in rows:
        item = bar.number.rpartition(".")[0]
        before = (by_number.get(f"{item}.{place}") for place in bar.waits_for)
        down += [
            {"label": labels[one.number], "end_label": labels[bar.number], "start": (one.due_on + _DAY).isoformat(),
             "to": bar.start_on.isoformat()}
            for one in before if one is not None
        ]  # fmt: skip
    if not down:
        return []
    base = alt.Chart(alt.InlineData(values=down))
    across = [row | {"label": row["end_label"]} for row in down]
    return [
        base.mark_rule(color=SOFT, strokeWidth=1.2, aria=False).encode(
            alt.X("start:T"), alt.Y("label:N", scale=_order(labels)), y2="end_label:N"),
        alt.Chart(alt.InlineData(values=across)).mark_rule(color=SOFT, strokeWidth=1.2, aria=False).encode(
            alt.X("start:T"), alt.Y("label:N", scale=_order(labels)), x2="to:T"),
        alt.Chart(alt.InlineData(values=across)).mark_point(
            shape="triangle-right", filled=True, size=42, color=SOFT, opacity=1, aria=False).encode(
            alt.X("to:T"), alt.Y("label:N", scale=_order(labels))),
    ]  # fmt: skip


def _today(wording: PlanWording) -> Drawing:
    data = alt.InlineData(values=[{"at": wording.book.today.isoformat(), "said": wording.say("legend_today")}])
    rule = alt.Chart(data).mark_rule(color=_TODAY, strokeWidth=1.6, strokeDash=[4, 3], aria=False).encode(alt.X("at:T"))
    said = alt.Chart(data).mark_text(color=_TODAY, fontSize=11, dy=9, baseline="top", aria=False).encode(
        alt.X("at:T"), y=alt.value("height"), text="said:N")  # fmt: skip
    both: Drawing = alt.layer(rule, said)
    return both


def _facts(rows: Sequence[Bar], labels: Mapping[str, str], wording: PlanWording, plot: int) -> Drawing:
    """How far each row is, at the right; that it is late, with the days."""
    far = facts(wording)
    data = [{"label": labels[one.number], "said": _said(one, far[one.number], wording), "is_late": is_late(one)}
            for one in rows]  # fmt: skip
    text: alt.Chart = alt.Chart(alt.InlineData(values=data)).mark_text(align="left", fontSize=12, aria=False).encode(
        alt.Y("label:N", scale=_order(labels)), x=alt.value(plot + 10), text="said:N",
        color=alt.condition("datum.is_late", alt.value(_TODAY), alt.value(SOFT)),
    )  # fmt: skip
    return text


def is_late(bar: Bar) -> bool:
    """Whether a bar is late now; one that was done late is not any more."""
    return bar.late_until_on is not None and not bar.is_over


def _said(bar: Bar, far: Fact, wording: PlanWording) -> str:
    if bar.is_cancelled or (bar.is_over and not bar.is_item):
        return far.state
    said = f"{far.progress:.0%}"
    if is_late(bar) and bar.late_until_on:
        said += " · " + wording.say("late_days", n=(bar.late_until_on - bar.due_on).days)
    return said
