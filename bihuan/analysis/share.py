"""Shares of complaints that grew: what can be said where nothing is known that complaints could be measured by.

Without a denominator 无分母 more complaints of a product may mean that it got worse or that more of it was sold. So
this only says what became a greater part of all complaints, and never why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from bihuan.analysis.cells import OTHER, UNKNOWN, Floor, Whole, cells, pooled
from bihuan.analysis.dispersion import dispersion_of_shares, mondays

_Z95 = float(norm.ppf(0.975))


def shares(is_now: pd.Series, days: pd.Series, dimensions: pd.DataFrame, floor: Floor) -> pd.DataFrame:
    """The part of all complaints that each element is, in the baseline and in the month.

    Args:
        is_now: Whether each complaint is of the month, bool, shape (k,).
        days: Its day, datetime64, shape (k,).
        dimensions: Categories, shape (k, d).
        floor: Elements with fewer complaints are pooled into ``OTHER``.

    Returns:
        ``dimension``, ``element``, ``x0``, ``n0``, ``x1``, ``n1`` (complaints of the element, and of all),
        ``dispersion`` (of its share among the baseline's weeks), ``change`` of the share with ``low`` and ``high``
        (95 %), ``p`` (one-sided: it grew) and ``q`` (Benjamini and Hochberg over all of them), the strongest first;
        p and q NaN for what is pooled, unknown, or alone. No rows where a period has no complaints.
    """
    total = Whole(*np.repeat([float((~is_now).sum()), float(is_now.sum())], 2).tolist())
    always = pd.Series(data=True, index=is_now.index, dtype="boolean")
    counts = cells(always, is_now, dimensions)
    if not total.n0 or not total.n1:
        counts = counts.iloc[:0]
    scatter = _scatter(days[~is_now], dimensions[~is_now])
    table = pooled(counts, total, floor)
    keys = pd.MultiIndex.from_frame(table[["dimension", "element"]])
    return _tested(table, total, scatter.reindex(keys).fillna(1.0).to_numpy("float64"))


def _scatter(days: pd.Series, dimensions: pd.DataFrame) -> pd.Series:
    """The dispersion of each element's share over the weeks of the baseline; index dimension and element."""
    weeks, _ = pd.factorize(mondays(days), sort=True)
    found = []
    for name, values in dimensions.items():
        elements = values.cat.categories.astype(str)
        place = weeks * (len(elements) + 1) + np.where(values.cat.codes < 0, len(elements), values.cat.codes)
        shape = (int(weeks.max(initial=-1)) + 1, len(elements) + 1)
        counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype("float64")
        index = pd.MultiIndex.from_product([[str(name)], elements])
        found.append(pd.Series(dispersion_of_shares(counts)[:-1], index, dtype="float64"))
    return pd.concat(found)


def _tested(counts: pd.DataFrame, total: Whole, scatter: NDArray[np.float64]) -> pd.DataFrame:
    x0, x1 = counts["n0"].to_numpy("float64"), counts["n1"].to_numpy("float64")
    is_named = counts["is_tested"].to_numpy("bool") & ~counts["element"].isin([OTHER, UNKNOWN]).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        share0, share1 = x0 / total.n0, x1 / total.n1
        spread = np.sqrt(scatter * (share0 * (1 - share0) / total.n0 + share1 * (1 - share1) / total.n1))
        p = np.where(is_named & (spread > 0), norm.sf((share1 - share0) / spread), np.nan)
    q = np.full(len(p), np.nan)
    if (tested := ~np.isnan(p)).any():
        q[tested] = false_discovery_control(p[tested])
    change = share1 - share0
    columns = {
        "dimension": counts["dimension"], "element": counts["element"], "x0": x0, "n0": total.n0, "x1": x1,
        "n1": total.n1, "dispersion": scatter, "change": change, "low": change - _Z95 * spread,
        "high": change + _Z95 * spread, "p": p, "q": q,
    }  # fmt: skip
    return pd.DataFrame(columns).sort_values(["p", "dimension", "element"], ignore_index=True)
