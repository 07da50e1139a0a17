"""Carry-forward 结转 at a month's end: what becomes of each item that has not ended, so that nothing is forgotten.

Periods are months: February, the 31st and leap years make no difference, and months that were missed are made up for
at once with the same outcome as one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bihuan.rules.item import ENDED, FAILED, position
from schemas.item import ItemState
from schemas.verification import Verdict

_NEED_CHILD = FAILED | {Verdict.NOT_ATTRIBUTABLE}


class Ask(StrEnum):
    """What somebody has to do about a carried item."""

    NOTHING = "nothing"
    DEVIATION = "deviation"
    """It is overdue: say why."""
    DEPARTMENT_HEAD = "department_head"
    """Overdue again: its department's head looks at it."""
    EXECUTIVE = "executive"
    """Overdue once more: the executive agrees to the plan again, changes it, or stops it."""
    CHILD = "child"
    """It did not work: a child goes on with what is different."""


@dataclass(frozen=True, slots=True)
class Open:
    """An item as it stands at a month's end."""

    state: ItemState
    period_on: date
    """First day of the month of the cycle it is in."""
    carry_count: int = 0
    due_on: date | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many times on an overdue item goes to whom."""

    head: int = 2
    executive: int = 3


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of it: the same item in the new cycle, never a copy."""

    carry_count: int
    ask: Ask
    is_overdue: bool


def months_between(earlier_on: date, later_on: date) -> int:
    """How many months later the second month is."""
    return (later_on.year - earlier_on.year) * 12 + later_on.month - earlier_on.month


def carried(item: Open, into_on: date, limits: Limits) -> Carried | None:
    """What becomes of an item when the cycle of a month opens.

    Args:
        item: How it stands.
        into_on: First day of the month of the new cycle.
        limits: Who is asked when.

    Returns:
        None where it stays: it has ended, or is in that cycle, or in a later one.
    """
    months = months_between(item.period_on, into_on)
    if item.state in ENDED or months <= 0:
        return None
    count = item.carry_count + months
    is_late = is_overdue(item.state, item.due_on, into_on)
    return Carried(count, _ask(item, count, limits, is_late), is_late)


def is_overdue(state: ItemState, due_on: date | None, today: date) -> bool:
    """Whether work is late: once it is done the item waits for data, and nobody is late."""
    return due_on is not None and due_on < today and position(state) < position(ItemState.OBSERVING)


def _ask(item: Open, count: int, limits: Limits, is_late: bool) -> Ask:
    if item.state is ItemState.VERDICT and item.verdict in _NEED_CHILD:
        return Ask.CHILD
    if not is_late:
        return Ask.NOTHING
    if count >= limits.executive:
        return Ask.EXECUTIVE
    return Ask.DEPARTMENT_HEAD if count >= limits.head else Ask.DEVIATION


def orphans(items: Iterable[tuple[str, ItemState, int]], closed: Mapping[int, bool]) -> list[str]:
    """The items that nobody works on: they have not ended, and their cycle is closed or not there.

    Args:
        items: Number, state and cycle of each.
        closed: Whether it is closed, by cycle.
    """
    return [number for number, state, cycle in items if state not in ENDED and closed.get(cycle, True)]
