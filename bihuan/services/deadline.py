"""Deadlines: decide those that come due, each step once, with the notices that follow from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.rules.deadline import Decision, decide
from bihuan.rules.outbox import message_key, slot
from bihuan.rules.roster import PREFERRED
from bihuan.services.escalation import planned
from bihuan.services.improvement_due import follow
from bihuan.services.ladder import begin
from bihuan.services.matter import with_people
from bihuan.services.people import roster
from bihuan.services.policy import in_force
from bihuan.services.rung import Tellers, facts_where_asked, ladder_of, late_bundle
from bihuan.services.tally import Tally
from bihuan.store.engine import Database
from bihuan.store.queries.due import DueDeadline, due_deadlines
from bihuan.store.rows import id_in, insert_new_alike, table_of
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Message, MessageState, Notice, Urgency

ENDED = "ended"
"""Why a notice is not sent: the matter ended before it could go out."""
BACKFILLED = "backfilled"
"""Why a notice is not sent: it belongs to a history that was filled in afterwards."""

_OF_WORK = {Notice.WARNING: Notice.WORK_DUE, Notice.BREACH: Notice.WORK_LATE}
_TABLE = table_of(Deadline)
Decided = tuple[DueDeadline, Decision]


@dataclass(frozen=True, slots=True)
class Checked(Tally):
    """What one batch of the sweep decided."""

    decided: int = 0
    warned: int = 0
    breached: int = 0
    suppressed: int = 0
    """Of the notices, those not to be sent."""


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
        book = in_force(
            session, policy, at
        )  # a calendar that was replaced moves what is open before anything is decided
        follow(session, policy, at)
        rows = with_people(session, policy, due_deadlines(session, at, limit), at)
        if not rows:
            return Checked()
        decisions = [(row, decision) for row in rows if (decision := _decision(row, at))]
        _mark(session, decisions, at)
        calendars = book.calendar_at(at)
        facts = facts_where_asked(
            session, policy, calendars, [row.subject_id for row, _ in decisions if row.is_complaint]
        )
        tellers = Tellers(policy, roster(session, policy, at), at, calendars, facts)
        suppressed = _plan(session, decisions, tellers, is_sending)
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


def _plan(session: Session, decisions: Sequence[Decided], tellers: Tellers, is_sending: bool) -> int:
    """Write the messages of the decisions, one statement for all that share their fate; how many are suppressed.

    A breach that is told starts its ladder, whose first rung says who is told; every other decision leaves one message.
    """
    at, late_before = tellers.at, tellers.at - tellers.policy.deadline.late_after
    minute = f"{at:%Y-%m-%dT%H:%MZ}"  # the batches of one sweep share their letters
    told = [(row, decision) for row, decision in decisions if is_sending and not decision.has_ended]
    breaches = [(row, minute if decision.instant < late_before else "")
                for row, decision in told if decision.notice is Notice.BREACH]  # fmt: skip
    begun = begin(session, tellers, breaches)
    alike: dict[tuple[Notice, Urgency, bool, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row, decision in decisions:
        is_late = decision.instant < late_before
        reason = ENDED if decision.has_ended else None if is_sending else BACKFILLED
        if row.id in begun:
            alike[_notice(row, decision), begun[row.id].urgency, is_late, None] += begun[row.id].messages
        else:
            message = _message(row, decision, tellers, minute if is_late and not reason else "")
            alike[_notice(row, decision), _urgency(row, tellers), is_late, reason].append(message)
    for (notice, urgency, is_late, reason), messages in alike.items():
        shared = planned(notice, urgency, is_late, at)
        if reason:
            shared |= {"state": MessageState.SUPPRESSED, "reason": reason, "next_at": None}
        insert_new_alike(session, Message, messages, ["key"], shared)
    return sum(len(messages) for (*_, reason), messages in alike.items() if reason)


def _notice(row: DueDeadline, decision: Decision) -> Notice:
    """What is said of it: improvement work has notices of its own."""
    return decision.notice if row.is_complaint else _OF_WORK[decision.notice]


def _urgency(row: DueDeadline, tellers: Tellers) -> Urgency:
    """A notice below any ladder is as urgent as the ladder that a breach would start."""
    policy = tellers.policy.escalation
    name = ladder_of(tellers, row)
    return Urgency.URGENT if name and policy.ladders[name].breaks_quiet else Urgency.USUAL


def _message(row: DueDeadline, decision: Decision, tellers: Tellers, late: str) -> dict[str, Any]:
    """What is a message's own; late ones to one recipient share a ``bundle``."""
    recipient = tellers.roster.for_complaint(row.handler_id, row.department_id)
    what = "breach" if decision.notice is Notice.BREACH else f"warning {decision.step}"
    occasion = slot(row.round, row.leg, row.due_at, what)
    return {
        "key": message_key(f"{row.subject_kind}:{row.subject_id}", row.milestone, recipient, PREFERRED, occasion),
        "subject_kind": row.subject_kind,
        "subject_id": row.subject_id,
        "deadline_id": row.id,
        "escalation_id": None,
        "rung": 0,
        "recipient": recipient,
        "channel": PREFERRED,
        "bundle": late_bundle(recipient, PREFERRED, late) if late else None,
    }
