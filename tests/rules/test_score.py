"""One answer in figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.survey import NegativePolicy
from bihuan.rules.score import Score, Why, score


@pytest.fixture
def figures(policy):
    def of(questionnaire: str = "satisfaction", **answers) -> Score:
        return score(policy.survey.questionnaires[questionnaire], answers, policy.survey.negative)

    return of


def test_the_index_weighs_the_dimensions(figures):
    # Ends are 1 and 5: (25 % of 1.0 + 20 % of 0.5 + 20 % of 0.0 + 35 % of 0.75) of 100.
    found = figures(speed=5, attitude=3, competence=1, outcome=4)
    assert (found.index, found.index_weight) == (pytest.approx(61.25), pytest.approx(1.0))


def test_where_a_dimension_is_missing_the_others_count_and_the_weight_says_so(figures):
    found = figures(speed=5, outcome=3)
    assert found.index == pytest.approx((0.25 * 100 + 0.35 * 50) / 0.6)
    assert found.index_weight == pytest.approx(0.6)


def test_without_any_dimension_answered_there_is_no_index(figures):
    assert (figures(csat=5).index, figures(csat=5).index_weight) == (None, 0)


def test_a_questionnaire_without_dimensions_has_no_weight_to_miss(figures):
    assert (figures("result", solved=True).index, figures("result", solved=True).index_weight) == (None, None)


@pytest.mark.parametrize(
    ("questionnaire", "answers", "why"),
    [
        ("result", {"solved": False}, (Why.UNSOLVED,)),
        ("result", {"solved": True}, ()),
        ("result", {}, ()),
        ("satisfaction", {"csat": 2}, (Why.CSAT,)),
        ("satisfaction", {"csat": 3}, ()),
        ("satisfaction", {"csat": 5, "nps": 6}, (Why.NPS,)),
        ("satisfaction", {"csat": 5, "nps": 7}, ()),
        ("satisfaction", {"csat": 1, "nps": 0}, (Why.CSAT, Why.NPS)),
    ],
)
def test_low_answers_are_negative_and_say_why(figures, questionnaire, answers, why):
    found = figures(questionnaire, **answers)
    assert found.why == why
    assert found.is_negative is bool(why)


@pytest.mark.parametrize(
    ("answers", "is_for_review"),
    [
        ({"csat": 5, "suggestion": "太慢了，等了三周"}, True),
        ({"csat": 3, "nps": 9, "suggestion": "Never Again!"}, True),
        ({"csat": 5, "suggestion": "谢谢，很快"}, False),
        ({"csat": 3, "suggestion": "太慢了"}, False),  # the score says it already
        ({"csat": 5}, False),
    ],
)
def test_a_text_that_speaks_against_its_score_is_looked_at_and_opens_nothing(figures, answers, is_for_review):
    found = figures(**answers)
    assert (found.is_for_review, found.is_negative) == (is_for_review, False)


def test_a_business_may_draw_the_lines_elsewhere(policy):
    lines = NegativePolicy.model_validate({"unsolved": False, "csat_at_most": 3, "nps_at_most": 4})
    made = [score(policy.survey.questionnaires["satisfaction"], answers, lines).why
            for answers in ({"csat": 3}, {"nps": 5}, {"csat": 5, "suggestion": "太慢"})]  # fmt: skip
    assert made == [(Why.CSAT,), (), ()]
    assert score(policy.survey.questionnaires["result"], {"solved": False}, lines).why == ()


def test_open_texts_are_the_comment(figures):
    assert figures("result", solved=False, still_open="退款").comment == "退款"


@given(st.dictionaries(st.sampled_from(["speed", "attitude", "competence", "outcome"]), st.integers(1, 5)))
def test_the_index_lies_between_the_lowest_and_the_highest_dimension(policy, answers):
    found = score(policy.survey.questionnaires["satisfaction"], answers, policy.survey.negative)
    if answers:
        low, high = (25 * (pick(answers.values()) - 1) for pick in (min, max))
        assert low - 1e-9 <= found.index <= high + 1e-9
        assert 0 < found.index_weight <= 1
