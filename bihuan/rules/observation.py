"""Observation 观察期: how long data are waited for, and how much of a plan was carried out."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from schemas.plan import MeasureState

LONGEST_MONTHS, EXTENSION_MONTHS = 6, 3
"""What cannot be told after six months of work in force is judged as it is; each extension gives three more."""


class Done(NamedTuple):
    """One measure as its fidelity sees it."""

    state: MeasureState
    effort: float = 1.0
    coverage_ratio: float | None = None
    """None: nobody said that it reached less than everything."""


def fidelity(measures: Sequence[Done]) -> float:
    """How much of the plan was carried out, 0 to 1: by effort, what is done times how much of the slice it reached.

    Dropped measures are no part of the plan, whose approval they voided; a plan of which all were dropped was not
    carried out.
    """
    kept = [one for one in measures if one.state is not MeasureState.CANCELLED]
    whole = sum(one.effort for one in kept)
    return sum(one.effort * _reached(one) for one in kept) / whole if whole else 0.0


def _reached(one: Done) -> float:
    if one.state is not MeasureState.DONE:
        return 0.0
    return 1.0 if one.coverage_ratio is None else one.coverage_ratio


@dataclass(frozen=True, slots=True)
class Observed:
    """How far the data of an item are."""

    implemented_on: date
    lag_days: int
    least_days: int
    extensions: int
    needed: int | None
    """Cases that the window after still lacks; None: the baseline is too small for any number."""

    @property
    def least_on(self) -> date:
        """Before that day nothing is judged, however many cases there are."""
        return self.implemented_on + timedelta(days=self.lag_days + self.least_days)

    @property
    def ends_on(self) -> date:
        """From that day on nothing more is waited for."""
        end = months_later(self.implemented_on, LONGEST_MONTHS + EXTENSION_MONTHS * self.extensions)
        return max(self.least_on, end)

    def is_ready(self, on: date) -> bool:
        """Whether it can be judged on a day: the data are there, or waiting longer is over."""
        return on >= self.least_on and (self.needed == 0 or on >= self.ends_on)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, the last day of a month that has no such day."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = whole // 12, whole % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
