"""What causes, measures and the rest of an item lack for its next gate, each as one refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from bihuan.rules.item import Lack, Refusal
from schemas.improvement import Bone
from schemas.item import Priority
from schemas.plan import CauseKind, CauseState, MeasureKind, MeasureState, Strength
from schemas.verification import Verdict

LEVELS = 5
"""Whys, at most."""


class CauseFacts(NamedTuple):
    """One cause."""

    id: int
    parent_id: int | None = None
    bone: Bone = Bone.PROCESS
    kind: CauseKind = CauseKind.OCCURRENCE
    state: CauseState = CauseState.CANDIDATE
    is_proved: bool = False
    """Whether method and evidence are there."""


class MeasureFacts(NamedTuple):
    """One measure."""

    place: int
    cause_ids: tuple[int, ...] = ()
    kind: MeasureKind = MeasureKind.CORRECTIVE
    strength: Strength = Strength.MEDIUM
    state: MeasureState = MeasureState.PLANNED
    owner_id: int | None = None
    due_on: date | None = None
    implemented_on: date | None = None
    has_evidence: bool = False


class ClosingFacts(NamedTuple):
    """What an item left behind, and how it holds."""

    verdict: Verdict | None
    has_standard: bool = False
    effective_on: date | None = None
    trained_ratio: float = 0.0
    has_looked_elsewhere: bool = False
    is_told: bool = False
    clean: int = 0
    """Points of its watch in a row without a signal."""
    least_clean: int = 3
    is_broken: bool = False


def cause_lacks(causes: Sequence[CauseFacts]) -> tuple[Refusal, ...]:
    """What the causes lack for G2."""
    confirmed = [cause for cause in causes if cause.state is CauseState.CONFIRMED]
    if not confirmed:
        return (Refusal(Lack.NO_CAUSE),)
    unproved = [Refusal(Lack.CAUSE_UNPROVED, str(cause.id)) for cause in confirmed if not cause.is_proved]
    return (*unproved, *(Refusal(Lack.PEOPLE_ONLY, str(one)) for one in ends_at_people(confirmed)))


def ends_at_people(causes: Sequence[CauseFacts]) -> list[int]:
    """The confirmed causes in people under which no why leads to anything else.

    Args:
        causes: Those that count: the confirmed ones where a gate is decided, also candidates where one is confirmed.
    """
    return [
        cause.id for cause in causes
        if cause.state is CauseState.CONFIRMED and cause.bone is Bone.PEOPLE and cause.kind is not CauseKind.SYSTEM
        and not any(_is_systemic(below) for below in _below(cause.id, causes))
    ]  # fmt: skip


def _is_systemic(cause: CauseFacts) -> bool:
    is_open = cause.state is not CauseState.EXCLUDED
    return is_open and (cause.bone is not Bone.PEOPLE or cause.kind is CauseKind.SYSTEM)


def _below(cause_id: int, causes: Sequence[CauseFacts]) -> Iterator[CauseFacts]:
    for cause in causes:
        if cause.parent_id == cause_id:
            yield cause
            yield from _below(cause.id, causes)


def plan_lacks(
    causes: Sequence[CauseFacts], measures: Sequence[MeasureFacts], priority: Priority | None,
    verification: Sequence[str],
) -> tuple[Refusal, ...]:  # fmt: skip
    """What the plan lacks for G3.

    A confirmed cause is met by a measure against it, or against a confirmed one below it. Containment needs no cause.

    Args:
        causes: All of the item.
        measures: All of the item; cancelled ones do not count.
        priority: Of the item.
        verification: Words for what the verification plan lacks.
    """
    counted = [measure for measure in measures if measure.state is not MeasureState.CANCELLED]
    lacking = tuple(Refusal(Lack.VERIFICATION, word) for word in verification)
    if not counted:
        return (Refusal(Lack.NO_MEASURE), *lacking)
    return (*_unmet(causes, counted), *_incomplete(counted), *_too_weak(counted, priority), *lacking)


def _unmet(causes: Sequence[CauseFacts], measures: Sequence[MeasureFacts]) -> Iterator[Refusal]:
    confirmed = [cause for cause in causes if cause.state is CauseState.CONFIRMED]
    met = {cause_id for measure in measures for cause_id in measure.cause_ids}
    for cause in confirmed:
        if not met & {cause.id, *(below.id for below in _below(cause.id, confirmed))}:
            yield Refusal(Lack.CAUSE_WITHOUT_MEASURE, str(cause.id))
    known = {cause.id for cause in confirmed}
    for measure in measures:
        if measure.kind is not MeasureKind.CONTAINMENT and not known & set(measure.cause_ids):
            yield Refusal(Lack.MEASURE_WITHOUT_CAUSE, str(measure.place))


def _incomplete(measures: Sequence[MeasureFacts]) -> Iterator[Refusal]:
    for measure in measures:
        if measure.owner_id is None:
            yield Refusal(Lack.MEASURE_WITHOUT_OWNER, str(measure.place))
        if measure.due_on is None:
            yield Refusal(Lack.MEASURE_WITHOUT_DUE, str(measure.place))


def _too_weak(measures: Sequence[MeasureFacts], priority: Priority | None) -> Iterator[Refusal]:
    if priority is Priority.HIGH and all(measure.strength is Strength.WEAK for measure in measures):
        yield Refusal(Lack.WEAK_ONLY)


def work_lacks(measures: Sequence[MeasureFacts]) -> tuple[Refusal, ...]:
    """What is not done yet; a plan whose measures were all cancelled is not done."""
    counted = [measure for measure in measures if measure.state is not MeasureState.CANCELLED]
    if not counted:
        return (Refusal(Lack.NO_MEASURE),)
    open_ = tuple(Refusal(Lack.NOT_DONE, str(one.place)) for one in counted if one.state is not MeasureState.DONE)
    return open_ + tuple(
        Refusal(Lack.WITHOUT_PROOF, str(one.place)) for one in counted
        if one.state is MeasureState.DONE and not (one.implemented_on and one.has_evidence)
    )  # fmt: skip


def standard_lacks(facts: ClosingFacts, today: date) -> tuple[Refusal, ...]:
    """What the standard lacks before it is watched."""
    if not facts.has_standard:
        return (Refusal(Lack.NO_STANDARD),)
    is_in_force = facts.effective_on is not None and facts.effective_on <= today
    return () if is_in_force else (Refusal(Lack.STANDARD_NOT_EFFECTIVE),)


def closing_lacks(facts: ClosingFacts, today: date, least_trained: float) -> tuple[Refusal, ...]:
    """What is missing for G5. What was accepted without proof needs no standard, and nobody is told that it worked."""
    found: list[Refusal] = []
    if facts.verdict in {Verdict.EFFECTIVE, Verdict.NOT_ATTRIBUTABLE}:
        found += standard_lacks(facts, today)
        if facts.trained_ratio < least_trained:
            found.append(Refusal(Lack.UNTRAINED))
        if not facts.has_looked_elsewhere:
            found.append(Refusal(Lack.NOT_LOOKED_ELSEWHERE))
        if not facts.is_told:
            found.append(Refusal(Lack.NOT_TOLD))
    if facts.is_broken or facts.clean < facts.least_clean:
        found.append(Refusal(Lack.NOT_SUSTAINED))
    return tuple(found)


class VerificationFacts(NamedTuple):
    """A verification plan as the gate sees it."""

    indicator: str
    baseline_on: date
    baseline_until_on: date
    excluded: tuple[date, ...] = ()
    """First days of the months by which the slice was chosen."""
    is_computed: bool = False
    """Whether it is known when enough data can be there."""
    has_fallback: bool = False
    """Whether it is said what else is looked at."""


def verification_lacks(plan: VerificationFacts | None) -> tuple[str, ...]:
    """Words for what a verification plan lacks before it can be frozen."""
    if plan is None:
        return ("no_plan",)
    found = []
    if plan.baseline_on >= plan.baseline_until_on:
        found.append("no_baseline")
    if any(plan.baseline_on <= month < plan.baseline_until_on for month in plan.excluded):
        found.append("chosen_by_baseline")
    if not plan.is_computed and not plan.has_fallback:
        found.append("never_ready")
    return tuple(found)
