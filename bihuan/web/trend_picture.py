"""A chart as a page shows it: the picture, the table of its points, and what stands beside it in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import isnan

import numpy as np

from bihuan.analysis import nelson
from bihuan.analysis.assurance import Variation
from bihuan.analysis.trend import Charted, Found, Kind
from bihuan.report.control_chart import BETTER, MARKS, ORDINARY, OUTSIDE, UNJUDGED, WORSE, Dot, Picture
from bihuan.services import trend_words as said
from bihuan.services.trend_chart import Phase, View
from bihuan.web.reader import Reader

SHOWN = 104
"""So many of the newest points are drawn and listed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One point in the table."""

    starts_on: date
    value: str
    n: int
    center: str
    limits: str
    mark: str
    nelson: str = ""
    """The Nelson rules that it sets off."""


def dots_of(view: View) -> list[Dot]:
    """Every point of every phase, in order of time, the newest ``SHOWN``."""
    found: list[Dot] = []
    for number, phase in enumerate(view.phases):
        charted = phase.charted
        for place, (starts_on, mark) in enumerate(zip(phase.starts, _marks(charted, phase.found), strict=True)):
            ends = (charted.series.value[place], charted.center, charted.low[place], charted.high[place])
            value, center, low, high = map(_known, ends)
            is_baseline = bool(charted.is_baseline[place])
            found.append(Dot(starts_on, value, center, low, high, mark, is_baseline, number))
    return found[-SHOWN:]


def _marks(charted: Charted, found: list[Found]) -> list[str]:
    """How each point stands: in a pattern for the worse or the better, beyond a limit without one, or ordinary."""
    marks = [ORDINARY if judged else UNJUDGED for judged in charted.is_judged]
    value = charted.series.value
    for place in np.flatnonzero(charted.side).tolist():
        marks[place] = OUTSIDE
    for it in sorted(found, key=lambda one: one.is_worse):
        for place in range(it.since, it.until + 1):
            if charted.is_judged[place] and (value[place] > charted.center) == it.is_high:
                marks[place] = WORSE if it.is_worse else BETTER
    return marks


def _known(figure: float) -> float | None:
    return None if isnan(figure) else float(figure)


def picture_of(view: View, dots: list[Dot], name: str, reader: Reader) -> Picture:
    """What is drawn, with what a screen reader says of it."""
    newest = next((dot for dot in reversed(dots) if dot.value is not None), dots[-1])
    figures = {
        what: said.figure(getattr(newest, what), view.unit, reader.language)
        for what in ("value", "center", "low", "high")
    }
    target = said.figure(view.indicator.target, view.unit, reader.language)
    label = reader.section("chart")["chart_label"].format(name=name, points=len(dots), target=target, **figures)
    return Picture(tuple(dots), view.indicator.target, view.unit, label)


def lines_of(view: View, dots: list[Dot], reader: Reader, *, has_nelson: bool) -> list[Line]:
    """The table of what is drawn, newest first."""
    n = [int(count) for phase in view.phases for count in phase.charted.series.n][-len(dots) :]
    rules = [rule for phase in view.phases for rule in _nelson(phase)][-len(dots) :] if has_nelson else [""] * len(dots)

    def figure(value: float | None) -> str:
        return said.figure(value, view.unit, reader.language)

    return [
        Line(dot.starts_on, figure(dot.value), count, figure(dot.center), f"{figure(dot.low)} – {figure(dot.high)}",
             dot.mark, rule)
        for dot, count, rule in zip(dots, n, rules, strict=True)
    ][::-1]  # fmt: skip


def _nelson(phase: Phase) -> list[str]:
    """The Nelson rules at each point, as ``1, 5``."""
    charted, told = phase.charted, [""] * len(phase.starts)
    judged = np.flatnonzero(charted.is_judged)
    if not len(judged):
        return told
    apart = charted.series.value[judged] - charted.center
    width = np.where(apart >= 0, charted.high[judged] - charted.center, charted.center - charted.low[judged])
    z = np.divide(3 * apart, width, out=np.zeros_like(apart), where=width > 0)
    found = nelson.signals(z)
    for at, place in enumerate(judged):
        told[place] = ", ".join(str(rule) for rule, where in found.items() if where[at])
    return told


def key_of(dots: list[Dot]) -> list[str]:
    """The marks that occur, in the order in which they are explained."""
    return [mark for mark in MARKS if any(dot.mark == mark for dot in dots)]


def explained(view: View, lines: list[Line], least: int, reader: Reader) -> Iterator[str]:
    """What a point is, which chart it is, and what its limits rest on, a sentence each."""
    words, charted, language = reader.section("chart"), view.now.charted, reader.language
    made = [start for start, is_made in zip(view.now.starts, charted.is_baseline, strict=True) if is_made]
    if made:
        yield words["definition"].format(
            period=said.period(view.grain, language), points=len(made), first=made[0], last=made[-1]
        )
    kinds = {Kind.SHARE: "kind_p", Kind.RATE: "kind_u", Kind.SINGLE: "kind_x"}
    yield words[kinds[charted.plan.kind]].format(scatter=f"{max(charted.sigma_z, 1):.1f}")
    if view.unit == "hours" and view.grain.value == "week":
        yield words["medians"]
    counts = [line.n for line in lines if line.n] or [0]
    yield words["counted"].format(
        points=len(lines), low=f"{min(counts):,}", high=f"{max(counts):,}", n=f"{sum(counts):,}",
        least=charted.plan.least_n,
    )  # fmt: skip
    if charted.is_trial:
        yield words["trial"].format(points=len(made), least=least)
    yield words["settled"].format(day=view.now.starts[-1])


def verdicts(view: View, least: int, reader: Reader) -> list[tuple[str, str, str, str]]:
    """Both verdicts: what is judged, the verdict's code and word, and why."""
    words, said_target = reader.section("chart"), said.figure(view.indicator.target, view.unit, reader.language)
    varies, assures = view.variation, view.assurance
    why = words[f"assurance_{assures}_why"].format(target=said_target)
    if varies in {Variation.IMPROVING, Variation.CONCERNING}:
        why = f"{why} {words['assurance_changing']}"
    return [
        ("variation", varies.value, words[f"variation_{varies}"], words[f"variation_{varies}_why"].format(least=least)),
        ("assurance", assures.value, words[f"assurance_{assures}"], why),
    ]
