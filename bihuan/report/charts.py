"""The charts of a rehearsal: today's policy beside the draft, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

from bihuan.analysis.rehearsal import SIDES, Rehearsal, differences
from bihuan.clock import zone
from bihuan.report.conclusion import by_side
from bihuan.report.drawing import INK, NARROW, NIGHT, SOFT, WIDE, colour, counts, dash, names, nothing, shape, svg
from bihuan.report.wording import Wording, Words

_MOST_PEOPLE = 15
_MOST_POINTS, _MOST_DAYS, _WEEK = 45, 92, 7
"""Up to so many days each one is marked on the line; up to so many it is drawn, and above that the mean of a week."""
_NIGHT_HOURS = (*range(8), 22, 23)
_SIDE_MARGIN, _NAME_WIDTH = 72, 110
"""Pixels beside the plot: for the axis or n, and for names; fixed, as a server may lack the font to measure them by."""

Records = list[dict[str, Any]]


def on_time(rehearsal: Rehearsal, words: Words, *, width: int = WIDE) -> str:
    """The on-time rate of each milestone with its interval and n; milestones of which none was met are left out."""
    wording = Wording(words)
    rows = [
        {"milestone": wording.milestone(row["milestone"]), "policy": wording.say(side),
         **{end: row[f"{end}_{side}"] for end in ("value", "low", "high")}, "n": f"n {row[f'met_{side}']:,}"}
        for row in differences(rehearsal.milestones).to_dict("records")
        for side in SIDES
        if row[f"met_{side}"]
    ]  # fmt: skip
    label = wording.say("chart_on_time")
    if not rows:
        return svg(nothing(wording, width), label)
    plot = width - _SIDE_MARGIN - 20
    left = max(0.0, min(row["low"] for row in rows) // 0.1 * 0.1)
    scale = alt.Scale(domain=[left, 1], nice=False, zero=False)
    base = alt.Chart(width=plot, height=44).encode(y=alt.Y("policy:N", sort=names(wording), axis=None))
    ends = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", scale=scale, axis=alt.Axis(format=".0%", tickCount=5, title=None)), x2="high:Q",
        color=colour(wording))  # fmt: skip
    point = base.mark_point(filled=True, size=90, opacity=1).encode(
        alt.X("value:Q", scale=scale), color=colour(wording), shape=shape(wording))  # fmt: skip
    n = base.mark_text(align="left", dx=10, color=SOFT, fontSize=12).encode(x=alt.value(plot), text="n:N")
    order = list(dict.fromkeys(row["milestone"] for row in rows))
    drawing = alt.layer(ends, point, n, data=alt.InlineData(values=rows)).facet(
        row=alt.Row("milestone:N", sort=order, title=None), spacing=6)  # fmt: skip
    return svg(drawing, label)


def hours(rehearsal: Rehearsal, words: Words, *, width: int = WIDE) -> str:
    """Alerts by hour of the day in the rehearsal's zone, the night in grey."""
    wording = Wording(words)
    sums = by_side(rehearsal.hours, ["hour"], "alerts").reindex(range(24), fill_value=0.0)
    label = _label("chart_hours", sums, wording)
    if rehearsal.hours.empty:
        return svg(nothing(wording, width), label)
    rows = _long(sums, wording, "hour")
    most = max(row["n"] for row in rows)
    hour = alt.X("hour:O", axis=alt.Axis(labelAngle=0, values=list(range(0, 24, 3)), title=None),
                 scale=alt.Scale(paddingInner=0.2, paddingOuter=0.1))  # fmt: skip
    night = alt.Chart(alt.InlineData(values=[{"hour": hour} for hour in _NIGHT_HOURS])).mark_rect(
        color=NIGHT, width=alt.RelativeBandSize(1.25)
    )
    bars = alt.Chart(alt.InlineData(values=rows)).mark_bar().encode(
        hour, counts("n", most), xOffset=alt.XOffset("policy:N", sort=names(wording)),
        color=colour(wording))  # fmt: skip
    return svg(alt.layer(night.encode(hour), bars).properties(width=width - _SIDE_MARGIN, height=190), label)


def nights(rehearsal: Rehearsal, words: Words, *, width: int = WIDE) -> str:
    """Alerts of each night, by the date on which it begins."""
    wording = Wording(words)
    sums = by_side(rehearsal.nights, ["night"], "alerts")
    label = _label("chart_nights", sums, wording)
    if rehearsal.nights.empty:
        return svg(nothing(wording, width), label)
    daily = _daily(sums, rehearsal)
    rows = _long(_weekly(daily), wording, "day")
    return svg(_lines(rows, wording, width).properties(height=190, title=_grain(daily, wording)), label)


def people(rehearsal: Rehearsal, words: Words, *, width: int = WIDE) -> str:
    """Alerts of those fifteen who are told most under either policy; ties by recipient."""
    wording = Wording(words)
    told = rehearsal.people.assign(alerts=rehearsal.people["warnings"] + rehearsal.people["breaches"])
    sums = by_side(told, ["recipient"], "alerts")
    label = _label("chart_people", sums, wording)
    if told.empty:
        return svg(nothing(wording, width), label)
    most = sums.loc[sums.max(axis="columns").sort_values(ascending=False, kind="stable").index[:_MOST_PEOPLE]]
    most.index = pd.Index(_names(most.index, told))
    rows = _long(most, wording, "person")
    drawing = alt.Chart(alt.InlineData(values=rows), width=width - _NAME_WIDTH - 50, height=alt.Step(10)).encode(
        alt.Y("person:N", sort=list(most.index), title=None, scale=alt.Scale(paddingInner=0.3),
              axis=alt.Axis(labelLimit=_NAME_WIDTH - 8, minExtent=_NAME_WIDTH, maxExtent=_NAME_WIDTH, ticks=False,
                            domain=False, labelColor=INK)),
        alt.X("n:Q", scale=alt.Scale(domain=[0, max(1, *(row["n"] for row in rows))], nice=True),
              axis=alt.Axis(tickMinStep=1, tickCount=4, format=",d", title=None)),
        yOffset=alt.YOffset("policy:N", sort=names(wording)), color=colour(wording))  # fmt: skip
    return svg(drawing.mark_bar(), label)


def follow_ups(rehearsal: Rehearsal, words: Words, *, width: int = WIDE) -> str:
    """Follow-ups of each day, a row of the chart for each milestone that asks for them."""
    wording = Wording(words)
    label = _label("chart_follow_ups", by_side(rehearsal.follow_ups, ["day", "milestone"], "count"), wording)
    if rehearsal.follow_ups.empty:
        return svg(nothing(wording, width), label)
    rows: Records = []
    for milestone, of_one in rehearsal.follow_ups.groupby("milestone", sort=False):
        daily = _daily(by_side(of_one, ["day"], "count"), rehearsal)
        means = _long(_weekly(daily), wording, "day")
        rows += [{**row, "milestone": wording.milestone(str(milestone))} for row in means]
    order = list(dict.fromkeys(row["milestone"] for row in rows))
    drawing = _lines(rows, wording, width).properties(height=110).facet(
        row=alt.Row("milestone:N", sort=order, title=None), spacing=10)  # fmt: skip
    return svg(drawing.properties(title=_grain(daily, wording)), label)


CHARTS: dict[str, Callable[..., str]] = {
    "on_time": on_time,
    "people": people,
    "hours": hours,
    "nights": nights,
    "follow_ups": follow_ups,
}
"""Every chart by name, in the order of the page."""


def drawn(rehearsal: Rehearsal, words: Words) -> Iterator[tuple[str, str, str]]:
    """Every chart: its name, and its SVG for a desktop or paper and for a phone."""
    for name, draw in CHARTS.items():
        yield name, draw(rehearsal, words, width=WIDE), draw(rehearsal, words, width=NARROW)


def _label(title: str, sums: pd.DataFrame, wording: Wording) -> str:
    """What a screen reader says of a chart of counts: its title and both sums."""
    found = {side: f"{int(sums[side].sum()):,}" for side in SIDES}
    called = {f"{side}_name": wording.say(side) for side in SIDES}
    return wording.say("chart_sum", title=wording.say(title), **found, **called)


def _lines(rows: Records, wording: Wording, width: int) -> alt.Chart:
    """A line a policy over days; UTC, so that the machine's own zone moves no date."""
    days = {row["day"] for row in rows}
    step = max(1, -(-len(days) // (5 if width < WIDE else 8)))
    lines: alt.Chart = alt.Chart(alt.InlineData(values=rows), width=width - _SIDE_MARGIN).mark_line(
        strokeWidth=2, point={"size": 22, "opacity": 1} if len(days) <= _MOST_POINTS else False).encode(
        alt.X("day:T", scale=alt.Scale(type="utc"), title=None,
              axis=alt.Axis(format="%m-%d", labelAngle=0, labelOverlap=True, labelFlush=False, grid=False,
                            values=sorted(days)[::step])),
        counts("n", max(row["n"] for row in rows)), color=colour(wording, is_line=True),
        strokeDash=dash(wording))  # fmt: skip
    return lines


def _long(sums: pd.DataFrame, wording: Wording, key: str) -> Records:
    """A record a policy and row: the row's ``key`` as text or number, ``policy`` as the legend says it, and ``n``."""
    return [
        {key: str(at) if isinstance(at, date) else at, "policy": wording.say(side), "n": n}
        for side in SIDES
        for at, n in zip(sums.index, sums[side].tolist(), strict=True)
    ]


def _daily(sums: pd.DataFrame, rehearsal: Rehearsal) -> pd.DataFrame:
    """Every day of the period and of ``sums``; nothing happened on those that ``sums`` lacks."""
    here = zone(rehearsal.timezone)
    days = {*sums.index, rehearsal.since.astimezone(here).date(),
            (rehearsal.until - timedelta(microseconds=1)).astimezone(here).date()}  # fmt: skip
    first, last = min(days), max(days)
    return sums.reindex([first + timedelta(days=n) for n in range((last - first).days + 1)], fill_value=0.0)


def _weekly(daily: pd.DataFrame) -> pd.DataFrame:
    """The mean of each seven days, by the first of them, where single days would be too many to see."""
    if len(daily) <= _MOST_DAYS:
        return daily
    means = daily.groupby([n // _WEEK for n in range(len(daily))]).mean()
    return means.set_index(daily.index[::_WEEK])


def _grain(daily: pd.DataFrame, wording: Wording) -> alt.Title:
    """Says so above the chart where it shows weeks."""
    said = wording.say("chart_weekly") if len(daily) > _MOST_DAYS else ""
    return alt.Title(said, anchor="start", color=SOFT, fontSize=12, fontWeight="normal")


def _names(recipients: Iterable[str], told: pd.DataFrame) -> list[str]:
    """Names to tell people apart by: two of the same name carry their recipient beside it."""
    known = dict(zip(told["recipient"], told["name"], strict=True))
    said = [str(known[one] or one) for one in recipients]
    return [f"{name} ({one})" if said.count(name) > 1 else name for name, one in zip(said, recipients, strict=True)]
