"""Pareto in four views: what is frequent, what is grave, whom it hits, and how often it happens to those it can.

A Pareto of counts shows what is big, not what changed; that is for ``bihuan.analysis.contribution``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import multinomial_proportions_confint

from bihuan.analysis.kpi import CONFIDENCE, rates

VITAL_RATIO = 0.80
"""The vital few are the smallest set that reaches this share (Juran's reading of Pareto)."""
SCATTERED_RATIO = 0.60
"""Where more than this share of all categories is needed for it, nothing is vital: 分布分散,帕累托不适用."""
NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})
SEVERITY_WEIGHTS: Mapping[str, float] = MappingProxyType({"general": 1.0, "urgent": 3.0, "major": 9.0})
COLUMNS = ("value", "share", "cumulative_share", "low", "high", "x", "n", "is_vital")


class View(StrEnum):
    """What a Pareto counts."""

    COUNT = "count"
    SEVERITY = "severity"
    TIER = "tier"
    RATE = "rate"


@dataclass(frozen=True)
class Pareto:
    """One view of one dimension."""

    view: View
    rows: pd.DataFrame
    """Index the element; ``COLUMNS``, greatest ``value`` first, equal ones by name."""
    total: float
    """Of what the view counts; of rates the complaints."""
    unknown: int
    """Complaints whose element is not known; they are no part of it."""
    vital: int
    """How many elements the vital few are."""
    is_scattered: bool
    """Whether so many are needed that the rule says nothing."""


def pareto_views(
    frame: pd.DataFrame,
    dimension: str,
    tier_weights: Mapping[str, float] = NO_WEIGHTS,
    severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS,
    exposure: pd.Series | None = None,
) -> dict[View, Pareto]:
    """The views of a dimension of one month's complaints.

    Args:
        frame: Complaints (``bihuan.analysis.month``) of one period.
        dimension: A column of categories.
        tier_weights: What a complaint of each tier counts; a tier it does not name, and an unknown one, counts 1.
        severity_weights: The same of severities.
        exposure: What complaints are measured by, by element: orders, contacts, installations; None: there is no
            denominator 无分母 and no view of rates.

    Returns:
        ``count`` with simultaneous intervals of the shares (Goodman, Technometrics 7, 1965), ``severity`` and ``tier``
        with none, ``rate`` with Wilson's interval of each rate and without shares: rates do not add up. A rate view
        holds the elements that have an exposure of at least their complaints.
    """
    known = frame[frame[dimension].notna()]
    elements = known[dimension].astype("str")
    unknown = len(frame) - len(known)
    found = {View.COUNT: _shares(View.COUNT, elements, pd.Series(1.0, known.index), unknown)}
    for view, column, weights in (
        (View.SEVERITY, "severity", severity_weights), (View.TIER, "tier", tier_weights),
    ):  # fmt: skip
        found[view] = _shares(view, elements, weight(known[column], weights), unknown)
    if exposure is not None:
        found[View.RATE] = _rates(elements, exposure, unknown)
    return found


def weight(values: pd.Series, weights: Mapping[str, float]) -> pd.Series:
    """What each complaint counts by its severity or tier, float64; 1 where nothing is said of it.

    Args:
        values: Categories, shape (n,).
        weights: By category.
    """
    return values.astype("object").map(dict(weights)).astype("float64").fillna(1.0)


def simultaneous(counts: pd.Series) -> pd.DataFrame:
    """Intervals of all shares at once (Goodman, Technometrics 7, 1965; statsmodels).

    Args:
        counts: Whole, 0 or more, shape (k,).

    Returns:
        Same index: ``low`` and ``high``, float64 in 0..1, NaN where there is nothing at all. A single category has
        the whole of it.
    """
    if not counts.sum() or len(counts) == 1:
        edge = 1.0 if counts.sum() else np.nan
        return pd.DataFrame({"low": edge, "high": edge}, index=counts.index)
    limits = multinomial_proportions_confint(counts.to_numpy("float64"), alpha=1 - CONFIDENCE, method="goodman")
    return pd.DataFrame(np.clip(limits, 0, 1), index=counts.index, columns=["low", "high"])


def _shares(view: View, elements: pd.Series, weights: pd.Series, unknown: int) -> Pareto:
    grouped = weights.groupby(elements.to_numpy()).agg(["sum", "count"])
    rows = pd.DataFrame({"value": grouped["sum"].astype("float64"), "x": grouped["count"].astype("int64")})
    rows = _ordered(rows.assign(n=len(elements)))
    total = float(rows["value"].sum())
    share = rows["value"] / total if total else rows["value"]
    limits = simultaneous(rows["x"]) if view is View.COUNT else pd.DataFrame(np.nan, rows.index, ["low", "high"])
    rows = rows.assign(share=share, cumulative_share=share.cumsum(), low=limits["low"], high=limits["high"])
    vital = _vital(rows["value"])
    rows = rows.assign(is_vital=np.arange(len(rows)) < vital)
    return Pareto(view, rows[list(COLUMNS)], total, unknown, vital, vital > SCATTERED_RATIO * len(rows))


def _rates(elements: pd.Series, exposure: pd.Series, unknown: int) -> Pareto:
    counted = elements.value_counts()
    both = pd.DataFrame({"x": counted, "n": exposure}).fillna({"x": 0}).dropna()
    both = both[both["n"] >= both["x"].clip(lower=1)].astype("int64")
    rows = _ordered(rates(both)).assign(share=np.nan, cumulative_share=np.nan, is_vital=False)
    return Pareto(View.RATE, rows[list(COLUMNS)], float(both["x"].sum()), unknown, 0, is_scattered=False)


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Greatest first, equal ones by name, whatever the order they came in."""
    return rows.sort_index().sort_values("value", ascending=False, kind="stable").rename_axis("element")


def _vital(values: pd.Series) -> int:
    """The smallest number of the greatest that reaches ``VITAL_RATIO``; in whole sums, so that 80 % is 80 %."""
    total = values.sum()
    if not total:
        return 0
    reached = values.cumsum() >= VITAL_RATIO * total - 1e-9 * total
    return int(reached.to_numpy().argmax()) + 1
