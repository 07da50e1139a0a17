"""Two verdicts of one chart, as NHS England's Making Data Count has them: is it chance, and will the target be met?"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from bihuan.analysis.trend import Charted, Found


class Variation(StrEnum):
    """Whether the newest point belongs to a pattern that chance rarely makes."""

    COMMON = "common"
    """Nothing but chance 普通原因."""
    IMPROVING = "improving"
    """Something has made it better 特殊原因，向好."""
    CONCERNING = "concerning"
    """Something has made it worse 特殊原因，向坏."""
    UNKNOWN = "unknown"
    """Not enough points."""


class Assurance(StrEnum):
    """Whether a process that goes on like this meets its target."""

    MEETS = "meets"
    """Consistently 稳定达标: the target lies beyond the limit on the bad side."""
    MISSES = "misses"
    """Consistently 稳定不达标: it cannot be met without a change."""
    HIT_OR_MISS = "hit_or_miss"
    """By chance 时好时坏: the target lies between the limits."""
    UNKNOWN = "unknown"


def active(charted: Charted, found: Sequence[Found]) -> list[Found]:
    """The patterns that the newest judged point still belongs to."""
    judged = np.flatnonzero(charted.is_judged)
    return [it for it in found if len(judged) and it.until == judged[-1]]


def variation(charted: Charted, found: Sequence[Found]) -> Variation:
    """What the newest point says; getting worse outweighs getting better.

    Args:
        charted: The chart.
        found: What it has said, see ``trend.signals``.
    """
    if charted.is_trial:
        return Variation.UNKNOWN
    now = active(charted, found)
    if any(it.is_worse for it in now):
        return Variation.CONCERNING
    return Variation.IMPROVING if now else Variation.COMMON


def assurance(charted: Charted, found: Sequence[Found], target: float) -> Assurance:
    """On which side of the target the limits of the newest judged point lie.

    While something has changed, the limits are of what was before: then no point since may say otherwise.
    """
    judged = np.flatnonzero(charted.is_judged)
    if charted.is_trial:
        return Assurance.UNKNOWN
    newest = judged[-1]
    low, high, is_high_good = charted.low[newest], charted.high[newest], charted.plan.is_lower_worse
    since = min((it.since for it in active(charted, found)), default=newest + 1)
    points = charted.series.value[judged[judged >= since]]
    meets = points >= target if is_high_good else points <= target
    if (low >= target if is_high_good else high <= target) and meets.all():
        return Assurance.MEETS
    if (high < target if is_high_good else low > target) and not meets.any():
        return Assurance.MISSES
    return Assurance.HIT_OR_MISS
