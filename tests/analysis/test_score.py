"""Scores carry n and interval: known samples by hand, published cases, and what must hold of any answers."""

from __future__ import annotations

import json
from math import isclose, isnan, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bihuan.analysis import score
from bihuan.analysis.score import CSAT, INDEX, NPS, SHARE, Segments, tally

SCORES = st.lists(st.integers(0, 10), min_size=1, max_size=60)
WEIGHTED = st.lists(st.tuples(st.integers(0, 10), st.floats(0.05, 20)), min_size=1, max_size=40)


def test_a_tally_has_one_row_a_value_with_the_sums_of_weights_and_of_their_squares():
    counts = tally([5, 1, 5], [2.0, 1.0, 0.5])
    assert counts.to_dict("list") == {"value": [1, 5], "n": [1, 2], "weight": [1, 2.5], "weight_squared": [1, 4.25]}


def test_of_nothing_there_is_no_score():
    nothing = tally([])
    found = (
        score.mean(nothing, CSAT),
        score.weighted_mean(nothing, CSAT),
        score.nps(score.segments(nothing)),
        score.share(nothing),
    )
    assert all(isnan(figure) for estimate in found for figure in estimate)


@pytest.mark.parametrize("answers", [[1, 2, 3, 4, 5, 5, 4], [3, 4], [5] * 40 + [1]])
def test_a_mean_has_the_interval_that_scipy_gives_it_inside_its_scale(answers):
    found = score.mean(tally(answers), CSAT)
    low, high = stats.t.interval(0.95, len(answers) - 1, np.mean(answers), stats.sem(answers))
    assert found == pytest.approx((np.mean(answers), max(low, 1), min(high, 5)))


def test_what_all_say_alike_is_not_certain():
    """Wilson's lower limit of n of n: 1 / (1 + 1.96^2) of one answer, 0.8865 of thirty."""
    one, many = score.mean(tally([5]), CSAT), score.mean(tally([5] * 30), CSAT)
    assert one == pytest.approx((5, 1 + 4 * 0.206549, 5), abs=1e-5)
    assert many == pytest.approx((5, 1 + 4 * stats.binomtest(30, 30).proportion_ci(method="wilson").low, 5))
    assert score.nps(Segments(0, 10, 0)) == pytest.approx((0, -27.7532, 27.7532), abs=1e-4)
    assert score.weighted_mean(tally([5] * 30, [1.0] * 15 + [3.0] * 15), CSAT).low < many.low


def test_a_sum_that_does_not_come_out_even_is_still_unanimous():
    found = score.mean(tally([73.3] * 7), INDEX)
    assert found.low < 50
    assert found.high > 80


def test_top_two_boxes_are_4_and_5_with_wilsons_interval():
    found = score.share(score.top_two(tally([5] * 10 + [4] * 5 + [3] * 100 + [1] * 33)))
    assert found == pytest.approx((15 / 148, 0.0624, 0.1605), abs=5e-5)  # Newcombe 1998, table I, method 3


def test_promoters_are_9_and_10_detractors_0_to_6():
    assert score.segments(tally(range(11))) == Segments(promoters=2, passives=2, detractors=7)
    assert list(score.promotion(tally(range(11)))["value"]) == [-100] * 7 + [0, 0] + [100, 100]


def test_a_net_promoter_score_by_hand():
    """50 promoters, 30 passives, 20 detractors: 30 points, variance 0.7 - 0.09 of one answer."""
    found = score.nps(Segments(50, 30, 20))
    margin = 1.959964 * 100 * sqrt(0.61 / 100)
    assert found == pytest.approx((30, 30 - margin, 30 + margin), abs=1e-4)
    error = score.nps_error(0.5, 0.2, 100)
    assert (error.variance, error.standard_error, error.margin) == pytest.approx((0.61, 7.81025, 15.30781), abs=1e-5)


def test_weighted_scores_by_hand():
    """Weights 1 and 3 on a promoter and a detractor: -50; linearised 2 x (1 x 150^2 + 9 x 50^2) / 16."""
    found = score.weighted_mean(score.promotion(tally([10, 0], [1, 3])), NPS)
    half = 1.959964 * sqrt(2 * (150**2 + 9 * 50**2) / 16)
    assert found == pytest.approx((-50, max(-50 - half, -100), min(-50 + half, 100)), abs=1e-4)


def test_weights_are_noticed_also_where_their_sum_is_n():
    assert not score.is_weighted(tally([1, 2, 3]))
    assert score.is_weighted(tally([1, 2], [0.5, 1.5]))
    assert score.is_weighted(tally([1, 2], [2, 2]))


def test_a_weight_of_nothing_leaves_an_answer_out():
    counts = tally([5, 5, 1], [1, 1, 0])
    assert score.weighted_mean(counts, CSAT) == pytest.approx(score.unanimous(5, 2, CSAT))
    assert isnan(score.weighted_mean(tally([5], [0]), CSAT).value)


def test_the_interval_of_a_weighted_mean_covers_the_truth_about_as_often_as_it_says():
    """Samples from a population in which the heavy think otherwise than the light."""
    dice = np.random.default_rng(5)
    covered, rounds, truth = 0, 1000, (1 * 3 + 4 * 8) / 5
    for _ in range(rounds):
        is_heavy = dice.random(200) < 0.5
        answers = np.where(is_heavy, dice.integers(6, 11, 200), dice.integers(1, 6, 200))
        found = score.weighted_mean(tally(answers.tolist(), np.where(is_heavy, 4.0, 1.0).tolist()), score.Scale(0, 10))
        covered += found.low <= truth <= found.high
    assert 0.93 < covered / rounds < 0.97


@given(SCORES)
def test_a_score_lies_in_its_interval_and_that_in_its_scale(answers):
    counts = tally(answers)
    found = score.nps(score.segments(counts))
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.low < found.high
    middle = score.mean(counts, score.Scale(0, 10))
    assert 0 <= middle.low <= middle.value <= middle.high <= 10


@given(SCORES)
def test_segments_are_all_answers_and_their_points_are_the_score(answers):
    counts = tally(answers)
    found = score.segments(counts)
    assert sum(found) == len(answers)
    assert isclose(score.mean(score.promotion(counts), NPS).value, score.nps(found).value, abs_tol=1e-9)


@given(SCORES)
def test_equal_weights_change_nothing_but_the_quantile(answers):
    points = score.promotion(tally(answers, [3.0] * len(answers)))
    plain, weighted = score.mean(points, NPS), score.weighted_mean(points, NPS)
    assert isclose(plain.value, weighted.value, abs_tol=1e-9)
    assert plain.low <= weighted.low + 1e-9
    assert weighted.high <= plain.high + 1e-9


@given(WEIGHTED, st.floats(0.01, 100))
def test_only_the_proportions_of_weights_count(answers, factor):
    values, weights = zip(*answers, strict=True)
    found = score.weighted_mean(tally(values, weights), score.Scale(0, 10))
    scaled = score.weighted_mean(tally(values, [weight * factor for weight in weights]), score.Scale(0, 10))
    assert scaled == pytest.approx(found, rel=1e-6, abs=1e-6)
    assert found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9


@given(SCORES, SCORES)
def test_tallies_of_two_groups_add_up_to_the_tally_of_both(some, others):
    both = pd.concat([tally(some), tally(others)])
    assert score.nps(score.segments(both)) == score.nps(score.segments(tally([*some, *others])))


def test_a_share_is_of_ones():
    assert score.share(tally([1, 0, 0, 0])).value == 0.25
    assert score.weighted_mean(tally([1, 0], [1, 3]), SHARE).value == 0.25


# --- worked answers from outside -------------------------------------------------------------------------------------


def wilson(x: int, n: int, **_: float) -> dict[str, float]:
    found = score.share(tally([1] * x + [0] * (n - x)))
    return {"lo": found.low, "hi": found.high}


def nps_classes(scores: list[int]) -> dict[str, float]:
    found = score.segments(tally(scores))
    return {**found._asdict(), "nps": score.nps(found).value}


def nps_interval(promoter_share: float, detractor_share: float, n: int, **_: float) -> dict[str, float]:
    error = score.nps_error(promoter_share, detractor_share, n)
    return {
        "nps": 100 * (promoter_share - detractor_share), "var": error.variance, "se": error.standard_error,
        "moe95": error.margin,
    }  # fmt: skip


REPRODUCED = {"wilson_interval": wilson, "nps_classes": nps_classes, "nps_interval": nps_interval}


def test_the_worked_answers_of_others_are_reproduced(oracles: Path):
    cases = json.loads((oracles / "stats_cases.json").read_text(encoding="utf-8"))["cases"]
    ours = [case for case in cases if case["kind"] in REPRODUCED and case["inputs"].get("conf", 0.95) == 0.95]
    assert ours
    for case in ours:
        found = REPRODUCED[case["kind"]](**case["inputs"])
        expected = {name: value for name, value in case["expected"].items() if name in found}
        assert expected
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=case["tolerance"]), case["id"]
