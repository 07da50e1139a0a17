"""A line of a few figures, small enough for a row of a table."""

from __future__ import annotations

from functools import lru_cache

import altair as alt

from bihuan.report.drawing import COLOURS, SOFT, svg

_WIDTH, _HEIGHT = 120, 26


@lru_cache(maxsize=1024)
def sparkline(values: tuple[float | None, ...], target: float, label: str) -> str:
    """The figures in order as a line with its last point marked, above or below a dashed target.

    Args:
        values: At least one that is not None; gaps stay gaps.
        target: Where they should be.
        label: What a screen reader says.
    """
    rows = [{"at": at, "value": value} for at, value in enumerate(values)]
    known = [value for value in (*values, target) if value is not None]
    room = (max(known) - min(known)) * 0.1 or 1.0
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[0, max(1, len(values) - 1)]))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[min(known) - room, max(known) + room], zero=False))
    line = alt.Chart(alt.InlineData(values=rows)).mark_line(color=COLOURS[0], strokeWidth=1.8, aria=False).encode(x, y)
    last = next(row for row in reversed(rows) if row["value"] is not None)
    end = alt.Chart(alt.InlineData(values=[last]))
    point = end.mark_point(color=COLOURS[0], filled=True, size=32, aria=False).encode(x, y)
    goal = alt.Chart(alt.InlineData(values=[{"value": target}]))
    wanted = goal.mark_rule(color=SOFT, strokeDash=[3, 3], aria=False).encode(y)
    return svg(alt.layer(wanted, line, point).properties(width=_WIDTH, height=_HEIGHT), label)
