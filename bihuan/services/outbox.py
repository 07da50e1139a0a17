"""Delivery: claim what is due, write the letters, send them, and record how each ended.

planned → claimed (lease, see ``claim``) → sending → sent | planned again (back-off) | failed | unknown; every move is a
compare-and-set on (owner, state), so a worker that lost its lease takes nothing from the next one. What was cut off
between sending and recording is ambiguous: a complainant's message becomes ``unknown`` and waits for a person, or for
the worker that was only slow and comes back with the truth; staff are sent it again while the matter runs, and the row
says so. An attempt is a row before it is made: other workers count it, and what is cut off leaves it behind.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, insert, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import BihuanError
from bihuan.notify.channel import per_minute
from bihuan.notify.contact import masked
from bihuan.notify.gateway import Gateway, Sender, SendResult
from bihuan.policy.escalation import ReminderPolicy
from bihuan.policy.survey import ContactPolicy
from bihuan.rules.outbox import retry_wait
from bihuan.services.claim import CUT_OFF, NOTHING_SET, Claimant, Envelope, claim
from bihuan.services.letter import Desk, Reader, open_desk
from bihuan.services.link import keep
from bihuan.services.survey_told import note_delivery, record_delivered
from bihuan.services.tally import Tally
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from bihuan.store.queries.letter import sent_since
from bihuan.store.rows import id_in, table_of
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState

_M, _A = table_of(Message), table_of(DeliveryAttempt)
_MINUTE = timedelta(minutes=1)
_PATIENCE = _MINUTE
"""How long a round goes on where servers are slow; what it has not come to is anybody's again, so no run piles up."""
_WORKERS = 8
"""Up to so many at once keep to a target's share exactly."""


@dataclass(frozen=True, slots=True)
class Delivered(Tally):
    """What became of the messages of one batch."""

    claimed: int = 0
    sent: int = 0
    retried: int = 0
    deferred: int = 0
    """Put back because their target had its share of this minute, or the round had gone on for one."""
    held: int = 0
    """Put back for their reader's sake: quiet hours, a letter just before, the morning digest."""
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0


def worker_name() -> str:
    """A name no other worker has, for leases."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}"


def deliver_all(
    db: Database, gateway: Gateway, settings: Settings, clock: Clock, *, limit: int = 50,
    reminders: ReminderPolicy = NOTHING_SET, contact: ContactPolicy | None = None,
) -> Delivered:  # fmt: skip
    """Deliver batch after batch until nothing is due."""
    total, owner = Delivered(), worker_name()
    how: dict[str, Any] = {"limit": limit, "owner": owner, "reminders": reminders, "contact": contact}
    while (batch := deliver_due(db, gateway, settings, clock, **how)).claimed:
        total += batch
    return total


def deliver_one(db: Database, gateway: Gateway, settings: Settings, clock: Clock, message_id: int) -> Delivered:
    """Deliver a message at once, if it is due: somebody waits for it. What does not go out now, a sweep brings out."""
    return _bring_out(db, gateway, clock, Claimant(worker_name(), clock(), settings, only=message_id), 1)


def deliver_due(  # noqa: PLR0913 - a bundle of the two policies would have no other user
    db: Database, gateway: Gateway, settings: Settings, clock: Clock, *, limit: int = 50, owner: str,
    reminders: ReminderPolicy = NOTHING_SET, contact: ContactPolicy | None = None,
) -> Delivered:  # fmt: skip
    """Claim at most ``limit`` messages (and what shares their letters) and bring each to an end or back to planned.

    Args:
        db: The database.
        gateway: Hands the letters over.
        settings: Lease, pace, addresses and the installation's zone.
        clock: Gives the present.
        limit: Greatest number of messages in the batch.
        owner: Who claims, see ``worker_name``.
        reminders: How staff are let be; without it nothing is held back.
        contact: When complainants are written to; without it, at any hour.
    """
    return _bring_out(db, gateway, clock, Claimant(owner, clock(), settings, reminders, contact), limit)


def _bring_out(db: Database, gateway: Gateway, clock: Clock, by: Claimant, limit: int) -> Delivered:
    with db.write() as session:
        found = claim(session, by, limit)
    done = Delivered(found.claimed, held=found.held, unknown=found.unknown, suppressed=found.suppressed)
    if not found.envelopes:
        return done
    settings = by.settings
    with db.read() as session:
        desk = open_desk(session, settings, {one: it.address for it in found.envelopes for one in it.ids},
                         by.reminders.link_expires)  # fmt: skip
        keys = {reader.target_key for reader in desk.people.values() if reader.url}
        used = sent_since(session, keys, clock() - _MINUTE)
    with gateway.session() as sender:
        round_ = _Round(db, sender, settings, clock, by.owner, desk)
        for envelope in found.envelopes:
            reader = desk.people[envelope.address]
            if clock() - by.at >= _PATIENCE:
                done += round_.defer(envelope, timedelta())
                continue
            had = used.get(reader.target_key, 0)
            if reader.url and had >= per_minute(reader.url, settings.send_per_minute):
                done += round_.defer(envelope)
                continue
            used[reader.target_key] = had + 1
            done += round_.deliver(envelope, reader, had)
    told = [one for it in found.envelopes if it.audience is Audience.CUSTOMER for one in it.ids]
    if told:
        record_delivered(db, told, clock())
    return done


@dataclass(frozen=True, slots=True)
class _Round:
    """One worker's round with one batch of letters."""

    db: Database
    sender: Sender
    settings: Settings
    clock: Clock
    owner: str
    desk: Desk

    def defer(self, envelope: Envelope, wait: timedelta = _MINUTE) -> Delivered:
        """Put it back: for a minute where its target had its share of this one."""
        with self.db.write() as session:
            return self._put_back(session, envelope, wait)

    def deliver(self, envelope: Envelope, reader: Reader, had: int) -> Delivered:
        """Send one letter between two transactions: one says that it is being sent, one how it ended.

        Its target had ``had`` others in this minute, as far as this worker knows.
        """
        started_at = self.clock()
        lease = started_at + timedelta(seconds=self.settings.lease_seconds)
        with self.db.write() as session:
            if not self._has_room(session, envelope, reader, had):
                return self._put_back(session, envelope)
            sending = {"state": MessageState.SENDING, "next_at": lease, "attempts": envelope.attempts + 1}
            if not self._move(session, envelope, MessageState.CLAIMED, **sending):
                session.rollback()
                return Delivered()
            attempt = _begin(session, envelope, reader, started_at)
            self._keep_link(session, envelope, started_at)
        result = self._send(envelope, reader, started_at)
        values = _after(envelope, result, self.clock())
        with self.db.write() as session:
            _end(session, attempt, result, self.clock())
            is_ours = self._move(session, envelope, MessageState.SENDING, lease_owner=None, **values)
            if is_ours or _clear_up(session, envelope, values):
                self._note(session, envelope, values)
        name = "retried" if values["state"] is MessageState.PLANNED else values["state"].value
        return Delivered(**{name: len(envelope.ids)})

    def _has_room(self, session: Session, envelope: Envelope, reader: Reader, had: int) -> bool:
        """Whether the target has not had its share of this minute, from any worker; nobody counts at the same time.

        A complainant's address is nobody else's, and what each of so many workers sends without counting is no more
        than the share.
        """
        share = per_minute(reader.url, self.settings.send_per_minute) if reader.url else 0
        if not reader.url or envelope.audience is Audience.CUSTOMER or had < share // _WORKERS:
            return True
        hold(session, f"target {reader.target_key}")
        since = self.clock() - _MINUTE
        return sent_since(session, [reader.target_key], since).get(reader.target_key, 0) < share

    def _put_back(self, session: Session, envelope: Envelope, wait: timedelta = _MINUTE) -> Delivered:
        later = self.clock() + wait
        self._move(session, envelope, MessageState.CLAIMED, state=MessageState.PLANNED, lease_owner=None, next_at=later)
        return Delivered(deferred=len(envelope.ids))

    def _keep_link(self, session: Session, envelope: Envelope, at: datetime) -> None:
        """Remember the letter's private links before it goes out: a retry brings the same ones."""
        keep(session, self.desk.links(envelope.ids, envelope.recipient, at))

    def _note(self, session: Session, envelope: Envelope, values: Mapping[str, Any]) -> None:
        """Let the invitations of a complainant's letter know how it ended."""
        if envelope.audience is Audience.CUSTOMER and values["state"] is not MessageState.PLANNED:
            is_sent = values["state"] is MessageState.SENT
            note_delivery(session, envelope.ids, values["sent_at"] if is_sent else self.clock(), is_sent=is_sent)

    def _send(self, envelope: Envelope, reader: Reader, at: datetime) -> SendResult:
        if not reader.url:
            return SendResult(AttemptOutcome.REFUSED, reader.problem, "")
        try:
            letter = self.desk.write(envelope.ids, envelope.address, at)
        except BihuanError as error:
            return SendResult(AttemptOutcome.REFUSED, str(error), "")
        return self.sender.send(reader.url, letter)

    def _move(self, session: Session, envelope: Envelope, was: MessageState, **values: Any) -> bool:
        """Compare and set: only what is still ours and still ``was`` moves; whether all of it did."""
        return _set(session, envelope, (_M.c.lease_owner == self.owner) & (_M.c.state == was), values)


def _clear_up(session: Session, envelope: Envelope, values: Mapping[str, Any]) -> bool:
    """Say how it ended where it was taken for cut off meanwhile, and nobody has decided or tried again."""
    taken = (_M.c.state == MessageState.UNKNOWN) & (_M.c.reason == CUT_OFF)
    return _set(session, envelope, taken & (_M.c.attempts == envelope.attempts + 1), values)


def _set(session: Session, envelope: Envelope, still: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    same = id_in(_M.c.id, envelope.ids) & still
    changed: int = session.execute(update(_M).where(same).values(values)).rowcount  # type: ignore[attr-defined]
    return changed == len(envelope.ids)


def _begin(session: Session, envelope: Envelope, reader: Reader, at: datetime) -> int:
    """The attempt's row, as it stays where nobody comes to say how it ended; its id."""
    row = {
        "message_id": envelope.ids[0],
        "number": envelope.attempts + 1,
        "target": masked(reader.url)[:300] if reader.url else "",
        "target_key": reader.target_key if reader.url else "",
        "started_at": at,
        "ended_at": at,
        "outcome": AttemptOutcome.AMBIGUOUS,
        "error": CUT_OFF,
    }
    begun = insert(_A).values(row).returning(_A.c.id)
    return int(session.execute(begun).scalar_one())


def _end(session: Session, attempt: int, result: SendResult, at: datetime) -> None:
    how = {"target": result.target[:300], "ended_at": at, "outcome": result.outcome, "error": result.error}
    session.execute(update(_A).where(_A.c.id == attempt).values(how))


def _after(envelope: Envelope, result: SendResult, at: datetime) -> dict[str, Any]:
    """What the row says after an attempt."""
    if result.outcome is AttemptOutcome.SENT:
        return {"state": MessageState.SENT, "reason": None, "sent_at": at, "next_at": None}
    is_ambiguous = result.outcome is AttemptOutcome.AMBIGUOUS
    if is_ambiguous and envelope.audience is Audience.CUSTOMER:
        return {"state": MessageState.UNKNOWN, "reason": result.error, "next_at": None}
    wait = retry_wait(envelope.attempts + 1, random.Random()) if result.outcome is not AttemptOutcome.REFUSED else None
    if wait is None:
        state = MessageState.UNKNOWN if is_ambiguous else MessageState.FAILED
        return {"state": state, "reason": result.error, "next_at": None}
    wait = max(wait, result.retry_after or wait)
    again = {"is_repeated": True} if is_ambiguous else {}
    return {"state": MessageState.PLANNED, "reason": result.error, "next_at": at + wait, **again}
