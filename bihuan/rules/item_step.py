"""What can be done next with an improvement item 改进项: the moves open to it, and what still speaks against each."""

from __future__ import annotations

from typing import NamedTuple

from bihuan.rules.item import AWAITED, MOVES, Facts, Lack, Refusal, gate_of, refusals
from schemas.item import Gate, ItemState

APART = frozenset({ItemState.CANCELLED, ItemState.SUPERSEDED, ItemState.RECURRED})
"""States that have an act of their own, and are no mere move."""


class Step(NamedTuple):
    """One move: where to, what speaks against it (nothing: it can be made now), and whether it has to be explained."""

    to: ItemState
    refusals: tuple[Refusal, ...]
    needs_reason: bool


def steps(facts: Facts) -> tuple[Step, ...]:
    """The moves of an item from where it stands, in the order of its way; none that somebody makes by agreeing."""
    ways = (to for to in MOVES[facts.state] if to not in APART and not _is_agreed(facts.state, to))
    return tuple(_step(facts, to) for to in ways)


def _is_agreed(state: ItemState, to: ItemState) -> bool:
    gate = gate_of(to)
    return gate is not None and AWAITED[gate] is state


def _step(facts: Facts, to: ItemState) -> Step:
    found = refusals(facts, to)
    kept = tuple(one for one in found if one.why is not Lack.NO_REASON)
    return Step(to, kept, len(kept) < len(found))


def gate_at(state: ItemState) -> Gate | None:
    """The gate that is decided in a state; None where none is."""
    return next((gate for gate, awaited in AWAITED.items() if awaited is state), None)
