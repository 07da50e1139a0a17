"""Stock, arrivals and time: Little's law, and percentiles of times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def mean_time(arrival_rate: float, average_stock: float) -> float:
    """The mean time in the house: stock over arrivals (Little, Operations Research 9, 1961), of a steady process.

    Args:
        arrival_rate: How many arrive in a unit of time, more than 0.
        average_stock: How many are open on the average, 0 or more.

    Returns:
        In the unit of time of the rate.

    Raises:
        ValueError: The rate is not more than 0, or the stock is negative.
    """
    if arrival_rate <= 0 or average_stock < 0:
        raise ValueError("some must arrive, and the stock cannot be negative")
    return average_stock / arrival_rate


def percentiles(x: ArrayLike, ratios: Sequence[float]) -> list[float]:
    """Percentiles with linear interpolation, as pandas and R's type 7.

    Args:
        x: Shape (n,), 1 or more, no NaN.
        ratios: Each 0..1; 0.5 is the median.

    Raises:
        ValueError: No values, or a ratio is out of range.
    """
    values = np.asarray(x, dtype="float64")
    if not len(values):
        raise ValueError("of no values there is no percentile")
    return [float(one) for one in np.quantile(values, list(ratios))]
