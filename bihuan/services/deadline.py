"""Deadlines: derive them from the log into rows, and decide those that come due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import Decision, DerivedDeadline, decide, derive, next_step
from bihuan.rules.outbox import message_key, slot
from bihuan.services.people import Reachable, reachable
from bihuan.store.engine import Database
from bihuan.store.queries.due import DueDeadline, due_deadlines
from bihuan.store.rows import id_in, insert_new_alike, insert_rows, table_of, update_rows
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Audience, Message, MessageState, Notice

ENDED = "ended"
"""Why a notice is not sent: the matter ended before it could go out."""
BACKFILLED = "backfilled"
"""Why a notice is not sent: it belongs to a history that was filled in afterwards."""

_TABLE = table_of(Deadline)
Decided = tuple[DueDeadline, Decision]


@dataclass(frozen=True, slots=True)
class Checked:
    """What one batch of the sweep decided."""

    decided: int = 0
    warned: int = 0
    breached: int = 0
    suppressed: int = 0
    """Of the notices, those not to be sent."""

    def __add__(self, other: Checked) -> Checked:
        """Both batches together."""
        return Checked(
            self.decided + other.decided,
            self.warned + other.warned,
            self.breached + other.breached,
            self.suppressed + other.suppressed,
        )


def check_all(db: Database, policy: Policy, at: datetime, *, limit: int = 5000, is_sending: bool = True) -> Checked:
    """Decide batch after batch at one instant until nothing is due."""
    total = Checked()
    while (batch := check_due(db, policy, at, limit=limit, is_sending=is_sending)).decided:
        total += batch
    return total


def check_due(db: Database, policy: Policy, at: datetime, *, limit: int = 5000, is_sending: bool = True) -> Checked:
    """Decide at most ``limit`` deadlines that have a step before ``at``, in one transaction with their notices.

    Each becomes warned or breached and leaves one message row a decision; notices later than the policy allows share
    a bundle with the recipient's others. Running it again at the same instant finds nothing.

    Args:
        db: The database.
        policy: Says from when on a notice is late.
        at: The present, or the instant a replay stands at; what happened after it does not count.
        limit: Greatest number of deadlines in the batch.
        is_sending: False fills a history in: decisions are kept, their notices suppressed.
    """
    with db.write() as session:
        rows = due_deadlines(session, at, limit)
        if not rows:
            return Checked()
        people = reachable(session)
        decisions = [(row, decision) for row in rows if (decision := _decision(row, at))]
        _mark(session, decisions, at)
        suppressed = _plan(session, decisions, people, policy, at, is_sending)
        breached = sum(decision.notice is Notice.BREACH for _, decision in decisions)
        return Checked(len(decisions), len(decisions) - breached, breached, suppressed)


def _decision(row: DueDeadline, at: datetime) -> Decision | None:
    due_at = None if row.state is DeadlineState.PAUSED else row.due_at
    # Without warnings left, decide reads none of them and needs only their number, which is the step.
    warn_at = (
        [row.due_at] * row.step if row.warn_at is None else [datetime.fromisoformat(instant) for instant in row.warn_at]
    )
    return decide(warn_at, due_at, row.step, row.met_at or row.cancelled_at, at)


def _mark(session: Session, decisions: Sequence[Decided], at: datetime) -> None:
    """Write the decisions down, one statement for all that became the same."""
    alike: dict[tuple[Notice, int, bool, datetime | None], list[int]] = defaultdict(list)
    for row, decision in decisions:
        is_due_next = decision.next_at == row.due_at
        alike[decision.notice, decision.step, is_due_next, None if is_due_next else decision.next_at].append(row.id)
    for (notice, step, is_due_next, next_at), ids in alike.items():
        fact = "warned_at" if notice is Notice.WARNING else "breached_at"
        values = {"step": step, "next_at": _TABLE.c.due_at if is_due_next else next_at, fact: at}
        session.execute(update(_TABLE).where(id_in(_TABLE.c.id, ids)).values(values))


def _plan(
    session: Session, decisions: Sequence[Decided], people: Reachable, policy: Policy, at: datetime, is_sending: bool
) -> int:
    """Write a message row for each decision, one statement for all that share their fate; how many are suppressed."""
    alike: dict[tuple[Notice, bool, str | None], list[Decided]] = defaultdict(list)
    late_before = at - policy.deadline.late_after
    for row, decision in decisions:
        is_late = decision.instant < late_before
        reason = ENDED if decision.has_ended else None if is_sending else BACKFILLED
        alike[decision.notice, is_late, reason].append((row, decision))
    for (notice, is_late, reason), members in alike.items():
        shared = {
            "notice": notice,
            "audience": Audience.STAFF,
            "is_late": is_late,
            "state": MessageState.SUPPRESSED if reason else MessageState.PLANNED,
            "reason": reason,
            "planned_at": at,
            "next_at": None if reason else at,
        }
        # To the minute: the batches of one sweep share their letters.
        bundle = f" {at:%Y-%m-%dT%H:%MZ}" if is_late and not reason else ""
        rows = [_message(row, decision, people, bundle) for row, decision in members]
        insert_new_alike(session, Message, rows, ["key"], shared)
    return sum(len(members) for (_, _, reason), members in alike.items() if reason)


def _message(row: DueDeadline, decision: Decision, people: Reachable, bundle: str) -> dict[str, Any]:
    """What is a message's own; late ones to one recipient share a ``bundle``."""
    recipient = people.for_complaint(row.handler_id, row.department_id)
    what = "breach" if decision.notice is Notice.BREACH else f"warning {decision.step}"
    occasion = slot(row.round, row.leg, row.due_at, what)
    return {
        "key": message_key(f"{row.subject_kind}:{row.subject_id}", row.milestone, recipient, "preferred", occasion),
        "subject_id": row.subject_id,
        "deadline_id": row.id,
        "recipient": recipient,
        "bundle": f"late {recipient}{bundle}" if bundle else None,
    }


def derived_rows(
    policy: Policy, clock: BusinessClock, complaint_id: int, log: Sequence[LogLine]
) -> list[dict[str, Any]]:
    """The deadlines of one complaint's log as rows that were never looked at."""
    versions = {"policy_version": policy.deadline.version, "calendar_version": policy.calendars.default.version}
    return [
        {
            "subject_kind": "complaint",
            "subject_id": complaint_id,
            "leg": 0,
            "step": 0,
            **_projected(deadline, 0),
            **versions,
        }
        for deadline in derive(log, policy.deadline, clock)
    ]


def _projected(deadline: DerivedDeadline, step: int) -> dict[str, Any]:
    return {
        "milestone": deadline.milestone,
        "round": deadline.round,
        "mode": deadline.mode,
        "target_seconds": deadline.target_seconds,
        "started_at": deadline.started_at,
        "due_at": deadline.due_at,
        "warn_at": [instant.isoformat() for instant in deadline.warn_at],
        "next_at": next_step(deadline.warn_at, deadline.certain_due_at, step, deadline.ended_at),
        "state": deadline.state,
        "met_at": deadline.met_at,
        "cancelled_at": deadline.cancelled_at,
    }


def rederive(session: Session, policy: Policy, logs: Mapping[int, Sequence[LogLine]], at: datetime) -> None:
    """Bring the stored deadlines of these complaints in line with their logs, recorded at ``at``.

    What is met, due or breached keeps its due instant and its policy, also where news of an earlier pause come too
    late; while paused nothing comes due. News that show a breached one was met in time are kept beside the breach as
    ``corrected_at``. A deadline the log no longer gives is cancelled, its breach stays.
    """
    clock = BusinessClock(policy.calendars.default)
    is_ours = (_TABLE.c.subject_kind == "complaint") & _TABLE.c.subject_id.in_(list(logs))
    held = session.execute(select(_TABLE).where(is_ours).order_by(_TABLE.c.id).with_for_update())
    stored = {(row.subject_id, row.milestone, row.round): row for row in held}
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for complaint_id, log in logs.items():
        for row in derived_rows(policy, clock, complaint_id, log):
            old = stored.pop((complaint_id, row["milestone"], row["round"]), None)
            if old is None:
                fresh.append(row)
            elif change := _change(old, row, at):
                changed.append({"id": old.id, **change})
    gone = {"cancelled_at": at, "state": DeadlineState.CANCELLED, "next_at": None}
    left = [old for old in stored.values() if not (old.met_at or old.cancelled_at)]
    changed.extend({"id": old.id, **_kept(old), **gone} for old in left)
    insert_rows(session, Deadline, fresh)
    update_rows(session, Deadline, changed)


_ENDING = ("state", "met_at", "cancelled_at")
_PROJECTED = (
    *_ENDING,
    "mode",
    "target_seconds",
    "started_at",
    "due_at",
    "warn_at",
    "policy_version",
    "calendar_version",
)
_CLOCK = ("mode", "target_seconds", "started_at", "policy_version", "calendar_version")
"""Where these agree, nothing but pauses moves a due instant."""
_WRITTEN = (*_PROJECTED, "step", "next_at", "corrected_at")


def _kept(old: Row[Any]) -> dict[str, Any]:
    return {name: getattr(old, name) for name in _WRITTEN}


def _change(old: Row[Any], row: dict[str, Any], at: datetime) -> dict[str, Any] | None:
    """What to write over ``old``, None where nothing moves."""
    is_due = old.due_at <= at and old.state is not DeadlineState.PAUSED
    is_settled = old.breached_at or old.met_at or is_due
    new = _kept(old) | {name: row[name] for name in (_ENDING if is_settled else _PROJECTED)}
    if is_settled and new["state"] is DeadlineState.PAUSED:
        new["state"] = DeadlineState.RUNNING
    ended_at = new["met_at"] or new["cancelled_at"]
    new["step"] = _steps_kept(old, new, at)
    warn_at = [datetime.fromisoformat(instant) for instant in new["warn_at"]]
    due_at = None if new["state"] is DeadlineState.PAUSED else new["due_at"]
    new["next_at"] = next_step(warn_at, due_at, new["step"], ended_at)
    if old.breached_at and not old.corrected_at and ended_at and ended_at <= old.due_at:
        new["corrected_at"] = at
    return None if new == _kept(old) else new


def _steps_kept(old: Row[Any], new: Mapping[str, Any], at: datetime) -> int:
    """How many steps stay decided: all where the due instant stays, none where it moves.

    Where only pauses move it, a warning given is not repeated unless its instant lies ahead again.
    """
    if new["due_at"] == old.due_at:
        return int(old.step)
    if new["target_seconds"] is None or any(new[name] != getattr(old, name) for name in _CLOCK):
        return 0
    return min(int(old.step), sum(datetime.fromisoformat(instant) <= at for instant in new["warn_at"]))


def log_lines(events: Sequence[Row[Any]]) -> dict[int, list[LogLine]]:
    """Stored events as the rules read them, by complaint."""
    logs: dict[int, list[LogLine]] = defaultdict(list)
    for event in events:
        line = LogLine(event.kind, event.occurred_at.astimezone(UTC), event.recorded_at.astimezone(UTC), event.data)
        logs[event.complaint_id].append(line)
    return logs
