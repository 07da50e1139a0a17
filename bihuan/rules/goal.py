"""Goal 目标: is it specific, measurable, achievable, relevant and timed – by the indicator's own data."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from bihuan.policy.kpi import Counts, Direction


class Letter(StrEnum):
    """Which of the five a goal fails."""

    SPECIFIC = "s"
    MEASURABLE = "m"
    ACHIEVABLE = "a"
    RELEVANT = "r"
    TIMED = "t"


class Lack(StrEnum):
    """Why a goal fails."""

    NO_PROBLEM = "no_problem"
    NO_OWNER = "no_owner"
    NO_INDICATOR = "no_indicator"
    UNKNOWN_INDICATOR = "unknown_indicator"
    """The policy has none of that name."""
    NO_BASELINE = "no_baseline"
    """Numerator or denominator is missing."""
    NO_PERIOD = "no_period"
    """Nobody knows over which months the baseline was counted."""
    NO_TARGET = "no_target"
    NO_HISTORY = "no_history"
    """Nobody knows what the indicator can reach, and no reason is given."""
    OUT_OF_BAND = "out_of_band"
    """Better than it has ever been, and no reason is given."""
    TARGET_IS_BASELINE = "target_is_baseline"
    WRONG_SIDE = "wrong_side"
    """The target is worse than the baseline."""
    NO_DATES = "no_dates"
    DUE_BEFORE_START = "due_before_start"
    TOO_LONG = "too_long"


class Failure(NamedTuple):
    """One thing that a goal lacks."""

    letter: Letter
    why: Lack


class Band(NamedTuple):
    """The least and the most that an indicator has ever been."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Goal:
    """What of an item makes its goal. Values are in the unit of the indicator: a share 0 to 1, hours, points."""

    problem: str = ""
    has_owner: bool = False
    indicator: str = ""
    direction: Direction | None = None
    """Of the indicator; None: the policy does not know it."""
    baseline: float | None = None
    has_period: bool = False
    target: float | None = None
    target_reason: str = ""
    band: Band | None = None
    """None: there are no data of it."""
    start_on: date | None = None
    due_on: date | None = None


def baseline_value(x: float | None, n: int | None, counts: Counts | None = None) -> float | None:
    """What a baseline says in the unit of its indicator; None where it is not known.

    Args:
        x: Numerator: events, or the sum of what was scored or of hours.
        n: Denominator.
        counts: What the indicator counts; the net promoter score is told in a hundred answers.
    """
    if x is None or not n:
        return None
    return x / n * (100 if counts is Counts.NPS else 1)


def is_better(value: float, than: float, direction: Direction) -> bool:
    """Whether a value lies on the good side of another."""
    return value > than if direction is Direction.AT_LEAST else value < than


def failures(goal: Goal, longest: int) -> tuple[Failure, ...]:
    """What the goal lacks; nothing where it is all five.

    Args:
        goal: The goal.
        longest: Months after the start by which it has to be reached, at most.
    """
    found = (*_specific(goal), *_measurable(goal), *_relevant(goal), *_achievable(goal), *_timed(goal, longest))
    return tuple(sorted(found, key=lambda one: list(Letter).index(one.letter)))


def _specific(goal: Goal) -> Iterator[Failure]:
    if not goal.problem.strip():
        yield Failure(Letter.SPECIFIC, Lack.NO_PROBLEM)
    if not goal.has_owner:
        yield Failure(Letter.SPECIFIC, Lack.NO_OWNER)


def _measurable(goal: Goal) -> Iterator[Failure]:
    if not goal.indicator:
        yield Failure(Letter.MEASURABLE, Lack.NO_INDICATOR)
    elif goal.direction is None:
        yield Failure(Letter.MEASURABLE, Lack.UNKNOWN_INDICATOR)
    if goal.baseline is None:
        yield Failure(Letter.MEASURABLE, Lack.NO_BASELINE)
    if not goal.has_period:
        yield Failure(Letter.MEASURABLE, Lack.NO_PERIOD)
    if goal.target is None:
        yield Failure(Letter.MEASURABLE, Lack.NO_TARGET)


def _achievable(goal: Goal) -> Iterator[Failure]:
    if goal.target is None or goal.direction is None or goal.target_reason.strip():
        return
    if goal.band is None:
        yield Failure(Letter.ACHIEVABLE, Lack.NO_HISTORY)
    elif is_better(goal.target, _best(goal.band, goal.direction), goal.direction):
        yield Failure(Letter.ACHIEVABLE, Lack.OUT_OF_BAND)


def _best(band: Band, direction: Direction) -> float:
    return band.most if direction is Direction.AT_LEAST else band.least


def _relevant(goal: Goal) -> Iterator[Failure]:
    if goal.target is None or goal.baseline is None or goal.direction is None:
        return
    if goal.target == goal.baseline:
        yield Failure(Letter.RELEVANT, Lack.TARGET_IS_BASELINE)
    elif not is_better(goal.target, goal.baseline, goal.direction):
        yield Failure(Letter.RELEVANT, Lack.WRONG_SIDE)


def _timed(goal: Goal, longest: int) -> Iterator[Failure]:
    if goal.start_on is None or goal.due_on is None:
        yield Failure(Letter.TIMED, Lack.NO_DATES)
    elif goal.due_on <= goal.start_on:
        yield Failure(Letter.TIMED, Lack.DUE_BEFORE_START)
    elif goal.due_on > months_after(goal.start_on, longest):
        yield Failure(Letter.TIMED, Lack.TOO_LONG)


def months_after(day: date, count: int) -> date:
    """The same day so many months later; the last of that month where it has no such day."""
    whole = day.year * 12 + day.month - 1 + count
    year, month = whole // 12, whole % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
