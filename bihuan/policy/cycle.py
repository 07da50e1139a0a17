"""The PDCA cycle 改进循环 as the policy says it: who agrees to what and until when, and the numbers of its rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw
from bihuan.policy.value import Share
from schemas.item import Gate

_Days = Annotated[int, Field(strict=True, ge=0, le=366)]


class Approver(StrEnum):
    """As what somebody agrees."""

    QUALITY_MANAGER = "quality_manager"
    DEPARTMENT_HEAD = "department_head"
    """Of the item's department."""
    EXECUTIVE = "executive"
    VERIFIER = "verifier"
    """Anybody who owns neither the item nor one of its measures."""


class Grave(StrEnum):
    """What makes an item one that more people have to agree to."""

    HIGH = "high"
    """Its priority."""
    MAJOR = "major"
    """It is about a major complaint."""
    BUDGET = "budget"
    """It costs more than the limit."""
    LATE = "late"
    """It was carried forward late too often."""


class GatePolicy(PolicyModel):
    """One gate."""

    roles: tuple[Approver, ...] = Field(min_length=1, description="Who agrees.")
    days: int = Field(strict=True, ge=1, le=60, description="Working days within which they do.")
    also: dict[Approver, tuple[Grave, ...]] = Field(
        default={}, description="Who beside them, where one of these holds."
    )

    def wanted(self, grave: frozenset[Grave]) -> tuple[Approver, ...]:
        """Who agrees where these hold, in the order of policy."""
        beside = (role for role, signs in self.also.items() if grave & set(signs))
        return tuple(dict.fromkeys((*self.roles, *beside)))


_GATES = {
    Gate.G1: GatePolicy(roles=(Approver.QUALITY_MANAGER,), days=3),
    Gate.G2: GatePolicy(roles=(Approver.QUALITY_MANAGER, Approver.DEPARTMENT_HEAD), days=5),
    Gate.G3: GatePolicy(roles=(Approver.DEPARTMENT_HEAD,), days=3, also={Approver.EXECUTIVE: tuple(Grave)}),
    Gate.G4: GatePolicy(roles=(Approver.VERIFIER, Approver.QUALITY_MANAGER), days=3),
    Gate.G5: GatePolicy(roles=(Approver.DEPARTMENT_HEAD,), days=5, also={Approver.EXECUTIVE: (Grave.HIGH,)}),
}


class BudgetPolicy(PolicyModel):
    """How an item's money is meant to be split."""

    split: Share = Field(0.6, description="At least so much for what removes causes.")
    reserve: tuple[Share, Share] = Field((0.10, 0.15), description="So much is left over, at least and at most.")

    @field_validator("reserve")
    @classmethod
    def _ascends(cls, reserve: tuple[float, float]) -> tuple[float, float]:
        if reserve[0] > reserve[1]:
            raise Flaw("the least is more than the most", "write the smaller share first")
        return reserve


class CarryPolicy(PolicyModel):
    """From how many times carried forward on an overdue item goes to whom."""

    head: int = Field(2, strict=True, ge=1, le=60)
    executive: int = Field(3, strict=True, ge=1, le=60)


class SustainPolicy(PolicyModel):
    """How long an effect has to hold."""

    months: int = Field(3, strict=True, ge=1, le=36, description="Months without a signal …")
    points: int = Field(8, strict=True, ge=1, le=156, description="… or weeks.")


class CyclePolicy(PolicyModel):
    """The PDCA cycle."""

    gates: dict[Gate, GatePolicy] = Field(default=_GATES, description="All five.")
    budget_limit: float = Field(50_000, ge=0, description="In the currency of the installation.")
    budget: BudgetPolicy = Field(default=BudgetPolicy())
    remind: tuple[_Days, ...] = Field(default=(7, 3, 1), description="Days before a measure is due.")
    carry: CarryPolicy = Field(default=CarryPolicy())
    watch: int = Field(180, strict=True, ge=1, le=1000, description="Days after closing.")
    longest: int = Field(12, strict=True, ge=1, le=60, description="Months from an item's start to its due day.")
    least_coverage: Share = Field(0.8, description="Of the slice, reached by the work.")
    least_trained: Share = Field(0.9, description="Of the people concerned.")
    extensions: int = Field(2, strict=True, ge=0, le=10, description="How often more data are waited for.")
    sustain: SustainPolicy = Field(default=SustainPolicy())

    @model_validator(mode="after")
    def _has_every_gate(self) -> Self:
        if missing := [gate.value for gate in Gate if gate not in self.gates]:
            raise Flaw(f"has no gate {missing[0]}", f"add `{missing[0]}: {{roles: [quality_manager], days: 3}}`",
                       ("gates",))  # fmt: skip
        return self
