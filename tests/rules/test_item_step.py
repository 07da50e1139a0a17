"""What can be done next with an item: only moves that are open, with what speaks against them."""

from __future__ import annotations

import pytest

from bihuan.rules.item import AWAITED, GATED, MOVES, Facts, Lack, Refusal
from bihuan.rules.item_step import APART, gate_at, steps
from schemas.item import Gate, ItemState
from schemas.verification import Verdict

S = ItemState


def ways(facts):
    return [one.to for one in steps(facts)]


@pytest.mark.parametrize("state", list(ItemState))
def test_no_step_leads_where_agreeing_leads_or_where_an_act_of_its_own_does(state):
    found, gate = set(ways(Facts(state))), gate_at(state)
    assert found <= set(MOVES[state]) - APART
    assert gate is None or GATED[gate] not in found


@pytest.mark.parametrize("gate", list(Gate))
def test_a_gate_stands_where_it_is_awaited(gate):
    assert gate_at(AWAITED[gate]) is gate


def test_what_ended_goes_nowhere_by_itself():
    assert [ways(Facts(state)) for state in (S.CLOSED, S.CANCELLED, S.SUPERSEDED, S.RECURRED)] == [[]] * 4


def test_a_step_says_what_is_missing_for_it():
    (work, *_) = steps(Facts(S.DOING, work=(Refusal(Lack.NOT_DONE, "2"),)))
    assert work == (S.IMPLEMENTED, (Refusal(Lack.NOT_DONE, "2"),), False)


def test_going_back_can_be_done_and_has_to_be_explained():
    (back,) = [one for one in steps(Facts(S.ANALYSING, standing=frozenset({Gate.G1}))) if one.to is S.SELECTED]
    assert back == (S.SELECTED, (), True)


def test_after_a_verdict_only_its_own_way_is_open():
    facts = Facts(S.VERDICT, verdict=Verdict.EFFECTIVE)
    assert [one.to for one in steps(facts) if not one.refusals] == [S.STANDARDISING]
