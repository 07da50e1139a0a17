"""Counted figures written into the snapshot: new ones told, changed ones mended, equal ones left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isclose
from typing import Any

import pandas as pd
from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.policy.kpi import MEDIANS, KpiPolicy
from bihuan.services.kpi_figure import figures, with_median
from bihuan.services.kpi_month import SLICE, Tallies, months
from bihuan.store.queries.snapshot import Month
from bihuan.store.rows import insert_rows, table_of, update_rows
from schemas.kpi import Grain, Snapshot

_S = table_of(Snapshot)
_FIGURES = ("x", "n", "value", "low", "high")
_TOLERANCE = 1e-9
_LONGEST = 160
"""Characters of an element."""
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """How many figures were told for the first time, how many changed, and how many of these late news corrected."""

    new: int
    changed: int
    corrected: int


def keep(
    session: Session, policy: KpiPolicy, month: Month, counted: tuple[pd.DataFrame, Tallies], late: frozenset[date],
    at: datetime,
) -> Kept:  # fmt: skip
    """Write what was counted of a month where it differs from what is kept.

    Args:
        session: Of one transaction.
        policy: Its indicators, and of each dimension how many values are kept.
        month: What was counted.
        counted: As ``kpi_month.count`` gives it.
        late: The days of which news came late.
        at: When it was counted.

    Returns:
        How many rows were written. A month that still goes on is told anew each time: only once it has ended is a
        change of it a correction.
    """
    stored, has_ended = _stored(session, month), month.days[-1][1] >= _following(month)
    rows = _shortened(_rows(policy, month, *counted), stored, policy.snapshot.most)
    fresh = [_new(key, row, at) for key, row in rows.items() if key not in stored]
    changed = [
        _changed(old, rows.get(key, _NOTHING), _is_late(key, late), _was_told(old, month), at)
        for key, old in stored.items()
        if not _is_same(old, rows.get(key, _NOTHING)) or (has_ended and not _was_told(old, month))
    ]
    insert_rows(session, Snapshot, fresh)
    update_rows(session, Snapshot, changed)
    return Kept(len(fresh), len(changed), sum(row["corrected_at"] == at for row in changed))


def _rows(policy: KpiPolicy, month: Month, counted: pd.DataFrame, tallies: Tallies) -> dict[Key, dict[str, Any]]:
    """Every figure of the month and of its days, by its slice."""
    names = [date.fromisoformat(name) for name, _ in month.days[:-1]]
    medians = {name for name, it in policy.indicators.items() if it.counts in MEDIANS}
    found: dict[Key, dict[str, Any]] = {}
    for grain, frame in ((Grain.DAY, counted), (Grain.MONTH, months(counted).assign(day=-1))):
        for row in _told(figures(frame, policy.indicators)):
            name, day = row["indicator"], row["day"]
            if name in medians:
                if row["dimension"]:
                    continue  # a median does not add up: by dimension it is counted when it is asked for
                row = with_median(row, _times(tallies, name, day))  # noqa: PLW2901 - the same row, with its figure
            starts_on = names[0] if grain is Grain.MONTH else names[day]
            found[grain, starts_on, *(row[part] for part in SLICE)] = row
    return found


def _told(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a frame as plain values; None where there is no figure."""
    columns = ["day", *SLICE, *_FIGURES, "apart"]
    plain = frame[columns].astype(dict.fromkeys(_FIGURES, "object"))
    for row in plain.where(plain.notna(), None).to_dict("records"):
        yield {**row, "n": int(row["n"]), "x": float(row["x"]), "element": str(row["element"])[:_LONGEST]}


def _times(tallies: Tallies, name: str, day: int) -> list[dict[str, Any]]:
    if day >= 0:
        return list(tallies.get((name, day), ()))
    return [tally for (of, _), some in tallies.items() if of == name for tally in some]


def _shortened(
    rows: dict[Key, dict[str, Any]], stored: Mapping[Key, Any], most: int
) -> dict[Key, dict[str, Any]]:  # fmt: skip
    """Of each dimension its most frequent values, and whatever has been kept before."""
    sizes: dict[str, dict[str, int]] = {}
    for (grain, _, dimension, element, *_), row in rows.items():
        if grain is Grain.MONTH and dimension:
            elements = sizes.setdefault(dimension, {})
            elements[element] = max(elements.get(element, 0), row["n"])
    kept = {("", "")} | {(key[2], key[3]) for key in stored}
    for dimension, elements in sizes.items():
        ranked = sorted(elements, key=lambda element: (-elements[element], element))
        kept |= {(dimension, element) for element in ranked[:most]}
    return {key: row for key, row in rows.items() if (key[2], key[3]) in kept}


def _stored(session: Session, month: Month) -> dict[Key, Row[Any]]:
    """What is kept of the month and of its days so far, by its slice."""
    days = [date.fromisoformat(name) for name, _ in month.days[:-1]]
    starts_on = _S.c.starts_on
    in_days = (_S.c.grain == Grain.DAY) & (starts_on >= days[0]) & (starts_on <= days[-1])
    in_month = (_S.c.grain == Grain.MONTH) & (starts_on == days[0])
    rows = session.execute(select(_S).where(in_days | in_month))
    return {(row.grain, row.starts_on, *(getattr(row, part) for part in SLICE)): row for row in rows}


_NOTHING: Mapping[str, Any] = {"x": 0.0, "n": 0, "value": None, "low": None, "high": None, "apart": {}}
"""What is kept of a slice in which nothing is counted any more."""


def _new(key: Key, row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    grain, starts_on, *parts = key
    figures_ = {name: row[name] for name in (*_FIGURES, "apart")}
    return {"grain": grain, "starts_on": starts_on, **dict(zip(SLICE, parts, strict=True)), **figures_,
            "counted_at": at, "revision": 1, "first_value": row["value"], "corrected_at": None}  # fmt: skip


def _changed(
    old: Row[Any], row: Mapping[str, Any], is_late: bool, was_told: bool, at: datetime
) -> dict[str, Any]:  # fmt: skip
    is_another = not _are_close(old, row)
    told = {"revision": old.revision + (is_another and was_told), "first_value": old.first_value,
            "corrected_at": old.corrected_at}  # fmt: skip
    if not was_told:
        told["first_value"] = row["value"]
    elif is_another and is_late and old.corrected_at is None:
        told["corrected_at"] = at
    return {"id": old.id, **{name: row[name] for name in (*_FIGURES, "apart")}, "counted_at": at, **told}


def _is_late(key: Key, late: frozenset[date]) -> bool:
    return bool(late) if key[0] is Grain.MONTH else key[1] in late


def _was_told(old: Row[Any], month: Month) -> bool:
    """Whether the period had ended when it was counted before; a day always had."""
    told: bool = old.grain is Grain.DAY or old.counted_at >= _following(month)
    return told


def _following(month: Month) -> datetime:
    """The first instant of the month after it."""
    return (month.days[0][1] + timedelta(days=32)).replace(day=1)


def _is_same(old: Row[Any], row: Mapping[str, Any]) -> bool:
    return _are_close(old, row) and _alike(old.apart, row["apart"])


def _are_close(old: Row[Any], row: Mapping[str, Any]) -> bool:
    return all(_equal(getattr(old, name), row[name]) for name in _FIGURES)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
