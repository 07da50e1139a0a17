"""Subjects: the bad rates of a month that candidates are looked for, each with the rows and days it is counted from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from bihuan.analysis.cells import COUNTS, Floor, Whole, cells, pooled
from bihuan.analysis.contribution import Indicator, contrast
from bihuan.analysis.dispersion import dispersion, dispersion_of_counts, mondays, weekly
from bihuan.analysis.month import DIMENSIONS, in_month

LATE, REOPENED, NEGATIVE, COMPLAINTS = "late", "reopened", "negative", "complaints"
DETRACTOR, UNSATISFIED = "detractor", "unsatisfied"
SCORES = {DETRACTOR: "is_detractor", UNSATISFIED: "is_unsatisfied"}
"""The column of answers that each rate of scores is counted from."""
SURVEYED = frozenset({NEGATIVE, *SCORES})
"""The rates that complainants' answers give."""
TOPIC = "topic"
FACTORS = ("hand_off", "ping_pong", "reopened", "late")
"""Binary factors: what happened to a complaint. Each is a dimension of one element, ``YES``."""
YES = "yes"


@dataclass(frozen=True)
class Subject:
    """A rate with what it is counted from."""

    indicator: Indicator
    frame: pd.DataFrame
    """The complaints, or the answers, shape (k, …); same index as the indicator's events."""
    days: pd.Series


def subjects(complaints: pd.DataFrame, answers: pd.DataFrame, month_on: date) -> Iterator[Subject]:
    """The rates of a month: ``late`` of what has a decided deadline, ``reopened`` of what was handled, ``negative``.

    Of answers with a recommendation or a satisfaction score also ``detractor`` and ``unsatisfied``, where any has one.

    Args:
        complaints: Checked, with ``TOPIC`` beside it.
        answers: Checked; where it has rows ``negative`` is of them, by the day of the answer, each with the topic and
            the factors of its complaint; else of the complaints that were answered.
        month_on: First day of the month.
    """
    factors = _factors(complaints)
    days = complaints["registered_on"]
    was_handled = complaints["is_handled"] | complaints["is_reopened"]
    reopened = complaints["is_reopened"].astype("boolean").where(was_handled)
    yield _subject(LATE, complaints["is_late"], complaints, days, factors, month_on)
    yield _subject(REOPENED, reopened, complaints, days, factors, month_on)
    if answers.empty:
        yield _subject(NEGATIVE, complaints["is_negative"], complaints, days, factors, month_on)
    else:
        told = _of_answers(answers, complaints, factors)
        scored = {
            name: column for name, column in SCORES.items() if column in answers and answers[column].notna().any()
        }
        for name, column in {NEGATIVE: "is_negative", **scored}.items():
            yield _subject(name, answers[column], answers, answers["answered_on"], told, month_on)


def exposed(
    complaints: pd.DataFrame, is_now: pd.Series, exposure: pd.DataFrame, floor: Floor
) -> tuple[pd.DataFrame, Whole, float]:
    """Complaints over what they can be measured by: the contrast of each element that has an exposure.

    Args:
        complaints: Checked.
        is_now: Whether each is of the month.
        exposure: ``dimension``, ``element``, ``n0`` and ``n1`` of baseline and month: orders, contacts, installations.
        floor: What a cell must hold.

    Returns:
        The tests for ``localise`` to take part in, the whole by the first dimension, and φ of the weekly counts.
    """
    scatter = dispersion_of_counts(complaints["registered_on"][~is_now])
    always = pd.Series(data=True, index=complaints.index, dtype="boolean")
    tests, wholes = [], []
    for name, measured in exposure.groupby("dimension", sort=False):
        counts = cells(always, is_now, complaints[[str(name)]]).drop(columns=["x0", "x1"])
        counts = counts.rename(columns={"n0": "x0", "n1": "x1"}).drop(columns="dimension")
        table = measured.astype({"n0": "float64", "n1": "float64"}).merge(counts, on="element", how="left")
        table = table.fillna({"x0": 0.0, "x1": 0.0})[["dimension", "element", *COUNTS]]
        everything = Whole(*table[list(COUNTS)].sum().tolist())
        wholes.append(everything)
        tested = contrast(pooled(table, everything, floor), everything, everything, np.full(1, scatter), is_count=True)
        tests.append(tested.assign(indicator=COMPLAINTS, within_dimension="", within_element=""))
    return pd.concat(tests, ignore_index=True), wholes[0], scatter


def _subject(
    name: str, events: pd.Series, frame: pd.DataFrame, days: pd.Series, factors: pd.DataFrame, month_on: date
) -> Subject:
    is_now = in_month(days, month_on)
    before = ~is_now
    topic = [TOPIC] if TOPIC in frame else []
    dimensions = pd.concat([frame[[*DIMENSIONS, *topic]], factors.drop(columns=name, errors="ignore")], axis=1)
    scatter = dispersion(weekly(events[before], days[before]))
    return Subject(Indicator(name, events, is_now, dimensions, scatter, mondays(days)), frame, days)


def _factors(complaints: pd.DataFrame) -> pd.DataFrame:
    happened = {
        "hand_off": complaints["hand_offs"] > 0, "ping_pong": complaints["is_ping_pong"],
        "reopened": complaints["is_reopened"], "late": complaints["is_late"].fillna(value=False),
    }  # fmt: skip
    return pd.DataFrame({name: _yes(value) for name, value in happened.items()}, index=complaints.index)


def _yes(happened: pd.Series) -> pd.Categorical:
    """The factor as a category: what did not happen is in the rest, and so does not make a second test of the same."""
    return pd.Categorical.from_codes(np.where(happened.to_numpy("bool"), 0, -1), [YES])


def _of_answers(answers: pd.DataFrame, complaints: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """The topic and the factors of each answer's complaint."""
    known = pd.Index(complaints["number"])
    place = known.get_indexer(answers["number"])
    found = {}
    for name, values in {TOPIC: complaints[TOPIC], **dict(factors.items())}.items():
        codes = np.where(place < 0, -1, values.cat.codes.to_numpy()[place])
        found[name] = pd.Categorical.from_codes(codes, values.cat.categories)
    return pd.DataFrame(found, index=answers.index)
