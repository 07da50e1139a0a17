"""Effect verification 效果验证: the values that go in and come out (IMPROVEMENT 3).

The way of one check: ``Windows`` frozen with the plan → ``reading.read`` the figures of both windows → one function of
``effect``, ``effect_paired`` or ``effect_duration``, as ``method.choose`` said → ``verdict.judge``. Differences are
after less before, ratios after over before; what is better is known only to ``Goal``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import inf, isnan, log, nan

import pandas as pd

from bihuan.analysis.proportion import Contrast
from bihuan.analysis.score import NOTHING, Estimate
from schemas.verification import Limitation, Method

_FEBRUARY, _LEAP_DAY, _LAST = 2, 29, 28


@dataclass(frozen=True)
class Windows:
    """Which days count as before and which as after; every ``until`` is the first day that no longer counts.

    The days that made us choose the matter are no baseline: the worst of many months looks better afterwards whatever
    is done (regression to the mean).
    """

    baseline_on: date
    baseline_until: date
    implemented_on: date
    """The day from which on all measures were in force."""
    selection_on: date | None = None
    """The first day of what made us choose it, usually a month; None: chosen for other reasons."""
    selection_until: date | None = None
    lag_days: int = 0
    """Washout 洗脱期: so many days after it say nothing yet."""
    post_until: date | None = None
    """None: everything since."""

    def __post_init__(self) -> None:
        """Refuse windows that cannot be compared.

        Raises:
            ValueError: A window is empty, overlaps the measure, or the selection leaves nothing of the baseline.
        """
        if not self.baseline_on < self.baseline_until <= self.implemented_on:
            raise ValueError("the baseline begins before it ends, and ends before the measures are in force")
        if self.lag_days < 0 or (self.post_until is not None and self.post_until <= self.post_on):
            raise ValueError("the lag is 0 or more days, and the window after it is not empty")
        if (self.selection_on is None) != (self.selection_until is None):
            raise ValueError("a selection window has a first day and an end, or neither")
        if not self.is_before(pd.Series(pd.date_range(self.baseline_on, self.baseline_until, inclusive="left"))).any():
            raise ValueError("the baseline is nothing but what it was selected by; take the months before")

    @property
    def post_on(self) -> date:
        """The first day that counts as after."""
        return self.implemented_on + timedelta(days=self.lag_days)

    def is_before(self, days: pd.Series) -> pd.Series:
        """Which days belong to the baseline, bool, same index.

        Args:
            days: datetime64 of local days.
        """
        inside = _is_within(days, self.baseline_on, self.baseline_until)
        if self.selection_on is None:
            return inside
        return inside & ~_is_within(days, self.selection_on, self.selection_until)

    def is_after(self, days: pd.Series) -> pd.Series:
        """Which days belong to the window after, bool, same index."""
        return _is_within(days, self.post_on, self.post_until)

    def last_year(self) -> Windows:
        """The same days a year earlier, for ``effect.same_months``; 29 February becomes the 28th."""
        implemented_on = _year_before(self.implemented_on)
        return Windows(
            _year_before(self.baseline_on), _year_before(self.baseline_until), implemented_on,
            _year_before(self.selection_on) if self.selection_on else None,
            _year_before(self.selection_until) if self.selection_until else None,
            # By the day on which the window begins, not by the length of the lag: a leap day may lie between.
            (_year_before(self.post_on) - implemented_on).days,
            _year_before(self.post_until) if self.post_until else None,
        )  # fmt: skip


def _is_within(days: pd.Series, first: date, until: date | None) -> pd.Series:
    inside = days >= pd.Timestamp(first)
    return inside if until is None else inside & (days < pd.Timestamp(until))


def _year_before(day: date) -> date:
    is_leap_day = (day.month, day.day) == (_FEBRUARY, _LEAP_DAY)
    return day.replace(year=day.year - 1, day=_LAST if is_leap_day else day.day)


@dataclass(frozen=True)
class Goal:
    """Where an indicator should go."""

    target: float
    """In the unit of the indicator; reached exactly is reached."""
    is_lower_better: bool


@dataclass(frozen=True)
class Effect:
    """What changed, with its interval of 95 %; NaN where there was nothing to compute it from."""

    method: Method
    estimate: float
    """After less before, in the unit of the indicator; a ratio, of rates or odds, where ``is_ratio``."""
    low: float
    high: float
    p: float
    """Two-sided, of no effect; for the scoreboard. The verdict reads the interval."""
    before: Estimate
    """The figure of the window before, with its own interval."""
    after: Estimate
    x0: float
    n0: float
    """What was counted in the window before: of so many cases, answers, or over so much exposure."""
    x1: float
    n1: float
    is_ratio: bool = False
    plain: Contrast | None = None
    """The change as two windows alone have it, where the method takes something off it; a ratio where that is one."""
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    limitations: tuple[Limitation, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether there is an interval to judge by."""
        return not any(isnan(one) for one in (self.estimate, self.low, self.high))

    def limited(self, *more: Limitation) -> Effect:
        """The same with more to be said beside it, each once, in the order first said."""
        return replace(self, limitations=tuple(dict.fromkeys((*self.limitations, *more))))


def nothing(method: Method, n0: float, n1: float) -> Effect:
    """The effect where one of the windows is empty, or nothing has ended."""
    return Effect(method, nan, nan, nan, nan, NOTHING, NOTHING, nan, n0, nan, n1)


def facing(change: Contrast, goal: Goal, *, is_ratio: bool) -> Contrast:
    """The change turned so that below 0 is better and 0 is no change; the one place that knows the direction.

    Args:
        change: After less before, or after over before.
        goal: Whether lower is better.
        is_ratio: Whether it is a ratio; then its logarithm is faced.
    """
    value, low, high = (_logarithm(one) for one in change) if is_ratio else change
    return Contrast(value, low, high) if goal.is_lower_better else Contrast(-value, -high, -low)


def _logarithm(ratio: float) -> float:
    if isnan(ratio) or ratio == inf:
        return ratio
    return log(ratio) if ratio > 0 else -inf
