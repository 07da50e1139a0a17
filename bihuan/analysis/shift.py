"""Where a change comes from: the slices whose own figure moved, held against the rest of their dimension.

A first look for a warning; the month's candidates are judged by all complaints. What moved everywhere at once points at
nobody, and is said to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

COLUMNS = ("dimension", "element", "before", "n_before", "after", "n_after", "contribution", "p", "q", "is_localised")


class Gate(NamedTuple):
    """What is said to explain a change."""

    q: float = 0.10
    """The share of false discoveries that is borne (Benjamini and Hochberg, JRSS B 57, 1995)."""
    contribution: float = 0.25
    """The least part of the change that a slice must explain."""
    least_n: int = 30
    """With fewer cases before or after, a slice is not looked at."""


class Moved(NamedTuple):
    """What explains a change."""

    slices: pd.DataFrame
    """``COLUMNS``, what explains most first: the slices that move it the way the whole went."""
    tested: int
    """Among how many the false discoveries are controlled."""


def moved(cells: pd.DataFrame, *, is_share: bool, scatter: float = 1.0, gate: Gate | None = None) -> Moved:
    """The slices that moved the whole, each compared with the rest of its own dimension.

    D = (after - before) - (after - before of the rest); of shares its variance is scatter² Σ r (1 - r) / n over four
    cells. Contribution is w Δr over the whole's Δ, w the mean of both shares of the cases (Kitagawa, JASA 50, 1955).

    Args:
        cells: A row a slice: ``dimension``, ``element``, and ``sum_before``, ``n_before``, ``sum_after``, ``n_after``.
        is_share: Whether the sums are counts; nothing is tested of scores and times.
        scatter: How many times the theory's standard deviation the whole varies (σ_z of its chart).
        gate: What is said to explain it.

    Returns:
        The slices with their figures before and after. p is one-sided, NaN (and so q) of scores and times. Nothing
        changed, or no slice is large enough: none.
    """
    gate, tables = gate or Gate(), []
    for _, group in cells.groupby("dimension", sort=False):
        tables.append(_against_rest(group, scatter if is_share else np.nan, gate))
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    tested = found["p"].notna().to_numpy(bool)
    found["q"] = np.nan
    if tested.any():
        found.loc[tested, "q"] = false_discovery_control(found.loc[tested, "p"].to_numpy(float))
    is_much = found["contribution"] >= gate.contribution
    found["is_localised"] = is_much & (found["q"] <= gate.q)
    found = found[found["contribution"] > 0].sort_values("contribution", ascending=False, kind="stable")
    return Moved(found[list(COLUMNS)].reset_index(drop=True), int(tested.sum()))


def _against_rest(group: pd.DataFrame, scatter: float, gate: Gate) -> pd.DataFrame:
    """The slices of one dimension that are large enough."""
    sums, n = (group[[f"{name}_before", f"{name}_after"]].to_numpy("float64") for name in ("sum", "n"))
    whole, all_n = sums.sum(axis=0), n.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, rest = sums / n, (whole - sums) / (all_n - n)
        change, total = np.diff(rate).ravel(), float(np.diff(whole / all_n)[0])
        weight = (n / all_n).mean(axis=1)
        variance = sum((r * (1 - r) / count).sum(axis=1) for r, count in ((rate, n), (rest, all_n - n)))
        z = (change - np.diff(rest).ravel()) / (max(scatter, 1.0) * np.sqrt(variance)) * np.sign(total)
        contribution = weight * change / total
    p = np.full(len(z), np.nan) if np.isnan(scatter) else norm.sf(z)
    table = pd.DataFrame({
        "dimension": group["dimension"].to_numpy(), "element": group["element"].to_numpy(),
        "before": rate[:, 0], "n_before": n[:, 0].astype("int64"), "after": rate[:, 1],
        "n_after": n[:, 1].astype("int64"), "contribution": contribution, "p": p,
    })  # fmt: skip
    is_large = (n >= gate.least_n).all(axis=1) & np.isfinite(contribution) & (total != 0)
    return table[is_large]
