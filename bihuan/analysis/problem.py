"""The problem list 问题清单 of a month: what is complained of, how much, since when, and whom it hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Any

import pandas as pd

from bihuan.analysis.evidence import worst
from bihuan.analysis.month import in_month
from bihuan.analysis.pareto_views import (
    NO_WEIGHTS,
    SCATTERED_RATIO,
    SEVERITY_WEIGHTS,
    VITAL_RATIO,
    simultaneous,
    weight,
)
from bihuan.analysis.stage import eaten_by


@dataclass(frozen=True)
class ProblemLine:
    """One line of the list; the columns of ``schemas.improvement.Problem`` and how frequent it is."""

    rank: int
    dimension: str
    element: str
    kind: str
    stage: str
    count: int
    previous: int | None
    share_ratio: float
    low: float
    high: float
    severity_weight: float
    tier_weight: float
    late: int
    negative: int
    people: int
    """Different complainants; who is not known counts as one each."""
    per_thousand: float | None
    """Complaints a thousand of what they are measured by; None without a denominator 无分母."""
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class ProblemList:
    """The lines that make most of the gravity, and what is left."""

    lines: tuple[ProblemLine, ...]
    elements: int
    """How many there are in all."""
    rest: int
    """Complaints of the elements that are not listed."""
    unknown: int
    """Complaints whose element is not known."""
    is_long_tail: bool
    """Whether it takes so many lines that no few problems matter most."""


def problem_list(
    frame: pd.DataFrame, month_on: date, dimension: str, exposure: pd.Series | None = None,
    severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS, tier_weights: Mapping[str, float] = NO_WEIGHTS,
) -> ProblemList:  # fmt: skip
    """The problems of the month by one dimension (product, topic, kind …), the gravest first.

    Ranked by the sum of severity weights, so that one grave matter is not lost among many slight ones; equal ones by
    count, then by name. Listed are the fewest that make ``VITAL_RATIO`` of that sum.

    Args:
        frame: Complaints of the month and its baseline (``bihuan.analysis.month``).
        month_on: First day of the month.
        dimension: A column of categories.
        exposure: What complaints are measured by in this month, by element; None: no denominator.
        severity_weights: What a complaint of each severity counts.
        tier_weights: The same of tiers.

    Returns:
        Shares are of all complaints whose element is known, with intervals that hold for all elements at once.
        ``previous`` is None where the frame holds nothing of the month before.
    """
    is_now = in_month(frame["registered_on"], month_on)
    month = frame[is_now]
    known = month[month[dimension].notna()]
    table = _counted(known, dimension, severity_weights, tier_weights)
    table = table.join(simultaneous(table["count"])).assign(share=table["count"] / max(len(known), 1))
    table = table.assign(previous=_previous(frame, month_on, dimension))
    order = table.reset_index().sort_values(["gravity", "count", "element"], ascending=[False, False, True])
    reached = order["gravity"].cumsum() >= (VITAL_RATIO - 1e-9) * order["gravity"].sum()
    listed = order.head(int(reached.to_numpy().argmax()) + 1) if len(order) else order
    of = dict(iter(known.groupby(known[dimension].astype("str"), observed=True)))
    lines = tuple(
        _line(rank, dimension, row, of[row.element], exposure, severity_weights)
        for rank, row in enumerate(listed.rename(columns={"count": "count_"}).itertuples(), start=1)
    )
    rest = int(order["count"].sum() - listed["count"].sum())
    return ProblemList(lines, len(order), rest, len(month) - len(known), len(listed) > SCATTERED_RATIO * len(order))


def _counted(
    known: pd.DataFrame, dimension: str, severity_weights: Mapping[str, float], tier_weights: Mapping[str, float]
) -> pd.DataFrame:
    """What there is of each element in the month."""
    facts = pd.DataFrame({
        "element": known[dimension].astype("str"),
        "gravity": weight(known["severity"], severity_weights),
        "tier": weight(known["tier"], tier_weights),
        "late": known["is_late"].fillna(value=False).astype("int64"),
        "negative": known["is_negative"].fillna(value=False).astype("int64"),
        "person": known["person"].where(known["person"] != "", "number:" + known["number"]),
        "stage": eaten_by(known),
        "kind": known["kind"].astype("str").fillna(""),
    })  # fmt: skip
    grouped = facts.groupby("element")
    sums = grouped[["gravity", "tier", "late", "negative"]].sum()
    return sums.assign(
        count=grouped.size(), people=grouped["person"].nunique(),
        stage=_most(facts, "stage"), kind=_most(facts, "kind"),
    ).fillna({"stage": "", "kind": ""})  # fmt: skip


def _most(facts: pd.DataFrame, column: str) -> pd.Series:
    """The word that is most frequent in each element, of equal ones the first by name; empty words do not count."""
    said = facts[facts[column] != ""]
    counts = said.groupby(["element", column]).size().rename("n").reset_index()
    first = counts.sort_values(["n", column], ascending=[False, True]).drop_duplicates("element")
    return first.set_index("element")[column]


def _previous(frame: pd.DataFrame, month_on: date, dimension: str) -> pd.Series | float:
    """How many there were in the month before; NaN where the frame holds nothing of it."""
    first = pd.Timestamp(month_on)
    before = frame[(frame["registered_on"] < first) & (frame["registered_on"] >= first - pd.offsets.MonthBegin())]
    if before.empty:
        return float("nan")
    return before[dimension].value_counts().rename(str).astype("float64")


def _line(
    rank: int, dimension: str, row: Any, own: pd.DataFrame, exposure: pd.Series | None,
    severity_weights: Mapping[str, float],
) -> ProblemLine:  # fmt: skip
    measured = float(exposure.get(row.element, 0)) if exposure is not None else 0.0
    return ProblemLine(
        rank=rank, dimension=dimension, element=row.element, kind=row.kind, stage=row.stage, count=row.count_,
        previous=None if isnan(row.previous) else int(row.previous), share_ratio=row.share, low=row.low,
        high=row.high, severity_weight=row.gravity, tier_weight=row.tier, late=row.late, negative=row.negative,
        people=row.people, per_thousand=1000 * row.count_ / measured if measured else None,
        evidence=worst(own, severity_weights),
    )  # fmt: skip
