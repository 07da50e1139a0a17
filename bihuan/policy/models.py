"""The policy as frozen models: what the YAML files may say, and what the rules read.

A section dumps into the words it is written in, equal meanings into equal words (``2d`` and ``48h`` both as ``48h``);
its version is a hash of that, so neither comments nor the order of keys change it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.policy.base import Section, fingerprint
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.document import PolicyFile
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.flaw import Flaw, KeyPath, nearest
from bihuan.policy.improvement import ImprovementPolicy
from bihuan.policy.kpi import KpiPolicy
from bihuan.policy.retention import RetentionPolicy
from bihuan.policy.survey import SurveyPolicy
from bihuan.policy.trend import TrendPolicy
from bihuan.policy.value import Code, Words
from schemas.complaint import Kind


class RoutingPolicy(Section):
    """Which department answers for what."""

    departments: dict[Code, Words]
    department_of: dict[Kind, str] = Field(description="Department of each kind.")
    default_department: str = Field(description="Department of a complaint whose kind is unknown or not listed.")
    special_group: str = Field(description="Department of every major complaint.")

    @model_validator(mode="after")
    def _has_known_departments(self) -> RoutingPolicy:
        named: dict[KeyPath, str] = {("department_of", kind.value): code for kind, code in self.department_of.items()}
        named |= {("default_department",): self.default_department, ("special_group",): self.special_group}
        for at, code in named.items():
            if code not in self.departments:
                raise Flaw(f"unknown department {code!r}", nearest(code, self.departments), at)
        return self


class Policy(BaseModel):
    """Everything the business decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendars: CalendarPolicy
    deadline: DeadlinePolicy
    escalation: EscalationPolicy
    survey: SurveyPolicy
    routing: RoutingPolicy
    kpi: KpiPolicy
    improvement: ImprovementPolicy
    trend: TrendPolicy
    retention: RetentionPolicy
    files: dict[str, PolicyFile] = Field(default={}, exclude=True, repr=False)
    """What each section was read from, where it was read from files; no part of what it says."""
    loaded_at: datetime | None = Field(default=None, exclude=True, repr=False)
    """When it was read: a process that read it long ago must not bring it back after others went on."""

    @property
    def version(self) -> str:
        """A hash over the versions of all sections."""
        return fingerprint(self.versions)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each section by its file's name."""
        versions = {name: section.version for name, section in self._sections().items()}
        return {"calendar": self.calendars.version} | versions

    def written(self) -> dict[str, Any]:
        """What every section says, by its file's name, in the words it is written in."""
        sections = {"calendar": self.calendars} | self._sections()
        return {name: section.model_dump(mode="json", by_alias=True) for name, section in sections.items()}

    def _sections(self) -> dict[str, Section]:
        return {
            "deadline": self.deadline, "escalation": self.escalation, "survey": self.survey, "routing": self.routing,
            "kpi": self.kpi, "improvement": self.improvement, "trend": self.trend,
            "retention": self.retention,
        }  # fmt: skip
