"""Claiming: of the messages that came due, which are ours to send now and as which letters.

Ended ones are suppressed, cut-off ones that nobody may be sent twice are unknown, and what its reader can wait for goes
back to planned, until the instant that `bihuan.rules.reminder` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from bihuan.clock import zone
from bihuan.policy.escalation import ReminderPolicy
from bihuan.policy.survey import ContactPolicy
from bihuan.rules.access import link_expires
from bihuan.rules.outbox import MAX_ATTEMPTS
from bihuan.rules.reminder import Held, Hold, Hours, Waiting, held_bundle, joined_bundle, may_wait, sort_out
from bihuan.rules.roster import address_of
from bihuan.rules.survey import Window, held_until
from bihuan.services.deadline import ENDED
from bihuan.services.survey_told import note_delivery
from bihuan.settings import Settings
from bihuan.store.queries.due import DueMessage, due_messages
from bihuan.store.queries.reminder import last_letters, staff_hours
from bihuan.store.queries.survey import last_letters as letters_to
from bihuan.store.queries.survey import zones_of
from bihuan.store.rows import id_in, table_of, update_rows
from schemas.outbox import OF_HOURS, SURVEYS, Audience, Message, MessageState, Notice, Urgency

CUT_OFF = "cut off between sending and recording"
NOTHING_SET = ReminderPolicy()
"""Nothing is held, and every message is a letter of its own."""

_M = table_of(Message)
_Seat = tuple[str, str]
"""Recipient and channel: what one letter goes to."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Messages that go out as one letter."""

    ids: list[int]
    recipient: str
    channel: str
    audience: Audience
    attempts: int

    @property
    def address(self) -> str:
        """Recipient and channel as one word, see ``bihuan.rules.roster.address_of``."""
        return address_of(self.recipient, self.channel)


@dataclass(frozen=True, slots=True)
class Claim:
    """One batch: the letters to be sent, and how many messages there were, all in all and not to be sent now."""

    envelopes: tuple[Envelope, ...] = ()
    claimed: int = 0
    held: int = 0
    unknown: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, when, by whose rules."""

    owner: str
    at: datetime
    settings: Settings
    reminders: ReminderPolicy = NOTHING_SET
    contact: ContactPolicy | None = None
    """When complainants are written to; None: at any hour."""
    only: int | None = None
    """The message of that id alone; None: whatever is due."""

    @property
    def lease(self) -> timedelta:
        """How long what is claimed is nobody else's."""
        return timedelta(seconds=self.settings.lease_seconds)


def claim(session: Session, by: Claimant, limit: int) -> Claim:
    """Claim at most ``limit`` messages (and what shares their letters); call it inside ``Database.write``.

    What was cut off is unknown where it is not sent again: to a complainant, because the matter ended since, or
    because it was cut off too often.
    """
    is_whole = by.reminders.bundle_within is not None and by.only is None
    rows = due_messages(session, by.at, limit, is_whole=is_whole, only=by.only)
    unknown = [row for row in rows if _is_cut_off(row) and not _is_sent_again(row, by.at)]
    uncut = [row for row in rows if not _is_cut_off(row)]
    withdrawn = [row for row in uncut if row.withdrawn]
    ended = [row for row in uncut if _has_ended(row, by.at) and not row.withdrawn]
    settled = {row.id for row in (*unknown, *ended, *withdrawn)}
    left = [row for row in rows if row.id not in settled]
    held = _held(session, by, left) | _off_hours(session, by, left)
    mine = list(_in_letters([row for row in left if row.id not in held], by.reminders))
    _final(session, unknown, MessageState.UNKNOWN, CUT_OFF)
    _final(session, ended, MessageState.SUPPRESSED, ENDED)
    for reason in {row.withdrawn for row in withdrawn if row.withdrawn}:
        _final(session, [row for row in withdrawn if row.withdrawn == reason], MessageState.SUPPRESSED, reason)
    over = [row.id for row in (*ended, *withdrawn) if row.audience is Audience.CUSTOMER]
    if over:
        note_delivery(session, over, by.at, is_sent=False)
    _hold(session, [row for row in left if row.id in held], held)
    _take(session, by, mine, {row.id: row.bundle for row in left})
    return Claim(tuple(_envelopes(mine)), len(rows), len(held), len(unknown), len(ended) + len(withdrawn))


def _is_cut_off(row: DueMessage) -> bool:
    return row.state is MessageState.SENDING


def _is_sent_again(row: DueMessage, at: datetime) -> bool:
    return row.audience is Audience.STAFF and row.attempts < MAX_ATTEMPTS and not _has_ended(row, at)


def _has_ended(row: DueMessage, at: datetime) -> bool:
    if row.notice is Notice.SIGN_IN:
        return at >= link_expires(row.planned_at)
    ended_at = row.handled_at if row.notice is Notice.OVERSIGHT else row.met_at or row.cancelled_at
    return ended_at is not None and ended_at <= at


def _may_wait(row: DueMessage) -> bool:
    return may_wait(row.audience, row.urgency, row.notice)


def _seat(row: DueMessage) -> _Seat:
    return row.recipient, row.channel


def _held(session: Session, by: Claimant, rows: Sequence[DueMessage]) -> dict[int, Held]:
    """Those that wait, by message id: one look at all readers and at all of their last letters."""
    some = sorted(filter(_may_wait, rows), key=_seat) if by.reminders != NOTHING_SET else []
    if not some:
        return {}
    recipients = {row.recipient for row in some}
    hours, last_at = _hours(session, by.settings, recipients), _last_letters(session, by, recipients)
    found: dict[int, Held] = {}
    for seat, group in groupby(some, key=_seat):
        members = list(group)
        waiting = [Waiting(row.urgency, row.notice, row.planned_at, row.due_at, row.reason) for row in members]
        verdicts = sort_out(waiting, hours[seat[0]], last_at.get(seat), by.reminders, by.at)
        found |= {row.id: verdict for row, verdict in zip(members, verdicts, strict=True) if verdict}
    return found


def _off_hours(session: Session, by: Claimant, rows: Sequence[DueMessage]) -> dict[int, Held]:
    """Letters that come to be sent out of the hours, or on a day, on which their reader is not written to.

    The day of an invitation was chosen when it was planned; that of an answer is chosen here.
    """
    found: dict[int, Held] = {}
    some = [row for row in rows if by.contact and row.notice in OF_HOURS]
    written = _written_at(session, by, [row for row in some if row.notice not in SURVEYS])
    own = zones_of(session, {row.recipient for row in some if row.notice is Notice.IMPROVED})
    for row in some:
        assert by.contact
        here = row.timezone or own.get(row.recipient) or by.settings.timezone
        window = Window(*by.contact.window, zone(here))
        if until := held_until(row.due_at, window, by.at, written.get(row.recipient)):
            found[row.id] = Held(until, Hold.QUIET)
    return found


def _written_at(session: Session, by: Claimant, rows: Sequence[DueMessage]) -> dict[str, datetime]:
    """When each of these readers was last written to, where policy wants one letter a day."""
    if not rows or not by.contact or not by.contact.once_a_day:
        return {}
    people = {int(row.recipient.partition(":")[2]): row.recipient for row in rows}
    return {people[who]: at for who, at in letters_to(session, people, by.at).items()}


def _hours(session: Session, settings: Settings, recipients: set[str]) -> dict[str, Hours]:
    """The hours of each; whoever is no person keeps those of the installation."""
    people = {to: int(to.partition(":")[2]) for to in recipients if to.startswith("staff:")}
    own = staff_hours(session, people.values()) if people else {}
    usual = Hours(zone(settings.timezone))
    return {to: _own_hours(own[people[to]]) if people.get(to) in own else usual for to in recipients}


def _own_hours(row: Any) -> Hours:
    quiet = (row.quiet_from, row.quiet_until) if row.quiet_from and row.quiet_until else None
    return Hours(zone(row.timezone), quiet)


def _last_letters(session: Session, by: Claimant, recipients: set[str]) -> Mapping[_Seat, datetime]:
    window = by.reminders.bundle_within
    return last_letters(session, recipients, by.at - window, by.at, by.lease) if window else {}


def _in_letters(rows: Sequence[DueMessage], reminders: ReminderPolicy) -> Iterator[DueMessage]:
    """The messages with the bundles they go out in: within a window everything to one reader, urgent ones alone."""
    for seat, group in groupby(sorted(rows, key=_seat), key=_seat):
        members = list(group)
        yield from (row._replace(bundle=None) if row.urgency is Urgency.URGENT else row
                    for row in members if not _may_wait(row))  # fmt: skip
        shared = list(filter(_may_wait, members))
        if reminders.bundle_within and len({row.bundle or row.id for row in shared}) > 1:
            name = joined_bundle(*seat, min(row.id for row in shared))
            shared = [row._replace(bundle=name) for row in shared]
        yield from shared


def _final(session: Session, rows: Sequence[DueMessage], state: MessageState, reason: str) -> None:
    if rows:
        ids = [row.id for row in rows]
        values = {"state": state, "reason": reason, "next_at": None, "lease_owner": None}
        session.execute(update(_M).where(id_in(_M.c.id, ids)).values(values))


def _hold(session: Session, rows: Sequence[DueMessage], held: Mapping[int, Held]) -> None:
    """Put them back until their instant, in the bundle of everything that waits for it."""
    update_rows(session, Message, [
        {"id": row.id, "state": MessageState.PLANNED, "lease_owner": None, "next_at": held[row.id].until,
         "reason": held[row.id].why.value, "bundle": _held_bundle(row, held[row.id].until),
         "is_repeated": row.is_repeated or _is_cut_off(row)}
        for row in rows
    ])  # fmt: skip


def _held_bundle(row: DueMessage, until: datetime) -> str | None:
    """An answer to what somebody said is a letter of its own."""
    return None if row.notice in {Notice.NEGATIVE_TOLD, Notice.IMPROVED} else held_bundle(*_seat(row), until)


def _take(session: Session, by: Claimant, rows: Sequence[DueMessage], was: Mapping[int, str | None]) -> None:
    """Make them ours for a lease; those whose letter is not the one they were planned in say so."""
    for again in (False, True):
        ids = [row.id for row in rows if _is_cut_off(row) is again]
        values: dict[str, Any] = {"state": MessageState.CLAIMED, "lease_owner": by.owner, "next_at": by.at + by.lease}
        if ids:
            session.execute(
                update(_M).where(id_in(_M.c.id, ids)).values(values | ({"is_repeated": True} if again else {}))
            )
    moved = [{"id": row.id, "bundle": row.bundle} for row in rows if row.bundle != was[row.id]]
    update_rows(session, Message, moved)


def _envelopes(rows: Sequence[DueMessage]) -> Iterator[Envelope]:
    """One for each bundle, and one for each message without; oldest bundle-less ones first."""

    def letter_of(row: DueMessage) -> tuple[str, ...]:
        return (row.bundle, *_seat(row)) if row.bundle else ("", f"{row.id:020d}")

    for _, group in groupby(sorted(rows, key=letter_of), key=letter_of):
        messages = list(group)
        first = messages[0]
        attempts = max(row.attempts for row in messages)
        yield Envelope([row.id for row in messages], first.recipient, first.channel, first.audience, attempts)
