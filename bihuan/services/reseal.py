"""The secret changed: every contact that was sealed with the earlier one is sealed anew with the present one.

It goes from batch to batch, each a transaction of its own, and leaves what the present secret opens already: broken off
anywhere, it is simply run again. Private links in letters go on working, for they are known by their hashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select
from sqlmodel import Session, SQLModel

from bihuan.errors import RefusedError, UsageError
from bihuan.notify.contact import seal, unseal
from bihuan.store.engine import Database
from bihuan.store.rows import table_of, update_rows
from schemas.people import Customer, Department, Staff

BATCH = 1000
"""Rows of a transaction."""
_ONE, _MANY = "sealed_contact", "sealed_contacts"


@dataclass
class Resealed:
    """How many contacts were sealed anew, were sealed so already, and open with neither secret."""

    changed: int = 0
    unchanged: int = 0
    lost: int = 0


def reseal(db: Database, earlier: str, secret: str) -> Resealed:
    """Seal every contact with ``secret`` that ``earlier`` opens.

    Raises:
        UsageError: Both are the same, or one is empty.
    """
    if not earlier or not secret or earlier == secret:
        raise UsageError("the earlier secret and the present one must differ", cure="see docs/security.md")
    done = Resealed()
    for table in (Department, Staff, Customer):
        last: int | None = 0
        while last is not None:
            with db.write() as session:
                last = _batch(session, table, last, (earlier, secret), done)
    return done


def _batch(session: Session, table: type[SQLModel], after: int, secrets: tuple[str, str], done: Resealed) -> int | None:
    """Seal the next rows after that id; the id of the last of them, None where there are no more."""
    columns = table_of(table).c
    kept = [columns[name] for name in (_ONE, _MANY) if name in columns]
    rows = session.execute(
        select(columns.id, *kept).where(columns.id > after, or_(*(column.is_not(None) for column in kept)))
        .order_by(columns.id).limit(BATCH)
    ).all()  # fmt: skip
    fresh = [{"id": row.id, **_anew(row, secrets, done)} for row in rows]
    update_rows(session, table, fresh)
    return rows[-1].id if rows else None


def _anew(row: Row[Any], secrets: tuple[str, str], done: Resealed) -> dict[str, Any]:
    told = row._mapping
    found: dict[str, Any] = {_ONE: told[_ONE] and _sealed(told[_ONE], secrets, done)}
    if _MANY in told:
        many = told[_MANY]
        found[_MANY] = many and {channel: _sealed(sealed, secrets, done) for channel, sealed in many.items()}
    return found


def _sealed(sealed: str, secrets: tuple[str, str], done: Resealed) -> str:
    earlier, secret = secrets
    if _opened(sealed, secret) is not None:
        done.unchanged += 1
        return sealed
    contact = _opened(sealed, earlier)
    if contact is None:
        done.lost += 1
        return sealed
    done.changed += 1
    return seal(contact, secret)


def _opened(sealed: str, secret: str) -> str | None:
    try:
        return unseal(sealed, secret)
    except RefusedError:
        return None
