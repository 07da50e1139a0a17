"""Figures of indicators as a reader reads them: with unit, interval, target, verdict, and where each number leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from bihuan.policy.kpi import MEDIANS, Counts, Direction, IndicatorPolicy
from bihuan.report.sparkline import sparkline
from bihuan.services import trend_words as said
from bihuan.services.indicator import AWAITED, SURVEYS, Verdict, verdict
from bihuan.store.queries.countable import APART
from bihuan.store.queries.score import OURS
from bihuan.web.reader import Reader

Figures = Mapping[str, Any]
_LEAST_POINTS = 2
"""Below this there is no line to draw."""
_SEGMENTS = ("promoters", "passives", "detractors")


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator, or one value of a dimension, in a row of a table.

    Attributes:
        name: What it is called.
        address: Where its name leads; "" where nowhere.
        value: With its unit.
        interval: In words; "" where there is none.
        n: How many were counted.
        target: In words.
        verdict: How it stands to the target.
        why: What the verdict rests on.
        numbers: Side, what it is called, how many, and the address of the complaints behind it.
        facts: Further figures: what they are called, and what they are.
        drawn: A line of its months as SVG; "" where there are too few.
        remark: What else must be known; "" where there is nothing.
    """

    name: str
    address: str
    value: str
    interval: str
    n: int
    target: str
    verdict: Verdict
    why: str
    numbers: list[tuple[str, str, int, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    drawn: str = ""
    remark: str = ""


def unit_of(it: IndicatorPolicy) -> str:
    """What its figures are: ``share``, ``hours`` or ``points``."""
    return "share" if it.is_share else "hours" if it.is_time else "points"


def name_of(it: IndicatorPolicy, survey: str | None, reader: Reader) -> str:
    """What an indicator is called; with the survey where it is another's."""
    name: str = getattr(it.words, reader.language)
    return name if survey in {None, "", OURS} else f"{name} · {survey}"


def line(
    it: IndicatorPolicy, name: str, row: Figures, past: Mapping[date, float | None], month: str, reader: Reader
) -> Line:  # fmt: skip
    """One indicator among all of a month."""
    survey = row.get("survey", "")
    query = urlencode({"month": month})
    called = name_of(it, survey, reader)
    return _line(it, row, called, f"/indicators/{name}?{query}", reader, drawn=_drawn(it, called, past, reader))


def head(it: IndicatorPolicy, name: str, row: Figures, month: str, reader: Reader) -> Line:
    """One indicator by itself, with every number that has complaints behind it."""
    survey = row.get("survey", "")
    found = _line(it, row, name_of(it, survey, reader), "", reader)
    found.numbers.extend(_numbers(it, name, row, {}, month, reader))
    found.facts.extend(_facts(it, row, reader))
    return found


def part(
    it: IndicatorPolicy, name: str, row: Figures, called: str, where: tuple[str, str], month: str, reader: Reader
) -> Line:  # fmt: skip
    """One value of a dimension."""
    survey = row.get("survey", "")
    foreign = f" · {survey}" if survey not in {"", OURS} else ""
    found = _line(it, row, called + foreign, "", reader)
    found.numbers.extend(_numbers(it, name, row, dict([where]), month, reader))
    return found


def past(it: IndicatorPolicy, row: Figures, month: str, reader: Reader) -> Line:
    """One month among the months of an indicator."""
    survey = row.get("survey", "")
    called = month if survey in {"", OURS} else f"{month} · {survey}"
    found = _line(it, row, called, f"?{urlencode({'month': month})}", reader)
    if not row["is_corrected"]:
        return found
    before = said.figure(row["first_value"], unit_of(it), reader.language)
    return replace(found, remark=reader.section("indicator")["changed_from"].format(value=before))


def _line(
    it: IndicatorPolicy, row: Figures, called: str, address: str, reader: Reader, *, drawn: str = ""
) -> Line:  # fmt: skip
    section, unit, language = reader.section("indicator"), unit_of(it), reader.language
    judged = verdict(it, row["n"], row["low"], row["high"])
    goal = said.figure(it.target, unit, language)
    ends = {end: said.figure(row[end], unit, language) for end in ("low", "high")}
    has_interval = row["low"] is not None or row["high"] is not None
    is_unknown = it.is_time and row["n"] and row["value"] is None
    interval = section["interval_of"].format(**ends) if has_interval else ""
    return Line(
        called, address, said.figure(row["value"], unit, language), interval, row["n"],
        section[f"target_{it.direction}"].format(target=goal), judged,
        section[f"{judged}_why"].format(target=goal, min_n=it.min_n), drawn=drawn,
        remark=section["no_value"] if is_unknown else "",
    )  # fmt: skip


def _numbers(
    it: IndicatorPolicy, name: str, row: Figures, where: Mapping[str, str], month: str, reader: Reader
) -> Iterator[tuple[str, str, int, str]]:
    """Every number of a row that is not 0, with where it leads."""
    for side, number in _sides(it, row):
        if number:
            survey = {"survey": row["survey"]} if row.get("survey") else {}
            query = urlencode({"month": month, "side": side, **where, **survey})
            yield side, reader.word("indicator", f"side_{side}"), number, f"/indicators/{name}/complaints?{query}"


def _sides(it: IndicatorPolicy, row: Figures) -> Iterator[tuple[str, int]]:
    yield "counted", row["n"]
    if it.is_share:
        yield "missed", int(row["n"] - row["x"] if it.direction is Direction.AT_LEAST else row["x"])
    elif "missed" in row:
        yield "missed", row["missed"]
    for side in (*APART, AWAITED):
        if not (it.counts in MEDIANS and side == "open"):  # these wait, and are among n
            yield side, int(row.get(side) or 0)


def _facts(it: IndicatorPolicy, row: Figures, reader: Reader) -> Iterator[tuple[str, str]]:
    """What else stands beside a figure."""
    section, language = reader.section("indicator"), reader.language
    for name in (*_SEGMENTS, "events", "censored"):
        if row.get(name) is not None:
            yield section[name], str(row[name])
    if row.get("ended_only") is not None and row.get("censored"):
        yield section["ended_only"], said.figure(row["ended_only"], "hours", language)
    if row.get("missing_weight"):
        yield section["missing_weight"], said.figure(row["missing_weight"], "share", language)
    if row.get("weighted") is not None:
        ends = {end: said.figure(row[f"weighted_{end}"], unit_of(it), language) for end in ("low", "high")}
        weighted = said.figure(row["weighted"], unit_of(it), language)
        yield section["weighted"], f"{weighted} ({section['interval_of'].format(**ends)})"


def definition(it: IndicatorPolicy, reader: Reader) -> list[str]:
    """What it counts and does not, and when that belongs to a month, in whole sentences."""
    section = reader.section("indicator")
    counts = section[f"counts_{it.counts or 'on_time'}"].format(days=(it.within or timedelta(0)).days)
    kind = "invitation" if it.counts is Counts.RESPONSE else "answer" if it.counts in SURVEYS else "complaint"
    return [counts, section[f"belongs_{kind}"]]


def remark(it: IndicatorPolicy, row: Figures, reader: Reader) -> str:
    """How one thing is counted, and how long it took or what was scored."""
    section, outcome = reader.section("indicator"), row["as"]
    if it.is_time and row["hours"] is not None and outcome in {"yes", "open"}:
        hours = said.figure(row["hours"], "hours", reader.language)
        return section["took" if outcome == "yes" else "waits"].format(hours=hours)
    if row.get("score") is not None:
        return section["score"].format(score=said.figure(row["score"], "points", reader.language))
    return section[f"as_{outcome}"] if outcome in {"yes", "no"} else section[f"side_{outcome}"]


def _drawn(it: IndicatorPolicy, called: str, past_: Mapping[date, float | None], reader: Reader) -> str:
    known = {month: value for month, value in sorted(past_.items()) if value is not None}
    if len(known) < _LEAST_POINTS:
        return ""
    values = ", ".join(said.figure(value, unit_of(it), reader.language) for value in known.values())
    label = reader.section("indicator")["trend_label"].format(name=called, values=values)
    return sparkline(tuple(past_[month] for month in sorted(past_)), it.target, label)
