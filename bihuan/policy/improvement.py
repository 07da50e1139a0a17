"""Improvement 改进: how a month is looked at, what counts as a finding, and how much of it is claimed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.cycle import CyclePolicy
from bihuan.policy.escalation import TimeOfDay
from bihuan.policy.flaw import Flaw
from bihuan.policy.scope import When
from bihuan.policy.value import Code, Name, Share
from schemas.complaint import Severity

_Weight = Annotated[float, Field(gt=0, le=1000)]


class Weights(PolicyModel):
    """How much one complaint weighs where problems are ranked by harm, and not by how many they are."""

    severity: dict[Severity, _Weight] = Field(description="By severity; all of them.")
    tier: dict[Code, _Weight] = Field(default={}, description="By customer tier; 1 for any other, and for none.")

    @model_validator(mode="after")
    def _weighs_every_severity(self) -> Self:
        if missing := [one.value for one in Severity if one not in self.severity]:
            raise Flaw(f"weighs no {missing[0]}", f"add `{missing[0]}: 1`", ("severity",))
        return self


class ClaimPolicy(PolicyModel):
    """From when on a slice is claimed to explain a change."""

    q: Share = Field(0.10, description="The share of false discoveries that is borne, over everything tested.")
    contribution: Share = Field(0.25, description="The least part of the whole change that a slice must explain.")
    least_n: int = Field(30, strict=True, ge=1, description="Slices with fewer cases are put together as others.")
    least_expected: int = Field(5, strict=True, ge=1, description="… and those with fewer expected events.")


class TopicPolicy(PolicyModel):
    """What complainants write about."""

    chinese: int = Field(12, strict=True, ge=2, le=30, description="Into how many Chinese texts are told apart.")
    english: int = Field(6, strict=True, ge=2, le=30, description="… and English ones.")
    words: tuple[Annotated[str, Field(min_length=2, max_length=40)], ...] = Field(
        default=(), description="Words of the trade that are one word each."
    )


class MonthScope(PolicyModel):
    """A part of the house that has a month of its own beside the whole."""

    when: When


class MonthPolicy(PolicyModel):
    """The analysis of a month: when, against what, how."""

    at: TimeOfDay = Field(description="Of the first working day after it, in the default calendar and its zone.")
    baseline: int = Field(3, strict=True, ge=1, le=12, description="Months before it that it is held against.")
    catch_up: int = Field(12, strict=True, ge=1, le=60, description="Missed months that are made up for, at most.")
    evidence: int = Field(20, strict=True, ge=1, le=200, description="Complaint numbers beside each line, at most.")
    weights: Weights
    claim: ClaimPolicy = Field(default=ClaimPolicy())
    topics: TopicPolicy = Field(default=TopicPolicy())
    scopes: dict[Name, MonthScope] = Field(default={}, description="Parts of the house with a month of their own.")


class ImprovementPolicy(Section):
    """How the house finds out what to make better, and makes it so."""

    month: MonthPolicy
    cycle: CyclePolicy = CyclePolicy()
