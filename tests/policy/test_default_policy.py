"""The shipped policy says what the plans say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bihuan.policy.cycle import CyclePolicy, Grave
from bihuan.policy.deadline import Targets
from bihuan.policy.improvement import ImprovementPolicy
from bihuan.policy.kpi import Counts, Direction
from schemas.complaint import EventKind, Kind, Severity
from schemas.deadline import Mode
from schemas.item import Gate

H = 3600.0
BUSINESS, CALENDAR = Mode.BUSINESS, Mode.CALENDAR

MATRIX = {
    "assigned": [(2 * H, BUSINESS), (0.5 * H, CALENDAR), None],
    "first_response": [(2 * H, BUSINESS), (0.5 * H, CALENDAR), (0.25 * H, CALENDAR)],
    "handled": [(48 * H, CALENDAR), (24 * H, CALENDAR), (24 * H, CALENDAR)],
    "result_feedback": [(24 * H, CALENDAR)] * 3,
    "satisfaction_follow_up": [(72 * H, CALENDAR)] * 3,
    "negative_taken_on": [(48 * H, CALENDAR), (48 * H, CALENDAR), (24 * H, CALENDAR)],
    "negative_told": [(5 * 8 * H, BUSINESS), (5 * 8 * H, BUSINESS), (3 * 8 * H, BUSINESS)],
}
EVENTS = {
    "assigned": ("registered", "assigned responded handled closed"),
    "first_response": ("registered", "responded handled closed"),
    "handled": ("registered reopened", "handled closed"),
    "result_feedback": ("handled", "result_told"),
    "satisfaction_follow_up": ("handled", "followed_up"),
    "negative_taken_on": ("answered_negative", "negative_taken_on negative_resolved negative_told"),
    "negative_told": ("answered_negative", "negative_told"),
}


@pytest.mark.parametrize(("milestone", "row"), list(MATRIX.items()))
@pytest.mark.parametrize(("column", "severity"), list(enumerate(Severity)))
def test_each_cell_of_the_matrix_holds(policy, milestone, row, column, severity):
    target = policy.deadline.milestones[milestone].target(severity)
    assert (target and (target.seconds, target.mode)) == row[column]


@pytest.mark.parametrize(("milestone", "kinds"), list(EVENTS.items()))
def test_each_milestone_starts_and_ends_with_its_events(policy, milestone, kinds):
    starts, ends = (tuple(map(EventKind, words.split())) for words in kinds)
    kept = policy.deadline.milestones[milestone]
    assert (kept.starts, kept.ends) == (starts, ends)


def test_the_matrix_has_no_other_milestone(policy):
    assert list(policy.deadline.milestones) == list(MATRIX)


def test_every_severity_has_a_column():
    assert list(Targets.model_fields) == list(Severity)


def test_one_warning_goes_out_at_eighty_percent(policy):
    assert policy.deadline.warn == (0.8,)


def test_a_notice_a_quarter_of_an_hour_behind_is_late(policy):
    assert policy.deadline.late_after == timedelta(minutes=15)


def test_every_kind_has_a_department_and_major_has_its_own(policy):
    assert policy.routing.department_of == {Kind.PRODUCT: "product", Kind.SERVICE: "service", Kind.PROCESS: "process"}
    assert (policy.routing.default_department, policy.routing.special_group) == ("front_desk", "special_group")


def test_every_department_has_a_name_in_both_languages(policy):
    assert all(words.zh and words.en for words in policy.routing.departments.values())
    assert set(policy.routing.departments) == {"product", "service", "process", "front_desk", "special_group"}


def on_time(policy) -> dict:
    return {name: each for name, each in policy.kpi.indicators.items() if name.startswith("on_time_")}


def test_every_rate_of_being_on_time_asks_for_98_percent(policy):
    for name, indicator in on_time(policy).items():
        assert name == f"on_time_{indicator.milestone or 'by_source'}"
        assert (indicator.milestone in policy.deadline.milestones) is (indicator.counts is None)
        assert (indicator.direction, indicator.target, indicator.min_n) == (Direction.AT_LEAST, 0.98, 30)


def test_the_five_milestones_every_complaint_may_reach_have_an_indicator(policy):
    assert [indicator.milestone for indicator in on_time(policy).values()] == [*list(MATRIX)[:5], None]


def test_everything_that_can_be_counted_has_an_indicator_and_negative_answers_stay_under_5_percent(policy):
    counted = {each.counts: each for each in policy.kpi.indicators.values() if each.counts}
    assert set(counted) == set(Counts)
    assert (counted[Counts.NEGATIVE].direction, counted[Counts.NEGATIVE].target) == (Direction.AT_MOST, 0.05)
    assert (counted[Counts.CSAT_MEAN].target, counted[Counts.NPS].target, counted[Counts.INDEX].target) == (4, 30, 75)


def test_a_working_day_of_the_default_calendar_has_the_eight_hours_the_matrix_counts_on(policy):
    assert policy.calendars.default.timezone == "Asia/Shanghai"
    assert sum(frame.closes - frame.opens for frame in policy.calendars.default.weekly[0]) == 8 * 60


def test_every_gate_of_the_cycle_has_those_who_agree_and_a_term(policy):
    gates = policy.improvement.cycle.gates
    assert {gate.value: ([*map(str, it.roles)], it.days) for gate, it in gates.items()} == {
        "g1": (["quality_manager"], 3),
        "g2": (["quality_manager", "department_head"], 5),
        "g3": (["department_head"], 3),
        "g4": (["verifier", "quality_manager"], 3),
        "g5": (["department_head"], 5),
    }


def test_the_executive_agrees_to_grave_plans_and_to_closing_what_mattered_most(policy):
    gates = policy.improvement.cycle.gates
    for sign in Grave:
        assert gates[Gate.G3].wanted(frozenset({sign})) == ("department_head", "executive")
        assert ("executive" in gates[Gate.G5].wanted(frozenset({sign}))) == (sign is Grave.HIGH)
    assert gates[Gate.G3].wanted(frozenset()) == ("department_head",)


def test_an_installation_that_wrote_its_own_months_has_the_shipped_cycle(policy):
    without = policy.improvement.model_dump(mode="json", exclude={"cycle"})
    assert ImprovementPolicy.model_validate(without).cycle == policy.improvement.cycle


def test_a_cycle_without_a_gate_and_a_reserve_upside_down_are_refused():
    gate = {"g1": {"roles": ["quality_manager"], "days": 3}}
    with pytest.raises(ValidationError, match="has no gate g2"):
        CyclePolicy.model_validate({"gates": gate})
    with pytest.raises(ValidationError, match="the least is more than the most"):
        CyclePolicy.model_validate({"budget": {"reserve": ["15%", "10%"]}})
