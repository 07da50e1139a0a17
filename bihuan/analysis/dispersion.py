"""Over-dispersion: by how much weekly shares scatter more than chance alone would make them."""

from __future__ import annotations

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
    cases, on = events[known].astype("bool"), days[known]
    mondays = on - pd.to_timedelta(on.dt.day_of_week, unit="D")
    return cases.groupby(mondays.dt.normalize()).agg(x="sum", n="count").astype("int64")


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
    if len(n) < LEAST_WEEKS or not 0 < share < 1:
        return 1.0
    z: NDArray[np.float64] = (x / n - share) / np.sqrt(share * (1 - share) / n)
    return max(1.0, float(np.abs(np.diff(z)).mean() / _D2) ** 2)
