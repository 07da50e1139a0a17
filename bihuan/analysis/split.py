"""A change taken apart exactly: into what happened inside each element, what the mix did, and what the volume did."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from bihuan.analysis.cells import Whole


class CountChange(NamedTuple):
    """A change of a count of events: ``volume + rate`` is all of it."""

    volume: float
    """By there being more or fewer cases."""
    rate: float
    """By events being more or less frequent among them."""


def split(table: pd.DataFrame) -> pd.DataFrame:
    """The change of a rate by element, without remainder.

    ΔR = Σ w̄ Δr + Σ (r̄ - R̄) Δw, bars the means of both periods (Kitagawa, Components of a difference between two rates,
    JASA 50, 1955, in the form of Bennet). Taking R̄ off moves no total, the Δw adding up to 0, and lets each mix term be
    read: an element that is worse than the whole and grew made it worse. An element without cases in one period
    has no change of its rate: all of it is mix.

    Args:
        table: The elements of one dimension, every case in one of them: columns ``x0, n0, x1, n1``, any index. Both
            periods have cases.

    Returns:
        Same index: ``rate`` and ``mix``, float64, whose sums add up to the change of the whole.
    """
    x0, n0, x1, n1 = (table[name].to_numpy("float64") for name in ("x0", "n0", "x1", "n1"))
    r0, r1 = (
        np.divide(x0, n0, where=n0 > 0, out=np.full_like(x0, np.nan)),
        np.divide(x1, n1, where=n1 > 0, out=np.full_like(x1, np.nan)),
    )
    r0, r1 = np.where(n0 > 0, r0, r1), np.where(n1 > 0, r1, r0)
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    whole = (x0.sum() / n0.sum() + x1.sum() / n1.sum()) / 2
    rate, mix = (w0 + w1) / 2 * (r1 - r0), ((r0 + r1) / 2 - whole) * (w1 - w0)
    return pd.DataFrame({"rate": np.nan_to_num(rate), "mix": np.nan_to_num(mix)}, index=table.index)


def split_count(everything: Whole) -> CountChange:
    """The change of a count of events: ΔX = R̄ ΔN + N̄ ΔR, exactly; both periods have cases.

    Args:
        everything: The counts, of periods of one length.
    """
    volume = (everything.r0 + everything.r1) / 2 * (everything.n1 - everything.n0)
    return CountChange(volume, (everything.n0 + everything.n1) / 2 * everything.change)
