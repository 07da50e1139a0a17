"""Each indicator by month: its value with interval and n, and where it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt

from bihuan.analysis.review import Review
from bihuan.report.drawing import COLOURS, INK, NARROW, SOFT, nothing, svg
from bihuan.report.month_charts import Chart
from bihuan.report.month_conclusion import before_of
from bihuan.report.month_wording import MonthWording

_WIDTH, _HEIGHT = NARROW - 64, 120
_ROOM = 0.12
"""Of the span of values, above and below."""
_MOST_N = 6
"""With more months than this n stands with the figures of the table only, as the labels would cover each other."""


def trend_charts(review: Review, wording: MonthWording) -> Iterator[Chart]:
    """One chart an indicator, narrow enough for a phone and for two on a sheet of paper."""
    for row in review.indicators:
        points = [_point(one, wording) for one in (*before_of(row, review), {**row, "month": review.period.name})]
        title = wording.say("chart_trend", name=wording.indicator(row))
        target = row.get("target") if str(row["indicator"]) in wording.imprint.indicators else None
        drawn = _drawn(points, None if target is None else float(target), title, wording, str(row["indicator"]))
        yield Chart(title, drawn, "", _note(row, points, wording, review))


def _point(row: Mapping[str, Any], wording: MonthWording) -> dict[str, Any]:
    code = str(row["indicator"])
    said = wording.figure(code, row["value"])
    return {"month": str(row["month"]), "value": row["value"], "low": row["low"], "high": row["high"], "said": said,
            "n": f"n {row['n']:,}"}  # fmt: skip


def _note(row: Mapping[str, Any], points: list[dict[str, Any]], wording: MonthWording, review: Review) -> str:
    code = str(row["indicator"])
    has_target = code in wording.imprint.indicators and row.get("target") is not None
    return wording.say(
        "chart_trend_note", definition=f"{wording.definition(code)}{'' if _is_chinese(wording) else ' '}",
        months=f"{points[0]['month']} – {points[-1]['month']}" if len(points) > 1 else points[0]["month"],
        timezone=review.period.timezone,
        target=wording.say("chart_trend_target", target=wording.target(row)) if has_target else "",
    )  # fmt: skip


def _is_chinese(wording: MonthWording) -> bool:
    return wording.say("lang").startswith("zh")


def _drawn(points: list[dict[str, Any]], target: float | None, title: str, wording: MonthWording, code: str) -> str:
    known = [it for it in points if it["value"] is not None]
    if not known:
        return svg(nothing(wording, NARROW), title)
    scale = _scale(known, target)
    form = ",.0f" if wording.is_time(code) else ".0%" if wording.places(code) is None else "~g"
    month = alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, labelPadding=6))
    base = alt.Chart(alt.InlineData(values=points)).encode(month)
    value = alt.Y(
        "value:Q", scale=scale, axis=alt.Axis(format=form, tickCount=4, domain=False, ticks=False), title=None
    )
    layers: list[alt.Chart] = [
        base.mark_rule(color=COLOURS[0], strokeWidth=2).encode(alt.Y("low:Q", scale=scale, title=None), y2="high:Q"),
        base.mark_line(color=COLOURS[0], strokeWidth=1.5).encode(value),
        base.mark_point(filled=True, size=60, opacity=1, color=COLOURS[0]).encode(value),
        base.mark_text(dx=5, dy=-9, align="left", color=INK, fontSize=11).encode(value, text="said:N"),
    ]
    if target is not None:
        rule = alt.Chart(alt.InlineData(values=[{"target": target}])).mark_rule(
            color=COLOURS[1], strokeDash=[5, 3], strokeWidth=1.5)  # fmt: skip
        layers.insert(0, rule.encode(alt.Y("target:Q", scale=scale, title=None)))
    if len(points) <= _MOST_N:
        layers.append(base.mark_text(color=SOFT, fontSize=11).encode(y=alt.value(_HEIGHT + 30), text="n:N"))
    label = wording.clauses([title, *(f"{it['month']} {it['said']} {it['n']}" for it in points)])
    return svg(alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT), label)


def _scale(known: list[dict[str, Any]], target: float | None) -> alt.Scale:
    ends = [float(it[end]) for it in known for end in ("low", "value", "high") if it[end] is not None]
    ends += [] if target is None else [target]
    room = _ROOM * (max(ends) - min(ends) or 1.0)
    return alt.Scale(domain=[min(ends) - room, max(ends) + room], nice=False, zero=False)
