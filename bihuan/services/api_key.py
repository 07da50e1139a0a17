"""Keys with which other systems may write to us: shown once, known by a hash, each good for one scope, revocable.

A key is as random as a hash is long, so the hash needs no salt, and looking it up tells nothing by the time it takes.
Keys are changed by making another beside the old one, which is revoked once nobody uses it any more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlmodel import Session

from bihuan.errors import RefusedError, UsageError
from bihuan.notify.link import token_hash
from bihuan.store.rows import insert_rows, table_of
from schemas.access import Scope
from schemas.survey import ApiKey

PREFIX = "bhk_"
"""Keys begin so, that programs which look for leaked ones know them."""
_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_NAME = re.compile(r"[\w.-]{1,60}")
_NOTED_EVERY = timedelta(hours=1)
"""How often its use is noted: a write for every request would cost more than it tells."""

_K = table_of(ApiKey)


def make_key(session: Session, name: str, scope: Scope, at: datetime) -> str:
    """A new key; it is not kept, so this is the only time it can be read.

    Raises:
        UsageError: The name is none.
        RefusedError: There is, or was, a key of that name.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a key", cure="use at most 60 letters, digits, _, . and -")
    if session.execute(select(_K.c.id).where(_K.c.name == name)).first():
        raise RefusedError(
            f"there is a key {name!r} already, and names are not used twice",
            cure=f"make {name}-2 beside it, let the other system use that, then revoke {name}",
        )
    key = PREFIX + secrets.token_urlsafe(32)
    insert_rows(session, ApiKey, [{"name": name, "scope": scope.value, "key_hash": token_hash(key), "created_at": at}])
    return key


def revoke_key(session: Session, name: str, at: datetime) -> bool:
    """Let a key open nothing from now on; whether it did until now.

    Raises:
        UsageError: There is none of that name.
    """
    row = session.execute(select(_K.c.id, _K.c.revoked_at).where(_K.c.name == name)).first()
    if row is None:
        raise UsageError(f"no key {name!r}", cure="see `bihuan key list`")
    if row.revoked_at is None:
        session.execute(update(_K).where(_K.c.id == row.id).values(revoked_at=at))
    return row.revoked_at is None


def keys(session: Session) -> Sequence[Row[Any]]:
    """Every key by name, without its hash: what it opens, since when, when it was last used, whether it is revoked."""
    shown = (_K.c.id, _K.c.name, _K.c.scope, _K.c.created_at, _K.c.used_at, _K.c.revoked_at)
    return session.execute(select(*shown).order_by(_K.c.name)).all()


def known_key(session: Session, key: str) -> Row[Any] | None:
    """The row of a key that opens something; None where we never made it, or revoked it."""
    if not _KEY.fullmatch(key):
        return None
    its = (_K.c.key_hash == token_hash(key)) & _K.c.revoked_at.is_(None)
    return session.execute(select(_K.c.id, _K.c.name, _K.c.scope, _K.c.used_at).where(its)).first()


def is_use_noted(row: Row[Any], at: datetime) -> bool:
    """Whether the use of a key is noted lately enough."""
    return row.used_at is not None and at < row.used_at + _NOTED_EVERY


def note_use(session: Session, key_id: int, at: datetime) -> None:
    """Note that a key is used; of several at once one does."""
    is_stale = or_(_K.c.used_at.is_(None), _K.c.used_at <= at - _NOTED_EVERY)
    session.execute(update(_K).where(_K.c.id == key_id, is_stale).values(used_at=at))
