"""Evidence: the complaints behind a figure that are worth reading first."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bihuan.analysis.pareto_views import SEVERITY_WEIGHTS, weight

MOST = 20
"""Numbers that stand beside a figure, at most."""


def worst(
    frame: pd.DataFrame, severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS, most: int = MOST
) -> tuple[str, ...]:
    """The numbers of the worst complaints: the gravest first, then answered negatively, late, long under way.

    Args:
        frame: Complaints (``bihuan.analysis.month``) to choose from.
        severity_weights: How grave each severity is.
        most: So many at most.

    Returns:
        Complaint numbers; equal ones by number. An open complaint is longer under way than any handled one.
    """
    bad = pd.DataFrame({
        "gravity": weight(frame["severity"], severity_weights),
        "negative": frame["is_negative"].fillna(value=False).astype("bool"),
        "late": frame["is_late"].fillna(value=False).astype("bool"),
        "hours": frame["hours"].fillna(float("inf")),
        "number": frame["number"],
    })  # fmt: skip
    order = bad.sort_values(list(bad), ascending=[False, False, False, False, True])
    return tuple(order["number"].head(most).astype("str"))
