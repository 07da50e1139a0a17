"""Bars of a Gantt chart 甘特图: planned from start to due, how much of it is done, and how long it is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from bihuan.rules.item import ENDED, position
from schemas.item import ItemState
from schemas.plan import MeasureState

_DAY = timedelta(days=1)


class Bar(NamedTuple):
    """One item or measure; every day in it is a last day, not the one after."""

    number: str
    name: str
    is_item: bool
    start_on: date
    due_on: date
    done_until_on: date | None
    """As far as it is done: the day it was done, or that share of its planned days; None: nothing is."""
    late_until_on: date | None
    """Up to when it was or is late; None: it is not."""
    is_over: bool
    """Done, ended or cancelled."""
    is_cancelled: bool
    waits_for: tuple[int, ...] = ()
    """Places of the measures that it waits for."""


def bars(items: Sequence[Mapping[str, Any]], today: date) -> list[Bar]:
    """Each item with its measures below it, those that others wait for first; what has no day at all is left out.

    Args:
        items: As ``bihuan.services.item.show`` has them.
        today: What is not over by then, and due before it, is late.
    """
    found = []
    for item in items:
        rows = [_of_item(item, today), *(_of_measure(one, today) for one in ordered(item["measures"]))]
        found += [row for row in rows if row is not None]
    return found


def undated(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The numbers of the items and measures that have no day, and so no bar."""
    rows = [(one["number"], one) for item in items for one in (item,)]
    rows += [(one["reference"], one) for item in items for one in item["measures"]]
    return sorted(number for number, one in rows if one["start_on"] is None and one["due_on"] is None)


def ordered(measures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Measures so that none stands before one that it waits for; otherwise by their start, then their place."""
    left = sorted(measures, key=lambda one: (one["start_on"] or one["due_on"] or date.max, one["place"]))
    placed: list[Mapping[str, Any]] = []
    while left:
        waiting = {one["place"] for one in left}
        free = (one for one in left if not waiting.intersection(one["depends_on"]) - {one["place"]})
        chosen = next(free, left[0])
        left.remove(chosen)
        placed.append(chosen)
    return placed


def _of_item(item: Mapping[str, Any], today: date) -> Bar | None:
    state = ItemState(item["state"])
    is_over = state in ENDED or position(state) >= position(ItemState.STANDARDISING)
    done_on = item["closed_at"].date() if item["closed_at"] else None
    return _bar((item["number"], item["name"], True), item, item["progress_ratio"], (is_over, done_on), today,
                is_cancelled=state is ItemState.CANCELLED)  # fmt: skip


def _of_measure(one: Mapping[str, Any], today: date) -> Bar | None:
    is_cancelled = one["state"] is MeasureState.CANCELLED
    is_over = is_cancelled or one["state"] is MeasureState.DONE
    row = _bar((one["reference"], one["what"], False), one, one["progress_ratio"], (is_over, one["implemented_on"]),
               today, is_cancelled=is_cancelled)  # fmt: skip
    return row._replace(waits_for=tuple(one["depends_on"])) if row else None


def _bar(
    called: tuple[str, str, bool], dated: Mapping[str, Any], ratio: float, over: tuple[bool, date | None], today: date,
    *, is_cancelled: bool,
) -> Bar | None:  # fmt: skip
    days = [day for day in (dated["start_on"], dated["due_on"]) if day]
    if not days:
        return None
    start, due = min(days), max(days)
    is_over, done_on = over
    end = done_on if is_over and done_on else None if is_over else today
    late = end if end and end > due and not is_cancelled else None
    if is_cancelled:
        done = None
    elif is_over:
        done = max(start, min(done_on or due, due))
    else:
        done = start + timedelta(days=round(((due - start).days + 1) * ratio)) - _DAY
    return Bar(*called, start, due, done if done and done >= start else None, late, is_over, is_cancelled)


def is_late(dated: Mapping[str, Any], today: date) -> bool:
    """Whether a measure is neither done nor cancelled, and was due before today."""
    over = {MeasureState.DONE, MeasureState.CANCELLED}
    return dated["state"] not in over and dated["due_on"] is not None and dated["due_on"] < today
