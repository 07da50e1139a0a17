"""The week of a review 周例会: its days, and what of a plan it has to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from bihuan.rules.item import ENDED
from schemas.plan import MeasureState

BEHIND = 0.10
"""From so far behind its plan on, an item owes a reason and a decision."""
AHEAD = timedelta(days=14)
"""So far ahead a review looks for what falls due."""
_DAY = timedelta(days=1)
_TINY = 1e-9


class Week(NamedTuple):
    """A week from Monday to Sunday, looked at on a day: its last, or today while it lasts."""

    first_on: date
    last_on: date
    seen_on: date


class Progress(NamedTuple):
    """How far an item is in a week."""

    planned: float
    actual: float
    checkpoint: Mapping[str, Any] | None
    """That of the week, where it was kept."""

    @property
    def difference(self) -> float:
        """Actual less planned."""
        return self.actual - self.planned

    @property
    def is_behind(self) -> bool:
        """Whether it owes a reason and a decision."""
        return self.difference <= -BEHIND + _TINY


def week_of(day: date, today: date) -> Week:
    """The week in which a day lies."""
    first = day - timedelta(days=day.weekday())
    last = first + 6 * _DAY
    return Week(first, last, min(last, today))


def progress_in(item: Mapping[str, Any], week: Week) -> Progress:
    """How far an item was in a week by its checkpoint; without one, how far it is today.

    Args:
        item: As a plan book has it.
        week: Which.
    """
    kept = next((one for one in item["checkpoints"] if one["week_on"] == week.first_on), None)
    if kept is None:
        return Progress(item["planned_ratio"], item["progress_ratio"], None)
    return Progress(kept["planned_ratio"], kept["actual_ratio"], kept)


def late_on(items: Iterable[Mapping[str, Any]], day: date) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Items with those of their measures that were late on a day, the latest first; of ended items none."""
    found = [
        (item, one) for item in open_ones(items) for one in item["measures"]
        if one["due_on"] and one["due_on"] < day and _was_open(one, day)
    ]  # fmt: skip
    return sorted(found, key=lambda both: (both[1]["due_on"], both[1]["reference"]))


def due_soon(items: Iterable[Mapping[str, Any]], day: date) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Items with those of their measures that fall due from a day on within two weeks, the earliest first."""
    found = [
        (item, one) for item in open_ones(items) for one in item["measures"]
        if one["due_on"] and day <= one["due_on"] < day + AHEAD and _was_open(one, day)
    ]  # fmt: skip
    return sorted(found, key=lambda both: (both[1]["due_on"], both[1]["reference"]))


def open_ones(items: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Those that have not ended."""
    return [item for item in items if item["state"] not in ENDED]


def _was_open(measure: Mapping[str, Any], day: date) -> bool:
    if measure["state"] is MeasureState.CANCELLED:
        return False
    return measure["implemented_on"] is None or measure["implemented_on"] > day
