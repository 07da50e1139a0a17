"""Figures with their intervals of many slices at once, as a snapshot keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bihuan.analysis import score
from bihuan.analysis.sums import Estimates, mean_times, means, promoters, shares
from bihuan.policy.kpi import MEDIANS, Counts, IndicatorPolicy
from bihuan.services.indicator import AWAITED, NO_TIME, median_of
from bihuan.store.queries.countable import APART

_HOUR = 60.0
"""Minutes."""
_SCALES = {Counts.CSAT_MEAN: score.CSAT, Counts.INDEX: score.INDEX}
_DIGITS = 9


def figures(counts: pd.DataFrame, indicators: Mapping[str, IndicatorPolicy]) -> pd.DataFrame:
    """The counts with ``value``, ``low`` and ``high`` beside them (NaN where there is none), and ``apart``.

    ``x`` becomes what the snapshot keeps: hours of times, promoters less detractors of the net promoter score. Medians
    are left without a figure: they come from their times.
    """
    told = []
    for name, some in counts.groupby("indicator", sort=False):
        it = indicators[str(name)]
        value, low, high = _estimates(some, it)
        told.append(some.assign(x=_x(some, it), value=value, low=low, high=high, apart=_apart(some, it)))
    return pd.concat(told) if told else counts.assign(value=np.nan, low=np.nan, high=np.nan, apart=None)


def with_median(row: dict[str, Any], tallies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row of a median with its figure, interval, and how many have ended, from how often each time was taken."""
    found = median_of(list(tallies)) if tallies else NO_TIME
    beside = {name: found[name] for name in ("events", "censored", "ended_only") if found.get(name) is not None}
    return row | {"value": found["value"], "low": found["low"], "high": found["high"], "apart": row["apart"] | beside}


def _estimates(some: pd.DataFrame, it: IndicatorPolicy) -> Estimates:
    n, x, amount, squares = (some[name].to_numpy("float64") for name in ("n", "x", "amount", "squares"))
    if it.counts in _SCALES:
        least, most = some["least"].to_numpy("float64"), some["most"].to_numpy("float64")
        return means(n, amount, squares, least, most, _SCALES[it.counts])
    if it.counts is Counts.NPS:
        return promoters(n, some["promoters"].to_numpy("float64"), some["detractors"].to_numpy("float64"))
    if it.counts is Counts.RESPONSE_TIME:
        value, low, high = mean_times(n, amount, squares)
        return value / _HOUR, low / _HOUR, high / _HOUR
    if it.counts in MEDIANS:
        nothing = np.full(n.shape, np.nan)
        return nothing, nothing, nothing
    return shares(x, n)


def _x(some: pd.DataFrame, it: IndicatorPolicy) -> pd.Series:
    if it.counts is Counts.NPS:
        return some["promoters"] - some["detractors"]
    return some["amount"] / _HOUR if it.counts is Counts.RESPONSE_TIME else some["x"]


def _apart(some: pd.DataFrame, it: IndicatorPolicy) -> list[dict[str, Any]]:
    """What stands beside each figure, without what is zero."""
    names = {name: AWAITED if it.counts is Counts.RESPONSE and name == "open" else name for name in APART}
    counts = [
        {names[name]: int(row[name]) for name in APART if row[name]} for row in some[list(APART)].to_dict("records")
    ]
    if it.counts is Counts.NPS:
        segments = some[["promoters", "detractors", "n"]].to_numpy("int64").tolist()
        beside = [{"promoters": p, "passives": n - p - d, "detractors": d} for p, d, n in segments]
    elif it.counts is Counts.INDEX:
        pairs = zip(some["weight"].tolist(), some["n"].tolist(), strict=True)
        beside = [{"missing_weight": round(1 - weight / n, _DIGITS)} if n else {} for weight, n in pairs]
    else:
        return counts
    return [one | other for one, other in zip(counts, beside, strict=True)]
