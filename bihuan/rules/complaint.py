"""What the log of one complaint says: its rounds, its state, and which news make sense next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.complaint import ComplaintState, EventKind

_ENDS = frozenset({EventKind.HANDLED, EventKind.CLOSED})
_STATE_AFTER = {
    EventKind.REGISTERED: ComplaintState.REGISTERED,
    EventKind.ASSIGNED: ComplaintState.ASSIGNED,
    EventKind.RESPONDED: ComplaintState.RESPONDED,
    EventKind.HANDLED: ComplaintState.HANDLED,
    EventKind.CLOSED: ComplaintState.CLOSED,
    EventKind.REOPENED: ComplaintState.ASSIGNED,
}
_AFTER_HANDLING = frozenset({
    EventKind.RESULT_TOLD, EventKind.FOLLOWED_UP, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TAKEN_ON,
    EventKind.NEGATIVE_TOLD, EventKind.REOPENED,
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
    """Where a log has brought a complaint. ``handled_at`` is that of the present round."""

    state: ComplaintState
    round: int
    handled_at: datetime | None


def rounds(log: Sequence[LogLine]) -> list[list[LogLine]]:
    """The log in order, cut at each reopening of a handled complaint.

    Registration comes first even where clock skew put another event before it; the rest goes by ``occurred_at``, then
    ``recorded_at``, then the usual way of a complaint: many sources know minutes only. A reopening of what was not
    handled starts no round.
    """
    ordered = sorted(log, key=_place)
    cut: list[list[LogLine]] = [[]]
    for line in ordered:
        if line.kind is EventKind.REOPENED and any(past.kind in _ENDS for past in cut[-1]):
            cut.append([])
        cut[-1].append(line)
    return cut


def _place(line: LogLine) -> tuple[bool, datetime, datetime, int]:
    return line.kind is not EventKind.REGISTERED, line.occurred_at, line.recorded_at, _WAY[line.kind]


def terms_in_force(log: Sequence[LogLine]) -> dict[str, Any]:
    """What the source last stated, by name: severity, promised deadlines, department, handler."""
    stated: dict[str, Any] = {}
    for line in sorted(log, key=lambda line: (line.kind is not EventKind.REGISTERED, line.recorded_at)):
        if line.kind in {EventKind.REGISTERED, EventKind.AMENDED}:
            stated |= line.data
    return stated


def standing(log: Sequence[LogLine]) -> Standing:
    """The state that the log leads to.

    Work recorded after handling (a late "responded") does not undo the handling; only a reopening does.
    """
    cut = rounds(log)
    handled_at = next((line.occurred_at for line in cut[-1] if line.kind in _ENDS), None)
    state = ComplaintState.REGISTERED
    for line in cut[-1]:
        after = _STATE_AFTER.get(line.kind, state)
        if handled_at is None or after in {ComplaintState.HANDLED, ComplaintState.CLOSED}:
            state = after
    return Standing(state, len(cut), handled_at)


def possible(state: ComplaintState) -> frozenset[EventKind]:
    """The news that make sense of a complaint in ``state``, for buttons and for refusing slips."""
    match state:
        case ComplaintState.HANDLED:
            return _AFTER_HANDLING | {EventKind.CLOSED}
        case ComplaintState.CLOSED:
            return _AFTER_HANDLING
        case _:
            return frozenset({EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.CLOSED})
