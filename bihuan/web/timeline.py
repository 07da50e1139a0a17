"""A complaint's log as people read it: what each line changed, and what the complaint waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bihuan.rules.complaint import LogLine, rounds
from bihuan.rules.pause import Pause, pauses
from schemas.complaint import EventKind

_CHANGED = {EventKind.SEVERITY_CHANGED: "severity", EventKind.TIER_CHANGED: "tier"}


def lines(events: Sequence[Row[Any]]) -> list[tuple[Row[Any], str | None]]:
    """The log, newest first, each line with what its severity or tier was before; None where nothing says so."""
    told: dict[str, str] = {}
    found = []
    for event in events:
        found.append((event, told.get(_CHANGED.get(event.kind, ""))))
        told |= {name: str(event.data[name]) for name in _CHANGED.values() if event.data.get(name)}
    return found[::-1]


def present_pause(events: Sequence[Row[Any]]) -> Pause | None:
    """The pause that lasts: since when the complaint waits, and what for."""
    log = [LogLine(event.kind, event.occurred_at, event.recorded_at, event.data) for event in events]
    found = pauses(rounds(log)[-1])
    return found[-1] if found and found[-1].ended_at is None else None
