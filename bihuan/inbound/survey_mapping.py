"""A mapping of a foreign survey 外部问卷: which column holds which question, and which codes are answers at all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bihuan.inbound.instant import instant_reader
from bihuan.inbound.source import Origin, SourceFile, Value, column_at, load
from bihuan.inbound.word import Column, Word, Words
from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw, KeyPath
from bihuan.policy.value import Name
from bihuan.rules.satisfaction import Dimension

OURS = "bihuan"
"""The source of our own answers."""
_CSAT, _NPS = range(1, 6), range(11)


def _by_themselves(codes: Any) -> Any:
    """A list of codes, each of which means itself; what is no list of words is left to be refused."""
    is_list = isinstance(codes, list) and not any(isinstance(code, list | dict) for code in codes)
    return {code: code for code in codes} if is_list else codes


class _Question(Origin):
    """A column with codes. What is neither ``valid`` nor ``blank`` is no answer, and is reported."""

    column: Column
    blank: Words = frozenset()
    """Codes that mean "not answered", besides the empty cell and the mapping's missing words."""

    @abstractmethod
    def codes(self) -> Mapping[str, Any]:
        """What each valid code means."""

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        for code in sorted(self.blank & self.codes().keys()):
            raise Flaw(f"{code!r} is listed as valid and as blank", "keep it in one of the two", ("blank",))
        return self


class Score(_Question):
    """A question answered by a number."""

    valid: Annotated[dict[Word, int], BeforeValidator(_by_themselves), Field(min_length=1)]
    """The codes that are answers: a list of numbers, or codes with the number each stands for."""

    def codes(self) -> Mapping[str, int]:
        """The number of each valid code."""
        return self.valid


class Aspect(Score):
    """A dimension 维度 of the satisfaction index."""

    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_a_scale(self) -> Self:
        if len(set(self.valid.values())) == 1:
            raise Flaw("has only one answer", "list the whole scale", ("valid",))
        return self

    def dimension(self) -> Dimension:
        """Its weight, and its scale from the least of the valid numbers to the greatest."""
        return Dimension(self.weight, min(self.valid.values()), max(self.valid.values()))


class Choice(_Question):
    """A question answered by one of several words."""

    valid: Annotated[dict[Word, Word], BeforeValidator(_by_themselves), Field(min_length=1)]
    """The codes that are answers, and the word that each stands for."""

    def codes(self) -> Mapping[str, str]:
        """The word of each valid code."""
        return self.valid


class Solved(_Question):
    """Whether the matter was solved, in the person's own view."""

    valid: dict[Word, bool]
    """The codes that are answers: ``{1: true, 2: false}``."""

    def codes(self) -> Mapping[str, bool]:
        """What each valid code means."""
        return self.valid


class Moment(Origin):
    """When it was answered: a column, or one instant for the whole file."""

    column: Column | None = None
    before: Word = ""
    """What is put in front of the column's text, such as the year and month of a column of days."""
    constant: Word | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.column is None) is (self.constant is None):
            raise Flaw("needs either a column or a constant", "write `answered_at: Column` or `{constant: 2026-11-03}`")
        return self


class SurveyFields(PolicyModel):
    """The elements of an answer, each with its origin; what is not named stays empty."""

    external_id: Column
    answered_at: Moment
    csat: Score | None = None
    nps: Score | None = None
    solved: Solved | None = None
    comment: Value | None = None
    language: Value | None = None
    weight: Column | None = None

    @field_validator("csat")
    @classmethod
    def _is_1_to_5(cls, score: Score | None) -> Score | None:
        return _inside(score, _CSAT, "a satisfaction score is 1 to 5")

    @field_validator("nps")
    @classmethod
    def _is_0_to_10(cls, score: Score | None) -> Score | None:
        return _inside(score, _NPS, "a recommendation is 0 to 10")


def _inside(score: Score | None, scale: range, rule: str) -> Score | None:
    for code, number in (score.valid if score else {}).items():
        if number not in scale:
            cure = f"{rule}: write `{code}: number` with the number that it stands for, or list it under blank"
            raise Flaw(f"{number} is no such score", cure, ("valid", code))
    return score


class Negative(PolicyModel):
    """Which answers are negative feedback 负面反馈; "not solved" always is."""

    csat_at_most: int = Field(default=2, ge=0, le=5)
    nps_at_most: int = Field(default=6, ge=-1, le=10)


class SurveyMapping(SourceFile):
    """Everything there is to say about one foreign survey's file."""

    fields: SurveyFields
    dimensions: dict[Name, Aspect] = Field(default_factory=dict)
    choices: dict[Name, Choice] = Field(default_factory=dict)
    negative: Negative = Negative()

    @field_validator("source")
    @classmethod
    def _is_foreign(cls, source: str) -> str:
        if source == OURS:
            raise Flaw(f"{OURS!r} names our own answers", "name the survey otherwise")
        return source

    @model_validator(mode="after")
    def _has_an_instant(self) -> Self:
        try:
            if self.fields.answered_at.constant is not None:
                instant_reader(self.dates)(self.fields.answered_at.constant)
        except ValueError as error:
            cure = "write it as `dates:` says"
            raise Flaw(
                f"{self.fields.answered_at.constant!r} {error}", cure, ("fields", "answered_at", "constant")
            ) from error
        return self

    @model_validator(mode="after")
    def _names_each_question_once(self) -> Self:
        taken = {"csat", "nps", "solved"}
        for block, names in (("dimensions", self.dimensions), ("choices", self.choices)):
            for name in names:
                if name in taken:
                    raise Flaw(f"there is a question {name!r} already", "name it otherwise", (block, name))
                taken.add(name)
        return self

    def questions(self) -> Iterator[tuple[KeyPath, str, _Question]]:
        """Every question with codes: its place in the mapping, its name and what the mapping says of it."""
        for name in ("csat", "nps", "solved"):
            if question := getattr(self.fields, name):
                yield ("fields", name), name, question
        for name, aspect in self.dimensions.items():
            yield ("dimensions", name), name, aspect
        for name, choice in self.choices.items():
            yield ("choices", name), name, choice

    def columns(self) -> Iterator[tuple[KeyPath, str]]:
        """Every column that is read, with the place in the mapping that names it."""
        yield ("fields", "external_id"), self.fields.external_id
        yield from column_at(("fields", "answered_at"), self.fields.answered_at.column)
        yield from column_at(("fields", "weight"), self.fields.weight)
        for name in ("comment", "language"):
            if value := getattr(self.fields, name):
                yield from column_at(("fields", name), value.column)
        for at, _, question in self.questions():
            yield at, question.column


def load_survey_mapping(path: Path) -> SurveyMapping:
    """The mapping of a survey in the file at ``path``.

    Raises:
        UsageError: It cannot be read, is not YAML, or says something that cannot be meant: file, line and key.
    """
    return load(path, SurveyMapping)
