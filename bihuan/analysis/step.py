"""A step in a series of shares: the most likely moment at which it changed, as a hint to look at that week's events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import xlogy


class Step(NamedTuple):
    """A single change of level."""

    at: object
    """The first label of the new level."""
    before: float
    """The share up to it, 0..1."""
    after: float
    """The share from it on."""
    evidence: float
    """Twice the gain in log-likelihood over no step, per φ; no test, as the best of many places was picked."""


def step(counts: pd.DataFrame, dispersion: float = 1.0) -> Step | None:
    """The place at which one step fits a series of shares best, by likelihood (Hinkley, Biometrika 57, 1970).

    Args:
        counts: Columns ``x`` and ``n`` in order of time, 0 <= x <= n; index the labels.
        dispersion: φ.

    Returns:
        None with fewer than two points that have cases, or where all shares are alike. Of equal places the first.
    """
    x, n = counts["x"].to_numpy("float64"), counts["n"].to_numpy("float64")
    x0, n0 = x.cumsum()[:-1], n.cumsum()[:-1]
    x1, n1 = x.sum() - x0, n.sum() - n0
    apart = (n0 > 0) & (n1 > 0)
    if not apart.any():
        return None
    gain = np.where(apart, _likelihood(x0, n0) + _likelihood(x1, n1) - _likelihood(x.sum(), n.sum()), -np.inf)
    place = int(gain.argmax())
    if gain[place] <= 0:
        return None
    before, after = float(x0[place] / n0[place]), float(x1[place] / n1[place])
    return Step(counts.index[place + 1], before, after, float(2 * gain[place] / dispersion))


def _likelihood(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The binomial log-likelihood at its greatest, without its constant."""
    share = np.divide(x, n, where=np.asarray(n) > 0, out=np.zeros_like(np.asarray(x, dtype="float64")))
    found: np.ndarray = xlogy(x, share) + xlogy(n - x, 1 - share)
    return found
