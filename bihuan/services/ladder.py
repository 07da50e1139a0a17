"""Ladders begun: what a breach, or a complaint that executives watch, starts; its first rung is told at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.rules.escalation import Climb, Place
from bihuan.rules.outbox import occasion_of
from bihuan.services.escalation import planned
from bihuan.services.people import roster
from bihuan.services.policy import in_force
from bihuan.services.rung import (
    Matter,
    Step,
    Tellers,
    facts_where_asked,
    ladder_of,
    rung_messages,
    urgency_of,
    write_steps,
)
from bihuan.store.ids import reserve_ids
from bihuan.store.queries.due import DueDeadline
from bihuan.store.queries.escalation import escalated
from bihuan.store.rows import insert_new_alike, table_of
from schemas.complaint import Complaint
from schemas.escalation import OVERSIGHT, Escalation, EscalationState, Trigger
from schemas.outbox import Message, Notice, Urgency

_E = table_of(Escalation).c
_NOBODY_YET: frozenset[tuple[str, str]] = frozenset()
_FIRST = Place(0, 1)


class Begun(NamedTuple):
    """The first rung of one broken promise: how urgent its messages are, and what is each message's own."""

    urgency: Urgency
    messages: list[dict[str, Any]]


class _Begin(NamedTuple):
    """One ladder that begins."""

    escalation_id: int
    matter: Matter
    deadline_id: int | None
    ladder: str
    what: Climb


def begin(session: Session, tellers: Tellers, breaches: Sequence[tuple[DueDeadline, str]]) -> dict[int, Begun]:
    """Start the ladder of each broken promise that has one, with its first rung told.

    Args:
        session: Inside the transaction that decides the breaches.
        tellers: At the instant of the decision.
        breaches: Deadlines, each with the minute by which late notices share a letter, empty where it is in time.

    Returns:
        The messages to write, by deadline; those without a ladder are left out.
    """
    policy = tellers.policy.escalation
    chosen = []
    known = escalated(session, [row.id for row, _ in breaches]) if breaches else set()
    for row, late in breaches:
        name = ladder_of(tellers, row)
        if name and row.id not in known:
            chosen.append((row, late, name))
    begins, begun = [], {}
    for escalation_id, (row, late, name) in zip(reserve_ids(session, Escalation, len(chosen)), chosen, strict=True):
        occasion = occasion_of(row.round, row.leg, row.due_at)
        matter = Matter(row.subject_kind, row.subject_id, row.milestone, occasion, row.handler_id, row.department_id)
        what = tellers.climb(policy.ladders[name], _FIRST, _NOBODY_YET, matter)
        begins.append(_Begin(escalation_id, matter, row.id, name, what))
        messages = list(rung_messages(matter, escalation_id, row.id, what, late))
        begun[row.id] = Begun(urgency_of(policy.ladders[name], what), messages)
    _write(session, begins, Trigger.BREACH, tellers)
    return begun


def open_oversight(session: Session, policy: Policy, complaint: Complaint, at: datetime) -> bool:
    """Let executives watch a complaint of a severity that policy names, until it is handled; once a round.

    Returns:
        Whether it was opened now.
    """
    assert complaint.id is not None
    oversight = policy.escalation.oversight
    if oversight is None or complaint.severity not in oversight.severity or complaint.handled_at is not None:
        return False
    handler_id, department_id = complaint.handler_id, complaint.department_id
    matter = Matter("complaint", complaint.id, OVERSIGHT, f"{complaint.round}.0", handler_id, department_id)
    if session.execute(select(_E.id).where(_E.key == _key(matter))).first():
        return False
    calendars = in_force(session, policy, at).calendar_at(at)
    facts = facts_where_asked(session, policy, calendars, [complaint.id])
    tellers = Tellers(policy, roster(session, policy, at), at, calendars, facts)
    ladder = policy.escalation.ladders[oversight.ladder]
    what = tellers.climb(ladder, _FIRST, _NOBODY_YET, matter)
    (escalation_id,) = reserve_ids(session, Escalation, 1)
    _write(session, [_Begin(escalation_id, matter, None, oversight.ladder, what)], Trigger.OPENED, tellers)
    shared = planned(Notice.OVERSIGHT, urgency_of(ladder, what), False, at)
    insert_new_alike(session, Message, list(rung_messages(matter, escalation_id, None, what)), ["key"], shared)
    return True


def _key(matter: Matter) -> str:
    return f"{matter.subject_kind}:{matter.subject_id}|{matter.duty}|{matter.occasion}"


def _write(session: Session, begins: Sequence[_Begin], trigger: Trigger, tellers: Tellers) -> None:
    """Write ladders with their first step, one statement for all that are alike."""
    policy = tellers.policy.escalation
    alike: dict[tuple[str, Place, datetime | None], list[dict[str, Any]]] = defaultdict(list)
    for one in begins:
        matter = one.matter
        next_at = tellers.next_at(policy.ladders[one.ladder], one.what, matter.complaint_id)
        alike[one.ladder, one.what.place, next_at].append({
            "id": one.escalation_id, "key": _key(matter), "subject_kind": matter.subject_kind,
            "subject_id": matter.subject_id, "deadline_id": one.deadline_id, "duty": matter.duty,
            "occasion": matter.occasion,
        })  # fmt: skip
    for (ladder, place, next_at), rows in alike.items():
        shared = {
            "ladder": ladder, "policy_version": policy.version, "started_at": tellers.at, "cycle": place.cycle,
            "rung": place.rung, "next_at": next_at, "trigger": Trigger.SILENCE,
            "state": EscalationState.CLIMBING if next_at else EscalationState.EXHAUSTED,
        }  # fmt: skip
        insert_new_alike(session, Escalation, rows, ["key"], shared)
    write_steps(session, [Step(one.escalation_id, one.what, trigger) for one in begins], tellers.at)
