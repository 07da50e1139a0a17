"""Deadlines a second on the shipped calendar: many at once, and one by one.

Random starts in one year and random targets up to 30 working days. Each figure is the best of several runs, because
whatever else the machine does can only make one slower.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from benchmarks.ground import keep, seconds
from bihuan.policy.loader import load_policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.timeline import to_instant

MANY, MANY_GOAL = 2_000_000, 3_000_000
FEW, FEW_GOAL = 50_000, 150_000
_RUNS = 7
_DAY = 24 * 3600 * 1_000_000
_YEAR_2026 = 1_767_225_600 * 1_000_000


def rate(count: int, work: Callable[[], object]) -> int:
    """How many a second, at best."""
    return round(count / min(seconds(work) for _ in range(_RUNS)))


def main() -> None:
    """Measure both forms against their goals."""
    clock = BusinessClock(load_policy(None).calendars.default)
    random = np.random.default_rng(2026)
    starts = _YEAR_2026 + random.integers(0, 365 * _DAY, MANY)
    targets = random.integers(1, 30 * _DAY // 3, MANY)
    pairs = [(to_instant(start), timedelta(microseconds=target))
             for start, target in zip(starts[:FEW].tolist(), targets[:FEW].tolist(), strict=True)]  # fmt: skip
    due_many = rate(MANY, lambda: clock.due_many(starts, targets))
    due = rate(FEW, lambda: [clock.due(start, target) for start, target in pairs])
    elapsed_many = rate(MANY, lambda: clock.elapsed_many(starts, starts + targets))
    keep("business_time", {
        "due_many a second": due_many, "due_many, times its goal": due_many / MANY_GOAL,
        "due a second": due, "due, times its goal": due / FEW_GOAL,
        "elapsed_many a second": elapsed_many,
    })  # fmt: skip


if __name__ == "__main__":
    main()
