"""Over-dispersion: by how much weekly shares scatter more than chance alone would make them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEAST_WEEKS = 4
"""With fewer weeks the scatter cannot be told, and counts as that of chance."""
_D2 = 1.128
"""Mean moving range of two normal values, in standard deviations (Montgomery, Introduction to SQC, appendix VI)."""


def weekly(events: pd.Series, days: pd.Series) -> pd.DataFrame:
    """Events and cases by week, Monday to Sunday.

    Args:
        events: Whether it happened, boolean, shape (k,); what is NA is no case.
        days: datetime64, shape (k,), same index.

    Returns:
        One row a week that has cases, in order: ``x`` and ``n``, int64; index its Monday.
    """
    known = events.notna()
    cases = events[known].astype("bool")
    return cases.groupby(mondays(days[known])).agg(x="sum", n="count").astype("int64")


def mondays(days: pd.Series) -> pd.Series:
    """The Monday of each day's week, datetime64, shape (k,)."""
    return (days - pd.to_timedelta(days.dt.day_of_week, unit="D")).dt.normalize()


def dispersion(counts: pd.DataFrame) -> float:
    """How many times the variance of a share is that of the binomial: σ_z² of Laney's p' chart, at least 1.

    σ_z is the mean moving range of the standardised shares over 1.128 (Laney, Improved control charts for attributes,
    Quality Engineering 14(4), 2002). From neighbours, so a slow trend does not count as scatter.

    Args:
        counts: Columns ``x`` and ``n`` by week in order, n more than 0; any index.

    Returns:
        1 or more; 1 where the weeks are too few, or all shares are 0 or 1.
    """
    x, n = counts["x"].to_numpy("float64"), counts["n"].to_numpy("float64")
    share = x.sum() / n.sum() if n.sum() else 0.0
    if not 0 < share < 1:
        return 1.0
    z: NDArray[np.float64] = (x / n - share) / np.sqrt(share * (1 - share) / n)
    return _scatter(z)


def dispersion_within(
    stretches: Sequence[NDArray[np.float64]], *, is_count: bool = False, variance: float | None = None
) -> float | None:
    """The same of several stretches of weeks, each around its own level: what lies between them is no scatter.

    Args:
        stretches: Events (or sums of scores) and cases by week in order, each of shape (weeks, 2), cases more than 0.
        is_count: Whether events are counted over an exposure, so that they should be Poisson.
        variance: Of a single case, where it is a score; None: it is that of a share, or of a count.

    Returns:
        1 or more; None where there are too few neighbours to tell.
    """
    ranges = np.concatenate(
        [np.abs(np.diff(_standardised(one, is_count=is_count, variance=variance))) for one in stretches]
    )
    return max(1.0, float(ranges.mean() / _D2) ** 2) if len(ranges) >= LEAST_WEEKS - 1 else None


def _standardised(
    stretch: NDArray[np.float64], *, is_count: bool, variance: float | None
) -> NDArray[np.float64]:  # fmt: skip
    x, n = stretch.reshape(-1, 2).T
    level = x.sum() / n.sum() if len(n) else 0.0
    each = variance if variance is not None else level if is_count else level * (1 - level)
    if each <= 0:
        return np.empty(0)
    found: NDArray[np.float64] = (x / n - level) / np.sqrt(each / n)
    return found


def dispersion_of_counts(days: pd.Series) -> float:
    """The same of counts that should be Poisson: σ_z² of Laney's u' chart of weekly counts, at least 1.

    Args:
        days: The day of each event, datetime64, shape (k,). Only whole weeks from the first day to the last count.

    Returns:
        1 or more; 1 where the whole weeks are too few.
    """
    if days.empty:
        return 1.0
    first, last = days.min() + timedelta(days=6), days.max() - timedelta(days=6)
    weeks = pd.date_range(mondays(pd.Series([first])).iloc[0], last, freq="7D")
    counts = mondays(days).value_counts().reindex(weeks, fill_value=0).to_numpy("float64")
    if not len(counts) or not counts.mean():
        return 1.0
    return _scatter((counts - counts.mean()) / np.sqrt(counts.mean()))


def dispersion_of_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The dispersion of the share that each element is of all.

    Args:
        counts: By week in order and element, shape (weeks, elements), all weeks with cases.

    Returns:
        Shape (elements,), each 1 or more.
    """
    n = counts.sum(axis=1, keepdims=True)
    share = counts.sum(axis=0) / max(n.sum(), 1.0)
    if len(counts) < LEAST_WEEKS:
        return np.ones_like(share)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.nan_to_num((counts / n - share) / np.sqrt(share * (1 - share) / n))
    found: NDArray[np.float64] = np.maximum(1.0, (np.abs(np.diff(z, axis=0)).mean(axis=0) / _D2) ** 2)
    return found


def dispersion_of_contrasts(x: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """The dispersion of how much each element differs from the rest of its dimension, week by week.

    What makes a whole week better or worse is the same for both and does not count; what makes single elements come
    in waves does.

    Args:
        x: Events by week in order and element, shape (weeks, elements), every case in one of them.
        n: Cases, same shape.

    Returns:
        Shape (elements,), each 1 or more; NaN where too few weeks have cases of both to tell.
    """
    others, rest = x.sum(axis=1, keepdims=True) - x, n.sum(axis=1, keepdims=True) - n
    with np.errstate(divide="ignore", invalid="ignore"):
        own, other = x.sum(axis=0) / n.sum(axis=0), others.sum(axis=0) / rest.sum(axis=0)
        spread = np.sqrt(own * (1 - own) / n + other * (1 - other) / rest)
        z = (x / n - others / rest - (own - other)) / spread
    return np.array([_scatter(column[np.isfinite(column)], few=np.nan) for column in z.T])


def _scatter(z: NDArray[np.float64], few: float = 1.0) -> float:
    return max(1.0, float(np.abs(np.diff(z)).mean() / _D2) ** 2) if len(z) >= LEAST_WEEKS else few
