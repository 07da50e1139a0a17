"""What can be said of an indicator's target: only what its whole interval says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bihuan.policy.kpi import Direction, IndicatorPolicy


class Verdict(StrEnum):
    """How an indicator stands to its target."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"
    """The target lies within the interval."""
    NOT_ENOUGH = "not_enough"
    NONE = "none"
    """There is no target, or the policy does not know the indicator any more."""


def verdict(row: Mapping[str, Any], policy: IndicatorPolicy | None) -> Verdict:
    """What a row of ``bihuan.services.kpi.show`` says of its target.

    Args:
        row: With ``low``, ``high``, ``target`` and ``is_enough``.
        policy: Which side of the target is good; None: nobody knows.
    """
    if not row["is_enough"] or row["value"] is None or row["low"] is None:
        return Verdict.NOT_ENOUGH
    if policy is None or row.get("target") is None:
        return Verdict.NONE
    low, high, target = float(row["low"]), float(row["high"]), float(row["target"])
    if policy.direction is Direction.AT_MOST:
        low, high, target = -high, -low, -target
    if low >= target:
        return Verdict.MET
    return Verdict.MISSED if high < target else Verdict.OPEN


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows are of one indicator and one survey."""
    return one["indicator"] == other["indicator"] and one.get("survey") == other.get("survey")
