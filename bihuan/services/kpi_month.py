"""All indicators of one month: counted once by day and slice, added up to the month, and made into figures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sqlmodel import Session

from bihuan.policy.kpi import MEDIANS, Counts, IndicatorPolicy
from bihuan.services.indicator import SURVEYS
from bihuan.store.queries import snapshot
from bihuan.store.queries.countable import APART, CORRECTED, NAMES, Outcome
from bihuan.store.queries.course import CORRECTED as MARK
from bihuan.store.queries.course import (
    ELSEWHERE,
    OTHERS,
    RESPONSES,
    TIMES,
    Course,
    Letters,
    letters_of,
)
from bihuan.store.queries.score import OURS
from bihuan.store.queries.snapshot import Month

SLICE = ["dimension", "element", "survey", "indicator"]
"""What a figure is of; dimension and element are empty where all is taken together."""
COUNTS = ["x", "n", *APART]
SUMS = ["amount", "squares", "promoters", "detractors", "weight"]
"""Minutes, or what was scored; of answers to the net promoter score who promotes; shares of an index answered."""
ENDS = {"least": "min", "most": "max"}
Tally = dict[str, Any]
Tallies = Mapping[tuple[str, int], list[Tally]]
"""How often each time was taken, by indicator and day."""
_PIECE = re.compile(rf"([A-Z])([a-z{ELSEWHERE}])({MARK}?)")


def count(session: Session, month: Month, found: Iterable[Course]) -> tuple[pd.DataFrame, Tallies]:
    """Count a month, day by day.

    Args:
        session: Where to look for what surveys say.
        month: What is counted.
        found: The courses of its complaints; of a slice one may come several times.

    Returns:
        A row a day (its place), and ``SLICE``, with ``COUNTS``, ``SUMS`` and ``ENDS``; and the times of which medians
        are told, which do not add up. Where nothing was counted there is no row.
    """
    whole = {name: it for name, it in month.indicators.items() if it.counts not in SURVEYS}
    complaints, tallies = _complaints(found, letters_of(month), whole)
    surveys = {name: it for name, it in month.indicators.items() if it.counts in SURVEYS}
    rows = pd.DataFrame(
        [*complaints, *_surveys(session, month, surveys)], columns=["day", *SLICE, *COUNTS, *SUMS, *ENDS]
    )
    numbers = rows.fillna(dict.fromkeys((*COUNTS, *SUMS), 0))
    return _added(numbers[(numbers[COUNTS] != 0).any(axis="columns")], ["day", *SLICE]), tallies


def months(days: pd.DataFrame) -> pd.DataFrame:
    """The days added up: a row a slice."""
    return _added(days, SLICE)


def _added(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    how = {**dict.fromkeys((*COUNTS, *SUMS), "sum"), **ENDS}
    return rows.groupby(by, as_index=False, sort=False).agg(how)


def _complaints(
    found: Iterable[Course], letters: Letters, indicators: Mapping[str, IndicatorPolicy]
) -> tuple[list[Tally], Tallies]:
    """Courses read: counts and minutes of each indicator, by slice and day."""
    read = _reader(letters, indicators)
    cells: defaultdict[tuple[str, str, int], Any] = defaultdict(
        lambda: np.zeros((len(indicators), len(COUNTS)), np.int64)
    )
    waits: defaultdict[tuple[str, str, int], Any] = defaultdict(lambda: np.zeros(3, np.int64))
    tallies: defaultdict[tuple[str, int], list[Tally]] = defaultdict(list)
    for it in found:
        part, _, rest = it.part.partition(" ")
        if part == TIMES:
            tallies[rest, it.day].append({"outcome": it.element, "amount": int(it.course), "n": it.n})
        elif part == RESPONSES:
            waits[rest, it.element, it.day] += (it.n, it.amount, it.squares)
        else:
            at = ("department" if part == OTHERS else part, it.element, it.day)
            cells[at] += it.n * read(it.course, part == OTHERS)
            waits[at] += (0, it.amount, it.squares)
    names = list(indicators)
    averages = [name for name, it in indicators.items() if it.counts is Counts.RESPONSE_TIME]
    rows = []
    for (dimension, element, day), cell in cells.items():
        later, amount, squares = waits[dimension, element, day].tolist()
        for name, counts in zip(names, cell.tolist(), strict=True):
            row = {"day": day, "dimension": dimension, "element": element, "survey": "", "indicator": name,
                   **dict(zip(COUNTS, counts, strict=True))}  # fmt: skip
            if name in averages:
                row |= {"x": row["x"] + later, "n": row["n"] + later, "amount": amount, "squares": squares}
            rows.append(row)
    return rows, tallies


def _reader(letters: Letters, indicators: Mapping[str, IndicatorPolicy]) -> Callable[[str, bool], Any]:
    """Reads a course: how much it adds to each indicator's counts, shape (indicators, counts)."""
    place = {name: number for number, name in enumerate(indicators)}
    by_milestone = {
        letters.of(milestone): [place[name] for name, it in indicators.items() if it.milestone == milestone]
        for milestone in letters.milestones
    }
    medians = {place[name] for name, it in indicators.items() if it.counts in MEDIANS}

    @cache
    def read(course: str, is_part: bool) -> Any:
        cell = np.zeros((len(indicators), len(COUNTS)), np.int64)
        cut = 0 if is_part else len(letters.whole)
        for name, code in zip(letters.whole, course[:cut], strict=False):
            _add(cell, [place[name]], Outcome(code), is_waiting_counted=place[name] in medians)
        pieces = _PIECE.findall(course[cut:])
        for letter, code, mark in pieces:
            if code != ELSEWHERE:
                _add(cell, by_milestone[letter], Outcome(code))
                cell[by_milestone[letter], COUNTS.index(CORRECTED)] += bool(mark)
        if not is_part:
            for letter in by_milestone.keys() - {letter for letter, _, _ in pieces}:
                _add(cell, by_milestone[letter], Outcome.NO_SLA)
        return cell

    return read


def _add(cell: Any, places: list[int], outcome: Outcome, *, is_waiting_counted: bool = False) -> None:
    if outcome in NAMES:
        cell[places, COUNTS.index(NAMES[outcome])] += 1
    cell[places, 0] += outcome is Outcome.YES
    cell[places, 1] += outcome in {Outcome.YES, Outcome.NO} or (is_waiting_counted and outcome is Outcome.OPEN)


def _surveys(session: Session, month: Month, indicators: Mapping[str, IndicatorPolicy]) -> list[Tally]:
    """Answers and invitations, by slice and day."""
    rows: list[Tally] = []
    scores = {name: _ANSWERS[it.counts] for name, it in indicators.items() if it.counts and it.counts in _ANSWERS}
    invited = [name for name, it in indicators.items() if it.counts is Counts.RESPONSE]
    if scores:
        for dimension, row in snapshot.answers(session, month):
            rows += ({"dimension": dimension, "indicator": name, **told(row)} for name, told in scores.items())
    if invited:
        for dimension, row in snapshot.asked(session, month):
            rows += ({"dimension": dimension, "indicator": name, **_asked(row)} for name in invited)
    total_of = month.total_of or None
    total = [row | {"dimension": "", "element": ""} for row in rows if row["dimension"] == total_of]
    return [*rows, *total]


def _asked(row: Tally) -> Tally:
    outcome, n = Outcome(row["outcome"]), row["n"]
    return {"day": row["day"], "element": row["element"], "survey": OURS, "x": n * (outcome is Outcome.YES), "n": n,
            "open": n * (outcome is Outcome.OPEN)}  # fmt: skip


def _scored(name: str, *, x: str = "", **further: str) -> Callable[[Tally], Tally]:
    """What an answer's sums say of one score: ``x`` and what else is asked for, by their columns."""

    def told(row: Tally) -> Tally:
        n = row[f"{name}_n"]
        sums = {"amount": row[f"{name}_total"] or 0, "squares": row[f"{name}_squares"] or 0,
                "least": row[f"{name}_least"], "most": row[f"{name}_most"]}  # fmt: skip
        return {
            **{name: row[name] for name in ("day", "element", "survey")}, **sums, "x": row[x] if x else sums["amount"],
            "n": n, "unknown": row["answers"] - n, **{to: row[column] for to, column in further.items()},
        }  # fmt: skip

    return told


_ANSWERS: Mapping[Counts, Callable[[Tally], Tally]] = {
    Counts.CSAT_MEAN: _scored("csat"),
    Counts.CSAT_TOP_TWO: _scored("csat", x="satisfied"),
    Counts.NPS: _scored("nps", promoters="promoters", detractors="detractors"),
    Counts.INDEX: _scored("index", weight="index_weight"),
    Counts.NEGATIVE: _scored("negative"),
}
