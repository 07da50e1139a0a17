"""The charts of a month: Pareto, candidates and stages, as SVG; each says n, period and definition below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from bihuan.analysis.pareto_views import Pareto, View
from bihuan.analysis.review import Review
from bihuan.report.drawing import COLOURS, INK, LINE, NARROW, SOFT, WIDE, svg
from bihuan.report.month_conclusion import placed
from bihuan.report.month_wording import MonthWording

_BARS, _DOTS = 12, 12
_STEP = 26
_NAMES = {WIDE: 190, NARROW: 112}
_SAID = {WIDE: 130, NARROW: 84}
"""Pixels for names at the left and for what is said at the right; a server may lack the font to measure them by."""
_LIGHT = "#a9c4d6"


class Chart(NamedTuple):
    """A chart in both widths, with its title and what has to be said below it."""

    title: str
    wide: str
    narrow: str
    note: str
    warning: str = ""
    """That the rule the chart stands for does not apply."""


def pareto_charts(review: Review, wording: MonthWording) -> Iterator[Chart]:
    """The views of the problems; those that are the same as the view of numbers are only named."""
    paretos = {view: it for view, it in review.paretos.items() if len(it.rows)}
    counted = paretos.get(View.COUNT)
    if counted is None:
        return
    same = [view for view, it in paretos.items() if view is not View.COUNT and _is_same(it, counted)]
    named = wording.listed([wording.sections["pareto_view"][view] for view in same])
    for view, it in paretos.items():
        if view not in same:
            added = f" {wording.say('pareto_same', views=named)}" if same and view is View.COUNT else ""
            yield _pareto(it, review, wording, added)


def _is_same(it: Pareto, counted: Pareto) -> bool:
    return it.view is not View.RATE and it.rows["value"].equals(counted.rows["value"])


def _pareto(it: Pareto, review: Review, wording: MonthWording, added: str) -> Chart:
    title = wording.say("chart_pareto", view=wording.sections["pareto_view"][it.view])
    counts = {"vital": it.vital, "elements": len(it.rows)}
    n = int(it.rows["x"].sum())
    label = wording.say("pareto_sum", title=title, n=f"{n:,}", **counts)
    bars = _pareto_bars(it, review, wording)
    how = {View.COUNT: "shares", View.RATE: "rates"}.get(it.view, "weights")
    note = wording.say(
        "chart_pareto_note", month=review.period.name, n=f"{n:,}", dimension=wording.dimension(review.problems_by),
        unknown=f"{it.unknown:,}", shares=wording.say(f"chart_pareto_{how}", weights=f"{it.total:,.0f}"),
    )  # fmt: skip
    if it.view is View.RATE:
        return Chart(title, _bars(bars, label, WIDE), _bars(bars, label, NARROW), note)
    said = wording.say("pareto_scattered" if it.is_scattered else "pareto_vital", **counts)
    wide, narrow = _bars(bars, label, WIDE), _bars(bars, label, NARROW)
    if it.is_scattered:
        return Chart(title, wide, narrow, f"{note}{added}", said)
    return Chart(title, wide, narrow, f"{said} {note}{added}")


def _pareto_bars(it: Pareto, review: Review, wording: MonthWording) -> list[dict[str, Any]]:
    bars = []
    for place, row in enumerate(it.rows.head(_BARS).reset_index().to_dict("records"), start=1):
        share = row["value"] if it.view is View.RATE else row["share"]
        cumulative = "" if it.view is View.RATE else wording.say("cumulative", share=f"{row['cumulative_share']:.0%}")
        bars.append({
            "name": f"{place}. {wording.element(review.problems_by, str(row['element']))}", "value": share,
            "low": _number(row["low"]), "high": _number(row["high"]), "is_dark": bool(row["is_vital"]),
            "said": f"{row['x']:,.0f}" if it.view is not View.RATE else f"n {row['n']:,.0f}", "more": cumulative,
        })  # fmt: skip
    rest = it.rows.iloc[_BARS:]
    if len(rest) and it.view is not View.RATE:
        bars.append({"name": wording.say("pareto_rest", n=len(rest)), "value": float(rest["share"].sum()), "low": None,
                     "high": None, "is_dark": False, "said": f"{rest['x'].sum():,.0f}", "more": ""})  # fmt: skip
    return bars


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def delay_chart(review: Review, wording: MonthWording) -> Chart | None:
    """Which stage ate the lateness; None where no stages are known, or nothing was in excess."""
    rows = review.delays[review.delays["share"].notna()]
    if rows.empty:
        return None
    title = wording.say("chart_delays")
    bars = [
        {"name": wording.element("stage", str(stage)), "value": float(row["share"]), "low": None, "high": None,
         "is_dark": True, "said": f"n {row['late']:,.0f}", "more": wording.hours(row["excess_seconds"])}
        for stage, row in rows.iterrows()
    ]  # fmt: skip
    note = wording.say("chart_delays_note", month=review.period.name, n=f"{rows['n'].iloc[0]:,}")
    label = wording.clauses([title, *(f"{bar['name']} {bar['value']:.0%}" for bar in bars)])
    return Chart(title, _bars(bars, label, WIDE), _bars(bars, label, NARROW), note)


def _bars(bars: list[dict[str, Any]], label: str, width: int) -> str:
    """Horizontal bars of shares, with intervals where there are any, and two words at the right."""
    plot = width - _NAMES[width] - _SAID[width]
    most = max(max(bar["high"] or 0.0, bar["value"]) for bar in bars) or 1.0
    scale = alt.Scale(domain=[0, most], nice=True)
    base = alt.Chart(alt.InlineData(values=bars)).encode(alt.Y("name:N", sort=None, title=None, axis=_names(width)))
    bar = base.mark_bar(size=14).encode(
        alt.X("value:Q", scale=scale, axis=alt.Axis(format="~%", tickCount=4 if width == WIDE else 2, title=None)),
        color=alt.condition("datum.is_dark", alt.value(COLOURS[0]), alt.value(_LIGHT)))  # fmt: skip
    ends = base.transform_filter("isValid(datum.low)").mark_rule(color=INK, strokeWidth=1.5).encode(
        alt.X("low:Q", scale=scale), x2="high:Q")  # fmt: skip
    said = base.mark_text(align="right", color=INK, fontSize=12).encode(
        x=alt.value(plot + (0.42 if width == WIDE else 0.9) * _SAID[width]), text="said:N")  # fmt: skip
    more = base.mark_text(align="left", color=SOFT, fontSize=11).encode(
        x=alt.value(plot + 0.48 * _SAID[width]), text="more:N")  # fmt: skip
    layers = [bar, ends, said, more] if width == WIDE else [bar, ends, said]
    return svg(alt.layer(*layers).properties(width=plot, height=alt.Step(_STEP)), label)


def _names(width: int) -> alt.Axis:
    room = _NAMES[width]
    return alt.Axis(
        labelLimit=room - 10, minExtent=room - 4, maxExtent=room - 4, ticks=False, domain=False, labelColor=INK
    )


def candidate_chart(review: Review, wording: MonthWording) -> Chart | None:
    """How much each candidate moved its rate, with the interval; None without candidates."""
    shown = [it for it in placed(review) if it.size is not None][:_DOTS]
    if not shown:
        return None
    dots = [
        {"name": f"{it.rank}. {wording.candidate(it)}", "value": 100 * (it.size or 0.0), "low": 100 * (it.low or 0.0),
         "high": 100 * (it.high or 0.0), "said": f"n {it.n0:,.0f} → {it.n1:,.0f}"}
        for it in shown
    ]  # fmt: skip
    title = wording.say("chart_candidates")
    period = review.period
    ends = (f"{period.baseline_on:%Y-%m}", f"{period.month_on - timedelta(days=1):%Y-%m}")
    baseline = " – ".join(dict.fromkeys(ends))
    note = wording.say("chart_candidates_note", month=period.name, baseline=baseline)
    label = wording.clauses([title, *(f"{dot['name']} {dot['value']:+.1f}" for dot in dots)])
    return Chart(title, _dots(dots, label, WIDE), _dots(dots, label, NARROW), note)


def _dots(dots: list[dict[str, Any]], label: str, width: int) -> str:
    plot = width - _NAMES[width] - _SAID[width]
    scale = alt.Scale(domain=[min(0.0, *(it["low"] for it in dots)), max(0.0, *(it["high"] for it in dots))], nice=True)
    base = alt.Chart(alt.InlineData(values=dots)).encode(alt.Y("name:N", sort=None, title=None, axis=_names(width)))
    axis = alt.Axis(format="+.1~f", tickCount=4 if width == WIDE else 3, title=None)
    ends = base.mark_rule(color=COLOURS[0], strokeWidth=2).encode(alt.X("low:Q", scale=scale, axis=axis), x2="high:Q")
    point = base.mark_point(filled=True, size=80, opacity=1, color=COLOURS[0]).encode(alt.X("value:Q", scale=scale))
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(color=LINE, strokeWidth=2).encode(
        alt.X("at:Q", scale=scale))  # fmt: skip
    n = base.mark_text(align="left", color=SOFT, fontSize=11).encode(x=alt.value(plot + 8), text="said:N")
    return svg(alt.layer(zero, ends, point, n).properties(width=plot, height=alt.Step(_STEP)), label)
