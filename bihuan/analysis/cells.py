"""Cells: events and cases of each element of each dimension, in baseline and month; the small ones pooled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OTHER = "(other)"
"""其他: the elements of a dimension that are too small to be told apart, together."""
UNKNOWN = "(unknown)"
"""Cases of which the dimension is not known: counted, and never an element."""
COUNTS = ("x0", "n0", "x1", "n1")
"""Events and cases of the baseline, then of the month."""


class Floor(NamedTuple):
    """What a cell must hold in either period to be told apart."""

    n: float = 30
    """Cases."""
    expected: float = 5
    """Events, if it had the rate of the whole in that period."""


class Whole(NamedTuple):
    """Events and cases of everything."""

    x0: float
    n0: float
    x1: float
    n1: float

    @property
    def r0(self) -> float:
        """The baseline's rate; NaN without cases."""
        return self.x0 / self.n0 if self.n0 else float("nan")

    @property
    def r1(self) -> float:
        """The month's rate; NaN without cases."""
        return self.x1 / self.n1 if self.n1 else float("nan")

    @property
    def change(self) -> float:
        """By how much the rate moved."""
        return self.r1 - self.r0

    def is_enough(self, floor: Floor) -> bool:
        """Whether either period holds enough cases and events to say anything."""
        return min(self.n0, self.n1) >= floor.n and (self.x0 + self.x1) / 2 >= floor.expected


def whole(events: pd.Series, is_now: pd.Series) -> Whole:
    """Everything together.

    Args:
        events: Whether it happened, boolean, shape (k,); what is NA is no case.
        is_now: Whether it lies in the month, bool, shape (k,).
    """
    x, period = _cases(events, is_now)
    is_case = period >= 0
    n0, n1 = np.bincount(period[is_case], minlength=2)
    x0, x1 = np.bincount(period[x & is_case], minlength=2)
    return Whole(float(x0), float(n0), float(x1), float(n1))


def cells(events: pd.Series, is_now: pd.Series, dimensions: pd.DataFrame) -> pd.DataFrame:
    """Events and cases by element, for every dimension.

    Args:
        events: Whether it happened, boolean, shape (k,); what is NA is no case.
        is_now: Whether it lies in the month, bool, shape (k,).
        dimensions: Categories, shape (k, d); a missing one counts as ``UNKNOWN``.

    Returns:
        One row an element that has cases: ``dimension``, ``element`` and ``COUNTS`` float64, dimensions in the order
        given, elements in the order of their categories.
    """
    x, period = _cases(events, is_now)
    names, words, counts = [], [], [np.zeros((0, 4), dtype="float64")]
    for name, values in dimensions.items():
        elements = [*values.cat.categories.astype(str), UNKNOWN]
        found = _counts(values.cat.codes.to_numpy().astype("int64"), len(elements), x, period)
        kept = np.flatnonzero(found[:, 1] + found[:, 3])
        names += [str(name)] * len(kept)
        words += [elements[place] for place in kept]
        counts.append(found[kept])
    named = {"dimension": pd.Series(names, dtype="str"), "element": pd.Series(words, dtype="str")}
    return pd.DataFrame(named | dict(zip(COUNTS, np.concatenate(counts).T, strict=True)))


def pooled(table: pd.DataFrame, everything: Whole, floor: Floor) -> pd.DataFrame:
    """The cells with the small ones of each dimension pooled into ``OTHER``.

    Args:
        table: As ``cells`` gives it, of one indicator.
        everything: The same cases together.
        floor: What a cell must hold.

    Returns:
        ``table`` with ``is_tested`` beside it and a row ``OTHER`` for each dimension that has small cells. Tested is
        what holds enough, and whose rest does; the small ones stand there untested, and so does what is unknown.
    """
    counts = table[list(COUNTS)].to_numpy("float64").T
    is_known = (table["element"] != UNKNOWN).to_numpy()
    is_big = is_known & _holds(counts, everything, floor)
    small = table[is_known & ~is_big].groupby("dimension", sort=False)[list(COUNTS)].sum().reset_index()
    others = small.assign(element=OTHER)
    is_other_big = _holds(others[list(COUNTS)].to_numpy("float64").T, everything, floor)
    found = pd.concat([table.assign(is_tested=is_big), others.assign(is_tested=is_other_big)], ignore_index=True)
    totals = np.array(everything)[:, None] - found[list(COUNTS)].to_numpy("float64").T
    return found.assign(is_tested=found["is_tested"].astype("bool") & _holds(totals, everything, floor))


def _cases(events: pd.Series, is_now: pd.Series) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether it happened, and its period, 0 or 1; -1 for what is no case."""
    period = is_now.to_numpy("bool").astype("int64")
    return events.fillna(value=False).to_numpy("bool"), np.where(events.isna().to_numpy(), -1, period)


def _counts(
    codes: NDArray[np.int64], elements: int, x: NDArray[np.bool_], period: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``COUNTS`` of each element of a dimension, the last the unknown one, shape (elements, 4)."""
    is_case = period >= 0
    place = np.where(codes < 0, elements - 1, codes) * 2 + period
    n = np.bincount(place[is_case], minlength=2 * elements).reshape(-1, 2)
    happened = np.bincount(place[x & is_case], minlength=2 * elements).reshape(-1, 2)
    return np.column_stack([happened[:, 0], n[:, 0], happened[:, 1], n[:, 1]]).astype("float64")


def _holds(counts: NDArray[np.float64], everything: Whole, floor: Floor) -> NDArray[np.bool_]:
    """Whether each cell holds enough in both periods."""
    _, n0, _, n1 = counts
    expected = np.minimum(n0 * everything.r0, n1 * everything.r1)
    found: NDArray[np.bool_] = (np.minimum(n0, n1) >= floor.n) & (expected >= floor.expected)
    return found
