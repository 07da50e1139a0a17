"""Private links: kept when they go out, opened when somebody follows one, used once, revoked.

A token is looked up by its hash, so a comparison tells nothing by the time it takes. A link opens for one purpose only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from bihuan.notify.link import TOKEN_LENGTH, token_hash
from bihuan.store.rows import insert_new_rows, table_of
from schemas.access import Link, Purpose

_L = table_of(Link)
_BY_HASH = select(_L).where(_L.c.token_hash == bindparam("token_hash"))
_ONCE = frozenset({Purpose.SIGN_IN})
"""Purposes whose links are good for one use; the others show what their use led to as long as they live."""


class Refusal(StrEnum):
    """Why a link does not open."""

    TRUNCATED = "truncated"
    """Shorter than any of ours: a program broke the line."""
    UNKNOWN = "unknown"
    """We never gave it out."""
    FOREIGN = "foreign"
    """Good for something else."""
    REVOKED = "revoked"
    USED = "used"
    EXPIRED = "expired"


class LinkFacts(NamedTuple):
    """What decides whether a link opens."""

    purpose: Purpose
    used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that goes out; ``created_at`` up to, not including, ``expires_at`` it opens."""

    token: str
    purpose: Purpose
    message_id: int
    recipient: str
    created_at: datetime
    expires_at: datetime


def keep(session: Session, links: Sequence[NewLink]) -> None:
    """Remember the links that go out, by the hashes of their tokens; those kept before stay as they are."""
    rows = [{"token_hash": token_hash(link.token), "purpose": link.purpose, "message_id": link.message_id,
             "recipient": link.recipient, "created_at": link.created_at, "expires_at": link.expires_at}
            for link in links]  # fmt: skip
    insert_new_rows(session, Link, rows, ["token_hash"])


def open_link(session: Session, token: str, purpose: Purpose, at: datetime) -> Row[Any] | Refusal:
    """The row of the link that ``token`` opens for ``purpose`` at that instant; or why it opens none.

    Nothing is used up by it: programs that look at mail follow links too. A link that may be used more than once comes
    with its ``used_at``.
    """
    row = session.execute(_BY_HASH, {"token_hash": token_hash(token)}).one_or_none()
    if row is None:
        return Refusal.TRUNCATED if len(token) < TOKEN_LENGTH else Refusal.UNKNOWN
    return refusal(LinkFacts(row.purpose, row.used_at, row.revoked_at, row.expires_at), purpose, at) or row


def refusal(link: LinkFacts, purpose: Purpose, at: datetime) -> Refusal | None:
    """Why a link that we gave out does not open for ``purpose`` at that instant; None where it does."""
    if link.purpose is not purpose:
        return Refusal.FOREIGN
    if link.used_at is not None and purpose in _ONCE:
        return Refusal.USED
    if link.revoked_at is not None:
        return Refusal.REVOKED
    return Refusal.EXPIRED if at >= link.expires_at else None


def use(session: Session, link_id: int, at: datetime) -> bool:
    """Mark a link as used; whether this was its first use: of two forms sent at once, one is told so."""
    free = (_L.c.id == link_id) & _L.c.used_at.is_(None) & _L.c.revoked_at.is_(None)
    marked: int = session.execute(update(_L).where(free).values(used_at=at)).rowcount  # type: ignore[attr-defined]
    return bool(marked)


def revoke(
    session: Session, at: datetime, *, recipient: str | None = None, message_ids: Sequence[int] | None = None,
    purpose: Purpose | None = None,
) -> int:  # fmt: skip
    """Revoke links that still open, and give how many.

    Args:
        session: Inside a transaction.
        at: From now on.
        recipient: Those of this recipient (``staff:3``) only.
        message_ids: Those that went out in these messages only.
        purpose: Those for this purpose only.

    Raises:
        ValueError: Neither a recipient nor messages: nobody revokes everything by leaving something out.
    """
    if recipient is None and message_ids is None:
        raise ValueError("revoke: whose links, or of which messages?")
    chosen = [_L.c.revoked_at.is_(None), _L.c.expires_at > at]
    if recipient is not None:
        chosen.append(_L.c.recipient == recipient)
    if message_ids is not None:
        chosen.append(_L.c.message_id.in_(message_ids))
    if purpose is not None:
        chosen.append(_L.c.purpose == purpose)
    revoked: int = session.execute(update(_L).where(*chosen).values(revoked_at=at)).rowcount  # type: ignore[attr-defined]
    return revoked
