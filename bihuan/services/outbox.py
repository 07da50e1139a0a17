"""Delivery: claim what is due, write the letters, send them, and record how each ended.

planned → claimed (lease) → sending → sent | planned again (back-off) | failed | unknown; every move is a
compare-and-set on (owner, state), so a worker that lost its lease changes nothing. What was cut off between sending
and recording is ambiguous: a complainant's message becomes ``unknown`` and waits for a person, staff are sent it again
while the matter runs, and the row says so.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import BihuanError
from bihuan.notify.gateway import Gateway, Sender, SendResult
from bihuan.rules.access import link_expires
from bihuan.rules.outbox import MAX_ATTEMPTS, retry_wait
from bihuan.services.deadline import ENDED
from bihuan.services.letter import Desk, Reader, open_desk
from bihuan.services.link import NewLink, keep
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.due import due_messages
from bihuan.store.queries.letter import sent_since
from bihuan.store.rows import id_in, insert_rows, table_of
from schemas.access import Purpose
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice

CUT_OFF = "cut off between sending and recording"
_M = table_of(Message)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the messages of one batch."""

    claimed: int = 0
    sent: int = 0
    retried: int = 0
    deferred: int = 0
    """Put back because their target had its share of this minute."""
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0

    def __add__(self, other: Delivered) -> Delivered:
        """Both batches together."""
        return Delivered(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Envelope:
    """Messages that go out as one letter."""

    ids: list[int]
    recipient: str
    audience: Audience
    attempts: int


def worker_name() -> str:
    """A name no other worker has, for leases."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}"


def deliver_all(db: Database, gateway: Gateway, settings: Settings, clock: Clock, *, limit: int = 50) -> Delivered:
    """Deliver batch after batch until nothing is due."""
    total, owner = Delivered(), worker_name()
    while (batch := deliver_due(db, gateway, settings, clock, limit=limit, owner=owner)).claimed:
        total += batch
    return total


def deliver_one(db: Database, gateway: Gateway, settings: Settings, clock: Clock, message_id: int) -> Delivered:
    """Deliver a message at once, if it is due: somebody waits for it. What does not go out now, a sweep brings out."""
    return deliver_due(db, gateway, settings, clock, limit=1, owner=worker_name(), only=message_id)


def deliver_due(
    db: Database, gateway: Gateway, settings: Settings, clock: Clock, *, limit: int = 50, owner: str,
    only: int | None = None,
) -> Delivered:  # fmt: skip
    """Claim at most ``limit`` messages (and the rest of their bundles) and bring each to an end or back to planned.

    ``only`` the message of that id where one is named.
    """
    with db.write() as session:
        claimed = due_messages(session, clock(), limit, only)
        done, mine = _claim(session, claimed, owner, clock(), settings)
    if not mine:
        return done
    with db.read() as session:
        desk = open_desk(session, settings, {row.id: row.recipient for row in mine})
        keys = {reader.target_key for reader in desk.people.values() if reader.url}
        used = sent_since(session, keys, clock() - _MINUTE)
    with gateway.session() as sender:
        round_ = _Round(db, sender, settings, clock, owner, desk)
        for envelope in _envelopes(mine):
            reader = desk.people[envelope.recipient]
            if reader.url and used.get(reader.target_key, 0) >= settings.send_per_minute:
                done += round_.defer(envelope)
                continue
            used[reader.target_key] = used.get(reader.target_key, 0) + 1
            done += round_.deliver(envelope, reader)
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

    def defer(self, envelope: Envelope) -> Delivered:
        """Put it back for a minute: its target had its share of this one."""
        later = self.clock() + _MINUTE
        with self.db.write() as session:
            self._move(
                session, envelope, MessageState.CLAIMED, state=MessageState.PLANNED, lease_owner=None, next_at=later
            )
        return Delivered(deferred=len(envelope.ids))

    def deliver(self, envelope: Envelope, reader: Reader) -> Delivered:
        """Send one letter between two transactions: one says that it is being sent, one how it ended."""
        started_at = self.clock()
        lease = started_at + timedelta(seconds=self.settings.lease_seconds)
        with self.db.write() as session:
            sending = {"state": MessageState.SENDING, "next_at": lease, "attempts": envelope.attempts + 1}
            if not self._move(session, envelope, MessageState.CLAIMED, **sending):
                session.rollback()
                return Delivered()
            self._keep_link(session, envelope, started_at)
        result = self._send(envelope, reader, started_at)
        values = _after(envelope, result, self.clock())
        with self.db.write() as session:
            insert_rows(session, DeliveryAttempt, [_attempt(envelope, reader, result, started_at, self.clock())])
            self._move(session, envelope, MessageState.SENDING, lease_owner=None, **values)
        name = "retried" if values["state"] is MessageState.PLANNED else values["state"].value
        return Delivered(**{name: len(envelope.ids)})

    def _keep_link(self, session: Session, envelope: Envelope, at: datetime) -> None:
        """Remember the letter's private link before it goes out: a retry brings the same one."""
        if token := self.desk.token(envelope.ids):
            link = NewLink(token, Purpose.ACT, envelope.ids[0], envelope.recipient, at, at + self.desk.link_expires)
            keep(session, [link])

    def _send(self, envelope: Envelope, reader: Reader, at: datetime) -> SendResult:
        if not reader.url:
            return SendResult(AttemptOutcome.REFUSED, reader.problem, "")
        try:
            letter = self.desk.write(envelope.ids, envelope.recipient, at)
        except BihuanError as error:
            return SendResult(AttemptOutcome.REFUSED, str(error), "")
        return self.sender.send(reader.url, letter)

    def _move(self, session: Session, envelope: Envelope, was: MessageState, **values: Any) -> bool:
        """Compare and set: only what is still ours and still ``was`` moves; whether all of it did."""
        ours = id_in(_M.c.id, envelope.ids) & (_M.c.lease_owner == self.owner) & (_M.c.state == was)
        moved: int = session.execute(update(_M).where(ours).values(values)).rowcount  # type: ignore[attr-defined]
        return moved == len(envelope.ids)


def _claim(
    session: Session, rows: Sequence[Row[Any]], owner: str, at: datetime, settings: Settings
) -> tuple[Delivered, list[Row[Any]]]:
    """Sort what came due: ended ones are suppressed, the rest is ours.

    What was cut off is unknown where it is not sent again: to a complainant, because the matter ended since, or
    because it was cut off too often.
    """
    unknown = [row for row in rows if _is_cut_off(row) and not _is_sent_again(row, at)]
    ended = [row for row in rows if _has_ended(row, at) and not _is_cut_off(row)]
    settled = {row.id for row in (*unknown, *ended)}
    mine = [row for row in rows if row.id not in settled]
    _final(session, unknown, MessageState.UNKNOWN, CUT_OFF)
    _final(session, ended, MessageState.SUPPRESSED, ENDED)
    for again in (False, True):
        ids = [row.id for row in mine if _is_cut_off(row) is again]
        values: dict[str, Any] = {"state": MessageState.CLAIMED, "lease_owner": owner,
                                  "next_at": at + timedelta(seconds=settings.lease_seconds)}  # fmt: skip
        if ids:
            session.execute(
                update(_M).where(id_in(_M.c.id, ids)).values(values | ({"is_repeated": True} if again else {}))
            )
    return Delivered(claimed=len(rows), unknown=len(unknown), suppressed=len(ended)), mine


def _is_cut_off(row: Row[Any]) -> bool:
    return bool(row.state is MessageState.SENDING)


def _is_sent_again(row: Row[Any], at: datetime) -> bool:
    return row.audience is Audience.STAFF and row.attempts < MAX_ATTEMPTS and not _has_ended(row, at)


def _has_ended(row: Row[Any], at: datetime) -> bool:
    if row.notice is Notice.SIGN_IN:
        return at >= link_expires(row.planned_at)
    ended_at = row.met_at or row.cancelled_at
    return ended_at is not None and ended_at <= at


def _final(session: Session, rows: Sequence[Row[Any]], state: MessageState, reason: str) -> None:
    if rows:
        ids = [row.id for row in rows]
        values = {"state": state, "reason": reason, "next_at": None, "lease_owner": None}
        session.execute(update(_M).where(id_in(_M.c.id, ids)).values(values))


def _envelopes(rows: Sequence[Row[Any]]) -> Iterator[Envelope]:
    def envelope_of(row: Row[Any]) -> tuple[str, str]:
        return (row.bundle or "", "" if row.bundle else f"{row.id:020d}")

    for _, group in groupby(sorted(rows, key=envelope_of), key=envelope_of):
        letters = list(group)
        yield Envelope(
            [row.id for row in letters], letters[0].recipient, letters[0].audience, max(row.attempts for row in letters)
        )


def _attempt(
    envelope: Envelope, reader: Reader, result: SendResult, started_at: datetime, ended_at: datetime
) -> dict[str, Any]:
    return {
        "message_id": envelope.ids[0],
        "number": envelope.attempts + 1,
        "target": result.target[:300],
        "target_key": reader.target_key if reader.url else "",
        "started_at": started_at,
        "ended_at": ended_at,
        "outcome": result.outcome,
        "error": result.error,
    }


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
    again = {"is_repeated": True} if is_ambiguous else {}
    return {"state": MessageState.PLANNED, "reason": result.error, "next_at": at + wait, **again}
