"""The indicators 指标 as the policy says them: what each counts, and where it should be."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)

from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.flaw import Flaw, shown
from bihuan.policy.span import PERCENT, parse_percent, percent_text
from bihuan.policy.value import Name, Words


class Direction(StrEnum):
    """Which side of its target an indicator should be on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Counts(StrEnum):
    """What an indicator can count in place of a milestone."""

    SOURCE_VERDICT = "source_verdict"
    """What the sources themselves say of having been on time."""
    CSAT_MEAN = "csat_mean"
    CSAT_TOP_TWO = "csat_top_two"
    """The share of 4 and 5 among satisfaction scores."""
    NPS = "nps"
    INDEX = "index"
    RESPONSE = "response"
    """The share of invitations that were answered."""
    NEGATIVE = "negative"
    """The share of answers that are negative feedback."""


SCALES = {Counts.CSAT_MEAN: (1, 5), Counts.NPS: (-100, 100), Counts.INDEX: (0, 100)}
"""Those that are told in points, with the least and the most they can be; all others are shares."""
_TARGET = {
    "anyOf": [{"type": "string", "pattern": f"^{PERCENT.pattern}$"}, {"type": "number"}],
    "description": "A percentage; a number for csat_mean (1 to 5), nps (-100 to 100) and index (0 to 100).",
}


class IndicatorPolicy(PolicyModel):
    """One indicator 指标: its words, the milestone or the answers it counts, and where it should be."""

    words: Words
    milestone: Name | None = Field(default=None, description="The milestone whose deadlines are counted.")
    counts: Counts | None = Field(
        default=None, description="In place of a milestone: the sources' own verdicts, or what surveys were answered."
    )
    direction: Direction
    target: Annotated[float, WithJsonSchema(_TARGET)]
    min_n: int = Field(strict=True, ge=1, description="With fewer cases than this there is no verdict.")
    reasons: tuple[Name, ...] = Field(
        default=(), description="With nps: questions of choice, whose answers are counted by segment."
    )

    @field_validator("target", mode="before")
    @classmethod
    def _is_of_its_kind(cls, target: object, info: ValidationInfo) -> float:
        counts = info.data.get("counts")
        if counts not in SCALES:
            return parse_percent(target)
        lowest, highest = SCALES[counts]
        if isinstance(target, bool) or not isinstance(target, int | float) or not lowest <= target <= highest:
            raise Flaw(f"{shown(target)} is no target of {counts}", f"write a number from {lowest} to {highest}")
        return target

    @model_validator(mode="after")
    def _counts_one_thing(self) -> IndicatorPolicy:
        if self.milestone is None and self.counts is None:
            raise Flaw("says nothing that it counts", "add `milestone: handled` or `counts: source_verdict`")
        if self.milestone is not None and self.counts is not None:
            raise Flaw("counts two things", "keep `milestone` or `counts`", ("counts",))
        if self.reasons and self.counts is not Counts.NPS:
            raise Flaw("only the net promoter score has reasons", "leave it out", ("reasons",))
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said = {key: value for key, value in dump(self).items() if value not in (None, [], ())}
        return said if self.counts in SCALES else said | {"target": percent_text(self.target)}


class KpiPolicy(Section):
    """The indicators by their id."""

    indicators: dict[Name, IndicatorPolicy]
