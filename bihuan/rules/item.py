"""The way of an improvement item 改进项: which state follows which, and what each of them asks for.

    draft > selected (G1) > analysing > cause_confirmed (G2) > planned > plan_review > approved (G3) > doing
    > implemented > observing > checking > verdict (G4) > standardising > sustaining > closed (G5)

Backward: analysing > selected, cause_confirmed > analysing, planned > analysing, plan_review > planned,
checking > doing (too little was done), verdict > observing (not enough data, at most twice), and, wherever an approval
is refused or voided, to the state in which that gate is worked for. A verdict may also end in superseded (a child goes
on).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bihuan.rules.goal import Failure
from schemas.item import Gate, ItemState, Priority
from schemas.verification import Verdict

_S = ItemState


class Lack(StrEnum):
    """Why a move is refused."""

    NOT_NEXT = "not_next"
    """Nothing leads there from where it stands."""
    HELD = "held"
    NOT_APPROVED = "not_approved"
    """The gate was not agreed to, or something was edited since."""
    NO_REASON = "no_reason"
    GOAL = "goal"
    """The goal fails one of the five; the detail says which and why."""
    NO_EVIDENCE = "no_evidence"
    NO_CAUSE = "no_cause"
    """No cause is confirmed."""
    CAUSE_UNPROVED = "cause_unproved"
    """A confirmed cause is without method or evidence."""
    PEOPLE_ONLY = "people_only"
    """A person's fault is no last cause: why could it happen?"""
    NO_MEASURE = "no_measure"
    CAUSE_WITHOUT_MEASURE = "cause_without_measure"
    MEASURE_WITHOUT_CAUSE = "measure_without_cause"
    MEASURE_WITHOUT_OWNER = "measure_without_owner"
    MEASURE_WITHOUT_DUE = "measure_without_due"
    WEAK_ONLY = "weak_only"
    """High priority, and nothing stronger than training and reminders."""
    VERIFICATION = "verification"
    """The verification plan lacks something; the detail says what."""
    NOT_DONE = "not_done"
    """A measure is not done."""
    WITHOUT_PROOF = "without_proof"
    """A measure is done, without a day or evidence."""
    NOT_READY = "not_ready"
    """There are not enough data yet."""
    NO_CHECK = "no_check"
    """There is no final check with a verdict."""
    ENOUGH_DONE = "enough_done"
    """It was done as planned: there is nothing to go back for."""
    WRONG_VERDICT = "wrong_verdict"
    """The verdict leads elsewhere."""
    NO_EXTENSION = "no_extension"
    EXTENSIONS_LEFT = "extensions_left"
    NEEDS_CHILD = "needs_child"
    NO_STANDARD = "no_standard"
    STANDARD_NOT_EFFECTIVE = "standard_not_effective"
    UNTRAINED = "untrained"
    NOT_SUSTAINED = "not_sustained"
    """Too few clean months or points, or a signal."""
    NOT_LOOKED_ELSEWHERE = "not_looked_elsewhere"
    NOT_TOLD = "not_told"
    """The complainants were not told."""


class Refusal(NamedTuple):
    """One reason against a move; ``about`` says of what: an id of a cause, a place of a measure, a word."""

    why: Lack
    about: str = ""


class Phase(StrEnum):
    """The four of a cycle, in order."""

    PLAN = "plan"
    DO = "do"
    CHECK = "check"
    ACT = "act"


MOVES: dict[ItemState, tuple[ItemState, ...]] = {
    _S.DRAFT: (_S.SELECTED, _S.CANCELLED),
    _S.SELECTED: (_S.ANALYSING, _S.CANCELLED),
    _S.ANALYSING: (_S.CAUSE_CONFIRMED, _S.SELECTED, _S.CANCELLED),
    _S.CAUSE_CONFIRMED: (_S.PLANNED, _S.ANALYSING, _S.CANCELLED),
    _S.PLANNED: (_S.PLAN_REVIEW, _S.ANALYSING, _S.CANCELLED),
    _S.PLAN_REVIEW: (_S.APPROVED, _S.PLANNED, _S.CANCELLED),
    _S.APPROVED: (_S.DOING, _S.CANCELLED),
    _S.DOING: (_S.IMPLEMENTED, _S.CANCELLED),
    _S.IMPLEMENTED: (_S.OBSERVING, _S.CANCELLED),
    _S.OBSERVING: (_S.CHECKING, _S.CANCELLED),
    _S.CHECKING: (_S.VERDICT, _S.DOING, _S.CANCELLED),
    _S.VERDICT: (_S.STANDARDISING, _S.SUSTAINING, _S.OBSERVING, _S.SUPERSEDED, _S.CANCELLED),
    _S.STANDARDISING: (_S.SUSTAINING, _S.CANCELLED),
    _S.SUSTAINING: (_S.CLOSED, _S.STANDARDISING, _S.CANCELLED),
    _S.CLOSED: (_S.RECURRED,),
    _S.SUPERSEDED: (), _S.CANCELLED: (), _S.RECURRED: (),
}  # fmt: skip
"""What can follow each state where somebody moves the item."""
ENDED = frozenset({_S.CLOSED, _S.SUPERSEDED, _S.CANCELLED, _S.RECURRED})
"""Nothing is left to be done on it."""
GATED = {
    Gate.G1: _S.SELECTED, Gate.G2: _S.CAUSE_CONFIRMED, Gate.G3: _S.APPROVED, Gate.G4: _S.VERDICT, Gate.G5: _S.CLOSED,
}  # fmt: skip
"""The state that each gate opens."""
WORKED_FOR = {
    Gate.G1: _S.DRAFT, Gate.G2: _S.ANALYSING, Gate.G3: _S.PLANNED, Gate.G4: _S.CHECKING, Gate.G5: _S.SUSTAINING,
}  # fmt: skip
"""The state in which each gate is worked for: where an item returns to when that gate is refused or voided."""
AWAITED = WORKED_FOR | {Gate.G3: _S.PLAN_REVIEW}
"""The state in which each gate is decided."""
FAILED = frozenset({Verdict.PARTIAL, Verdict.INEFFECTIVE, Verdict.WORSE})
"""Verdicts after which a child has to go on with what is different."""
CHILD_OF = FAILED | {Verdict.NOT_ATTRIBUTABLE, Verdict.INCONCLUSIVE}
"""Verdicts after which a child may."""
_GATE_OF = {state: gate for gate, state in GATED.items()}
_ORDER = {state: place for place, state in enumerate(ItemState)}
_PHASES = {
    _S.DOING: Phase.DO, _S.IMPLEMENTED: Phase.DO, _S.OBSERVING: Phase.CHECK, _S.CHECKING: Phase.CHECK,
    _S.VERDICT: Phase.CHECK, _S.STANDARDISING: Phase.ACT, _S.SUSTAINING: Phase.ACT,
}  # fmt: skip
_BACK = frozenset({
    (_S.ANALYSING, _S.SELECTED), (_S.CAUSE_CONFIRMED, _S.ANALYSING), (_S.PLANNED, _S.ANALYSING),
    (_S.PLAN_REVIEW, _S.PLANNED), (_S.CHECKING, _S.DOING), (_S.VERDICT, _S.OBSERVING),
    (_S.SUSTAINING, _S.STANDARDISING),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item where it is to move; what goal, causes, plan and closing lack, their own rules found."""

    state: ItemState
    priority: Priority | None = None
    is_held: bool = False
    standing: frozenset[Gate] = frozenset()
    """Gates that everybody who must has agreed to, as it is now."""
    goal: tuple[Failure, ...] = ()
    evidence: int = 0
    """Complaint numbers beside it."""
    causes: tuple[Refusal, ...] = ()
    plan: tuple[Refusal, ...] = ()
    work: tuple[Refusal, ...] = ()
    closing: tuple[Refusal, ...] = ()
    standard: tuple[Refusal, ...] = ()
    is_ready: bool = False
    """Whether enough data can be there."""
    verdict: Verdict | None = None
    """Of its final check; None: there is none."""
    fidelity: float | None = None
    """How much of the plan was done."""
    least_coverage: float = 0.8
    extensions: int = 0
    most_extensions: int = 2
    has_child: bool = False


def position(state: ItemState) -> int:
    """The place of a state on the way, from 0."""
    return _ORDER[state]


def gate_of(state: ItemState) -> Gate | None:
    """The gate that opens a state."""
    return _GATE_OF.get(state)


def is_back(before: ItemState, after: ItemState) -> bool:
    """Whether a move goes back, so that it needs a reason."""
    return (before, after) in _BACK


def phase_of(states: Iterable[ItemState]) -> Phase | None:
    """The phase of a cycle: the earliest among its items that have not ended; None where there is none."""
    found = {_PHASES.get(state, Phase.PLAN) for state in states if state not in ENDED}
    return next((phase for phase in Phase if phase in found), None)


def refusals(facts: Facts, to: ItemState, reason: str = "") -> tuple[Refusal, ...]:
    """What speaks against moving an item there; nothing: it may go.

    Args:
        facts: What is known of it.
        to: Where it is to go.
        reason: Why; moves that go back, end it or accept what is not proved need one.
    """
    if to not in MOVES[facts.state]:
        return (Refusal(Lack.NOT_NEXT, to.value),)
    if facts.is_held and to is not _S.CANCELLED:
        return (Refusal(Lack.HELD),)
    found = list(_content(facts, to))
    gate = _GATE_OF.get(to)
    if gate and gate not in facts.standing:
        found.append(Refusal(Lack.NOT_APPROVED, gate.value))
    if _needs_reason(facts, to) and not reason.strip():
        found.append(Refusal(Lack.NO_REASON))
    return tuple(found)


def unready(facts: Facts, gate: Gate) -> tuple[Refusal, ...]:
    """What is missing before a gate can be agreed to; nothing: it can be decided now."""
    if facts.state is not AWAITED[gate]:
        return (Refusal(Lack.NOT_NEXT, GATED[gate].value),)
    if facts.is_held:
        return (Refusal(Lack.HELD),)
    return _content(facts, GATED[gate])


def _needs_reason(facts: Facts, to: ItemState) -> bool:
    is_accepted = facts.state is _S.VERDICT and facts.verdict is not Verdict.EFFECTIVE and to is not _S.SUPERSEDED
    return is_back(facts.state, to) or to in {_S.CANCELLED, _S.RECURRED} or is_accepted


def _content(facts: Facts, to: ItemState) -> tuple[Refusal, ...]:
    """What the item itself lacks for a state, whoever agreed to it."""
    match to:
        case _S.SELECTED if facts.state is _S.DRAFT:
            goal = tuple(Refusal(Lack.GOAL, f"{one.letter} {one.why}") for one in facts.goal)
            return goal + (() if facts.evidence else (Refusal(Lack.NO_EVIDENCE),))
        case _S.CAUSE_CONFIRMED:
            return facts.causes
        case _S.PLAN_REVIEW | _S.APPROVED:
            return facts.plan
        case _S.IMPLEMENTED:
            return facts.work
        case _S.DOING if facts.state is _S.CHECKING:
            return _back_to_work(facts)
        case _S.CHECKING:
            return () if facts.is_ready else (Refusal(Lack.NOT_READY),)
        case _S.CLOSED:
            return facts.closing
    return _after_check(facts, to)


def _back_to_work(facts: Facts) -> tuple[Refusal, ...]:
    is_enough = facts.fidelity is None or facts.fidelity >= facts.least_coverage
    is_short = facts.verdict is Verdict.NOT_IMPLEMENTED or not is_enough
    return () if is_short else (Refusal(Lack.ENOUGH_DONE),)


def _after_check(facts: Facts, to: ItemState) -> tuple[Refusal, ...]:
    if to is _S.VERDICT:
        if facts.verdict is None:
            return (Refusal(Lack.NO_CHECK),)
        wrong = facts.verdict is Verdict.NOT_IMPLEMENTED
        return (Refusal(Lack.WRONG_VERDICT, facts.verdict.value),) if wrong else ()
    if facts.state is _S.VERDICT and to is not _S.CANCELLED:
        return _after_verdict(facts, to)
    if facts.state is _S.STANDARDISING and to is _S.SUSTAINING:
        return facts.standard
    return ()


def _after_verdict(facts: Facts, to: ItemState) -> tuple[Refusal, ...]:
    """Where a verdict leads: on, to more data, or to a child."""
    verdict = facts.verdict
    said = verdict.value if verdict else ""
    match to:
        case _S.STANDARDISING:
            is_right = verdict in {Verdict.EFFECTIVE, Verdict.NOT_ATTRIBUTABLE}
        case _S.SUPERSEDED:
            if not facts.has_child:
                return (Refusal(Lack.NEEDS_CHILD),)
            is_right = verdict in CHILD_OF
        case _:
            is_right = verdict is Verdict.INCONCLUSIVE
    if not is_right:
        return (Refusal(Lack.WRONG_VERDICT, said),)
    is_used_up = facts.extensions >= facts.most_extensions
    if to is _S.OBSERVING and is_used_up:
        return (Refusal(Lack.NO_EXTENSION),)
    if to is _S.SUSTAINING and not is_used_up:
        return (Refusal(Lack.EXTENSIONS_LEFT),)
    return ()
