"""The review of a month: everything that is told of it, from two frames and what the policy says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from bihuan.analysis.candidates import USUAL, Candidates, Parameters, candidates
from bihuan.analysis.month import in_month
from bihuan.analysis.pareto_views import NO_WEIGHTS, Pareto, View, pareto_views
from bihuan.analysis.problem import ProblemList, problem_list
from bihuan.analysis.stage import delays
from bihuan.analysis.topic import Topic


@dataclass(frozen=True)
class Period:
    """Which month, of which part of the house, seen when."""

    month_on: date
    """First day."""
    until_on: date
    """First day after it."""
    baseline_on: date
    """First day of the months that it is held against."""
    as_of: datetime
    """What happened later does not count."""
    timezone: str
    scope: str = ""
    """Name of the scope in the policy; empty: the whole house."""

    @property
    def name(self) -> str:
        """The month as people write it: ``2026-10``."""
        return f"{self.month_on:%Y-%m}"


@dataclass(frozen=True)
class Review:
    """What a month comes to. Its texts are masked, its persons are keys."""

    period: Period
    complaints: pd.DataFrame
    answers: pd.DataFrame
    parameters: Parameters
    tier_weights: Mapping[str, float]
    known: tuple[Topic, ...]
    """The topics of the months before."""
    found: Candidates
    problems: ProblemList
    paretos: Mapping[View, Pareto]
    delays: pd.DataFrame
    """Which stage ate the lateness (``bihuan.analysis.stage.delays``)."""
    quality: Mapping[str, Any]
    """What is known of the data's own gaps: counts by what is missing."""
    indicators: Sequence[Mapping[str, Any]] = ()
    """Of the month, as ``bihuan kpi show`` has them."""
    trend: Sequence[Mapping[str, Any]] = ()
    """The same by month, over baseline and month."""

    @property
    def is_now(self) -> pd.Series:
        """Whether each complaint was registered in the month."""
        return in_month(self.complaints["registered_on"], self.period.month_on)

    @property
    def problems_by(self) -> str:
        """The dimension that problems are told apart by."""
        return problems_by(self.complaints[self.is_now])


def reviewed(
    period: Period, complaints: pd.DataFrame, answers: pd.DataFrame, *, parameters: Parameters = USUAL,
    tier_weights: Mapping[str, float] = NO_WEIGHTS, known: Sequence[Topic] = (),
) -> Review:  # fmt: skip
    """The review of a month, without its indicators: those come from the registry.

    Args:
        period: Of the frames.
        complaints: Checked, of the baseline and the month (``bihuan.analysis.month``).
        answers: Checked, of the same months.
        parameters: What the policy says of candidates.
        tier_weights: What a complaint of each customer tier counts.
        known: The topics of the months before.
    """
    found = candidates(complaints, answers, period.month_on, known, None, parameters)
    month = complaints[in_month(complaints["registered_on"], period.month_on)]
    by = problems_by(month)
    return Review(
        period, complaints, answers, parameters, tier_weights, tuple(known), found,
        problem_list(complaints, period.month_on, by, None, parameters.severity_weights, tier_weights),
        pareto_views(month, by, tier_weights, parameters.severity_weights),
        delays(month), _quality(month, answers, period),
    )  # fmt: skip


def problems_by(month: pd.DataFrame) -> str:
    """What the problems of a month are told apart by: the product, or the kind where hardly any complaint has one.

    Args:
        month: The month's complaints.
    """
    is_named = month["product"].notna().mean() >= _MOSTLY if len(month) else True
    return "product" if is_named else "kind"


_MOSTLY = 0.5


def _quality(month: pd.DataFrame, answers: pd.DataFrame, period: Period) -> dict[str, Any]:
    """What of the month is not known, by what it is missing."""
    dimensions = ("kind", "department", "handler", "region", "tier", "business_line", "product")
    answered = answers["answered_on"] >= pd.Timestamp(period.month_on)
    return {
        "complaints": len(month),
        "answers": int(answered.sum()),
        "judged_answers": int(answers.loc[answered, "is_negative"].notna().sum()),
        "without_sla": int(month["is_late"].isna().sum()),
        "open": int((~month["is_handled"]).sum()),
        "without_text": int((month["text"] == "").sum()),
        "without_person": int((month["person"] == "").sum()),
        "unknown": {name: int(month[name].isna().sum()) for name in dimensions},
    }
