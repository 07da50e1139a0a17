"""The row of a deadline as its log makes it, step by step: what is due is settled, and late news stand beside it.

``brought_up`` takes the rows held and the log as it is now; folding it over the instants at which news were recorded,
or editions of the policy were applied, gives the rows that are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import DerivedDeadline, derive, next_step
from bihuan.rules.track import NOTHING_SETTLED, Key
from schemas.deadline import DeadlineState

Held = Mapping[str, Any]
"""A row, by column."""

_ENDING = ("state", "met_at", "cancelled_at")
_COUNTED = (
    "mode", "target_seconds", "started_at", "due_at", "warn_at", "policy_version", "calendar_version", "department",
)  # fmt: skip
PROJECTED = (*_ENDING, *_COUNTED)
"""What the log and the policy say."""
WRITTEN = (*PROJECTED, "step", "next_at", "corrected_at", "corrected_due_at")
"""What a projection writes; decisions are not its own."""
_CLOCK = ("mode", "target_seconds", "started_at", "policy_version", "calendar_version")
"""Where these agree, nothing but pauses moves a due instant."""


def fresh(derived: DerivedDeadline) -> dict[str, Any]:
    """The row of a deadline that nobody has looked at yet."""
    return {
        "milestone": derived.milestone,
        "round": derived.round,
        "leg": derived.leg,
        "department": derived.department,
        "mode": derived.mode,
        "target_seconds": derived.target_seconds,
        "started_at": derived.started_at,
        "due_at": derived.due_at,
        "warn_at": [instant.isoformat() for instant in derived.warn_at],
        "step": 0,
        "next_at": next_step(derived.warn_at, derived.certain_due_at, 0, derived.ended_at),
        "state": derived.state,
        "met_at": derived.met_at,
        "cancelled_at": derived.cancelled_at,
        "corrected_at": None,
        "corrected_due_at": None,
        "policy_version": derived.due.policy_version,
        "calendar_version": derived.due.calendar_version,
    }


def brought_up(
    held: Mapping[Key, Held], log: Sequence[LogLine], book: PolicyBook, at: datetime
) -> tuple[dict[Key, dict[str, Any]], dict[Key, dict[str, Any]]]:
    """What to add and what to write over, for rows to agree with what the log gives at ``at``.

    What is due or breached keeps its due instant and its policy, and no edition reaches it any more; news that would
    have changed it are kept beside it. A deadline the log no longer gives is cancelled.

    Returns:
        New rows, and the changed ones with every column of ``WRITTEN``.
    """
    added, changed, left = {}, {}, dict(held)
    for one in _derived(held, log, book, at):
        old = left.pop(one.key, None)
        if old is None:
            added[one.key] = fresh(one)
        elif change := _change(old, one, at):
            changed[one.key] = change
    for key, old in left.items():
        if not old["cancelled_at"]:
            gone = {"met_at": None, "cancelled_at": at, "state": DeadlineState.CANCELLED, "next_at": None}
            changed[key] = _kept(old) | gone
    return added, changed


def _derived(held: Mapping[Key, Held], log: Sequence[LogLine], book: PolicyBook, at: datetime) -> list[DerivedDeadline]:
    """What the log gives, where editions reach nothing that was settled before them."""
    derived = derive(log, book)
    settled = {
        one.key: held[one.key]["due_at"]
        for one in derived if one.key in held and _is_settled(held[one.key], one, at)
    }  # fmt: skip
    has_later_turns = settled and book.turns and book.turns[-1] > min(settled.values())
    return derive(log, book, settled) if has_later_turns else derived


def rebuilt(
    log: Sequence[LogLine], book: PolicyBook, breaches: Mapping[Key, datetime] = NOTHING_SETTLED
) -> dict[Key, dict[str, Any]]:
    """The rows of a complaint made anew from its log, in the order in which its news were recorded.

    Args:
        log: The whole log.
        book: Every edition of the policy.
        breaches: When a breach was decided: of a history that was filled in nothing else says it.
    """
    held: dict[Key, dict[str, Any]] = {}
    for at in _moments(log, book):
        known = [line for line in log if line.recorded_at <= at]
        for key in breaches.keys() & held.keys():
            held[key]["breached_at"] = breaches[key] if breaches[key] < at else None
        added, changed = brought_up(held, known, book.as_of(at), at)
        held = held | added | {key: {**held[key], **change} for key, change in changed.items()}
    return held


def _moments(log: Sequence[LogLine], book: PolicyBook) -> list[datetime]:
    recorded = {line.recorded_at for line in log}
    first = min(recorded, default=None)
    return sorted(recorded | {at for at in book.turns if first and at > first})


def _kept(old: Held) -> dict[str, Any]:
    return {name: old[name] for name in WRITTEN}


def _change(old: Held, one: DerivedDeadline, at: datetime) -> dict[str, Any] | None:
    """What to write over ``old``, None where nothing moves."""
    is_settled = _is_settled(old, one, at)
    row = fresh(one)
    new = _kept(old) | {name: row[name] for name in (_ENDING if is_settled else PROJECTED)}
    if is_settled and new["state"] is DeadlineState.PAUSED:
        new["state"] = DeadlineState.RUNNING
    ended_at = new["met_at"] or new["cancelled_at"]
    new["step"] = _steps_kept(old, new, at)
    warn_at = [datetime.fromisoformat(instant) for instant in new["warn_at"]]
    due_at = None if new["state"] is DeadlineState.PAUSED else new["due_at"]
    new["next_at"] = next_step(warn_at, due_at, new["step"], ended_at)
    if is_settled:
        new |= _correction(old, one, ended_at, at)
    return None if new == _kept(old) else new


def _is_settled(old: Held, one: DerivedDeadline, at: datetime) -> bool:
    """Breached, or due while it ran here; what was due before anybody here knew of it is history being filled in."""
    if old.get("breached_at"):
        return True
    due_at: datetime = old["due_at"]
    if old["state"] is DeadlineState.PAUSED or (old["cancelled_at"] and old["cancelled_at"] <= due_at):
        return False
    return one.recorded_at < due_at <= at


def _correction(old: Held, one: DerivedDeadline, ended_at: datetime | None, at: datetime) -> dict[str, Any]:
    """What late news say: that a breach was none, or that it would have been due at another instant."""
    due_at = None if one.is_paused or one.due_at == old["due_at"] else one.due_at
    was_in_time = bool(old.get("breached_at") and ended_at and ended_at <= old["due_at"])
    first = old["corrected_at"] or (at if due_at or was_in_time else None)
    return {"corrected_at": first, "corrected_due_at": due_at}


def _steps_kept(old: Held, new: Held, at: datetime) -> int:
    """How many steps stay decided: all where the due instant stays, none where it moves.

    Where only pauses move it, a warning given is not repeated unless its instant lies ahead again.
    """
    if new["due_at"] == old["due_at"]:
        return int(old["step"])
    if new["target_seconds"] is None or any(new[name] != old[name] for name in _CLOCK):
        return 0
    return min(int(old["step"]), sum(datetime.fromisoformat(instant) <= at for instant in new["warn_at"]))
