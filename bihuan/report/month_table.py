"""The tables of a month's page: what stands in each cell, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from bihuan.analysis.problem import ProblemLine
from bihuan.analysis.review import Review
from bihuan.report.month_conclusion import before_of
from bihuan.report.month_verdict import Verdict, verdict
from bihuan.report.month_wording import MonthWording

MOST_LINES, MOST_SHARES, MOST_TOPICS = 15, 10, 8
"""Rows that a page shows; the workbook has them all."""
_MONTHS = 3
_NUMBERS = 3
_TEXT = 160
_TONES = {Verdict.MET: "better", Verdict.MISSED: "worse", Verdict.OPEN: "changed"}


class Link(NamedTuple):
    """A complaint's number, and its page where there is one."""

    number: str
    href: str


class Shown(NamedTuple):
    """An example of a text."""

    link: Link
    text: str


def links(numbers: Sequence[str], wording: MonthWording) -> list[Link]:
    """The numbers with the addresses of their pages."""
    base = wording.imprint.web_url.rstrip("/")
    return [Link(one, f"{base}/complaints/{quote(one, safe='')}" if base else "") for one in numbers]


def examples(found: Sequence[Mapping[str, str]], wording: MonthWording) -> list[Shown]:
    """Masked texts, shortened to what tells of them."""
    shown = [str(one["text"]) for one in found]
    cut = [text if len(text) <= _TEXT else f"{text[:_TEXT].rstrip()}…" for text in shown]
    numbers = links([str(one["number"]) for one in found], wording)
    return [Shown(link, text) for link, text in zip(numbers, cut, strict=True)]


def months_before(review: Review) -> list[str]:
    """The latest months before, as far as a table has room for them."""
    return sorted({str(row["month"]) for row in review.trend if str(row["month"]) < review.period.name})[-_MONTHS:]


def indicator_rows(review: Review, wording: MonthWording) -> Iterator[dict[str, Any]]:
    """Each indicator: months before, the month, target and verdict."""
    for row in review.indicators:
        code = str(row["indicator"])
        found = verdict(row, wording.imprint.indicators.get(code))
        by_month = {str(one["month"]): one for one in before_of(row, review)}
        yield {
            "name": wording.indicator(row),
            "definition": wording.definition(code),
            "before": [_figure(by_month.get(month), code, wording) for month in months_before(review)],
            "now": _figure(row, code, wording),
            "target": wording.target(row),
            "tone": _TONES.get(found, "unknown"),
            "verdict": wording.say("verdict_open_short" if found is Verdict.OPEN else f"verdict_{found}"),
        }


def _figure(row: Mapping[str, Any] | None, code: str, wording: MonthWording) -> tuple[str, str]:
    """A value, and its proof."""
    if row is None:
        return "–", ""
    ends = wording.ends(code, row["low"], row["high"])
    return wording.figure(code, row["value"]), " · ".join(filter(None, [ends, f"n\N{NO-BREAK SPACE}{row['n']:,}"]))


def judged(review: Review) -> pd.DataFrame:
    """Of each element of the problems how many can be late or negative at all: none is another thing than no one.

    Returns:
        Index the element; ``late`` (a deadline of handling is decided) and ``negative`` (an answer can be judged).
    """
    month = review.complaints[review.is_now]
    can = pd.DataFrame({name: month[f"is_{name}"].notna() for name in ("late", "negative")})
    return can.groupby(month[review.problems_by].astype("str").to_numpy()).sum()


def problem_rows(review: Review, wording: MonthWording) -> Iterator[dict[str, Any]]:
    """The first lines of the problem list."""
    can = judged(review)
    for line in review.problems.lines[:MOST_LINES]:
        yield {
            "rank": line.rank,
            "name": wording.element(line.dimension, line.element),
            "kind": wording.element("kind", line.kind) if line.kind and line.dimension != "kind" else "",
            "links": links(line.evidence[:_NUMBERS], wording),
            "cells": list(_problem_cells(line, can.loc[line.element], wording)),
        }


def _problem_cells(line: ProblemLine, can: pd.Series, wording: MonthWording) -> Iterator[tuple[str, str, str]]:
    """Head, figure and proof of each column."""
    yield wording.say("count"), f"{line.count:,}", ""
    yield wording.say("previous"), "–" if line.previous is None else f"{line.previous:,}", ""
    yield wording.say("share"), wording.share(line.share_ratio), wording.interval(line.low, line.high)
    yield wording.say("severity_weight"), f"{line.severity_weight:,.0f}", ""
    yield wording.say("tier_weight"), f"{line.tier_weight:,.0f}", ""
    yield (
        wording.say("late"),
        f"{line.late:,}" if can["late"] else "–",
        wording.element("stage", line.stage) if line.stage else "",
    )
    yield wording.say("negative"), f"{line.negative:,}" if can["negative"] else "–", ""
    yield wording.say("people"), f"{line.people:,}", ""


def problem_notes(review: Review, wording: MonthWording) -> list[str]:
    """How the list is made, and what it leaves out."""
    it = review.problems
    lines = len(it.lines)
    notes = [wording.say("problems_note"), wording.say("problems_dash")]
    if it.is_long_tail:
        notes.append(wording.say("problems_tail", n=lines, elements=it.elements))
    if lines > MOST_LINES:
        notes.append(wording.say("problems_shown", n=MOST_LINES, lines=lines))
    if it.rest:
        notes.append(wording.say("problems_rest", elements=it.elements - lines, rest=f"{it.rest:,}"))
    if it.unknown:
        notes.append(wording.say("problems_unknown", unknown=f"{it.unknown:,}"))
    return notes


def delay_rows(review: Review, wording: MonthWording) -> list[list[str]]:
    """Each stage: its part of the excess, hours, complaints, what is usual."""
    return [
        [wording.element("stage", str(stage)), wording.share(row["share"]), wording.hours(row["excess_seconds"]),
         f"{row['late']:,.0f}", wording.hours(row["usual_seconds"])]
        for stage, row in review.delays.iterrows()
    ]  # fmt: skip


def grown(review: Review) -> pd.DataFrame:
    """What became a greater part of all complaints, as far as that is no chance."""
    return review.found.shares[review.found.shares["q"] <= review.parameters.gate.q]


def share_rows(review: Review, wording: MonthWording) -> list[list[str]]:
    """What, before, this month, the change with its interval, q."""
    return [
        [wording.place(row["dimension"], row["element"]), *(_part(row, end, wording) for end in "01"),
         wording.say("size_value", points=wording.points(row["change"]), low=wording.end(row["low"]),
                     high=wording.end(row["high"])),
         small(row["q"])]
        for row in grown(review).head(MOST_SHARES).to_dict("records")
    ]  # fmt: skip


def _part(row: Mapping[str, Any], end: str, wording: MonthWording) -> str:
    x, n = row[f"x{end}"], row[f"n{end}"]
    return f"{wording.share(x / n)} ({x:,.0f})"


def small(q: float) -> str:
    """A q value; what is far below any gate is not spelled out."""
    return "<0.001" if q < 0.001 else f"{q:.3f}"  # noqa: PLR2004 - three places are shown


def topic_rows(review: Review, wording: MonthWording) -> Iterator[dict[str, Any]]:
    """The topics with most complaints this month: words, before, now, three examples."""
    of, now = review.found.topics.of, review.is_now
    has_text = review.complaints["text"] != ""
    before, month = ((own & has_text).sum() for own in (~now, now))
    counts = {period: of[own].value_counts() for period, own in (("before", ~now), ("month", now))}
    for topic, count in counts["month"][counts["month"] > 0].sort_index().sort_values(
        ascending=False, kind="stable").head(MOST_TOPICS).items():  # fmt: skip
        found = [one._asdict() for one in review.found.topics.examples.get(str(topic), ())]
        earlier = int(counts["before"].get(topic, 0))
        yield {
            "name": wording.topics.get(str(topic), str(topic)),
            "before": wording.say("counted", share=wording.share(earlier / before), x=f"{earlier:,}", n=f"{before:,}")
            if before else "–",
            "now": wording.say("counted", share=wording.share(count / month), x=f"{count:,}", n=f"{month:,}"),
            "examples": examples(found, wording),
        }  # fmt: skip


def texts(review: Review) -> tuple[int, int]:
    """Complaints with text, before and in the month."""
    has_text = review.complaints["text"] != ""
    return int((has_text & ~review.is_now).sum()), int((has_text & review.is_now).sum())
