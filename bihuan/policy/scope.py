"""Scopes 适用范围: for which complaints a line of the policy holds, by what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, NamedTuple, Protocol, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw
from schemas.complaint import Channel, Kind, Severity


class Facts(NamedTuple):
    """What scopes look at; None where it is not known."""

    business_line: str | None = None
    region: str | None = None
    department: str | None = None
    channel: str | None = None
    tier: str | None = None
    kind: str | None = None
    severity: str | None = None


DIMENSIONS = Facts._fields

Word = Annotated[str, StringConstraints(min_length=1, max_length=160)]


class When(PolicyModel):
    """The complaints that a scope holds for: those that have one of the words in each dimension it names."""

    business_line: tuple[Word, ...] = Field((), description="Business lines 业务线.")
    region: tuple[Word, ...] = Field((), description="Regions 地区.")
    department: tuple[Word, ...] = Field((), description="Codes of departments 部门.")
    channel: tuple[Channel, ...] = Field((), description="Channels 渠道.")
    tier: tuple[Word, ...] = Field((), description="Customer tiers 客户分层.")
    kind: tuple[Kind, ...] = Field((), description="Kinds 类型.")
    severity: tuple[Severity, ...] = Field((), description="Severities 严重程度.")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.named:
            raise Flaw("names no dimension", f"write at least one of {', '.join(DIMENSIONS)}")
        return self

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The words by dimension, of those that are named."""
        return {name: words for name in DIMENSIONS if (words := getattr(self, name))}

    def holds(self, facts: Facts) -> bool:
        """Whether a complaint of these facts is meant."""
        return all(getattr(facts, name) in words for name, words in self.named.items())

    def overlaps(self, other: When) -> bool:
        """Whether one complaint can be meant by both."""
        mine, theirs = self.named, other.named
        return all(set(mine[name]) & set(theirs[name]) for name in mine.keys() & theirs.keys())


class Scoped(Protocol):
    """What holds for some complaints only."""

    @property
    def when(self) -> When:
        """For which."""

    def says(self) -> set[str]:
        """What it decides, by key: two that decide nothing in common never contradict."""


_Scope = TypeVar("_Scope", bound=Scoped)


def by_specificity(scopes: Mapping[str, _Scope], facts: Facts) -> list[tuple[str, _Scope]]:
    """The scopes that hold for these facts with their names, those that name the most dimensions first."""
    holding = ((name, scope) for name, scope in scopes.items() if scope.when.holds(facts))
    return sorted(holding, key=lambda one: -len(one[1].when.named))


def refuse_ties(scopes: Mapping[str, Scoped]) -> None:
    """Refuse two scopes of the same number of dimensions that could say different things of one complaint.

    Raises:
        Flaw: There are such two; names both.
    """
    for (first, one), (second, other) in combinations(scopes.items(), 2):
        is_tie = len(one.when.named) == len(other.when.named) and one.when.overlaps(other.when)
        if is_tie and (common := sorted(one.says() & other.says())):
            raise Flaw(
                f"holds for the same complaints as {first!r}, as specific, and both say {common[0]}",
                "let one of them name a dimension more, or keep their words apart",
                (second, "when"),
            )
