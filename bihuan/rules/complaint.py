"""What the log of one complaint says: its rounds, its state, and which news make sense next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.complaint import ComplaintState, EventKind

DROPS = frozenset({EventKind.WITHDRAWN, EventKind.MERGED})
"""What ends a complaint without handling it: nothing after it counts until a reopening."""
ENDS = frozenset({EventKind.HANDLED, EventKind.CLOSED}) | DROPS
UNDOES = DROPS | {EventKind.REOPENED}
"""After these the handling before does not count any more."""
_STATE_AFTER = {
    EventKind.REGISTERED: ComplaintState.REGISTERED,
    EventKind.ASSIGNED: ComplaintState.ASSIGNED,
    EventKind.RESPONDED: ComplaintState.RESPONDED,
    EventKind.HANDLED: ComplaintState.HANDLED,
    EventKind.CLOSED: ComplaintState.CLOSED,
    EventKind.WITHDRAWN: ComplaintState.WITHDRAWN,
    EventKind.MERGED: ComplaintState.MERGED,
    EventKind.REOPENED: ComplaintState.ASSIGNED,
}
_OVER = {_STATE_AFTER[kind] for kind in ENDS}
_REMARKS = frozenset({EventKind.NOTE, EventKind.AUTOMATIC_REPLY})
"""They start and end nothing, so they always make sense."""
_WHILE_OPEN = DROPS | {
    EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.WAITING, EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED,
    EventKind.DEPARTMENT_CHANGED, EventKind.HANDLED, EventKind.CLOSED,
}  # fmt: skip
_AFTER_HANDLING = frozenset({
    EventKind.RESULT_TOLD, EventKind.FOLLOWED_UP, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TAKEN_ON,
    EventKind.NEGATIVE_RESOLVED, EventKind.NEGATIVE_TOLD, EventKind.REOPENED,
})  # fmt: skip

_WAY = {kind: step for step, kind in enumerate(sorted(EventKind, key=lambda kind: kind is EventKind.REOPENED))}
"""The order in which a complaint usually goes its way, a reopening after every kind of end."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event as the rules see it."""

    kind: EventKind
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a log has brought a complaint. ``handled_at`` is when the present round ended, in whichever way."""

    state: ComplaintState
    round: int
    handled_at: datetime | None


def rounds(log: Sequence[LogLine]) -> list[list[LogLine]]:
    """The log in order, cut at each reopening of a complaint that had ended.

    Registration comes first even where clock skew put another event before it; the rest goes by ``occurred_at``, then
    ``recorded_at``, then the usual way of a complaint: many sources know minutes only. A reopening of what had
    not ended starts no round.
    """
    ordered = sorted(log, key=_place)
    cut: list[list[LogLine]] = [[]]
    for line in ordered:
        if line.kind is EventKind.REOPENED and any(past.kind in ENDS for past in cut[-1]):
            cut.append([])
        cut[-1].append(line)
    return cut


def _place(line: LogLine) -> tuple[bool, datetime, datetime, int]:
    return line.kind is not EventKind.REGISTERED, line.occurred_at, line.recorded_at, _WAY[line.kind]


def way(kind: EventKind) -> int:
    """The place of a kind of event in the usual way of a complaint: it orders news of one instant."""
    return _WAY[kind]


def counting(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The lines of a round up to a withdrawal or a merge."""
    dropped = next((number for number, line in enumerate(lines, start=1) if line.kind in DROPS), len(lines))
    return lines[:dropped]


def undone_at(log: Sequence[LogLine], round_: int) -> datetime | None:
    """When what a round came to was undone: by a withdrawal or a merge, or by the reopening after it; None: it stands.

    Args:
        log: The whole log.
        round_: From 1.
    """
    if not any(line.kind in UNDOES for line in log):
        return None
    cut = rounds(log)
    if round_ > len(cut):
        return None
    lines = counting(cut[round_ - 1])
    if lines and lines[-1].kind in DROPS:
        return lines[-1].occurred_at
    return cut[round_][0].occurred_at if round_ < len(cut) else None


def terms_in_force(log: Sequence[LogLine]) -> dict[str, Any]:
    """What the source last stated, by name: severity, promised deadlines, department, handler."""
    stated: dict[str, Any] = {}
    for line in sorted(log, key=lambda line: (line.kind is not EventKind.REGISTERED, line.recorded_at)):
        if line.kind in {EventKind.REGISTERED, EventKind.AMENDED}:
            stated |= line.data
    return stated


def standing(log: Sequence[LogLine]) -> Standing:
    """The state that the log leads to.

    Work recorded after handling (a late "responded") does not undo the handling; only a reopening does. Whoever works
    on while waiting still waits; what they did is the state again once the wait is over.
    """
    cut = rounds(log)
    lines = counting(cut[-1])
    handled_at = next((line.occurred_at for line in lines if line.kind in ENDS), None)
    state, is_waiting = ComplaintState.REGISTERED, False
    for line in lines:
        after = _STATE_AFTER.get(line.kind, state)
        if handled_at is None or after in _OVER:
            state = after
        if line.kind in _TURNS:
            is_waiting = line.kind is EventKind.WAITING
    return Standing(ComplaintState.WAITING if is_waiting and handled_at is None else state, len(cut), handled_at)


_TURNS = frozenset({EventKind.WAITING, EventKind.RESUMED, EventKind.REOPENED})


def possible(state: ComplaintState) -> frozenset[EventKind]:
    """The news that make sense of a complaint in ``state``, for buttons and for refusing slips."""
    match state:
        case ComplaintState.HANDLED:
            return _REMARKS | _AFTER_HANDLING | DROPS | {EventKind.CLOSED}
        case ComplaintState.CLOSED:
            return _REMARKS | _AFTER_HANDLING
        case ComplaintState.WITHDRAWN | ComplaintState.MERGED:
            return _REMARKS | {EventKind.REOPENED}
        case ComplaintState.WAITING:
            return _REMARKS | _WHILE_OPEN | {EventKind.RESUMED}
        case _:
            return _REMARKS | _WHILE_OPEN
