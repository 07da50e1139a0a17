"""What staff do about a message with one press: acknowledge it 签收, hand its matter over, or say that they cannot.

An acknowledgement stops the ladder for as long as its edition says; pressed again by the same person it lasts no
longer. Handing over buys no time: the promise is broken already, so the next rung comes when it would have come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.rules.complaint import possible
from bihuan.rules.escalation import Place, next_place
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import OPERATOR, PREFERRED
from bihuan.services.complaint import record
from bihuan.services.escalation import ended_at, planned, timing_of
from bihuan.services.letter_ladder import CANNOT_KEY, HANDED_OVER_KEY
from bihuan.services.people import roster
from bihuan.services.policy import escalation_edition
from bihuan.store.queries.acknowledgement import Told, told
from bihuan.store.queries.escalation import escalation
from bihuan.store.rows import insert_new_alike, table_of
from schemas.complaint import EventIn, EventKind
from schemas.escalation import OVERSIGHT, Escalation, EscalationState, Trigger
from schemas.outbox import OF_A_MATTER, Message, Notice, Urgency
from schemas.people import Staff

_E, _M, _S = table_of(Escalation), table_of(Message), table_of(Staff).c
REASON_CHARACTERS = 300


class EndedError(RefusedError):
    """The matter has ended: nothing is left to be done about it."""


class Standing(StrEnum):
    """How a matter stands after somebody acknowledged it."""

    STOPPED = "stopped"
    """The ladder stands still for now."""
    NOTED = "noted"
    """It is on record; there is no ladder that it could stop."""
    ENDED = "ended"
    """The matter had ended: there is nothing left to do."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement came to; ``until`` is when the ladder goes on without further news."""

    standing: Standing
    until: datetime | None = None


def acknowledge(session: Session, policy: Policy, clock: Clock, message_id: int) -> Acknowledged:
    """Note that the reader of a message has taken its matter on.

    Raises:
        UsageError: There is no such message about a matter.
    """
    it, at = _found(session, message_id), clock()
    if it.ended_at and it.ended_at <= at:
        return Acknowledged(Standing.ENDED)
    _note(session, it, at)
    row = escalation(session, it.escalation_id) if it.escalation_id else None
    if row is None or ended_at(row, at):
        return Acknowledged(Standing.NOTED if row is None else Standing.ENDED)
    if row.state is EscalationState.ACKNOWLEDGED and row.acknowledged_by == it.recipient and row.next_at > at:
        return Acknowledged(Standing.STOPPED, row.next_at)
    ladder = escalation_edition(session, row.policy_version, policy).ladders[row.ladder]
    until = timing_of(session, policy, row.subject_id, at).holds_until(ladder, at)
    if until is None:
        return Acknowledged(Standing.NOTED)
    until = max(until, row.next_at or until)  # or silence would have kept the next rung away for longer
    _set(session, row.id, state=EscalationState.ACKNOWLEDGED, trigger=Trigger.EXPIRED, next_at=until,
         acknowledged_at=at, acknowledged_by=it.recipient)  # fmt: skip
    return Acknowledged(Standing.STOPPED, until)


def hand_over(session: Session, policy: Policy, clock: Clock, message_id: int, to: str, who: str) -> None:
    """Give the matter of a message to a colleague, who is told at once.

    A complaint that is still handled gets the colleague as its handler; after that only the message goes on to them.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        message_id: The message whose reader hands over.
        to: Staff code of the colleague.
        who: Staff code of the reader.

    Raises:
        UsageError: No such message, or no such colleague.
        EndedError: The matter has ended.
        RefusedError: It would stay where it is.
    """
    it, at = _alive(session, message_id, clock()), clock()
    colleague = session.execute(select(_S.id).where(_S.code == to, _S.is_active)).scalar()
    if colleague is None:
        raise UsageError(f"no active staff {to!r}", cure="see `bihuan staff list`")
    if to == who or f"staff:{colleague}" == it.recipient:
        raise RefusedError("it cannot be handed over to oneself", cure="name a colleague")
    kind = EventKind.ASSIGNED if EventKind.ASSIGNED in possible(it.state) else EventKind.NOTE
    data: Mapping[str, Any] = {"handler": to} if kind is EventKind.ASSIGNED else {"handed_to": to}
    key = f"{HANDED_OVER_KEY}{it.milestone or OVERSIGHT} {at.isoformat()}"
    record(session, policy, clock, it.number, EventIn(kind=kind, occurred_at=at, actor=who, key=key, data=dict(data)))
    _say(session, it, Notice.HANDED_OVER, f"staff:{colleague}", key, at)


def cannot(session: Session, policy: Policy, clock: Clock, message_id: int, reason: str, who: str) -> None:
    """Say that the reader of a message cannot do what it asks: the next rung is told at once.

    Below a ladder, and above its last rung, the head of the department is told, or whoever else can be.

    Raises:
        UsageError: No such message, or no reason.
        EndedError: The matter has ended.
    """
    it, at = _alive(session, message_id, clock()), clock()
    reason = " ".join(reason.split())[:REASON_CHARACTERS]
    if not reason:
        raise UsageError("no reason", cure="say in a few words why it cannot be done")
    key = f"{CANNOT_KEY}{it.milestone or OVERSIGHT} {it.recipient}"
    if it.cannot_key == key:
        return
    record(session, policy, clock, it.number,
           EventIn(kind=EventKind.NOTE, occurred_at=at, actor=who, key=key, data={"cannot": reason}))  # fmt: skip
    row = escalation(session, it.escalation_id) if it.escalation_id else None
    if row and row.duty != OVERSIGHT and not ended_at(row, at):
        ladder = escalation_edition(session, row.policy_version, policy).ladders[row.ladder]
        if next_place(ladder, Place(row.cycle, row.rung)):
            _set(session, row.id, state=EscalationState.CLIMBING, trigger=Trigger.CANNOT, next_at=at)
            return
    people = roster(session, policy, at)
    found = people.resolve("department_head", it.department_id, it.handler_id).recipients
    others = [recipient for recipient, _ in found if recipient != it.recipient]
    _say(session, it, Notice.CANNOT, others[0] if others else OPERATOR, key, at)


def _found(session: Session, message_id: int) -> Told:
    it = told(session, message_id)
    if it is None or it.notice not in OF_A_MATTER:
        raise UsageError(f"message {message_id} is about no matter", cure="see `bihuan outbox list`")
    return it


def _alive(session: Session, message_id: int, at: datetime) -> Told:
    it = _found(session, message_id)
    if it.ended_at and it.ended_at <= at:
        raise EndedError(f"{it.number}: the matter has ended", cure="nothing is left to do")
    return it


def _note(session: Session, it: Told, at: datetime) -> None:
    """Mark what the reader was told of this matter as acknowledged."""
    same = _M.c.escalation_id == it.escalation_id if it.escalation_id else _M.c.id == it.id
    mine = same & (_M.c.recipient == it.recipient) & _M.c.acknowledged_at.is_(None)
    session.execute(update(_M).where(mine).values(acknowledged_at=at))


def _set(session: Session, escalation_id: int, **values: Any) -> None:
    session.execute(update(_E).where(_E.c.id == escalation_id).values(values))


def _say(session: Session, it: Told, notice: Notice, recipient: str, slot: str, at: datetime) -> None:
    """Plan a message to somebody about the same matter, once for what was done."""
    duty = it.milestone or OVERSIGHT
    message = {
        "key": message_key(f"complaint:{it.subject_id}", duty, recipient, PREFERRED, slot, it.rung),
        "subject_id": it.subject_id, "deadline_id": it.deadline_id, "escalation_id": it.escalation_id, "rung": it.rung,
        "recipient": recipient, "channel": PREFERRED, "bundle": None,
    }  # fmt: skip
    urgency = Urgency.URGENT if it.urgency is Urgency.URGENT else Urgency.USUAL
    insert_new_alike(session, Message, [message], ["key"], planned(notice, urgency, False, at))
