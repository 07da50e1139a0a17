"""Budget 预算 of an item against what policy says of its split and reserve: warnings, never refusals."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from bihuan.policy.cycle import BudgetPolicy
from schemas.plan import MeasureKind, MeasureState

_TINY = 1e-9
"""What rounding makes of a share that is exactly at its bound."""


class Oddity(StrEnum):
    """What is odd about a budget."""

    OVER_BUDGET = "over_budget"
    """The measures cost more than the item has."""
    RESERVE_LOW = "reserve_low"
    RESERVE_HIGH = "reserve_high"
    LITTLE_FOR_CAUSES = "little_for_causes"
    """Most of it goes to what only stops the harm."""


class Cost(NamedTuple):
    """One measure as the budget sees it."""

    kind: MeasureKind
    state: MeasureState
    budget: float | None


def budget_warnings(budget: float | None, costs: Iterable[Cost], policy: BudgetPolicy) -> tuple[Oddity, ...]:
    """What is odd about an item's money.

    Args:
        budget: The item's; None or 0: nothing can be told.
        costs: Of its measures; cancelled ones cost nothing.
        policy: Split and reserve.
    """
    planned = [(one.kind, one.budget or 0.0) for one in costs if one.state is not MeasureState.CANCELLED]
    whole = sum(cost for _, cost in planned)
    if not budget or not whole:
        return ()
    reserve, found = 1 - whole / budget, []
    if reserve < -_TINY:
        found.append(Oddity.OVER_BUDGET)
    elif reserve < policy.reserve[0] - _TINY:
        found.append(Oddity.RESERVE_LOW)
    elif reserve > policy.reserve[1] + _TINY:
        found.append(Oddity.RESERVE_HIGH)
    lasting = sum(cost for kind, cost in planned if kind is not MeasureKind.CONTAINMENT)
    if lasting / budget < policy.split - _TINY:
        found.append(Oddity.LITTLE_FOR_CAUSES)
    return tuple(found)
