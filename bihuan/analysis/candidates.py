"""Root-cause candidates of a month: everything the data say about where it got worse, and what they do not say.

Sources: the contrast of each slice with the rest of its dimension, text topics and binary factors being dimensions of
their own; the stages that ate the lateness; words that rose. IMPROVEMENT sections 2.0 to 2.8 have the method.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from bihuan.analysis.candidate import Candidate, Conclusion, bone_of, concluded, refuted_by, source_of
from bihuan.analysis.cells import OTHER, cells
from bihuan.analysis.contribution import Gate, Indicator, count_tests, localise
from bihuan.analysis.dispersion import weekly
from bihuan.analysis.evidence import MOST, worst
from bihuan.analysis.month import DIMENSIONS, in_month
from bihuan.analysis.pareto_views import SEVERITY_WEIGHTS
from bihuan.analysis.rising import USUAL as USUAL_RISING
from bihuan.analysis.rising import Rising, RisingParameters, Word, rising_words
from bihuan.analysis.share import shares
from bihuan.analysis.split import split
from bihuan.analysis.stage import STAGE_DIMENSION, eaten_by, stage_tests
from bihuan.analysis.step import step
from bihuan.analysis.subject import COMPLAINTS, FACTORS, TOPIC, Subject, exposed, subjects
from bihuan.analysis.topic import USUAL as USUAL_TOPICS
from bihuan.analysis.topic import Topic, TopicParameters, Topics, find_topics
from bihuan.analysis.words import documents
from schemas.improvement import FindingState

WORD = "word"
_CLAIMS = (FindingState.LOCALIZED, FindingState.LONG_TAIL)
_WORDS_SHOWN = 8
_NEARLY_ALL = 0.8


class Parameters(NamedTuple):
    """What the policy says of the analysis; defaults as in IMPROVEMENT section 2."""

    gate: Gate = Gate()
    severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS
    topics: TopicParameters = USUAL_TOPICS
    rising: RisingParameters = USUAL_RISING
    domain_words: tuple[str, ...] = ()
    """Words of the trade that stay in one piece."""


USUAL = Parameters()


@dataclass(frozen=True)
class Candidates:
    """What the month says."""

    candidates: tuple[Candidate, ...]
    """Slices, topics and stages, the strongest first, then words."""
    conclusions: tuple[Conclusion, ...]
    """One an indicator, also where nothing is claimed."""
    tested: pd.DataFrame
    """Every slice that was looked at (``bihuan.analysis.contribution.TESTED``), for the data pack."""
    splits: pd.DataFrame
    """Where the whole change of each rate is, without remainder: ``indicator``, ``dimension``, ``element``, the counts
    ``x0, n0, x1, n1``, and ``rate`` and ``mix`` (``bihuan.analysis.split``). It describes and claims nothing."""
    shares: pd.DataFrame
    """What became a greater part of all complaints (``bihuan.analysis.share``): no claim, it has no denominator."""
    topics: Topics
    rising: Rising
    tests: int
    """How many slices, topics, stages, words and shares were tested."""


def candidates(
    complaints: pd.DataFrame, answers: pd.DataFrame, month_on: date, known: Sequence[Topic] = (),
    exposure: pd.DataFrame | None = None, parameters: Parameters = USUAL,
) -> Candidates:  # fmt: skip
    """The candidates of a month.

    Args:
        complaints: Checked (``bihuan.analysis.month``), of the month and its baseline.
        answers: Checked, of the same months.
        month_on: First day of the month.
        known: The topics of the months before.
        exposure: What complaints can be measured by (``bihuan.analysis.subject.exposed``); None: nothing is known
            无分母, and of complaints as such only shares are told.
        parameters: What the policy says.
    """
    is_now = in_month(complaints["registered_on"], month_on)
    texts, numbers = complaints["text"], complaints["number"]
    tables = documents(texts.tolist(), parameters.domain_words)
    topics = find_topics(tables, texts, numbers, known, parameters.topics)
    rising = rising_words(tables, is_now, texts, numbers, parameters.rising)
    frame = complaints.assign(**{TOPIC: topics.of})
    asked = list(subjects(frame, answers, month_on))
    floor = parameters.gate.floor
    extra = [stage_tests(frame, is_now, asked[0].indicator.dispersion, floor)]
    measured = exposed(frame, is_now, exposure, floor) if exposure is not None and len(exposure) else None
    extra += [measured[0]] if measured else []
    indicators = [it.indicator for it in asked]
    tested = localise(indicators, parameters.gate, pd.concat(extra, ignore_index=True))
    months = int(complaints["registered_on"][~is_now].dt.to_period("M").nunique())
    splits = pd.concat([_split(it) for it in indicators], ignore_index=True)
    conclusions = [
        replace(concluded(it.name, it.everything, it.dispersion, tested, parameters.gate, months),
                mixes=_mixes(splits, it.name)) for it in indicators
    ]  # fmt: skip
    if measured:
        conclusions.append(concluded(COMPLAINTS, measured[1], measured[2], tested, parameters.gate, months))
    grown = shares(is_now, complaints["registered_on"], frame[[*DIMENSIONS, TOPIC]], floor)
    found = [*_slices(tested, asked, topics, parameters), *_words(rising, frame, parameters)]
    return Candidates(
        tuple(replace(it, rank=rank) for rank, it in enumerate(found, start=1)), tuple(conclusions), tested, splits,
        grown, topics, rising, count_tests(tested) + rising.tests + int(grown["p"].notna().sum()),
    )  # fmt: skip


def _split(it: Indicator) -> pd.DataFrame:
    """The change of a rate by every element; no rows where a period has no cases."""
    table = cells(it.events, it.is_now, it.dimensions[[name for name in it.dimensions if name not in FACTORS]])
    if not it.everything.n0 or not it.everything.n1:
        table = table.iloc[:0]
    parts = [split(own) for _, own in table.groupby("dimension", sort=False)]
    found = table.join(pd.concat(parts)) if parts else table.assign(rate=0.0, mix=0.0)
    return found.assign(indicator=it.name)[["indicator", *found.columns]]


def _mixes(splits: pd.DataFrame, name: str) -> dict[str, float]:
    own = splits[splits["indicator"] == name]
    return {str(dimension): float(mix) for dimension, mix in own.groupby("dimension", sort=False)["mix"].sum().items()}


def _slices(
    tested: pd.DataFrame, asked: Sequence[Subject], topics: Topics, parameters: Parameters
) -> Iterator[Candidate]:
    """The claims among what was tested, in its order."""
    by_name = {it.indicator.name: it for it in asked} | {COMPLAINTS: asked[0]}
    for row in tested[tested["state"].isin(_CLAIMS)].itertuples():
        subject = by_name[str(row.indicator)]
        own = _inside(subject, row, tested)
        details = _since(subject, own, row) | _mostly(subject, own, row) | _within(row) | _told_by(topics, row)
        dimension, element = _name(row)
        yield Candidate(
            rank=0, source=source_of(row.dimension, row.indicator), indicator=row.indicator, dimension=dimension,
            element=element, state=FindingState(row.state), bone=bone_of(row.dimension), x0=row.x0, n0=row.n0,
            x1=row.x1, n1=row.n1, size=row.size, low=row.low, high=row.high, contribution=row.contribution, q=row.q,
            refuted_by=refuted_by(row.dimension), evidence=_evidence(subject, own, row, parameters), details=details,
        )  # fmt: skip


def _inside(subject: Subject, row: Any, tested: pd.DataFrame) -> pd.Series:
    """Whether each row of the subject lies in the slice, bool."""
    if row.dimension == STAGE_DIMENSION:
        return eaten_by(subject.frame) == row.element
    values = subject.indicator.dimensions
    own = values[row.dimension] == row.element
    if row.element == OTHER:
        same = tested[(tested["indicator"] == row.indicator) & (tested["dimension"] == row.dimension)]
        named = same[(same["state"] != FindingState.WITHHELD) & (same["within_dimension"] == "")]["element"]
        own = values[row.dimension].notna() & ~values[row.dimension].isin(named)
    return own & (values[row.within_dimension] == row.within_element) if row.within_dimension else own


def _evidence(subject: Subject, own: pd.Series, row: Any, parameters: Parameters) -> tuple[str, ...]:
    """The worst complaints of the slice to which it happened this month."""
    happened = subject.indicator.events.fillna(value=False).astype("bool")
    if row.indicator == COMPLAINTS:
        happened = pd.Series(data=True, index=happened.index)
    rows = subject.frame[own & subject.indicator.is_now & happened]
    if "hours" in rows:
        return worst(rows, parameters.severity_weights)
    numbers = rows["number"][rows["number"] != ""]  # answers: the latest first
    return tuple(dict.fromkeys(numbers.iloc[::-1].astype("str")))[:MOST]


def _since(subject: Subject, own: pd.Series, row: Any) -> dict[str, Any]:
    """The Monday from which the slice most likely was worse, where it was."""
    if row.indicator == COMPLAINTS or row.dimension == STAGE_DIMENSION:
        return {}
    it = subject.indicator
    found = step(weekly(it.events[own], subject.days[own]), it.dispersion)
    return {"since": str(found.at)[:10]} if found and found.after > found.before else {}


def _mostly(subject: Subject, own: pd.Series, row: Any) -> dict[str, Any]:
    """The elements of other dimensions in which nearly all of the slice's events of the month lie."""
    it = subject.indicator
    happened = it.events.fillna(value=False).astype("bool") | (row.indicator == COMPLAINTS)
    values = it.dimensions[own & it.is_now & happened]
    found = {}
    for name in DIMENSIONS:
        top = values[name].value_counts(normalize=True, dropna=False).head(1)
        is_telling = len(it.dimensions[name].cat.categories) > 1 and name not in {row.dimension, row.within_dimension}
        if is_telling and len(top) and top.iloc[0] >= _NEARLY_ALL and isinstance(top.index[0], str):
            found[name] = {"element": top.index[0], "share": round(float(top.iloc[0]), 4)}
    return {"mostly": found} if found else {}


def _within(row: Any) -> dict[str, Any]:
    return {"within": {"dimension": row.within_dimension, "element": row.within_element}} if row.within_element else {}


def _name(row: Any) -> tuple[str, str]:
    """Dimension and element; those of a pair together, so that it is not taken for the single one."""
    if not row.within_dimension:
        return row.dimension, row.element
    return f"{row.within_dimension}/{row.dimension}", f"{row.within_element} / {row.element}"


def _told_by(topics: Topics, row: Any) -> dict[str, Any]:
    """The words and the examples of a topic."""
    if row.dimension != TOPIC:
        return {}
    words = next((list(it.words)[:_WORDS_SHOWN] for it in topics.topics if it.id == row.element), [])
    return {"words": words, "examples": [it._asdict() for it in topics.examples.get(row.element, ())]}


def _words(rising: Rising, frame: pd.DataFrame, parameters: Parameters) -> Iterator[Candidate]:
    told: set[str] = set()
    for word in rising.words:
        if word.word not in told:  # "app" may rise in either language
            yield _word(word, frame, parameters)
        told.add(word.word)


def _word(word: Word, frame: pd.DataFrame, parameters: Parameters) -> Candidate:
    details = {"language": word.language, "together": list(word.together), "z": word.z,
               "examples": [it._asdict() for it in word.examples]}  # fmt: skip
    return Candidate(
        rank=0, source=source_of(WORD, COMPLAINTS), indicator=COMPLAINTS, dimension=WORD, element=word.word,
        state=FindingState.LOCALIZED, bone=bone_of(WORD), x0=word.x0, n0=word.n0, x1=word.x1, n1=word.n1, size=None,
        low=None, high=None, contribution=None, q=word.q, refuted_by=refuted_by(WORD),
        evidence=worst(frame.iloc[list(word.rows)], parameters.severity_weights), details=details,
    )  # fmt: skip
