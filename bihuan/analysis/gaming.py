"""Signs of gaming: shares with their intervals, held against thresholds; a list of what to look at, no accusation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta

from bihuan.analysis.kpi import CONFIDENCE, rates

BANDS_IN_WHOLE = 20
"""A band is a twentieth of the target: 5 %."""
BANDS = (-4, -3, -2, -1, 1, 2, 3, 4)
"""Bands by their distance from due: -1 is 95..100 %, up to and with due itself, 1 is what came up to 5 % after it."""
_EARLIER, _NEIGHBOUR, _LAST, _MISSED = -3, -2, -1, 1
FIGURES = ("x", "n", "value", "low", "high", "threshold", "is_enough", "verdict")


class Sign(StrEnum):
    """What is counted."""

    LATE_PAUSE = "late_pause"
    REOPENED_AFTER_HANDLING = "reopened_after_handling"
    BUNCHING = "bunching"
    AUTOMATIC_ANSWER = "automatic_answer"


class Verdict(StrEnum):
    """What a sign comes to."""

    WORTH_A_LOOK = "worth_a_look"
    UNREMARKABLE = "unremarkable"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is counted and from when on it is worth a look: when the interval as a whole lies above the threshold.

    Every number is ours; none comes from the plans this product was built from.
    """

    last_ratio: float = 0.05  # ours: a pause is late in the last twentieth of the target
    late_pause: float = 0.10  # ours: twice what pauses that fall evenly over the time would give
    reopened_within: timedelta = timedelta(days=7)  # ours: later on it is more likely a new matter
    reopened: float = 0.10  # ours: one in ten
    bunching_margin: float = 0.05  # ours: with very many cases the slightest bend would be certain
    automatic_within: timedelta = timedelta(seconds=60)  # ours: nobody reads and answers a complaint faster
    automatic: float = 0.05  # ours: one in twenty
    min_n: int = 30  # ours: with fewer there is no verdict


def judged(counts: pd.DataFrame, threshold: float, min_n: int) -> pd.DataFrame:
    """Shares with Wilson intervals, and whether the interval lies above ``threshold``.

    Args:
        counts: Columns ``x`` and ``n``, whole, 0 <= x <= n, shape (k, 2 or more); any index.
        threshold: 0..1.
        min_n: With fewer cases there is no verdict.

    Returns:
        ``counts`` with the rest of ``FIGURES`` beside it; value and interval NaN where n is 0.
    """
    return _verdicts(rates(counts).assign(threshold=threshold), min_n)


def _verdicts(figures: pd.DataFrame, min_n: int) -> pd.DataFrame:
    """The figures with ``is_enough`` and ``verdict`` by them."""
    rows = zip(figures["n"], figures["low"], figures["threshold"], strict=True)
    verdicts = pd.Series([_verdict(n, low > threshold, min_n) for n, low, threshold in rows], figures.index, object)
    return figures.assign(is_enough=figures["n"] >= min_n, verdict=verdicts)


def _verdict(n: int, is_above: bool, min_n: int) -> Verdict:
    if n < min_n:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.WORTH_A_LOOK if is_above else Verdict.UNREMARKABLE


def bands(late: pd.Series, target: pd.Series) -> pd.Series:
    """The band in which each deadline was met.

    Args:
        late: Time on the deadline's own clock from due to met, negative before due; whole microseconds, shape (n,).
        target: The whole time allowed, whole microseconds more than 0, shape (n,), same index.

    Returns:
        int64, shape (n,), same index: one of ``BANDS``, or 0 where it was met outside 80..120 % of its time. Met
        exactly at due is the last band before it; an edge between two bands belongs to the one nearer to due.
    """
    scaled, whole = late * BANDS_IN_WHOLE, target
    before, after = scaled // whole, -(-scaled // whole)
    found = pd.Series(np.where(late > 0, after, np.minimum(before, -1)), late.index, "int64")
    return found.where(found.abs() <= BANDS[-1], 0)


def band_counts(keys: Iterable[str], found: pd.Series) -> pd.DataFrame:
    """How many were met in each band.

    Args:
        keys: What to count by, shape (n,).
        found: As ``bands`` gives them, shape (n,).

    Returns:
        One row a key, ascending, columns ``BANDS``, int64.
    """
    table = pd.DataFrame({"key": list(keys), "band": found.to_numpy()}, dtype=object)
    counts = pd.crosstab(table["key"], table["band"])
    return counts.reindex(columns=list(BANDS), fill_value=0).astype("int64")


def bunching(counts: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Whether more deadlines are met in the last 5 % before due than a smooth course would have it.

    A density test at the deadline in the manner of McCrary (Manipulation of the running variable in the regression
    discontinuity design: a density test, Journal of Econometrics 142, 2008, 698-714), in its plainest form: of the
    n met within 5 % on either side of due, x were met before it, with an exact binomial interval (Clopper and
    Pearson, Biometrika 26, 1934). Where the density goes smoothly through due, locally as a geometric course, that
    share equals the share of the earlier band among the two before, 85..90 % among 85..95 %; those two are not
    touched by whoever pulls what was just missed over the line. It is counted as (earlier + 1) / (both + 2), which
    without neighbours is one half. The threshold lies a margin above it, and above one half: a smooth hump
    around due, as work that is planned towards it makes, is no break.

    Args:
        counts: As ``band_counts`` gives them, shape (k, 8).
        thresholds: The margin and the least n.

    Returns:
        Shape (k, 9), same index: ``FIGURES`` and ``expected``; value and interval NaN where n is 0.
    """
    x, n = counts[_LAST], counts[_LAST] + counts[_MISSED]
    expected = (counts[_EARLIER] + 1) / (counts[_EARLIER] + counts[_NEIGHBOUR] + 2)
    figures = pd.DataFrame({"value": x / n.where(n > 0), **_exact(x, n)}, counts.index, dtype="float64")
    threshold = expected.clip(lower=0.5) + thresholds.bunching_margin
    figures = figures.assign(x=x, n=n, expected=expected, threshold=threshold.clip(upper=1.0))
    return _verdicts(figures, thresholds.min_n)[[*FIGURES, "expected"]]


def _exact(x: pd.Series, n: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Lower and upper limits by Clopper and Pearson, NaN where n is 0."""
    tail, missed = (1 - CONFIDENCE) / 2, n - x
    low, high = beta.ppf(tail, x.clip(lower=1), missed + 1), beta.ppf(1 - tail, x + 1, missed.clip(lower=1))
    limits = {"low": np.where(x == 0, 0.0, low), "high": np.where(missed == 0, 1.0, high)}
    return {name: np.where(n > 0, limit, np.nan) for name, limit in limits.items()}
