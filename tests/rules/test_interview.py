"""Why a customer is worth an interview."""

from __future__ import annotations

import pytest

from bihuan.policy.survey import InterviewPolicy
from bihuan.rules.interview import Why, why

POLICY = InterviewPolicy()


@pytest.mark.parametrize(
    ("tier", "complaints", "expected"),
    [
        ("premium", 1, (Why.TIER,)),
        ("premium", 2, (Why.TIER, Why.REPEATED)),
        ("basic", 2, (Why.REPEATED,)),
        (None, 2, (Why.REPEATED,)),
        ("basic", 1, ()),
        (None, 1, ()),
        ("premium", 0, ()),
    ],
)
def test_a_tier_or_several_complaints_are_a_reason(tier, complaints, expected):
    assert why(tier, complaints, POLICY) == expected


def test_without_tiers_only_the_number_of_complaints_counts():
    assert why("premium", 1, InterviewPolicy(tiers=())) == ()
