"""Progress 进度 of a plan: what is done of it, and what should be by now. What was cancelled is not done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from schemas.plan import MeasureState

UNVERIFIED_MOST = 0.90
"""As far as an item can be before its effect was verified."""


class Part(NamedTuple):
    """One measure as progress sees it."""

    state: MeasureState
    progress_ratio: float = 0.0
    effort: float = 1.0
    """Its weight, more than 0."""
    start_on: date | None = None
    due_on: date | None = None


def progress(parts: Sequence[Part], *, is_verified: bool = False) -> float:
    """How far the item is, 0 to 1: the mean over the measures that were not cancelled, by their effort.

    Args:
        parts: All measures; none, or all cancelled: 0.
        is_verified: Whether its effect was judged; before, it is at most ``UNVERIFIED_MOST``.
    """
    counted = kept(parts)
    whole = sum(part.effort for part in counted)
    if not whole:
        return 0.0
    done = sum(part.effort * _done(part) for part in counted) / whole
    return done if is_verified else min(done, UNVERIFIED_MOST)


def kept(parts: Sequence[Part]) -> list[Part]:
    """The measures that were not cancelled."""
    return [part for part in parts if part.state is not MeasureState.CANCELLED]


def _done(part: Part) -> float:
    return 1.0 if part.state is MeasureState.DONE else min(max(part.progress_ratio, 0.0), 1.0)


def planned(parts: Sequence[Part], on: date) -> float:
    """How far it should be at the end of a day, by the dates of the measures alone: evenly from start to due, 0 to 1.

    A measure without a start is planned for its due day alone; one without a due day plans nothing.
    """
    counted = [part for part in kept(parts) if part.due_on]
    whole = sum(part.effort for part in counted)
    return sum(part.effort * _planned(part, on) for part in counted) / whole if whole else 0.0


def _planned(part: Part, on: date) -> float:
    assert part.due_on is not None
    start = part.start_on if part.start_on and part.start_on <= part.due_on else part.due_on
    if on < start:
        return 0.0
    days = (part.due_on - start) / timedelta(days=1) + 1
    return min(((on - start) / timedelta(days=1) + 1) / days, 1.0)


def is_all_done(parts: Sequence[Part]) -> bool:
    """Whether every measure that was not cancelled is done, and there is one."""
    counted = kept(parts)
    return bool(counted) and all(part.state is MeasureState.DONE for part in counted)
