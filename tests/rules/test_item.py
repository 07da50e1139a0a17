"""The way of an item: what may follow what, what each state asks for, and who stands in which phase."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bihuan.rules.goal import Failure, Letter
from bihuan.rules.goal import Lack as GoalLack
from bihuan.rules.item import (
    AWAITED,
    ENDED,
    GATED,
    MOVES,
    WORKED_FOR,
    Facts,
    Lack,
    Phase,
    Refusal,
    gate_of,
    is_back,
    phase_of,
    position,
    refusals,
    unready,
)
from bihuan.rules.plan_lack import (
    CauseFacts,
    ClosingFacts,
    MeasureFacts,
    VerificationFacts,
    cause_lacks,
    closing_lacks,
    ends_at_people,
    plan_lacks,
    standard_lacks,
    verification_lacks,
    work_lacks,
)
from schemas.improvement import Bone
from schemas.item import Gate, ItemState, Priority
from schemas.plan import CauseKind, CauseState, MeasureKind, MeasureState, Strength
from schemas.verification import Verdict

S = ItemState
CONFIRMED = CauseState.CONFIRMED
TODAY = date(2026, 12, 1)


def whys(facts, to, reason=""):
    return [one.why for one in refusals(facts, to, reason)]


def fine(state, **facts):
    """An item to which everything was agreed, and which lacks nothing."""
    return Facts(**({"state": state, "evidence": 1, "standing": frozenset(Gate), "is_ready": True,
                     "verdict": Verdict.EFFECTIVE} | facts))  # fmt: skip


WAY = (S.DRAFT, S.SELECTED, S.ANALYSING, S.CAUSE_CONFIRMED, S.PLANNED, S.PLAN_REVIEW, S.APPROVED, S.DOING,
       S.IMPLEMENTED, S.OBSERVING, S.CHECKING, S.VERDICT, S.STANDARDISING, S.SUSTAINING, S.CLOSED)  # fmt: skip


@pytest.mark.parametrize(("state", "to"), list(pairwise(WAY)))
def test_what_lacks_nothing_goes_its_whole_way(state, to):
    assert whys(fine(state), to) == []


@pytest.mark.parametrize("state", S)
def test_nothing_else_follows_a_state_than_what_is_said(state):
    for to in S:
        if to not in MOVES[state]:
            assert whys(fine(state), to, "why") == [Lack.NOT_NEXT]


@pytest.mark.parametrize("gate", Gate)
def test_no_gate_is_passed_unless_it_was_agreed_to(gate):
    before = AWAITED[gate]
    assert whys(fine(before, standing=frozenset(Gate) - {gate}), GATED[gate]) == [Lack.NOT_APPROVED]
    assert gate_of(GATED[gate]) is gate
    assert position(WORKED_FOR[gate]) < position(GATED[gate])


@pytest.mark.parametrize("state", sorted(set(S) - ENDED))
def test_what_is_held_goes_nowhere_but_out(state):
    for to in MOVES[state]:
        expected = [] if to is S.CANCELLED else [Lack.HELD]
        assert whys(fine(state, is_held=True), to, "why") == expected


@pytest.mark.parametrize("state", sorted(set(S) - ENDED))
def test_whatever_has_not_ended_can_be_cancelled_with_a_reason_and_not_without(state):
    assert whys(fine(state), S.CANCELLED, "no budget") == []
    assert whys(fine(state), S.CANCELLED, " ") == [Lack.NO_REASON]


@pytest.mark.parametrize(
    ("state", "to"),
    [(S.ANALYSING, S.SELECTED), (S.PLAN_REVIEW, S.PLANNED), (S.PLANNED, S.ANALYSING), (S.SUSTAINING, S.STANDARDISING)],
)
def test_the_way_back_needs_a_reason(state, to):
    assert is_back(state, to)
    assert whys(fine(state), to) == [Lack.NO_REASON]
    assert whys(fine(state), to, "the cause was another") == []


def test_each_of_the_five_that_a_goal_fails_is_a_refusal_of_its_own():
    goal = (Failure(Letter.SPECIFIC, GoalLack.NO_OWNER), Failure(Letter.TIMED, GoalLack.TOO_LONG))
    told = refusals(fine(S.DRAFT, goal=goal, evidence=0), S.SELECTED)
    assert told == (Refusal(Lack.GOAL, "s no_owner"), Refusal(Lack.GOAL, "t too_long"), Refusal(Lack.NO_EVIDENCE))


def test_a_check_waits_for_data():
    assert whys(fine(S.OBSERVING, is_ready=False), S.CHECKING) == [Lack.NOT_READY]


def test_without_a_final_check_there_is_no_verdict():
    assert whys(fine(S.CHECKING, verdict=None), S.VERDICT) == [Lack.NO_CHECK]
    assert whys(fine(S.CHECKING, verdict=Verdict.NOT_IMPLEMENTED), S.VERDICT) == [Lack.WRONG_VERDICT]


def test_work_goes_on_only_where_too_little_was_done():
    assert whys(fine(S.CHECKING, fidelity=0.79), S.DOING, "two shops are missing") == []
    assert whys(fine(S.CHECKING, fidelity=0.8), S.DOING, "two shops are missing") == [Lack.ENOUGH_DONE]
    assert whys(fine(S.CHECKING, verdict=Verdict.NOT_IMPLEMENTED), S.DOING, "nothing was done") == []


ONWARD = {
    Verdict.EFFECTIVE: {S.STANDARDISING}, Verdict.PARTIAL: {S.SUPERSEDED}, Verdict.INEFFECTIVE: {S.SUPERSEDED},
    Verdict.WORSE: {S.SUPERSEDED}, Verdict.NOT_ATTRIBUTABLE: {S.STANDARDISING, S.SUPERSEDED},
    Verdict.INCONCLUSIVE: {S.OBSERVING, S.SUPERSEDED}, Verdict.NOT_IMPLEMENTED: set(),
}  # fmt: skip


@pytest.mark.parametrize("verdict", Verdict)
def test_each_verdict_leads_where_it_leads_and_nowhere_else(verdict):
    facts = fine(S.VERDICT, verdict=verdict, has_child=True)
    found = {to for to in MOVES[S.VERDICT] if not refusals(facts, to, "why") and to is not S.CANCELLED}
    assert found == ONWARD[verdict]


def test_what_was_not_proved_is_accepted_only_with_a_reason():
    assert whys(fine(S.VERDICT, verdict=Verdict.NOT_ATTRIBUTABLE), S.STANDARDISING) == [Lack.NO_REASON]


def test_what_failed_ends_only_where_a_child_goes_on():
    assert whys(fine(S.VERDICT, verdict=Verdict.WORSE), S.SUPERSEDED) == [Lack.NEEDS_CHILD]


def test_more_data_are_waited_for_twice_and_then_somebody_decides():
    twice = fine(S.VERDICT, verdict=Verdict.INCONCLUSIVE, extensions=2)
    assert whys(twice, S.OBSERVING, "more") == [Lack.NO_EXTENSION]
    assert whys(twice, S.SUSTAINING, "the risk is small") == []
    assert whys(replace(twice, extensions=1), S.SUSTAINING, "the risk is small") == [Lack.EXTENSIONS_LEFT]


def test_a_gate_is_decided_where_it_is_awaited_and_lacks_nothing():
    assert unready(fine(S.PLAN_REVIEW), Gate.G3) == ()
    assert unready(fine(S.PLANNED), Gate.G3) == (Refusal(Lack.NOT_NEXT, "approved"),)
    assert unready(fine(S.ANALYSING, causes=(Refusal(Lack.NO_CAUSE),)), Gate.G2) == (Refusal(Lack.NO_CAUSE),)
    assert unready(fine(S.DRAFT, is_held=True), Gate.G1) == (Refusal(Lack.HELD),)


@pytest.mark.parametrize(
    ("states", "phase"),
    [([S.DOING, S.SUSTAINING], "do"), ([S.CLOSED, S.CANCELLED], None), ([S.APPROVED, S.CHECKING], "plan"),
     ([S.VERDICT, S.CLOSED], "check"), ([S.STANDARDISING], "act"), ([], None)],
)  # fmt: skip
def test_a_cycle_is_where_its_earliest_open_item_is(states, phase):
    assert phase_of(states) == (Phase(phase) if phase else None)


# --- causes ---


def cause(id_, parent_id=None, **facts):
    return CauseFacts(id_, parent_id, **({"state": CONFIRMED, "is_proved": True} | facts))


def test_without_a_confirmed_cause_there_is_none():
    assert cause_lacks([cause(1, state=CauseState.CANDIDATE)]) == (Refusal(Lack.NO_CAUSE),)


def test_a_cause_without_method_or_evidence_is_not_proved():
    assert cause_lacks([cause(1, is_proved=False)]) == (Refusal(Lack.CAUSE_UNPROVED, "1"),)


def test_a_persons_fault_is_never_the_last_why():
    people = cause(1, bone=Bone.PEOPLE)
    assert cause_lacks([people]) == (Refusal(Lack.PEOPLE_ONLY, "1"),)
    assert cause_lacks([people, cause(2, 1, bone=Bone.PEOPLE)]) == (
        Refusal(Lack.PEOPLE_ONLY, "1"), Refusal(Lack.PEOPLE_ONLY, "2"),
    )  # fmt: skip
    assert cause_lacks([people, cause(2, 1, bone=Bone.PROCESS)]) == ()
    assert cause_lacks([people, cause(2, 1, bone=Bone.PEOPLE, kind=CauseKind.SYSTEM)]) == ()


def test_a_why_that_was_excluded_or_never_confirmed_does_not_explain_a_person():
    people = cause(1, bone=Bone.PEOPLE)
    for state in (CauseState.EXCLUDED, CauseState.CANDIDATE):
        assert cause_lacks([people, cause(2, 1, state=state)]) == (Refusal(Lack.PEOPLE_ONLY, "1"),)
    assert ends_at_people([people, cause(2, 1, state=CauseState.CANDIDATE)]) == []
    assert ends_at_people([people, cause(2, 1, state=CauseState.EXCLUDED)]) == [1]


# --- plan ---


def measure(place=1, **facts):
    return MeasureFacts(place, **({"cause_ids": (1,), "owner_id": 1, "due_on": TODAY} | facts))


ONE_CAUSE = (cause(1),)


def lacks(measures, causes=ONE_CAUSE, priority=Priority.MEDIUM, verification=()):
    return plan_lacks(causes, measures, priority, verification)


def test_a_plan_that_lacks_nothing():
    assert lacks([measure()]) == ()


@pytest.mark.parametrize(
    ("measures", "told"),
    [
        ([], Refusal(Lack.NO_MEASURE)),
        ([measure(state=MeasureState.CANCELLED)], Refusal(Lack.NO_MEASURE)),
        ([measure(owner_id=None)], Refusal(Lack.MEASURE_WITHOUT_OWNER, "1")),
        ([measure(due_on=None)], Refusal(Lack.MEASURE_WITHOUT_DUE, "1")),
        ([measure(), measure(2, cause_ids=(7,))], Refusal(Lack.MEASURE_WITHOUT_CAUSE, "2")),
    ],
)
def test_what_a_plan_lacks_is_named(measures, told):
    assert lacks(measures) == (told,)


def test_a_cause_that_nothing_is_done_about_is_named():
    assert lacks([measure()], [cause(1), cause(2)]) == (Refusal(Lack.CAUSE_WITHOUT_MEASURE, "2"),)


def test_a_measure_against_the_deeper_why_meets_the_causes_above_it():
    assert lacks([measure(cause_ids=(2,))], [cause(1), cause(2, 1)]) == ()


def test_containment_needs_no_cause_and_meets_none():
    contains = measure(2, cause_ids=(), kind=MeasureKind.CONTAINMENT)
    assert lacks([measure(), contains]) == ()
    assert lacks([contains]) == (Refusal(Lack.CAUSE_WITHOUT_MEASURE, "1"),)


def test_training_alone_is_too_weak_for_what_matters_most():
    weak = [measure(strength=Strength.WEAK)]
    assert lacks(weak, priority=Priority.HIGH) == (Refusal(Lack.WEAK_ONLY),)
    assert lacks(weak, priority=Priority.LOW) == ()
    assert lacks([*weak, measure(2, strength=Strength.STRONG)], priority=Priority.HIGH) == ()


def test_what_the_verification_plan_lacks_is_said_beside():
    assert lacks([], verification=["no_plan"]) == (Refusal(Lack.NO_MEASURE), Refusal(Lack.VERIFICATION, "no_plan"))


def done(place=1, **facts):
    return measure(place, **({"state": MeasureState.DONE, "implemented_on": TODAY, "has_evidence": True} | facts))


def test_work_is_done_when_everything_that_was_kept_is_done_and_proved():
    assert work_lacks([done(), measure(2, state=MeasureState.CANCELLED)]) == ()
    assert work_lacks([done(), measure(2)]) == (Refusal(Lack.NOT_DONE, "2"),)
    assert work_lacks([done(has_evidence=False)]) == (Refusal(Lack.WITHOUT_PROOF, "1"),)
    assert work_lacks([done(implemented_on=None)]) == (Refusal(Lack.WITHOUT_PROOF, "1"),)


def test_a_plan_whose_measures_were_all_cancelled_is_not_done():
    assert work_lacks([measure(state=MeasureState.CANCELLED)]) == (Refusal(Lack.NO_MEASURE),)


# --- closing ---

LEFT = ClosingFacts(Verdict.EFFECTIVE, True, TODAY, 0.95, True, True, 3, 3, False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"has_standard": False}, Lack.NO_STANDARD),
        ({"effective_on": date(2026, 12, 2)}, Lack.STANDARD_NOT_EFFECTIVE),
        ({"trained_ratio": 0.89}, Lack.UNTRAINED),
        ({"has_looked_elsewhere": False}, Lack.NOT_LOOKED_ELSEWHERE),
        ({"is_told": False}, Lack.NOT_TOLD),
        ({"clean": 2}, Lack.NOT_SUSTAINED),
        ({"is_broken": True}, Lack.NOT_SUSTAINED),
    ],
)
def test_what_is_missing_before_it_is_closed_is_named(change, told):
    assert closing_lacks(LEFT, TODAY, 0.9) == ()
    assert closing_lacks(LEFT._replace(**change), TODAY, 0.9) == (Refusal(told),)


def test_what_was_accepted_without_proof_needs_no_standard_but_has_to_hold():
    accepted = ClosingFacts(Verdict.INCONCLUSIVE, clean=3)
    assert closing_lacks(accepted, TODAY, 0.9) == ()
    assert closing_lacks(accepted._replace(clean=0), TODAY, 0.9) == (Refusal(Lack.NOT_SUSTAINED),)


def test_a_standard_is_watched_once_it_is_in_force():
    assert standard_lacks(LEFT, TODAY) == ()
    assert standard_lacks(LEFT._replace(effective_on=None), TODAY) == (Refusal(Lack.STANDARD_NOT_EFFECTIVE),)


class Way(RuleBasedStateMachine):
    """Somebody tries anything, with any facts; only what the rules let through happens."""

    def __init__(self):
        super().__init__()
        self.state, self.passed, self.extensions, self.is_ended = S.DRAFT, [], 0, False

    @rule(
        pick=st.integers(0, 5), anywhere=st.none() | st.sampled_from(S),
        standing=st.frozensets(st.sampled_from(Gate)),
        verdict=st.none() | st.sampled_from([Verdict.EFFECTIVE, *Verdict]), is_ready=st.booleans(),
        is_done=st.booleans(),
        has_child=st.booleans(), reason=st.sampled_from(["", "why"]),
    )  # fmt: skip
    def moves(self, pick, anywhere, standing, verdict, is_ready, is_done, has_child, reason):
        next_ones = MOVES[self.state] or (S.DRAFT,)
        to = anywhere if anywhere and pick == 5 else next_ones[pick % len(next_ones) if pick > 3 else 0]
        work = () if is_done else (Refusal(Lack.NOT_DONE, "1"),)
        facts = Facts(self.state, standing=standing, evidence=1, verdict=verdict, is_ready=is_ready, work=work,
                      has_child=has_child, extensions=self.extensions)  # fmt: skip
        if refusals(facts, to, reason):
            return
        assert self.state not in ENDED or (self.state, to) == (S.CLOSED, S.RECURRED)
        gate = gate_of(to)
        assert gate is None or gate in standing
        assert not is_back(self.state, to) or reason
        if to is S.IMPLEMENTED:
            assert is_done
        if (self.state, to) == (S.VERDICT, S.OBSERVING):
            self.extensions += 1
        self.passed.append(to)
        self.state = to

    @invariant()
    def nothing_is_closed_without_every_gate_on_its_way(self):
        if self.state is S.CLOSED:
            assert {S.SELECTED, S.CAUSE_CONFIRMED, S.APPROVED, S.VERDICT} <= set(self.passed)

    @invariant()
    def more_data_are_not_waited_for_for_ever(self):
        assert self.extensions <= 2


TestWay = Way.TestCase
TestWay.settings = settings(stateful_step_count=80)


# --- verification plan ---

PLAN = VerificationFacts("late", date(2026, 7, 1), date(2026, 10, 1), (date(2026, 10, 1),), is_computed=True)


def test_a_verification_plan_that_lacks_nothing():
    assert verification_lacks(PLAN) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"baseline_until_on": date(2026, 7, 1)}, ("no_baseline",)),
        ({"excluded": (date(2026, 9, 1),)}, ("chosen_by_baseline",)),
        ({"is_computed": False}, ("never_ready",)),
        ({"is_computed": False, "has_fallback": True}, ()),
    ],
)
def test_the_month_that_made_us_choose_is_no_part_of_the_baseline(change, told):
    assert verification_lacks(PLAN._replace(**change)) == told


def test_without_a_plan_that_is_what_it_lacks():
    assert verification_lacks(None) == ("no_plan",)
