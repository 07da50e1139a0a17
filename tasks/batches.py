"""Batch after batch, until one finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

MOST_BATCHES = 200
"""Bound of one run, so that it ends; what is left waits for the next run, a minute or two later."""


def until_none(batch: Callable[[], dict[str, int]], taken: str) -> dict[str, int]:
    """Run ``batch`` until its count ``taken`` is 0, at most ``MOST_BATCHES`` times.

    Returns:
        The counts of all batches together.
    """
    total: Counter[str] = Counter()
    for _ in range(MOST_BATCHES):
        counts = batch()
        total.update(counts)
        if not counts[taken]:
            break
    return dict(total)
