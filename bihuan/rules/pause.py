"""Pauses: the stretches in which a complaint waits for someone else, each with its reason, read off the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bihuan.policy.deadline import PauseBudget
from bihuan.rules.complaint import ENDS, LogLine
from schemas.complaint import EventKind

_GOES_ON = ENDS | {EventKind.RESUMED, EventKind.REOPENED}
"""Handling while waiting ends the wait as going on does: what was waited counts as a pause either way."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One wait. ``ended_at`` is None while it lasts."""

    began_at: datetime
    ended_at: datetime | None
    reason: str


def pauses(lines: Sequence[LogLine]) -> list[Pause]:
    """The waits in one round's lines, as ``rounds`` gives them: in order and never overlapping.

    Waiting for something more while waiting already goes on with the same pause and adds its reason. After
    the round's end there is nothing left to wait for.
    """
    found: list[Pause] = []
    is_over = False
    for line in lines:
        is_waiting = bool(found) and found[-1].ended_at is None
        if line.kind is EventKind.WAITING and not is_over:
            reason = str(line.data.get("reason") or "")
            if not is_waiting:
                found.append(Pause(line.occurred_at, None, reason))
            elif reason:
                found[-1] = replace(found[-1], reason="; ".join(filter(None, (found[-1].reason, reason))))
        elif is_waiting and line.kind in _GOES_ON:
            found[-1] = replace(found[-1], ended_at=line.occurred_at)
        is_over = is_over or line.kind in ENDS
    return found


def within_budget(waits: Sequence[Pause], budget: PauseBudget) -> list[Pause]:
    """What of a round's waits stops a clock: so many, each for so long.

    A wait that lasts ends, for the clock, once it has used up the longest that is allowed.
    """
    counted = waits if budget.at_most is None else waits[: budget.at_most]
    return [_shortened(wait, budget) for wait in counted]


def _shortened(wait: Pause, budget: PauseBudget) -> Pause:
    if budget.longest is None:
        return wait
    latest = wait.began_at + budget.longest
    return wait if wait.ended_at and wait.ended_at <= latest else replace(wait, ended_at=latest)
