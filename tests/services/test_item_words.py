"""Refusals in a reader's words: each of them has one, in both languages."""

from __future__ import annotations

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.rules.budget import Oddity
from bihuan.rules.goal import Lack as GoalLack
from bihuan.rules.goal import Letter
from bihuan.rules.item import Lack, Refusal
from bihuan.services.item_log import LackingError, text_of


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("section", "enum"),
    [("item_lack", Lack), ("goal_lack", GoalLack), ("smart", Letter), ("budget_oddity", Oddity)],
)
def test_every_word_of_the_rules_has_one_for_people(section, enum, language):
    assert {one.value for one in enum} == set(words(language)[section])


@pytest.mark.parametrize(
    ("refusal", "zh", "en"),
    [
        (Refusal(Lack.GOAL, "a out_of_band"), "可达成: 优于该指标的历史最好水平，又没有写明理由",
         "achievable: better than the indicator has ever been, and no reason is given"),
        (Refusal(Lack.NOT_DONE, "2"), "措施 2 尚未完成", "measure 2 is not done"),
        (Refusal(Lack.VERIFICATION, "no_plan"), "验证方案：尚未编写", "verification plan: it has not been written"),
    ],
)  # fmt: skip
def test_a_refusal_reads_naturally(refusal, zh, en):
    assert (text_of(refusal, "zh"), text_of(refusal, "en")) == (zh, en)


def test_an_error_is_one_line_with_everything_that_is_missing():
    error = LackingError("PDCA-2026-11-01", "approved", (Refusal(Lack.NO_MEASURE), Refusal(Lack.NOT_APPROVED, "g3")))
    assert str(error) == (
        "PDCA-2026-11-01 cannot become approved: no measure, or all are cancelled; gate g3 is not agreed to by all who "
        "must - see `bihuan improvement show PDCA-2026-11-01`"
    )
