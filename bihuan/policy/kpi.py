"""The indicators 指标 as the policy says them: what each counts, and where it should be."""

from __future__ import annotations

from datetime import timedelta
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
from bihuan.policy.flaw import Flaw, nearest, shown
from bihuan.policy.span import PERCENT, SPAN, parse_percent, parse_span, percent_text, span_text
from bihuan.policy.value import Name, Span, Words

DIMENSIONS = (
    "department", "handler", "channel", "kind", "severity", "region", "product", "business_line", "tier", "source",
)  # fmt: skip
"""What indicators can be cut by."""


class Direction(StrEnum):
    """Which side of its target an indicator should be on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Counts(StrEnum):
    """What an indicator can count in place of a milestone."""

    SOURCE_VERDICT = "source_verdict"
    """What the sources themselves say of having been on time."""
    RESOLVED = "resolved"
    """The share of complaints whose handling has stood."""
    REOPENED = "reopened"
    """The share of handled complaints that were reopened."""
    FIRST_CONTACT = "first_contact"
    """The share of handled complaints that whoever had them first solved for good."""
    FIRST_RESPONSE_TIME = "first_response_time"
    """Hours until somebody answered, the median."""
    RESPONSE_TIME = "response_time"
    """Hours until somebody answered, the mean over all answers that were owed."""
    HANDLING_TIME = "handling_time"
    """Hours until it was handled, the median."""
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
"""Those that are told in points, with the least and the most they can be."""
TIMES = frozenset({Counts.FIRST_RESPONSE_TIME, Counts.RESPONSE_TIME, Counts.HANDLING_TIME})
"""Those that are told in hours, of every hour of the day; all that is neither points nor hours is a share."""
MEDIANS = frozenset({Counts.FIRST_RESPONSE_TIME, Counts.HANDLING_TIME})
"""Times of which the median is told, with what is still open counted as censored."""
SETTLING = frozenset({Counts.RESOLVED, Counts.REOPENED, Counts.FIRST_CONTACT})
"""Those that are known only once a handling has stood for a while."""
_TARGET = {
    "anyOf": [
        {"type": "string", "pattern": f"^{PERCENT.pattern}$"},
        {"type": "string", "pattern": f"^{SPAN.pattern}$"},
        {"type": "number"},
    ],
    "description": "A percentage; a number for csat_mean (1 to 5), nps (-100 to 100) and index (0 to 100); "
    "a span such as 2h for times.",
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
    within: Span | None = Field(
        default=None, description="With resolved, reopened and first_contact: how long a handling has to stand."
    )

    @property
    def is_time(self) -> bool:
        """Told in hours."""
        return self.counts in TIMES

    @property
    def is_share(self) -> bool:
        """Told as a percentage."""
        return self.counts not in TIMES and self.counts not in SCALES

    @field_validator("target", mode="before")
    @classmethod
    def _is_of_its_kind(cls, target: object, info: ValidationInfo) -> float:
        counts = info.data.get("counts")
        if counts in TIMES:
            return parse_span(target) / timedelta(hours=1)
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
        if self.counts in SETTLING and self.within is None:
            raise Flaw("does not say how long a handling has to stand", "add `within: 7d`")
        if self.counts not in SETTLING and self.within is not None:
            raise Flaw("counts nothing that has to stand for a while", "leave it out", ("within",))
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said = {key: value for key, value in dump(self).items() if value not in (None, [], ())}
        if self.counts in SCALES:
            return said
        hours = timedelta(hours=self.target)
        return said | {"target": span_text(hours) if self.is_time else percent_text(self.target)}


class SnapshotPolicy(PolicyModel):
    """What of the indicators is kept day by day and month by month, beside their totals."""

    dimensions: tuple[str, ...] = Field(default=(), description=f"Any of {', '.join(DIMENSIONS)}.")
    most: int = Field(
        default=100, strict=True, ge=1, le=10_000, description="Of each dimension so many values, the most frequent."
    )

    @field_validator("dimensions")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(names):
            if name not in DIMENSIONS:
                raise Flaw(f"no dimension {shown(name)}", nearest(name, DIMENSIONS), (place,))
        return tuple(dict.fromkeys(names))


class KpiPolicy(Section):
    """The indicators by their id, and what is kept of them."""

    indicators: dict[Name, IndicatorPolicy]
    snapshot: SnapshotPolicy = SnapshotPolicy()
