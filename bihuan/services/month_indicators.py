"""The indicators of a month and of its baseline, month by month: complaints are counted for all of them in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from bihuan.policy.kpi import MEDIANS, Counts, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.indicator import NO_TIME, SURVEYS, Figures, mean_of, median_of, shares
from bihuan.services.kpi import Look, row_of, rows_of
from bihuan.services.kpi_month import Tally, count
from bihuan.store.queries.countable import APART
from bihuan.store.queries.course import courses, pieces
from bihuan.store.queries.snapshot import Month

Rows = list[dict[str, Any]]
_MONTH = "month"
_PIECE = 100_000
"""Complaints counted at a time."""


def by_month(look: Look, policy: Policy) -> Rows:
    """Every indicator by month: the rows of ``kpi.every``, which asks the database anew for each of them.

    Args:
        look: Its cut by month, with both ends.
        policy: The indicators.
    """
    indicators = policy.kpi.indicators
    whole = {name: it for name, it in indicators.items() if it.counts not in SURVEYS}
    found = _complaints(look, whole)
    return [
        {"indicator": name, **row}
        for name, it in indicators.items()
        for row in (found[name] if name in found else rows_of(look, it))
    ]


def of_month(rows: Sequence[Mapping[str, Any]], name: str) -> Rows:
    """The figures of one month among those by month, as ``kpi.every`` has them for it alone.

    Args:
        rows: By month.
        name: Of the month, ``2026-10``.
    """
    mine = [row for row in rows if row[_MONTH] == name and ("survey" in row or _is_told(row))]
    return [{key: value for key, value in row.items() if key != _MONTH} for row in mine]


def _is_told(row: Mapping[str, Any]) -> bool:
    """Whether there is anything to count; otherwise an indicator of complaints has no row."""
    return bool(row["n"] or row["open_overdue"])


def _complaints(look: Look, indicators: Mapping[str, IndicatorPolicy]) -> dict[str, Rows]:
    """The rows of the indicators of complaints, by name."""
    placed = look.placed(next(iter(indicators.values()))) if indicators else None
    if placed is None:
        return {name: [] for name in indicators}
    cut, view = placed
    assert cut.since
    assert cut.until
    starts = [(name, max(start, cut.since)) for name, start in cut.periods]
    month = Month([*starts, ("", cut.until)], indicators, (), view, cut.scope)
    found = chain.from_iterable(courses(look.session, piece) for piece in pieces(month, _PIECE))
    days, tallies = count(look.session, month, found)
    rows: dict[str, Rows] = {name: [] for name in indicators}
    for row in days.sort_values("day").to_dict("records"):
        name, day = str(row["indicator"]), int(row["day"])
        it = indicators[name]
        told = {"key": starts[day][0], **{key: int(row[key]) for key in ("n", *APART)}}
        told |= _figures({str(key): value for key, value in row.items()}, tallies.get((name, day), []), it)
        rows[name].append(row_of(told, it, _MONTH))
    return {name: some if any(map(_is_told, some)) else [] for name, some in rows.items()}


def _figures(row: Tally, times: list[Tally], it: IndicatorPolicy) -> Figures:
    if not it.is_time:
        return shares(row)
    if it.counts in MEDIANS:
        return median_of(times) if times else dict(NO_TIME)
    assert it.counts is Counts.RESPONSE_TIME
    return mean_of([row]) if row["n"] else dict(NO_TIME)
