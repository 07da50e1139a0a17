"""Forms read against their questionnaire: what shows, what counts, and what is no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.questionnaire import QuestionKind, Questionnaire
from bihuan.rules.questionnaire import Problem, read_answers, shown

WORDS = {"zh": "题", "en": "Q"}
CHAIN = Questionnaire.model_validate({"words": WORDS, "questions": [
    {"name": "solved", "kind": "yes_no", "words": WORDS, "required": True},
    {"name": "why", "kind": "choice", "words": WORDS, "when": {"solved": "no"}, "required": True,
     "choices": {"late": WORDS, "rude": WORDS}},
    {"name": "how_late", "kind": "scale", "from": 0, "to": 10, "words": WORDS, "when": {"why": "late"}},
    {"name": "more", "kind": "text", "words": WORDS, "at_most": 12},
]})  # fmt: skip


def names(questions) -> list[str]:
    return [one.name for one in questions]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["solved", "more"]),
        ({"solved": True}, ["solved", "more"]),
        ({"solved": False}, ["solved", "why", "more"]),
        ({"solved": False, "why": "rude"}, ["solved", "why", "more"]),
        ({"solved": False, "why": "late"}, ["solved", "why", "how_late", "more"]),
        ({"solved": True, "why": "late"}, ["solved", "more"]),  # hidden itself, it brings up nothing
    ],
)
def test_a_question_shows_where_those_before_were_answered_so(answers, expected):
    assert names(shown(CHAIN, answers)) == expected


def test_values_become_answers_of_their_kind():
    read = read_answers(CHAIN, {"solved": "no", "why": "late", "how_late": "10", "more": " 第一行\r\n第二行 "})
    assert read.answers == {"solved": False, "why": "late", "how_late": 10, "more": "第一行\n第二行"}
    assert read.problems == {}


def test_an_answer_that_others_hide_is_left_behind():
    read = read_answers(CHAIN, {"solved": "yes", "why": "late", "how_late": "99"})
    assert (read.answers, read.problems) == ({"solved": True}, {})


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ({}, {"solved": Problem.MISSING}),
        ({"solved": "  "}, {"solved": Problem.MISSING}),
        ({"solved": "maybe"}, {"solved": Problem.NOT_A_CHOICE}),
        ({"solved": "True"}, {"solved": Problem.NOT_A_CHOICE}),
        ({"solved": "no"}, {"why": Problem.MISSING}),
        ({"solved": "no", "why": "Late"}, {"why": Problem.NOT_A_CHOICE}),
        ({"solved": "no", "why": "late", "how_late": "11"}, {"how_late": Problem.OUT_OF_RANGE}),
        ({"solved": "no", "why": "late", "how_late": "-1"}, {"how_late": Problem.OUT_OF_RANGE}),
        ({"solved": "no", "why": "late", "how_late": "007"}, {"how_late": Problem.OUT_OF_RANGE}),
        ({"solved": "no", "why": "late", "how_late": "٣"}, {"how_late": Problem.NOT_A_NUMBER}),
        ({"solved": "no", "why": "late", "how_late": "3.0"}, {"how_late": Problem.NOT_A_NUMBER}),
        ({"solved": "no", "why": "late", "how_late": "9" * 5000}, {"how_late": Problem.OUT_OF_RANGE}),
        ({"solved": "yes", "more": "十三个字十三个字十三个字十"}, {"more": Problem.TOO_LONG}),
        ({"solved": "yes", "is_admin": "1"}, {"is_admin": Problem.UNKNOWN}),
        ({"solved": "yes", "x" * 9000: "1"}, {"x" * 40: Problem.UNKNOWN}),
    ],
)
def test_what_is_no_answer_is_named(raw, problems):
    assert read_answers(CHAIN, raw).problems == problems


def test_as_one_goes_nothing_is_missing():
    read = read_answers(CHAIN, {"more": "慢"}, is_finished=False)
    assert (read.answers, read.problems) == ({"more": "慢"}, {})


def test_what_is_wrong_takes_nothing_else_with_it():
    read = read_answers(CHAIN, {"solved": "no", "why": "nobody", "more": "慢"})
    assert read.answers == {"solved": False, "more": "慢"}


ANYTHING = st.sampled_from(["yes", "no", "late", "rude", "3", "11", "", "\0", "text"]) | st.text()


@given(st.dictionaries(st.sampled_from(["solved", "why", "how_late", "more", "x"]), ANYTHING))
def test_whatever_comes_in_only_checked_answers_come_out(raw):
    read = read_answers(CHAIN, raw)
    assert set(read.answers) <= set(names(shown(CHAIN, read.answers)))
    assert not set(read.answers) & set(read.problems)
    for name, answer in read.answers.items():
        kind = CHAIN[name].kind
        assert type(answer) is {QuestionKind.YES_NO: bool, QuestionKind.SCALE: int}.get(kind, str)


@given(st.data())
def test_reading_again_what_was_read_changes_nothing(policy, data):
    questionnaire = policy.survey.questionnaires["satisfaction"]
    raw = {one.name: data.draw(st.sampled_from(one.words_of_answers() or ["慢一些", "ok"])) for one in questionnaire}
    read = read_answers(questionnaire, raw)
    assert read.problems == {}
    assert read_answers(questionnaire, {name: str(one) for name, one in read.answers.items()}).answers == read.answers
