"""Terms 条件: what a complaint's deadlines are read off the policy by, and when that changed, as the log says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from bihuan.clock import as_utc
from bihuan.policy.scope import DIMENSIONS, Facts
from bihuan.rules.complaint import LogLine, way
from schemas.complaint import EventKind, Severity

_STATES = frozenset({EventKind.REGISTERED, EventKind.AMENDED})
"""The source states terms with these."""
_SAYS = {
    EventKind.SEVERITY_CHANGED: "severity",
    EventKind.TIER_CHANGED: "tier",
    EventKind.DEPARTMENT_CHANGED: "department",
    EventKind.ASSIGNED: "department",
}
"""The one term that each of these changes; an assignment only where it goes to another department."""

HANDS_OVER = (EventKind.ASSIGNED, EventKind.DEPARTMENT_CHANGED, EventKind.AMENDED)
"""The events that may bring a complaint to another department or handler."""

Promises = Mapping[str, datetime | None]
"""Milestones that the source keeps: an instant it promised, or None for the policy's own target."""


class Terms(NamedTuple):
    """What holds of a complaint from an instant on."""

    since: datetime
    by: EventKind
    recorded_at: datetime
    facts: Facts
    promised: Promises | None
    """None: the source says nothing of deadlines, every milestone of the policy counts."""


def terms(log: Sequence[LogLine]) -> list[Terms]:
    """The terms in the order in which they came to hold, the first from registration on.

    A correction by the source holds from when it was recorded, a change made here from when it occurred.
    """
    said = sorted((line for line in log if _stated(line)), key=_place)
    found: list[Terms] = []
    for line in said:
        stated = _stated(line)
        before = found[-1] if found else Terms(line.occurred_at, line.kind, line.recorded_at, Facts(), None)
        facts = before.facts._replace(**{name: stated[name] for name in DIMENSIONS if name in stated})
        promised = _promises(stated["deadlines"]) if "deadlines" in stated else before.promised
        if not found or (facts, promised) != (before.facts, before.promised):
            found.append(Terms(_since(line), line.kind, line.recorded_at, facts, promised))
    return found


def facts_in_force(log: Sequence[LogLine]) -> Facts:
    """What is known of the complaint by its whole log."""
    known = terms(log)
    return known[-1].facts if known else Facts()


def severity_in_force(log: Sequence[LogLine]) -> Severity:
    """How grave the complaint is: what was said of it last, by the source or by whoever changed it here."""
    return Severity(facts_in_force(log).severity or Severity.GENERAL)


def terms_at(known: Sequence[Terms], at: datetime) -> Terms:
    """Those that held at that instant; before registration those it states."""
    return next((one for one in reversed(known) if one.since <= at), known[0])


def _stated(line: LogLine) -> Mapping[str, Any]:
    """The terms that a line states, by name."""
    if line.kind in _STATES:
        # Registration states the first terms even where it names none.
        return line.data if line.data or line.kind is EventKind.AMENDED else _NOTHING
    name = _SAYS.get(line.kind)
    return {name: line.data[name]} if name and line.data.get(name) else {}


_NOTHING: Mapping[str, Any] = MappingProxyType({"": None})


def _since(line: LogLine) -> datetime:
    return line.recorded_at if line.kind is EventKind.AMENDED else line.occurred_at


def _place(line: LogLine) -> tuple[bool, datetime, datetime, int, str]:
    """Registration first; what is said at once in an order of its own, whatever order it arrives in."""
    word = str(line.data.get(_SAYS.get(line.kind, "severity"), ""))
    return line.kind is not EventKind.REGISTERED, _since(line), line.recorded_at, way(line.kind), word


def _promises(stated: Mapping[str, str | None] | None) -> Promises | None:
    if stated is None:
        return None
    return {name: as_utc(datetime.fromisoformat(at)) if at else None for name, at in stated.items()}
