"""Many tests at once: how many of the findings would be there if nothing were the matter?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

Method = Literal["benjamini_hochberg", "holm", "bonferroni"]
_NAMES: dict[Method, str] = {"benjamini_hochberg": "fdr_bh", "holm": "holm", "bonferroni": "bonferroni"}


class Adjusted(NamedTuple):
    """Adjusted p-values in the order given, shape (m,)."""

    p: NDArray[np.float64]
    is_rejected: NDArray[np.bool_]


def adjust(p: Sequence[float], level: float = 0.05, method: Method = "benjamini_hochberg") -> Adjusted:
    """Adjust p-values for their number.

    Benjamini and Hochberg (JRSS B 57, 1995) hold the share of false findings among all; Holm (1979) and Bonferroni the
    chance of a single one. No tests: none rejected.

    Args:
        p: Each 0..1.
        level: q, or alpha.
        method: Of adjustment.

    Raises:
        ValueError: A p-value lies outside 0..1, or the level not inside it.
    """
    values = np.asarray(p, dtype="float64")
    if not ((values >= 0) & (values <= 1)).all() or not 0 < level < 1:
        raise ValueError("a p-value lies in 0..1, and the level inside it")
    if not len(values):
        return Adjusted(values, values.astype(bool))
    rejected, adjusted = multipletests(values, alpha=level, method=_NAMES[method])[:2]
    return Adjusted(adjusted, rejected)
