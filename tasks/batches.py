"""Batch after batch, until one finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from bihuan.clock import Clock, wall_clock

MOST_BATCHES, LONGEST = 200, timedelta(seconds=90)
"""Bounds of one run, so that it ends and none pile up; what is left waits for the next one, a minute or two later."""


def until_none(batch: Callable[[], dict[str, int]], taken: str, clock: Clock = wall_clock) -> dict[str, int]:
    """Run ``batch`` until its count ``taken`` is 0, at most ``MOST_BATCHES`` times; none begins after ``LONGEST``.

    Returns:
        The counts of all batches together.
    """
    total: Counter[str] = Counter()
    began_at = clock()
    for _ in range(MOST_BATCHES):
        counts = batch()
        total.update(counts)
        if not counts[taken] or clock() - began_at >= LONGEST:
            break
    return dict(total)
