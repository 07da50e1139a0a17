"""The watchdog: looks at the heartbeats and tells the operator of a silence itself, without Prefect and the sweeps.

What it says are rows of the ledger like every message, but rows that no sweep delivers. A silence is known by its sweep
and the beat before it, and is told once however many watchdogs look; until somebody was told, it is tried again for as
long as it lasts. When the sweep runs again, whoever was told of the silence is told of that, once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.clock import Clock, parse_instant
from bihuan.notify.gateway import Gateway, SendResult
from bihuan.notify.letter import Letter
from bihuan.notify.render import render
from bihuan.notify.words import instant, span
from bihuan.rules.heartbeat import Pulse
from bihuan.rules.outbox import MAX_ATTEMPTS, message_key, retry_wait
from bihuan.services.claim import CUT_OFF
from bihuan.services.deadline import ENDED
from bihuan.services.heartbeat import watch
from bihuan.services.letter import Reader, operator
from bihuan.services.outbox import worker_name
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from bihuan.store.queries.board import is_simulated
from bihuan.store.rows import id_in, insert_new_rows, insert_rows, table_of
from schemas.outbox import SWEEP, AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice

log = logging.getLogger(__name__)

_M = table_of(Message)
_TOLD = frozenset({MessageState.SENT, MessageState.UNKNOWN})
_FINAL = _TOLD | {MessageState.FAILED, MessageState.SUPPRESSED}
_RECIPIENT = "operator"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw and said."""

    at: datetime
    pulses: Sequence[Pulse]
    told: int = 0
    untold: int = 0
    """Messages that did not go out at this look; they are tried again."""

    @property
    def silent(self) -> list[Pulse]:
        """The sweeps that have stopped."""
        return [pulse for pulse in self.pulses if pulse.is_silent(self.at)]


def look(db: Database, open_gateway: Callable[[], Gateway], settings: Settings, clock: Clock) -> Look:
    """Look at every sweep once, and tell the operator what is to be told now; looking twice says nothing twice.

    Args:
        db: Where the heartbeats are.
        open_gateway: Gives the way out; called only when there is something to say.
        settings: Whom to tell, in which language.
        clock: Tells the present.
    """
    at, owner = clock(), worker_name()
    with db.write() as session:
        hold(session, "watchdog")
        pulses = watch(session, at)
        mine = _claim(session, pulses, at, owner, settings)
        label = is_simulated(session)
    sent = 0
    for row in mine:
        reader, started_at = operator(settings), clock()
        result = SendResult(AttemptOutcome.REFUSED, reader.problem, "")
        if reader.url:
            result = open_gateway().send(reader.url, _letter(row, pulses, reader, settings, started_at, label))
        _record(db, row, owner, reader, result, (started_at, clock()))
        sent += result.outcome is AttemptOutcome.SENT
    return Look(at, pulses, sent, len(mine) - sent)


def sweep_of(key: str) -> str:
    """The sweep that a message of the watchdog is about."""
    return key.partition("|")[0].removeprefix(f"{SWEEP}:")


def _slot(key: str) -> str:
    return key.rpartition("|")[2]


def _key(sweep: str, notice: Notice, slot: str) -> str:
    return message_key(f"{SWEEP}:{sweep}", notice.value, _RECIPIENT, "preferred", slot)


def _claim(
    session: Session, pulses: Sequence[Pulse], at: datetime, owner: str, settings: Settings
) -> Sequence[Row[Any]]:
    """Write down what is to be told, end what need not be told any more, and take what is due."""
    known = session.execute(select(_M).where(_M.c.subject_kind == SWEEP).order_by(_M.c.id)).all()
    wanted = _wanted(pulses, known, at)
    insert_new_rows(session, Message, [_planned(key, notice, at) for key, notice in wanted.items()], ["key"])
    kept = wanted.keys() | {_key(pulse.sweep, Notice.SILENCE, pulse.slot()) for pulse in pulses}
    for row in known:
        if row.key not in kept and row.state not in _FINAL and (row.state is MessageState.PLANNED or row.next_at <= at):
            _end(session, row)
    due = session.execute(
        select(_M).where(_M.c.subject_kind == SWEEP, _M.c.next_at <= at, _M.c.key.in_(list(wanted))).order_by(_M.c.id)
    ).all()
    lease = at + timedelta(seconds=settings.lease_seconds)
    for is_again in (False, True):
        ids = [row.id for row in due if (row.state is MessageState.SENDING) is is_again]
        values = {"state": MessageState.SENDING, "lease_owner": owner, "next_at": lease, "attempts": _M.c.attempts + 1}
        repeated = {"is_repeated": True} if is_again else {}
        session.execute(update(_M).where(id_in(_M.c.id, ids)).values(values | repeated))
    return due


def _wanted(pulses: Sequence[Pulse], known: Sequence[Row[Any]], at: datetime) -> dict[str, Notice]:
    """What the operator ought to have been told by now, by key: each silence, and each end of one that was told."""
    alarms = {sweep_of(row.key): row for row in known if row.notice is Notice.SILENCE and row.state in _TOLD}
    wanted = {}
    for pulse in pulses:
        alarm = alarms.get(pulse.sweep)
        if pulse.is_silent(at):
            wanted[_key(pulse.sweep, Notice.SILENCE, pulse.slot())] = Notice.SILENCE
        elif alarm and _slot(alarm.key) != pulse.slot():
            wanted[_key(pulse.sweep, Notice.RUNS_AGAIN, _slot(alarm.key))] = Notice.RUNS_AGAIN
    return wanted


def _planned(key: str, notice: Notice, at: datetime) -> dict[str, Any]:
    return {
        "key": key, "subject_kind": SWEEP, "subject_id": 0, "notice": notice, "audience": Audience.STAFF,
        "recipient": _RECIPIENT, "state": MessageState.PLANNED, "planned_at": at, "next_at": at,
    }  # fmt: skip


def _end(session: Session, row: Row[Any]) -> None:
    """What is over before anybody was told: not sent, given up, or cut off and so not certain."""
    values: dict[str, Any] = {"state": MessageState.FAILED, "next_at": None, "lease_owner": None}
    if row.state is MessageState.SENDING:
        values |= {"state": MessageState.UNKNOWN, "reason": CUT_OFF}
    elif not row.attempts:
        values |= {"state": MessageState.SUPPRESSED, "reason": ENDED}
    session.execute(update(_M).where(_M.c.id == row.id, _M.c.state == row.state).values(values))


def _letter(
    row: Row[Any], pulses: Sequence[Pulse], reader: Reader, settings: Settings, at: datetime, label: bool
) -> Letter:
    sweep, slot = sweep_of(row.key), _slot(row.key)
    pulse = next(pulse for pulse in pulses if pulse.sweep == sweep)
    last_at = None if slot == "never" else parse_instant(slot)
    until, since = (at if row.notice is Notice.SILENCE else row.planned_at), last_at or pulse.watched_since or at
    return render(row.notice.value, reader.language, {
        "sweep": sweep, "silent": span(until - since, reader.language), "link": settings.web_url,
        "last_at": instant(last_at, reader.timezone) if last_at else "", "is_simulated": label,
    })  # fmt: skip


def _record(
    db: Database, row: Row[Any], owner: str, reader: Reader, result: SendResult, when: tuple[datetime, datetime]
) -> None:
    """Write down how an attempt ended; a row that another watchdog has taken since stays as it is."""
    attempts = row.attempts + 1
    attempt = {
        "message_id": row.id, "number": attempts, "target": result.target[:300],
        "target_key": reader.target_key if reader.url else "", "started_at": when[0], "ended_at": when[1],
        "outcome": result.outcome, "error": result.error,
    }  # fmt: skip
    ours = (_M.c.id == row.id) & (_M.c.lease_owner == owner) & (_M.c.state == MessageState.SENDING)
    values = _after(row.notice, attempts, result, when[1])
    with db.write() as session:
        insert_rows(session, DeliveryAttempt, [attempt])
        session.execute(update(_M).where(ours).values(lease_owner=None, **values))
    said = {"sweep": sweep_of(row.key), "notice": row.notice.value}
    if result.outcome is AttemptOutcome.SENT:
        log.warning("the operator was told", extra=said)
    else:
        log.error("the operator could not be told: set or mend BIHUAN_OPERATOR_URL", extra=said | {"why": result.error})


def _after(notice: Notice, attempts: int, result: SendResult, at: datetime) -> dict[str, Any]:
    """What the row says after an attempt: a silence is tried again while it lasts, its end a few times."""
    if result.outcome is AttemptOutcome.SENT:
        return {"state": MessageState.SENT, "reason": None, "sent_at": at, "next_at": None}
    is_ambiguous = result.outcome is AttemptOutcome.AMBIGUOUS
    is_kept = notice is Notice.SILENCE and not is_ambiguous
    wait = retry_wait(min(attempts, MAX_ATTEMPTS - 1) if is_kept else attempts, random.Random())
    if wait is None:
        state = MessageState.UNKNOWN if is_ambiguous else MessageState.FAILED
        return {"state": state, "reason": result.error, "next_at": None}
    again = {"is_repeated": True} if is_ambiguous else {}
    return {"state": MessageState.PLANNED, "reason": result.error, "next_at": at + wait, **again}
