"""Questionnaires 问卷 as data: the questions, what may be answered, and which answer brings up which question.

A new question is one entry of YAML. Three names mean something to the indicators and keep their form: ``solved``
(yes_no), ``csat`` (scale 1 to 5) and ``nps`` (scale 0 to 10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw, KeyPath, nearest, shown
from bihuan.policy.span import percent_text
from bihuan.policy.value import Name, Share, Words

LONGEST_TEXT = 5000
"""The most characters an open question may take."""
_USUAL_TEXT = 500
_WHOLE = 1.0
_EXACT = 1e-9
YES, NO = "yes", "no"


class QuestionKind(StrEnum):
    """How a question is answered."""

    YES_NO = "yes_no"
    SCALE = "scale"
    """One whole number."""
    CHOICE = "choice"
    """One of its choices."""
    DIMENSION = "dimension"
    """A scale with a weight: a part of the satisfaction index."""
    TEXT = "text"


SCALES = frozenset({QuestionKind.SCALE, QuestionKind.DIMENSION})
_OWN = {
    "start": SCALES, "to": SCALES, "ends": SCALES, "weight": {QuestionKind.DIMENSION},
    "choices": {QuestionKind.CHOICE}, "at_most": {QuestionKind.TEXT},
}  # fmt: skip
_NEEDED = {
    QuestionKind.SCALE: ("start", "to"), QuestionKind.DIMENSION: ("start", "to", "weight"),
    QuestionKind.CHOICE: ("choices",),
}  # fmt: skip
_WRITTEN = {
    "start": "from: 1", "to": "to: 5", "weight": "weight: 25%", "choices": "choices: {late: {zh: 太慢, en: Too slow}}",
}  # fmt: skip
_COUNTED = {"solved": (QuestionKind.YES_NO, None, None), "csat": (QuestionKind.SCALE, 1, 5),
            "nps": (QuestionKind.SCALE, 0, 10)}  # fmt: skip


def _as_list(raw: object) -> object:
    return raw if isinstance(raw, list | tuple) else (raw,)


AnswerWord = bool | int | str
_ANSWER_SCHEMA = {"type": ["boolean", "integer", "string"]}
Answers = Annotated[
    tuple[AnswerWord, ...], BeforeValidator(_as_list), Field(min_length=1),
    WithJsonSchema({"anyOf": [_ANSWER_SCHEMA, {"type": "array", "items": _ANSWER_SCHEMA, "minItems": 1}]}),
]  # fmt: skip


class Ends(PolicyModel):
    """What the two ends of a scale mean."""

    start: Words = Field(alias="from")
    to: Words


class Question(PolicyModel):
    """One question 题目."""

    name: Name
    kind: QuestionKind
    words: Words = Field(description="The question itself.")
    hint: Words | None = Field(None, description="A line below it.")
    required: bool = Field(default=False, strict=True, description="An answer without it is not finished.")
    when: dict[Name, Answers] = Field(
        default={}, description="It shows only where these earlier questions were answered so."
    )
    start: int | None = Field(None, alias="from", strict=True, ge=0, le=10, description="The lowest of the scale.")
    to: int | None = Field(None, strict=True, ge=1, le=10, description="The highest of the scale.")
    ends: Ends | None = None
    weight: Share | None = Field(None, description="Of a dimension; those of a questionnaire make 100% together.")
    choices: dict[Name, Words] = Field(default={})
    at_most: int | None = Field(
        None, strict=True, ge=1, le=LONGEST_TEXT, description=f"Characters of a text; without it, {_USUAL_TEXT}."
    )

    @model_validator(mode="after")
    def _has_what_its_kind_takes(self) -> Self:
        for name, kinds in _OWN.items():
            if getattr(self, name) and self.kind not in kinds:
                cure = f"leave it out, or make it {' or '.join(sorted(kinds))}"
                raise Flaw(f"is not for {self.kind.value}", cure, (_key(name),))
        for name in _NEEDED.get(self.kind, ()):
            if getattr(self, name) in (None, {}):
                raise Flaw(f"has no {_key(name)}", f"write `{_WRITTEN[name]}`")
        if self.start is not None and self.to is not None and self.start >= self.to:
            raise Flaw(
                f"the scale runs from {self.start} to {self.to}", "let it run upwards: `from: 1, to: 5`", ("to",)
            )
        return self

    @model_validator(mode="after")
    def _keeps_the_form_of_its_name(self) -> Self:
        if self.name in _COUNTED and _COUNTED[self.name] != (self.kind, self.start, self.to):
            kind, start, to = _COUNTED[self.name]
            scale = "" if start is None else f", from: {start}, to: {to}"
            raise Flaw(f"{self.name!r} is what indicators count", f"keep `kind: {kind}{scale}`, or name it otherwise")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dump(self).items() if value not in (None, {})}

    @property
    def characters(self) -> int:
        """The most characters that a text may have."""
        return self.at_most or _USUAL_TEXT

    def words_of_answers(self) -> list[str]:
        """Everything that may be answered, as a form sends it; a text has no list."""
        match self.kind:
            case QuestionKind.YES_NO:
                return [YES, NO]
            case QuestionKind.CHOICE:
                return list(self.choices)
            case QuestionKind.TEXT:
                return []
            case _:
                assert self.start is not None
                assert self.to is not None
                return [str(number) for number in range(self.start, self.to + 1)]


def _key(name: str) -> str:
    return "from" if name == "start" else name


class Questionnaire(PolicyModel):
    """Questions in the order in which they are asked."""

    words: Words
    thanks: Words | None = Field(None, description="What is said once it is answered.")
    questions: tuple[Question, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _asks_what_can_be_answered(self) -> Self:
        earlier: dict[str, Question] = {}
        for place, question in enumerate(self.questions):
            at: KeyPath = ("questions", place)
            if question.name in earlier:
                raise Flaw(f"{question.name!r} is asked twice", "give it a name of its own", (*at, "name"))
            for name, answers in question.when.items():
                _check_branch(question, earlier, name, answers, (*at, "when", name))
            earlier[question.name] = question
        self._check_weights()
        return self

    def _check_weights(self) -> None:
        weights = [one.weight for one in self.questions if one.weight is not None]
        if weights and abs(sum(weights) - _WHOLE) > _EXACT:
            what = f"the weights of the dimensions make {percent_text(sum(weights))}"
            last = max(place for place, one in enumerate(self.questions) if one.weight is not None)
            raise Flaw(what, "let them make 100% together", ("questions", last, "weight"))

    def __iter__(self) -> Iterator[Question]:  # type: ignore[override]
        """The questions in order."""
        return iter(self.questions)

    def __getitem__(self, name: str) -> Question:
        """The question of that name.

        Raises:
            KeyError: There is none.
        """
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, Question]:
        """The questions by name."""
        return {one.name: one for one in self.questions}


def _check_branch(
    question: Question, earlier: Mapping[str, Question], name: str, answers: tuple[AnswerWord, ...], at: KeyPath
) -> None:
    """Refuse a branch on a question that does not come before, or on an answer that nobody can give."""
    if name not in earlier:
        if not earlier:
            raise Flaw("no question comes before", "ask that first", at)
        if name == question.name:
            raise Flaw("depends on itself", nearest(name, earlier), at)
        raise Flaw(f"no question {name!r} comes before", nearest(name, earlier), at)
    known = earlier[name].words_of_answers()
    if not known:
        raise Flaw(f"{name!r} is an open question", "branch on one with a list of answers", at)
    for answer in answers:
        if word_of(answer) not in known:
            raise Flaw(f"{shown(answer)} is no answer to {name!r}", nearest(word_of(answer), known), at)


def word_of(answer: AnswerWord) -> str:
    """An answer as a form sends it."""
    return (YES if answer else NO) if isinstance(answer, bool) else str(answer)
