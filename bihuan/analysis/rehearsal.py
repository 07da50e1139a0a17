"""The rehearsal 预演 of a draft policy: what it would have done to a history, beside today's policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

SIDES = ("today", "draft")
"""Both policies of a rehearsal, in the order in which they are shown."""

_COUNTS = ("deadlines", "met", "on_time", "breaches", "alerts")
_RATE = ("value", "low", "high")
_COMPARED = ("deadlines", "breaches", "alerts", "value")


@dataclass(frozen=True)
class Rehearsal:
    """A draft policy replayed over history beside today's.

    Frames hold one row a policy: column ``side`` is ``today`` or ``draft``. Any of them may be without rows, never
    without columns. An alert is a warning or the notice of a breach, before quiet hours and bundling.
    """

    since: datetime
    """Aware UTC; the history is [since, until)."""
    until: datetime
    timezone: str
    """The zone in which days, hours and nights are cut."""
    complaints: int
    """How many were replayed."""
    scope: Mapping[str, tuple[str, ...]]
    """Dimension -> the values that the replay was limited to; empty: all complaints."""
    versions: Mapping[str, str]
    """``today`` and ``draft`` -> the version of the policy."""
    is_simulated: bool
    milestones: pd.DataFrame
    """milestone, side, deadlines, met, on_time, breaches, cancelled, running, warnings, and the on-time rate of what
    was met with its Wilson interval: value, low, high; NaN where met is 0."""
    people: pd.DataFrame
    """Alerts by person: recipient, name, side, warnings, breaches."""
    hours: pd.DataFrame
    """Alerts by hour of the day: hour 0..23, side, alerts."""
    nights: pd.DataFrame
    """Alerts from 22:00 to 08:00: night (the date on which it begins), side, alerts."""
    follow_ups: pd.DataFrame
    """Follow-ups by day: day (date), milestone, side, count."""
    moved: pd.DataFrame
    """Verdicts that differ, some thousands at most: number, milestone, round, due_today, due_draft (aware UTC),
    breached_today, breached_draft."""
    moved_count: int
    """How many verdicts differ in all."""


def differences(milestones: pd.DataFrame) -> pd.DataFrame:
    """Both policies side by side.

    Args:
        milestones: As in ``Rehearsal``; a milestone that only one policy sets has one row.

    Returns:
        One row a milestone, in the order of their first rows: ``milestone``; with the suffixes ``_today`` and
        ``_draft`` ``deadlines``, ``met`` (the n of the rate), ``on_time``, ``breaches`` and ``alerts`` int64, 0 where
        the policy does not set it, ``value``, ``low`` and ``high`` float64 in 0..1, NaN where nothing was met; with the
        suffix ``_difference`` draft less today for ``deadlines``, ``breaches``, ``alerts`` and ``value``. No
        milestones: no rows, same columns.
    """
    told = milestones.assign(alerts=milestones["warnings"] + milestones["breaches"])
    order = list(dict.fromkeys(milestones["milestone"]))
    table = pd.concat([_of(told, side, order) for side in SIDES], axis="columns")
    for figure in _COMPARED:
        table[f"{figure}_difference"] = table[f"{figure}_draft"] - table[f"{figure}_today"]
    return table.rename_axis("milestone").reset_index()


def _of(told: pd.DataFrame, side: str, order: list[str]) -> pd.DataFrame:
    """The figures of one policy by milestone, 0 and NaN where it does not set it."""
    rows = told[told["side"] == side].set_index("milestone").reindex(order)
    counts = rows[list(_COUNTS)].astype("float64").fillna(0).astype("int64")
    return counts.join(rows[list(_RATE)].astype("float64")).add_suffix(f"_{side}")
