"""Messages whose fate is unknown: what is known of each, and what a person decides about it.

unknown → sent ("it arrived") | planned ("send it again"); a compare-and-set on the state, for the whole letter where
several messages went out as one. Who said so, when and how it is known stands in a delivery attempt of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.contact import masked
from bihuan.services.letter import reading
from bihuan.services.survey_told import note_delivery
from bihuan.settings import Settings
from bihuan.store.lock import hold
from bihuan.store.queries.outbox import attempts_at, listing
from bihuan.store.rows import id_in, insert_rows, table_of
from schemas.deadline import Deadline
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Verdict

CONFIRMED, ASKED_AGAIN = "confirmed", "asked_again"
"""The reasons of a row that a person decided."""
WHO_CHARACTERS, HOW_CHARACTERS = 60, 300

_M = table_of(Message)
_D = table_of(Deadline).c
_DECIDED = {Verdict.ARRIVED: CONFIRMED, Verdict.AGAIN: ASKED_AGAIN}


class UnconfirmedError(RefusedError):
    """Sending again needs the word that it did not arrive."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says.

    Attributes:
        verdict: It arrived, or it is to be sent again.
        who: The person's name.
        how: How it is known; may be empty.
        is_sure: The person confirms that it did not arrive.
    """

    verdict: Verdict
    who: str
    how: str = ""
    is_sure: bool = False

    def note(self) -> str:
        """Who and how, in one line."""
        who, how = (" ".join(text.split()) for text in (self.who, self.how))
        if not who or len(who) > WHO_CHARACTERS or len(how) > HOW_CHARACTERS:
            raise UsageError(
                f"who says so is missing or longer than {WHO_CHARACTERS} characters, or how is longer than "
                f"{HOW_CHARACTERS}", cure="name the person who knows, and say briefly how",
            )  # fmt: skip
        return f"{who}: {how}" if how else who


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown message and what is known of it."""

    row: Row[Any]
    target: str
    """Where it went (or would go today, where no attempt was recorded), masked; empty where nobody knows."""
    tried_at: datetime | None
    """When it was last tried; None where the process died before it could write that down."""
    error: str


def waiting(session: Session, settings: Settings, limit: int) -> list[Unknown]:
    """The newest ``limit`` unknown messages, newest first."""
    rows = listing(session, state=MessageState.UNKNOWN, limit=limit)
    tries = attempts_at(session, (row.id for row in rows))
    people = reading(session, settings, {row.recipient for row in rows})
    found = []
    for row in rows:
        url, last = people[row.recipient].url, tries[row.id][-1] if tries[row.id] else None
        target = last.target if last and last.target else masked(url) if url else ""
        is_recorded = last is not None and last.number >= row.attempts
        error = row.reason or (last.error if last else None) or ""
        found.append(Unknown(row, target, last.started_at if last and is_recorded else None, error))
    return found


def decide(session: Session, clock: Clock, message_id: int, said: Statement) -> int:
    """Record what a person says of an unknown message; call it inside ``Database.write``.

    Returns:
        How many messages it decided: all unknown ones that went out in the same letter; 0 where just that was said
        before.

    Raises:
        UsageError: There is no such message, or nobody is named.
        UnconfirmedError: It would be sent again to a customer, or for a matter that has ended since, and the person
            does not confirm that it did not arrive.
        RefusedError: The message is not unknown.
    """
    note, at = said.note(), clock()
    hold(session, "decision")
    row = _found(session, message_id)
    if row.state is not MessageState.UNKNOWN:
        if _is_said_already(row, said.verdict):
            return 0
        raise RefusedError(
            f"message {message_id} is {row.state}, not unknown", cure="see `bihuan outbox list --state unknown`"
        )
    letter = _letter(session, row)
    if said.verdict is Verdict.AGAIN and not said.is_sure and any(_needs_word(one, at) for one in letter):
        raise UnconfirmedError(
            f"message {message_id} may have arrived, and its reader is not to be contacted twice",
            cure="find out; then confirm that it did not arrive, or say that it did",
        )
    tries = attempts_at(session, [message_id])[message_id]
    values, outcome = _after(said, at, tries)
    decided = id_in(_M.c.id, [one.id for one in letter]) & (_M.c.state == MessageState.UNKNOWN)
    session.execute(update(_M).where(decided).values(lease_owner=None, reason=_DECIDED[said.verdict], **values))
    if said.verdict is Verdict.ARRIVED:
        note_delivery(session, [one.id for one in letter], values["sent_at"], is_sent=True)
    insert_rows(session, DeliveryAttempt, [{
        "message_id": message_id, "number": row.attempts, "target": tries[-1].target if tries else "",
        "target_key": "", "started_at": at, "ended_at": at, "outcome": outcome, "error": note,
    }])  # fmt: skip
    return len(letter)


def _after(said: Statement, at: datetime, tries: Sequence[Row[Any]]) -> tuple[dict[str, Any], AttemptOutcome]:
    """What the row says then, and how the person's word is called; it was sent when it was last tried, if known."""
    if said.verdict is Verdict.ARRIVED:
        sent_at = tries[-1].ended_at if tries else at
        return {"state": MessageState.SENT, "sent_at": sent_at, "next_at": None}, AttemptOutcome.SENT
    outcome = AttemptOutcome.RETRY if said.is_sure else AttemptOutcome.AMBIGUOUS
    return {"state": MessageState.PLANNED, "next_at": at, "is_repeated": True}, outcome


_FACTS = (
    select(_M.c.id, _M.c.state, _M.c.reason, _M.c.audience, _M.c.bundle, _M.c.attempts, _D.met_at, _D.cancelled_at)
    .select_from(_M.outerjoin(table_of(Deadline), _M.c.deadline_id == _D.id))
    .order_by(_M.c.id)
)  # fmt: skip


def _found(session: Session, message_id: int) -> Row[Any]:
    found = session.execute(_FACTS.where(_M.c.id == message_id).with_for_update(of=_M)).first()
    if found is None:
        raise UsageError(f"there is no message {message_id}", cure="see `bihuan outbox list --state unknown`")
    return found


def _letter(session: Session, row: Row[Any]) -> Sequence[Row[Any]]:
    """The unknown messages of one letter: they share its fate."""
    if not row.bundle:
        return [row]
    alike = _FACTS.where(_M.c.bundle == row.bundle, _M.c.state == MessageState.UNKNOWN)
    return session.execute(alike.with_for_update(of=_M)).all()


def _needs_word(row: Row[Any], at: datetime) -> bool:
    """Whether a second letter would be one too many: to a customer, or about what has ended."""
    ended_at = row.met_at or row.cancelled_at
    return row.audience is Audience.CUSTOMER or (ended_at is not None and ended_at <= at)


def _is_said_already(row: Row[Any], verdict: Verdict) -> bool:
    is_as_said = row.state is MessageState.SENT if verdict is Verdict.ARRIVED else row.state is MessageState.PLANNED
    return is_as_said and bool(row.reason == _DECIDED[verdict])
