"""Signing in without a password: a link over the person's own channel, good once and not for long; then a session.

A link falls to nobody else: a person without a contact of their own gets none, not even by way of the operator. Only
hashes are stored, of links as of sessions.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlmodel import Session

from bihuan.notify.link import token_hash, token_of
from bihuan.rules.access import LINK_LIFE, LINKS_AT_MOST, link_expires
from bihuan.rules.outbox import message_key
from bihuan.services.link import NewLink, Refusal, keep, open_link, revoke, use
from bihuan.settings import Settings
from bihuan.store.lock import hold
from bihuan.store.queries.access import STAFF, links_asked, person_by_code, person_by_id
from bihuan.store.rows import insert_rows, table_of
from schemas.access import Purpose, SignInSession
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency

KEPT = timedelta(days=30)
"""How long a session stays on record after it ended by itself."""

_I = table_of(SignInSession)
_M = table_of(Message).c


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has begun: its token is for the browser alone, and told once."""

    token: str
    staff_id: int
    expires_at: datetime


def plan_link(session: Session, settings: Settings, at: datetime, code: str) -> int | None:
    """Write the message that brings a link to whoever has that code; call it inside ``Database.write``.

    Returns:
        The message's id. None, and nothing is written, where no active member of staff has the code, the person has
        no contact, or was sent as many links as anyone gets.
    """
    person = person_by_code(session, code)
    if person is None or not person.has_contact:
        return None
    hold(session, f"sign in {person.id}")
    if links_asked(session, person.id, at - LINK_LIFE) >= LINKS_AT_MOST:
        return None
    recipient = f"{STAFF}:{person.id}"
    slot = f"{at.isoformat()} {secrets.token_hex(4)}"
    message = Message(
        key=message_key(recipient, Notice.SIGN_IN.value, recipient, "preferred", slot), subject_kind=STAFF,
        subject_id=person.id, notice=Notice.SIGN_IN, audience=Audience.STAFF, recipient=recipient,
        urgency=Urgency.URGENT, state=MessageState.PLANNED, planned_at=at, next_at=at,
    )  # fmt: skip
    session.add(message)
    session.flush()
    assert message.id is not None
    token = token_of(settings.secret_value(), Purpose.SIGN_IN, message.key)
    keep(session, [NewLink(token, Purpose.SIGN_IN, message.id, recipient, at, link_expires(at))])
    return message.id


def invited(session: Session, token: str, at: datetime) -> Row[Any] | Refusal:
    """Whom a link signs in, or why it signs nobody in; the link stays as good as it was."""
    link = open_link(session, token, Purpose.SIGN_IN, at)
    return link if isinstance(link, Refusal) else _person(session, link) or Refusal.REVOKED


def begin(session: Session, token: str, at: datetime, length: timedelta) -> Begun | Refusal:
    """Use a link up and begin a session of that length; of two forms sent at once, one begins it.

    The person's other links are good for nothing then, and sessions that ended by themselves long ago are forgotten.
    """
    link = open_link(session, token, Purpose.SIGN_IN, at)
    if isinstance(link, Refusal):
        return link
    person = _person(session, link)
    if person is None:
        return Refusal.REVOKED
    if not use(session, link.id, at):
        return Refusal.USED
    _revoke_links(session, person.id, at)
    session.execute(delete(_I).where(_I.c.expires_at < at - KEPT))
    begun = Begun(secrets.token_urlsafe(32), person.id, at + length)
    insert_rows(session, SignInSession, [{"token_hash": token_hash(begun.token), "staff_id": person.id,
                                          "created_at": at, "expires_at": begun.expires_at}])  # fmt: skip
    return begun


def end(session: Session, token: str, at: datetime) -> None:
    """End the session of that token, if it lasts."""
    session.execute(update(_I).where(_I.c.token_hash == token_hash(token), _I.c.ended_at.is_(None)).values(ended_at=at))


def end_everywhere(session: Session, staff_id: int, at: datetime) -> int:
    """End every session of the person, and revoke every link that would begin one; how many sessions that ended."""
    _revoke_links(session, staff_id, at)
    lasting = (_I.c.staff_id == staff_id) & _I.c.ended_at.is_(None) & (_I.c.expires_at > at)
    ended: int = session.execute(update(_I).where(lasting).values(ended_at=at)).rowcount  # type: ignore[attr-defined]
    return ended


def _person(session: Session, link: Row[Any]) -> Row[Any] | None:
    return person_by_id(session, int(link.recipient.partition(":")[2]))


def _revoke_links(session: Session, staff_id: int, at: datetime) -> None:
    """By the messages of the last quarter of an hour: links have no index by recipient."""
    recent = select(_M.id).where(
        _M.subject_kind == STAFF, _M.subject_id == staff_id, _M.notice == Notice.SIGN_IN, _M.planned_at > at - LINK_LIFE
    )
    revoke(session, at, message_ids=list(session.execute(recent).scalars()), purpose=Purpose.SIGN_IN)
