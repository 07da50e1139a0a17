"""Contribution: which slice the change of a rate comes from, or that none can be named.

Each element of each dimension is held against the rest of its own dimension, so that what moved everywhere at once, or
moved because the mix did, points at nobody. Nothing is claimed but by a gate: the false discoveries among all that was
tested are controlled, and what is claimed must explain a good part of the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from bihuan.analysis.cells import COUNTS, OTHER, UNKNOWN, Floor, Whole, cells, pooled, whole
from bihuan.analysis.dispersion import dispersion_of_contrasts
from schemas.improvement import FindingState

_Z95 = float(norm.ppf(0.975))
TESTED = ("indicator", "dimension", "element", "within_dimension", "within_element", *COUNTS, "size", "low", "high",
          "contribution", "z", "p", "q", "state")  # fmt: skip
"""The columns of a table of what was tested."""


class Gate(NamedTuple):
    """What is claimed."""

    q: float = 0.10
    """The share of false discoveries that is borne (Benjamini and Hochberg)."""
    contribution: float = 0.25
    """The least part of the whole change that a slice must explain."""
    floor: Floor = Floor()


@dataclass(frozen=True)
class Indicator:
    """A rate whose events are bad, over both periods."""

    name: str
    events: pd.Series
    """Whether it happened, boolean, shape (k,); NA: no case."""
    is_now: pd.Series
    """Whether it lies in the month, bool, shape (k,)."""
    dimensions: pd.DataFrame
    """Categories, shape (k, d)."""
    dispersion: float = 1.0
    """φ of the whole: how many times the binomial's variance its weeks scatter."""
    weeks: pd.Series | None = None
    """The Monday of each, datetime64, shape (k,), for the φ of each contrast; None: all have that of the whole."""
    everything: Whole = field(init=False)

    def __post_init__(self) -> None:
        """Count everything once."""
        object.__setattr__(self, "everything", whole(self.events, self.is_now))


def localise(indicators: Sequence[Indicator], gate: Gate, extra: pd.DataFrame | None = None) -> pd.DataFrame:
    """What each slice contributed to the change of its indicator, and which of them are claimed.

    D = (r1 - r0) - (r1 - r0 of the rest), its variance φ Σ r (1 - r) / n over the four cells, the p value one-sided in
    the bad direction. φ is how much the same contrast scatters from week to week in the baseline, so that weeks which
    are bad for all take nothing from the certainty, and an element that comes in waves has to rise further. Single
    elements come first; pairs only inside those that pass, each held against the rest of its element. q is Benjamini
    and Hochberg's (JRSS B 57, 1995) over all of them, of every indicator.

    Args:
        indicators: The rates.
        gate: What is claimed.
        extra: Other tests that take part in the control and the gate, columns of ``TESTED`` without ``q`` and
            ``state``; a p that is NaN was not tested.

    Returns:
        Columns ``TESTED``, one row a slice, the strongest first: ``state`` ``localized`` for what is claimed,
        ``long_tail`` for pooled small elements that would be, ``withheld`` for what is too small, else
        ``not_localized``. ``size`` with ``low`` and ``high`` (95 %) is what the slice's own rate moved the whole
        by, w̄ Δr; ``contribution`` the part of the whole change that is. ``p`` is NaN for what was not tested.
    """
    single = [_contrasts(it, gate.floor) for it in indicators if it.everything.is_enough(gate.floor)]
    tables = [_nothing_tested(), *single, *([] if extra is None else [extra])]
    singles = _judged(pd.concat(tables, ignore_index=True), gate)
    named = {it.name: it for it in indicators}
    claimed = singles[singles["state"] == FindingState.LOCALIZED]
    pairs = _pairs(claimed, named, gate.floor)
    return _judged(pd.concat([singles, *pairs], ignore_index=True), gate) if pairs else singles


def count_tests(table: pd.DataFrame) -> int:
    """How many were tested: the control is over so many."""
    return int(table["p"].notna().sum())


def _contrasts(it: Indicator, floor: Floor) -> pd.DataFrame:
    """The slices of one indicator against the rest of their own dimension."""
    table = pooled(cells(it.events, it.is_now, it.dimensions), it.everything, floor)
    scatter = _scatter(it, table, np.ones(len(it.events), dtype=bool))
    return contrast(table, it.everything, it.everything, scatter).assign(indicator=it.name)


def _scatter(it: Indicator, table: pd.DataFrame, own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """φ of each cell's contrast among the rows ``own``: the mean of its dimension's, or its own where that is greater.

    One element has few weeks to be judged by; the mean of all keeps its luck from passing for calm.
    """
    if it.weeks is None:
        return np.full(len(table), it.dispersion)
    kept = own & ~it.is_now.to_numpy("bool") & it.events.notna().to_numpy()
    happened = it.events[kept].to_numpy("bool")
    weeks, _ = pd.factorize(it.weeks[kept], sort=True)
    found = np.full(len(table), it.dispersion)
    for name, places in table.groupby("dimension", sort=False).indices.items():
        by_element = _by_element(it.dimensions.loc[kept, name], happened, weeks)
        scatter = by_element.reindex(table["element"].iloc[places]).to_numpy("float64")
        told = scatter[table["is_tested"].to_numpy("bool")[places] & ~np.isnan(scatter)]
        found[places] = np.fmax(scatter, told.mean() if len(told) else it.dispersion)
    return found


def _by_element(values: pd.Series, happened: NDArray[np.bool_], weeks: NDArray[np.int64]) -> pd.Series:
    """φ of the contrast of each element of a dimension, by its name."""
    elements = [*values.cat.categories.astype(str), UNKNOWN]
    codes = values.cat.codes.to_numpy().astype("int64")
    place = weeks * len(elements) + np.where(codes < 0, len(elements) - 1, codes)
    shape = (int(weeks.max(initial=-1)) + 1, len(elements))
    n, x = (np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape) for at in (place, place[happened]))
    return pd.Series(dispersion_of_contrasts(x.astype("float64"), n.astype("float64")), elements)


def contrast(
    table: pd.DataFrame, inside: Whole, everything: Whole, dispersion: NDArray[np.float64], *, is_count: bool = False
) -> pd.DataFrame:
    """Each cell against the rest of ``inside``; size and contribution are of ``everything``.

    Args:
        table: Columns ``COUNTS`` and ``is_tested``.
        inside: What the cells are parts of: everything, or a slice of it.
        everything: The whole whose change is explained.
        dispersion: φ of each cell, shape (cells,).
        is_count: Whether the events are counted over an exposure, so that their variance is that of Poisson, r / n.

    Returns:
        ``table`` with ``size``, ``low``, ``high``, ``contribution``, ``z`` and ``p`` beside it; the last two NaN for
        what is not tested, or where nothing varies.
    """
    x0, n0, x1, n1 = table[list(COUNTS)].to_numpy("float64").T
    rest = np.array(inside)[:, None] - table[list(COUNTS)].to_numpy("float64").T
    with np.errstate(divide="ignore", invalid="ignore"):
        own, own_variance = _difference(x0, n0, x1, n1, is_count=is_count)
        other, other_variance = _difference(*rest, is_count=is_count)
        spread = np.sqrt(dispersion * (own_variance + other_variance))
        z = np.where(table["is_tested"] & (spread > 0), (own - other) / spread, np.nan)
        weight = (n0 / everything.n0 + n1 / everything.n1) / 2
        half = _Z95 * weight * np.sqrt(dispersion * own_variance)
        size = weight * own
        contribution = size / everything.change
    return table.assign(size=size, low=size - half, high=size + half, contribution=contribution, z=z, p=norm.sf(z))


def _difference(
    x0: np.ndarray, n0: np.ndarray, x1: np.ndarray, n1: np.ndarray, *, is_count: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The change of each rate with its variance, of the binomial or of Poisson."""
    r0, r1 = x0 / n0, x1 / n1
    v0, v1 = (r0, r1) if is_count else (r0 * (1 - r0), r1 * (1 - r1))
    return r1 - r0, v0 / n0 + v1 / n1


def _pairs(claimed: pd.DataFrame, named: dict[str, Indicator], floor: Floor) -> list[pd.DataFrame]:
    """The elements of the other dimensions inside each claimed one, the same pair once."""
    found: list[pd.DataFrame] = []
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for row in claimed.itertuples():
        it = named.get(row.indicator)
        if it is None or row.dimension not in it.dimensions:
            continue
        own = (row.dimension, row.element)
        table = _inside(it, row.dimension, row.element, floor)
        keys = [(it.name, frozenset({own, other})) for other in zip(table["dimension"], table["element"], strict=True)]
        found.append(table[[key not in seen for key in keys]])
        seen.update(keys)
    return found


def _inside(it: Indicator, dimension: str, element: str, floor: Floor) -> pd.DataFrame:
    own = (it.dimensions[dimension] == element).to_numpy()
    events, is_now = it.events[own], it.is_now[own]
    inside = whole(events, is_now)
    names = [name for name in it.dimensions if name != dimension]
    table = pooled(cells(events, is_now, it.dimensions.loc[own, names]), inside, floor)
    table = table[table["element"] != OTHER]
    found = contrast(table, inside, it.everything, _scatter(it, table, own))
    return found.assign(indicator=it.name, within_dimension=dimension, within_element=element)


def _judged(table: pd.DataFrame, gate: Gate) -> pd.DataFrame:
    """The table with q and state, the strongest first."""
    tested = table["p"].notna()
    q = np.full(len(table), np.nan)
    if tested.any():
        q[tested] = false_discovery_control(table.loc[tested, "p"].to_numpy("float64"))
    passes = (q <= gate.q) & (table["contribution"].abs() >= gate.contribution)
    state = np.where(passes, FindingState.LOCALIZED, FindingState.NOT_LOCALIZED).astype(object)
    state[(table["element"] == OTHER) & passes] = FindingState.LONG_TAIL
    state[~tested] = FindingState.WITHHELD
    judged = table.assign(q=q, state=state).fillna({"within_dimension": "", "within_element": ""})
    order = judged.assign(is_claimed=state != FindingState.LOCALIZED, is_pair=judged["within_dimension"] != "")
    by = ["is_claimed", "is_pair", "p", "indicator", "dimension", "element", "within_dimension", "within_element"]
    return judged.loc[order.sort_values(by).index, list(TESTED)].reset_index(drop=True)


def _nothing_tested() -> pd.DataFrame:
    words = ("indicator", "dimension", "element", "within_dimension", "within_element")
    return pd.DataFrame({name: pd.Series(dtype="str" if name in words else "float64") for name in TESTED[:-2]})
