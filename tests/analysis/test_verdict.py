"""Verdicts: the table of IMPROVEMENT 3.8, reproduced, and what must hold whatever comes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from functools import cache
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bihuan.analysis.effect import did, same_months, two_windows
from bihuan.analysis.proportion import Contrast
from bihuan.analysis.reading import Reading
from bihuan.analysis.score import Estimate
from bihuan.analysis.verdict import RANK, Guardrail, Judged, judge
from bihuan.analysis.verification import Effect, Goal
from schemas.verification import Certainty, Limitation, Method, Metric, Reason, Verdict

LATE = Goal(0.07, is_lower_better=True)
REQUIRED = 1356
COUNTED = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def share(x: float, n: float) -> Reading:
    return Reading(Metric.SHARE, x, n)


def late(x0: int, n0: int, x1: int, n1: int, **more: object) -> Judged:
    return judge(two_windows(share(x0, n0), share(x1, n1), 1.0), LATE, REQUIRED, **more)


@pytest.mark.parametrize(("counts", "verdict", "reason", "certainty", "needed"), [
    ((300, 3000, 150, 3000), Verdict.EFFECTIVE, Reason.TARGET_REACHED, Certainty.CONFIRMED, None),
    ((300, 3000, 205, 3000), Verdict.EFFECTIVE, Reason.TARGET_REACHED, Certainty.POINT_ESTIMATE, None),
    ((300, 3000, 210, 3000), Verdict.EFFECTIVE, Reason.TARGET_REACHED, Certainty.POINT_ESTIMATE, None),
    ((300, 3000, 211, 3000), Verdict.PARTIAL, Reason.TARGET_MISSED, None, None),
    ((300, 3000, 290, 3000), Verdict.INEFFECTIVE, Reason.NO_CHANGE_SEEN, None, None),
    ((30, 300, 29, 300), Verdict.INCONCLUSIVE, Reason.TOO_FEW, None, None),
    ((100, 1000, 29, 300), Verdict.INCONCLUSIVE, Reason.TOO_FEW, None, 1806),
    ((300, 3000, 400, 3000), Verdict.WORSE, Reason.GOT_WORSE, None, None),
    ((300, 3000, 0, 0), Verdict.INCONCLUSIVE, Reason.TOO_FEW, None, 876),
])  # fmt: skip
def test_the_interval_decides_and_the_target_names_it(counts, verdict, reason, certainty, needed):
    found = late(*counts)
    assert (found.verdict, found.reason, found.certainty, found.n_still_needed) == (verdict, reason, certainty, needed)
    assert Limitation.NO_CONTROL in found.limitations or not counts[3]


def test_so_many_more_are_needed_as_make_two_equal_windows_of_the_planned_size():
    needed = late(100, 1000, 29, 300).n_still_needed
    assert needed is not None
    n1 = 300 + needed
    assert 2 * 1000 * (n1 - 1) / (1000 + n1 - 1) < REQUIRED <= 2 * 1000 * n1 / (1000 + n1)


@pytest.mark.parametrize(("fidelity", "verdict"), [(0.79, Verdict.NOT_IMPLEMENTED), (0.8, Verdict.EFFECTIVE)])
def test_what_was_not_carried_out_is_not_judged_whatever_the_figures(fidelity, verdict):
    harmed = Guardrail("cost", two_windows(share(10, 1000), share(100, 1000)), is_lower_better=True)
    assert late(300, 3000, 150, 3000, fidelity=fidelity).verdict is verdict
    if fidelity < 0.8:
        assert late(300, 3000, 150, 3000, fidelity=fidelity, guardrails=[harmed]).reason is Reason.FIDELITY_LOW


def test_a_guard_rail_that_got_worse_makes_it_worse_and_is_named():
    rails = [
        Guardrail("cost", two_windows(share(10, 1000), share(100, 1000)), is_lower_better=True),
        Guardrail("resolved", two_windows(share(900, 1000), share(800, 1000)), is_lower_better=False),
        Guardrail("other channel", two_windows(share(10, 1000), share(12, 1000)), is_lower_better=True),
        Guardrail("unknown", two_windows(share(10, 1000), share(0, 0)), is_lower_better=True),
    ]
    found = late(300, 3000, 150, 3000, guardrails=rails)
    assert (found.verdict, found.reason, found.harmed) == (Verdict.WORSE, Reason.SIDE_EFFECT, ("cost", "resolved"))
    assert late(300, 3000, 150, 3000, guardrails=rails[2:]).verdict is Verdict.EFFECTIVE


FELL, STAYED = (share(300, 3000), share(200, 3000)), (share(300, 3000), share(300, 3000))


def test_what_the_control_did_as_well_is_not_attributed():
    with_control = judge(did(*FELL, *FELL), LATE, REQUIRED)
    assert (with_control.verdict, with_control.reason) == (Verdict.NOT_ATTRIBUTABLE, Reason.CONTROL_MOVED_ALIKE)
    beside = judge(two_windows(*FELL, 1.0), LATE, REQUIRED, control=did(*FELL, *FELL))
    assert (beside.verdict, beside.reason) == (Verdict.NOT_ATTRIBUTABLE, Reason.CONTROL_MOVED_ALIKE)
    assert Limitation.NO_CONTROL not in beside.limitations
    alone = judge(did(*FELL, *STAYED), LATE, REQUIRED)
    assert (alone.verdict, alone.certainty) == (Verdict.EFFECTIVE, Certainty.POINT_ESTIMATE)


def test_a_control_that_improved_more_takes_the_effect_away():
    more = share(300, 3000), share(150, 3000)
    assert judge(two_windows(*FELL, 1.0), LATE, REQUIRED, control=did(*FELL, *more)).verdict is Verdict.NOT_ATTRIBUTABLE
    assert judge(did(*FELL, share(600, 3000), share(150, 3000)), LATE, REQUIRED).verdict is Verdict.WORSE


def test_a_control_without_data_is_none():
    found = judge(two_windows(*FELL, 1.0), LATE, REQUIRED, control=did(*FELL, share(0, 0), share(0, 0)))
    assert found.verdict is Verdict.EFFECTIVE
    assert Limitation.NO_CONTROL in found.limitations


def test_what_the_season_did_last_year_as_well_is_not_attributed():
    found = judge(same_months(*FELL, *FELL), LATE, REQUIRED)
    assert (found.verdict, found.reason) == (Verdict.NOT_ATTRIBUTABLE, Reason.SEASON_EXPLAINS)
    assert judge(same_months(*FELL, *STAYED), LATE, REQUIRED).verdict is Verdict.EFFECTIVE


def test_a_seasonal_figure_with_nothing_to_tell_the_season_is_not_attributed():
    open_season = two_windows(*FELL, 1.0).limited(Limitation.SEASONAL_UNCHECKED)
    found = judge(open_season, LATE, REQUIRED)
    assert (found.verdict, found.reason) == (Verdict.NOT_ATTRIBUTABLE, Reason.SEASON_UNCHECKED)
    assert judge(open_season, LATE, REQUIRED, control=did(*FELL, *STAYED)).verdict is Verdict.EFFECTIVE
    worse = two_windows(*reversed(FELL), 1.0).limited(Limitation.SEASONAL_UNCHECKED)
    assert judge(worse, LATE, REQUIRED).verdict is Verdict.WORSE


def test_too_few_data_beside_a_control_are_said_with_the_number():
    found = judge(did(*FELL, *FELL), LATE, 5000)
    assert (found.verdict, found.n_still_needed) == (Verdict.NOT_ATTRIBUTABLE, 12_000)


def test_ratios_are_judged_around_one():
    goal = Goal(0.15, is_lower_better=True)
    rates = [Reading(Metric.RATE, x, 10_000) for x in (2000, 1400, 1800, 2400)]
    verdicts = [judge(two_windows(rates[0], one, 1.0), goal, 5000).verdict for one in rates]
    assert verdicts == [Verdict.INEFFECTIVE, Verdict.EFFECTIVE, Verdict.PARTIAL, Verdict.WORSE]
    more = Goal(0.2, is_lower_better=False)
    assert judge(two_windows(rates[0], rates[3], 1.0), more, 5000).verdict is Verdict.EFFECTIVE
    gone = two_windows(rates[0], Reading(Metric.RATE, 0, 10_000), 1.0)
    assert judge(gone, goal, 5000).certainty is Certainty.CONFIRMED


# --- the operating characteristics, not drawn but summed over all that can happen ------------------------------------


def ordered(found: Judged) -> int:
    return -RANK[found.verdict]


@cache
def boundaries(x0: int, n: int) -> tuple[int, int, int]:
    """From which x1 on it is no longer effective, no longer partial, worse: a better figure has no worse verdict."""
    marks = tuple(
        bisect_left(range(n + 1), rank, key=lambda x1: ordered(late(x0, 3 * n, x1, n))) for rank in (-3, -1, 0)
    )
    return marks[0], marks[1], marks[2]


def chances(truth: float, n: int) -> Counter[str]:
    """How often each verdict comes out of a hundred: a base of 10 % over three months, one month after."""
    found: Counter[str] = Counter()
    base, after = binom(3 * n, 0.10), binom(n, truth)
    for x0 in range(int(base.ppf(1e-6)), int(base.ppf(1 - 1e-6)) + 1):
        cut = [0.0, *(float(after.cdf(mark - 1)) for mark in boundaries(x0, n)), 1.0]
        for name, low, high in zip(("effective", "partial", "nothing", "worse"), cut, cut[1:], strict=False):
            found[name] += 100 * float(base.pmf(x0)) * (high - low)
    return found


@pytest.mark.parametrize(("truth", "n", "usual", "published"), [
    (0.10, 150, 9.8, {"effective": 1.5, "nothing": 95.5, "worse": 2.9}),
    (0.085, 150, 26.4, {"effective": 6.6, "nothing": 92.5}),
    (0.10, 1356, 0.0, {"nothing": 94.9, "partial": 2.2}),
    (0.085, 1356, 2.3, {"nothing": 64.3, "partial": 33.4}),
    (0.06, 1356, 93.2, {"effective": 93.2, "partial": 6.4}),
    (0.12, 1356, None, {"worse": 54.2, "nothing": 45.8}),
])  # fmt: skip
def test_the_operating_table_is_reproduced_within_its_error(truth, n, usual, published):
    found = chances(truth, n)
    assert sum(found.values()) == pytest.approx(100, abs=0.01)
    for name, value in published.items():
        assert found[name] == pytest.approx(value, abs=drawn(value)), name
    if usual is not None:
        # "The point estimate hit the target" needs neither an interval nor a baseline.
        assert 100 * float(binom(n, truth).cdf(int(0.07 * n + 1e-9))) == pytest.approx(usual, abs=drawn(usual))


def drawn(value: float) -> float:
    """Three standard errors of a share in a hundred of four thousand runs, as such tables are made."""
    return max(3 * (value * (100 - value) / 4000) ** 0.5, 0.1)


def test_what_finds_nothing_has_too_few_at_150_and_enough_at_1356():
    assert late(15, 150, 14, 150).verdict is Verdict.INCONCLUSIVE
    assert late(136, 1356, 130, 1356).verdict is Verdict.INEFFECTIVE


# --- what must hold whatever comes -----------------------------------------------------------------------------------


def goodness(found: Judged) -> tuple[int, bool]:
    return RANK[found.verdict], found.certainty is Certainty.CONFIRMED


METHODS = st.sampled_from([Method.TWO_WINDOWS, Method.DID, Method.SEGMENTED, Method.SAME_MONTHS])


@st.composite
def effects(draw: st.DrawFn) -> Effect:
    value = draw(st.floats(-0.3, 0.3))
    below, above = draw(st.floats(0, 0.2)), draw(st.floats(0, 0.2))
    own, wide = draw(st.floats(-0.3, 0.3)), draw(st.floats(0, 0.2))
    after, half = draw(st.floats(0.01, 0.3)), draw(st.floats(0, 0.1))
    said = draw(st.sampled_from([(), (Limitation.SEASONAL_UNCHECKED,)]))
    n = draw(st.sampled_from([100.0, 5000.0]))
    return Effect(
        draw(METHODS), value, value - below, value + above, 0.5, Estimate(0.1, 0.09, 0.11),
        Estimate(after, after - half, after + half), 1, n, 1, n, plain=Contrast(own, own - wide, own + wide),
        limitations=said,
    )  # fmt: skip


def moved(it: Effect, by: float) -> Effect:
    plain = it.plain and Contrast(*(one + by for one in it.plain))
    after = Estimate(*(one + by for one in it.after))
    return replace(it, estimate=it.estimate + by, low=it.low + by, high=it.high + by, plain=plain, after=after)


@given(effects(), st.none() | effects(), st.none() | effects(), st.floats(0, 0.5))
def test_a_better_estimate_never_gets_a_worse_verdict(effect, control, rail, by):
    def judged(step: float) -> Judged:
        beside = control and moved(control, step)
        rails = [] if rail is None else [Guardrail("rail", rail, is_lower_better=True)]
        return judge(moved(effect, step), LATE, 1000, control=beside, guardrails=rails)

    assert goodness(judged(-by)) >= goodness(judged(0.0))


@given(COUNTED, COUNTED, st.integers(1, 50), st.floats(1, 5), st.floats(0.001, 0.999))
def test_fewer_failures_never_get_a_worse_verdict(before, after, fewer, phi, target):
    (x0, n0), (x1, n1) = before, after
    goal = Goal(target, is_lower_better=True)
    worse, better = (judge(two_windows(share(x0, n0), share(x, n1), phi), goal, 500) for x in (x1, max(x1 - fewer, 0)))
    assert goodness(better) >= goodness(worse)


@given(COUNTED, COUNTED, st.floats(0.01, 0.99), st.floats(1, 4))
def test_counting_the_others_and_turning_the_goal_around_gives_the_same_verdict(before, after, target, phi):
    (x0, n0), (x1, n1) = before, after
    low = judge(two_windows(share(x0, n0), share(x1, n1), phi), Goal(target, is_lower_better=True), 500)
    high = judge(two_windows(share(n0 - x0, n0), share(n1 - x1, n1), phi), Goal(1 - target, is_lower_better=False), 500)
    on_the_edge = abs(x1 / n1 - target) < 1e-9
    assert on_the_edge or replace(low, limitations=()) == replace(high, limitations=())


@given(COUNTED, COUNTED)
def test_going_back_is_judged_the_other_way_around(before, after):
    there = judge(two_windows(share(*before), share(*after), 1.0), Goal(0.0, is_lower_better=True), 500).verdict
    back = judge(two_windows(share(*after), share(*before), 1.0), Goal(0.0, is_lower_better=True), 500).verdict
    assert (there is Verdict.WORSE) == (back in {Verdict.PARTIAL, Verdict.EFFECTIVE})


@pytest.mark.parametrize("lost", ["estimate", "low", "high"])
def test_an_effect_without_its_interval_is_no_verdict(lost):
    effect = replace(two_windows(*FELL, 1.0), **{lost: nan})
    assert judge(effect, LATE, REQUIRED).verdict is Verdict.INCONCLUSIVE
