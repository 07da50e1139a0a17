"""Which questions show, and what a form's raw values say: checked answers, or why they are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bihuan.policy.questionnaire import YES, AnswerWord, Question, QuestionKind, Questionnaire, word_of

Answers = Mapping[str, AnswerWord]
"""By the question's name: a truth for yes_no, a whole number for a scale, else text."""
_LONGEST_SHOWN = 40


class Problem(StrEnum):
    """Why a value is no answer."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    """No question of that name."""
    NOT_A_CHOICE = "not_a_choice"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Read:
    """What a form said: the answers that count, and what is wrong with the rest, by name."""

    answers: dict[str, AnswerWord] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)


def shown(questionnaire: Questionnaire, answers: Answers) -> list[Question]:
    """The questions that show where these were answered so; one that does not show brings up no other."""
    found: list[Question] = []
    counting: dict[str, str] = {}
    for question in questionnaire:
        if _shows(question, counting):
            found.append(question)
            if question.name in answers:
                counting[question.name] = word_of(answers[question.name])
    return found


def _shows(question: Question, answers: Mapping[str, str]) -> bool:
    return all(answers.get(name) in [*map(word_of, wanted)] for name, wanted in question.when.items())


def read_answers(questionnaire: Questionnaire, raw: Mapping[str, str], *, is_finished: bool = True) -> Read:
    """The answers that a form's values give.

    A value left empty is no answer. An answer to a question that the others hide is dropped without a word: whoever
    changes their mind above leaves it behind.

    Args:
        questionnaire: The one it answers.
        raw: Names and values as they came in; untrusted.
        is_finished: False takes what there is as one goes, and misses nothing.
    """
    answers: dict[str, AnswerWord] = {}
    problems = {name[:_LONGEST_SHOWN]: Problem.UNKNOWN for name in raw if name not in questionnaire.by_name}
    counting: dict[str, str] = {}
    for question in questionnaire:
        if not _shows(question, counting):
            continue
        said = raw.get(question.name, "").strip()
        read = _read(question, said) if said else None
        if isinstance(read, Problem):
            problems[question.name] = read
        elif read is not None:
            answers[question.name] = read
            counting[question.name] = word_of(read)
        elif question.required and is_finished:
            problems[question.name] = Problem.MISSING
    return Read(answers, problems)


def _read(question: Question, said: str) -> AnswerWord | Problem:
    match question.kind:
        case QuestionKind.YES_NO:
            return said == YES if said in question.words_of_answers() else Problem.NOT_A_CHOICE
        case QuestionKind.CHOICE:
            return said if said in question.choices else Problem.NOT_A_CHOICE
        case QuestionKind.TEXT:
            return _text(question, said)
        case _:
            return _number(question, said)


def _text(question: Question, said: str) -> str | Problem:
    plain = said.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain if len(plain) <= question.characters else Problem.TOO_LONG


def _number(question: Question, said: str) -> int | Problem:
    if not (said.isascii() and said.removeprefix("-").isdecimal()):
        return Problem.NOT_A_NUMBER
    return int(said) if said in question.words_of_answers() else Problem.OUT_OF_RANGE
