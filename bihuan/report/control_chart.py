"""A control chart 控制图 as SVG: points, centre, limits that step with n, target; signals by shape and colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

import altair as alt

from bihuan.report.drawing import INK, NIGHT, SOFT, WIDE, Drawing, svg

ORDINARY, WORSE, BETTER, OUTSIDE, UNJUDGED = "ordinary", "worse", "better", "outside", "unjudged"
MARKS = {
    ORDINARY: ("circle", "#0f6b5c", 34), WORSE: ("triangle-down", "#b3261e", 90),
    BETTER: ("triangle-up", "#0072b2", 90), OUTSIDE: ("diamond", "#855200", 80), UNJUDGED: ("circle", "#7a8590", 34),
}  # fmt: skip
"""How a point may stand, with shape, colour and size; what a colour says, the shape says too."""
TARGET = "#6a3d9a"
_MARGIN = 72
"""Pixels left of the plot, for the axis."""
_FEW, _YEAR = 1e-9, 366


class Dot(NamedTuple):
    """One period on a chart; None where there is no figure, or no limit."""

    starts_on: date
    value: float | None
    center: float | None
    low: float | None
    high: float | None
    mark: str
    is_baseline: bool
    phase: int
    """The number of its phase: limits of two are not joined."""


class Picture(NamedTuple):
    """Everything that is drawn; equal pictures are drawn once."""

    dots: tuple[Dot, ...]
    target: float
    unit: str
    """``share``, ``points`` or ``hours``."""
    label: str
    """What a screen reader says."""


@lru_cache(maxsize=256)
def control_chart(picture: Picture, width: int = WIDE) -> str:
    """The chart as one SVG element, without a key: whoever shows it says what ``MARKS`` and lines are.

    Args:
        picture: What is drawn; one dot at least.
        width: Pixels.
    """
    rows = [{**dot._asdict(), "day": dot.starts_on.isoformat(), "starts_on": ""} for dot in picture.dots]
    scale = alt.Scale(domain=_domain(picture), nice=False, zero=False)
    layers = [
        *_baseline(rows, width), _lines(rows, scale, picture, width), _target(picture, rows, scale), _path(rows, scale),
        *_points(rows, scale),
    ]  # fmt: skip
    return svg(alt.layer(*layers).properties(width=width - _MARGIN, height=240), picture.label)


def _domain(picture: Picture) -> list[float]:
    """From the least to the greatest of all that is drawn, with a little room; shares stay within 0 and 1."""
    known = [picture.target]
    for dot in picture.dots:
        known += [one for one in (dot.value, dot.low, dot.high) if one is not None and isfinite(one)]
    low, high = min(known), max(known)
    room = max((high - low) * 0.06, abs(high) * _FEW, 1e-3)
    ends = [low - room, high + room]
    return [max(ends[0], -0.02), min(ends[1], 1.02)] if picture.unit == "share" else ends


def _x(rows: Sequence[Mapping[str, Any]], width: int) -> alt.X:
    days = sorted({row["day"] for row in rows})
    step = max(1, -(-len(days) // (4 if width < WIDE else 8)))
    is_long = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days > _YEAR
    return alt.X(
        "day:T", scale=alt.Scale(type="utc", nice=False), title=None,
        axis=alt.Axis(format="%Y-%m" if is_long else "%m-%d", labelAngle=0, labelOverlap=True, grid=False,
                      values=days[::step], labelFlush=False),
    )  # fmt: skip


def _baseline(rows: Sequence[Mapping[str, Any]], width: int) -> list[Drawing]:
    """The periods that made the limits, shaded."""
    spans = []
    for phase in sorted({row["phase"] for row in rows}):
        days = [row["day"] for row in rows if row["phase"] == phase and row["is_baseline"]]
        spans += [{"day": min(days), "until": max(days)}] if days else []
    if not spans:
        return []
    shaded: alt.Chart = (
        alt.Chart(alt.InlineData(values=spans)).mark_rect(color=NIGHT, aria=False).encode(_x(rows, width), x2="until:T")
    )
    return [shaded]


def _lines(rows: Sequence[Mapping[str, Any]], scale: alt.Scale, picture: Picture, width: int) -> Drawing:
    """Centre and limits, each stepping from period to period."""
    lines = [
        {"day": row["day"], "line": "center" if name == "center" else "limit", "at": row[name],
         "of": f"{name} {row['phase']}"}
        for row in rows for name in ("low", "center", "high") if row[name] is not None
    ]  # fmt: skip
    axis = alt.Axis(tickCount=5, domain=False, ticks=False, format=_format(picture))
    dash = alt.Scale(domain=["center", "limit"], range=[[1, 0], [5, 3]])
    drawn: alt.Chart = alt.Chart(alt.InlineData(values=lines)).mark_line(
        interpolate="step", strokeWidth=1.4, aria=False
    ).encode(
        _x(rows, width), alt.Y("at:Q", scale=scale, title=None, axis=axis), color=alt.value(SOFT), detail="of:N",
        strokeDash=alt.StrokeDash("line:N", scale=dash, legend=None),
    )  # fmt: skip
    return drawn


def _format(picture: Picture) -> str:
    """How the axis writes figures."""
    if picture.unit != "share":
        return "~g"
    low, high = _domain(picture)
    return ".1%" if high - low < 0.04 else ".0%"  # noqa: PLR2004 - ticks closer than a percent need a place


def _target(picture: Picture, rows: Sequence[Mapping[str, Any]], scale: alt.Scale) -> Drawing:
    """The target, dotted from the first to the last period."""
    ends = [{"day": min(row["day"] for row in rows), "until": max(row["day"] for row in rows), "at": picture.target}]
    rule: alt.Chart = alt.Chart(alt.InlineData(values=ends)).mark_rule(
        color=TARGET, strokeDash=[2, 3], strokeWidth=1.6, aria=False
    ).encode(alt.X("day:T"), alt.Y("at:Q", scale=scale), x2="until:T")  # fmt: skip
    return rule


def _path(rows: Sequence[Mapping[str, Any]], scale: alt.Scale) -> Drawing:
    """The figures in a line; a gap where there is none."""
    line: alt.Chart = alt.Chart(alt.InlineData(values=list(rows))).mark_line(
        color=INK, strokeWidth=1, opacity=0.55, invalid="break-paths-show-path-domains", aria=False
    ).encode(alt.X("day:T"), alt.Y("value:Q", scale=scale))  # fmt: skip
    return line


def _points(rows: Sequence[Mapping[str, Any]], scale: alt.Scale) -> Iterator[Drawing]:
    """The points, by how they stand; those of too few cases are hollow."""
    for mark, (shape, colour, size) in MARKS.items():
        mine = [row for row in rows if row["mark"] == mark and row["value"] is not None]
        drawn: alt.Chart = alt.Chart(alt.InlineData(values=mine)).mark_point(
            shape=shape, size=size, color=colour, fill="#fff" if mark == UNJUDGED else colour, opacity=1, aria=False
        ).encode(alt.X("day:T"), alt.Y("value:Q", scale=scale))  # fmt: skip
        if mine:
            yield drawn
