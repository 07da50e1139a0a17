"""Budget: what is odd about an item's money is said, exactly at the bounds nothing is."""

from __future__ import annotations

import pytest

from bihuan.policy.cycle import BudgetPolicy
from bihuan.rules.budget import Cost, Oddity, budget_warnings
from schemas.plan import MeasureKind, MeasureState

POLICY = BudgetPolicy()


def cost(budget, kind=MeasureKind.CORRECTIVE, state=MeasureState.PLANNED):
    return Cost(kind, state, budget)


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ([cost(850)], []),
        ([cost(900)], []),
        ([cost(901)], [Oddity.RESERVE_LOW]),
        ([cost(849)], [Oddity.RESERVE_HIGH]),
        ([cost(1001)], [Oddity.OVER_BUDGET]),
        ([cost(1000)], [Oddity.RESERVE_LOW]),
        ([cost(600), cost(280, MeasureKind.CONTAINMENT)], []),
        ([cost(599), cost(280, MeasureKind.CONTAINMENT)], [Oddity.LITTLE_FOR_CAUSES]),
        ([cost(880), cost(500, state=MeasureState.CANCELLED)], []),
        ([cost(None)], []),
        ([], []),
    ],
)
def test_what_is_odd_about_a_budget_of_a_thousand(costs, told):
    assert list(budget_warnings(1000, costs, POLICY)) == told


@pytest.mark.parametrize("budget", [None, 0])
def test_without_a_budget_nothing_can_be_told(budget):
    assert budget_warnings(budget, [cost(5)], POLICY) == ()
