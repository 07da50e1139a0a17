"""Candidate 候选: something that the data point at, never a cause until a person confirms it.

The shape of ``schemas.improvement.Finding``. What people read of it are the words of its keys: nothing here is a
sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pandas as pd
from scipy.stats import norm

from bihuan.analysis.cells import Whole
from bihuan.analysis.contribution import Gate
from bihuan.analysis.split import split_count
from bihuan.analysis.subject import SURVEYED
from schemas.improvement import Bone, FindingSource, FindingState

_Z95 = float(norm.ppf(0.975))


class Outcome(StrEnum):
    """What a month says of an indicator."""

    LOCALIZED = "localized"
    """A place is named."""
    LONG_TAIL = "long_tail"
    """It got worse in many small places together."""
    NOT_LOCALIZED = "not_localized"
    """It got worse, and no place explains it."""
    STEADY = "steady"
    """It moved no more than its own weeks do, and no place stands out."""
    IMPROVED = "improved"
    """It got better, and no place stands out for the worse."""
    WITHHELD = "withheld"
    """Not enough data."""


class Refutation(StrEnum):
    """What would speak against a candidate: the thing to look at before anybody believes it."""

    REST_MOVED_TOO = "rest_moved_too"
    """The rest of its dimension moves alike once the month is complete, or in the next one."""
    HARDER_CASES = "harder_cases"
    """They had other cases than the rest: among cases that are alike the difference is gone."""
    SEASON = "season"
    """The same months of the year before show the same."""
    WORDING = "wording"
    """Read, the complaints tell of different things; or one sender, campaign or form wrote them."""
    EFFECT_OF_LATENESS = "effect_of_lateness"
    """It was handed on or came back because it was late, not the other way round."""
    CLOCK = "clock"
    """Targets, the calendar or the way in which events are recorded changed."""


@dataclass(frozen=True)
class Candidate:
    """One candidate. ``rank`` is from 1."""

    rank: int
    source: FindingSource
    indicator: str
    dimension: str
    element: str
    state: FindingState
    bone: Bone
    x0: float
    n0: float
    x1: float
    n1: float
    size: float | None
    """What it moved the indicator by; None where it explains no change (words)."""
    low: float | None
    high: float | None
    contribution: float | None
    q: float
    refuted_by: Refutation
    evidence: tuple[str, ...]
    """Complaint numbers, the worst first."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """``within``: the dimension and element that it is part of; ``mostly``: by other dimensions, the element in which
    nearly all of it lies, with its share; ``since``: the Monday from which it most likely held; ``words``, ``together``
    and ``examples`` of texts."""


@dataclass(frozen=True)
class Conclusion:
    """What the month says of one indicator as a whole."""

    indicator: str
    outcome: Outcome
    everything: Whole
    low: float | None
    """Of its change, 95 %; None where there is not enough data."""
    high: float | None
    dispersion: float
    """φ of its weeks."""
    tests: int
    """Slices of it that were tested."""
    volume: float | None
    """Events more a month by there being more cases; ``rate`` by their being worse; None without both periods."""
    rate: float | None
    mixes: Mapping[str, float] = field(default_factory=dict)
    """By dimension, the part of the change that a shift of its mix makes."""


_BONES = {
    "handler": Bone.PEOPLE, "department": Bone.PEOPLE,
    "stage": Bone.PROCESS, "hand_off": Bone.PROCESS, "ping_pong": Bone.PROCESS, "reopened": Bone.PROCESS,
    "late": Bone.PROCESS, "channel": Bone.PROCESS, "kind": Bone.PROCESS, "severity": Bone.PROCESS,
    "business_line": Bone.PROCESS,
    "topic": Bone.TECHNOLOGY, "word": Bone.TECHNOLOGY, "product": Bone.TECHNOLOGY, "source": Bone.TECHNOLOGY,
    "region": Bone.ENVIRONMENT, "tier": Bone.ENVIRONMENT,
}  # fmt: skip
_REFUTED = {
    "handler": Refutation.HARDER_CASES, "department": Refutation.HARDER_CASES, "stage": Refutation.CLOCK,
    "hand_off": Refutation.EFFECT_OF_LATENESS, "ping_pong": Refutation.EFFECT_OF_LATENESS,
    "reopened": Refutation.EFFECT_OF_LATENESS, "late": Refutation.HARDER_CASES,
    "topic": Refutation.WORDING, "word": Refutation.WORDING,
    "region": Refutation.SEASON, "channel": Refutation.SEASON,
}  # fmt: skip
_SOURCES = {"stage": FindingSource.STAGE, "topic": FindingSource.TOPIC, "word": FindingSource.WORD}


def bone_of(dimension: str) -> Bone:
    """The bone of the fishbone on which a candidate of a dimension starts; people move it where it belongs."""
    return _BONES.get(dimension, Bone.PROCESS)


def refuted_by(dimension: str) -> Refutation:
    """What would speak against a candidate of a dimension."""
    return _REFUTED.get(dimension, Refutation.REST_MOVED_TOO)


def source_of(dimension: str, indicator: str) -> FindingSource:
    """What found a candidate of a dimension: a slice of what complainants answered is found by the survey."""
    return _SOURCES.get(dimension, FindingSource.SURVEY if indicator in SURVEYED else FindingSource.SLICE)


def concluded(name: str, it: Whole, dispersion: float, tested: pd.DataFrame, gate: Gate, months: int) -> Conclusion:
    """What the month says of an indicator as a whole.

    Args:
        name: Of the indicator.
        it: Its events and cases.
        dispersion: φ of its weeks.
        tested: As ``localise`` gives it.
        gate: What is claimed, and from when on there is enough data.
        months: How many months the baseline has.
    """
    own = tested[tested["indicator"] == name]
    tests = int(own["p"].notna().sum())
    if not it.is_enough(gate.floor):
        return Conclusion(name, Outcome.WITHHELD, it, None, None, dispersion, tests, None, None)
    spread = dispersion * sum(r * abs(1 - r) / n for r, n in ((it.r0, it.n0), (it.r1, it.n1)))
    low, high = it.change - _Z95 * spread**0.5, it.change + _Z95 * spread**0.5
    parts = split_count(it._replace(x0=it.x0 / max(months, 1), n0=it.n0 / max(months, 1)))
    outcome = _outcome(set(own["state"]), low, high)
    return Conclusion(name, outcome, it, low, high, dispersion, tests, parts.volume, parts.rate)


def _outcome(states: set[object], low: float, high: float) -> Outcome:
    if FindingState.LOCALIZED in states:
        return Outcome.LOCALIZED
    if FindingState.LONG_TAIL in states:
        return Outcome.LONG_TAIL
    if low <= 0 <= high:
        return Outcome.STEADY
    return Outcome.NOT_LOCALIZED if low > 0 else Outcome.IMPROVED
