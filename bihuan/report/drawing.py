"""How a chart becomes SVG: fonts, colours, the legend, and what a screen reader is told."""

from __future__ import annotations

import altair as alt
import vl_convert
from altair.utils import schemapi
from markupsafe import escape

from bihuan.analysis.rehearsal import SIDES
from bihuan.report.wording import Wording

FONTS = ('system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", '
         '"WenQuanYi Micro Hei", sans-serif')  # fmt: skip
"""Those of the web pages. Text stays text in the SVG, so whoever shows it picks the font."""
INK, SOFT, LINE, NIGHT = "#17212b", "#55626f", "#dde3e8", "#eef1f4"
COLOURS = ("#0072b2", "#d55e00")
"""Today and draft, from Okabe and Ito's palette: told apart in every kind of colour blindness."""
_DASHES = ([1, 0], [5, 3])
_SHAPES = ("circle", "diamond")
_PADDING = {"left": 6, "right": 10, "top": 4, "bottom": 4}
"""The reader's font may be wider than the one that was measured with."""
WIDE, NARROW = 540, 326
"""Widths in pixels: half of a desktop page or a whole sheet of paper, and a phone of 390 pixels."""
_GRAMMAR = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
"""The version of Vega-Lite that Altair writes."""

schemapi.disable_debug_mode()
"""Each part of a chart held against the schema takes more time than drawing it; the tests do so, for every chart."""

Drawing = alt.Chart | alt.LayerChart | alt.FacetChart


def svg(drawing: Drawing, label: str) -> str:
    """The drawing as one SVG element, an image with a name; all text in it is escaped.

    Args:
        drawing: Its data inline.
        label: What it shows, as a screen reader says it; the figures themselves belong into a table.
    """
    spec = _dressed(drawing).to_dict(validate=schemapi.DEBUG_MODE)
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=_GRAMMAR, allowed_base_urls=[])
    said = escape(label)
    head, rest = drawn.split(">", 1)
    return f'{head} role="img" aria-label="{said}"><title>{said}</title>{rest}'


def _dressed(drawing: Drawing) -> Drawing:
    """In the colours and sizes of the house."""
    dressed: Drawing = (
        drawing.configure(font=FONTS, aria=False, background="transparent", padding=_PADDING)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT, labelFontSize=12, titleColor=SOFT, titleFontSize=12, titleFontWeight="normal",
            gridColor=LINE, domainColor=LINE, tickColor=LINE, labelLimit=150)
        .configure_legend(
            orient="top", direction="horizontal", title=None, labelColor=INK, labelFontSize=13, symbolSize=110,
            labelLimit=240, columnPadding=16)
        .configure_header(
            title=None, labelColor=INK, labelFontSize=13, labelFontWeight="bold", labelAnchor="start",
            labelOrient="top", labelPadding=2, labelLimit=300)
    )  # fmt: skip
    return dressed


def colour(wording: Wording, *, is_line: bool = False) -> alt.Color:
    """The policy as a colour, named in the legend above."""
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300) if is_line else alt.Legend()
    return alt.Color(
        "policy:N", scale=alt.Scale(domain=names(wording), range=list(COLOURS)), title=None, legend=legend)  # fmt: skip


def dash(wording: Wording) -> alt.StrokeDash:
    """The policy as a dash, for those who print in grey."""
    return alt.StrokeDash("policy:N", scale=alt.Scale(domain=names(wording), range=list(_DASHES)), title=None)


def shape(wording: Wording) -> alt.Shape:
    """The policy as a shape."""
    return alt.Shape("policy:N", scale=alt.Scale(domain=names(wording), range=list(_SHAPES)), title=None)


def names(wording: Wording) -> list[str]:
    """Both policies, as the legend says them."""
    return [wording.say(side) for side in SIDES]


def counts(field: str, most: float, title: str | None = None) -> alt.Y:
    """An axis of whole numbers from 0 on, with room for at least one."""
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(domain=[0, max(1, most)], nice=True),
        axis=alt.Axis(tickMinStep=1, tickCount=4, format=",d", domain=False, ticks=False),
        title=title,
    )


def nothing(wording: Wording, width: int) -> Drawing:
    """What stands where there is nothing to draw."""
    data = alt.InlineData(values=[{"said": wording.say("nothing")}])
    chart: alt.Chart = (
        alt.Chart(data, width=width - 20, height=60).mark_text(color=SOFT, fontSize=13).encode(text="said:N")
    )
    return chart
