"""Legal hold 法务保全: as long as one stands, nothing of a complaint is erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.errors import RefusedError, UsageError
from bihuan.services.complaint import find
from bihuan.store.queries.complaint import holds
from bihuan.store.rows import insert_rows, table_of
from schemas.complaint import Complaint
from schemas.retention import LegalHold

_H = table_of(LegalHold)
_LONGEST, _LONGEST_NAME = 500, 120


def place_hold(session: Session, number: str, why: str, by: str, at: datetime) -> None:
    """Let nothing of a complaint be erased from now on.

    Raises:
        UsageError: No such complaint, or no reason or name is given.
        RefusedError: A hold stands already, or there is nothing left to hold.
    """
    row, why, by = find(session, number), _said(why, "reason", _LONGEST), _said(by, "name", _LONGEST_NAME)
    if _standing(session, row.id) is not None:
        raise RefusedError(f"{number} is under legal hold already", cure=f"see `bihuan complaint show {number}`")
    if row.erased_at is not None:
        raise RefusedError(
            f"the personal data of {number} were erased on {row.erased_at:%Y-%m-%d}",
            cure="look for them in a back-up from before that day",
        )
    insert_rows(session, LegalHold, [{"complaint_id": row.id, "placed_at": at, "placed_by": by, "why": why}])


def release_hold(session: Session, number: str, why: str, by: str, at: datetime) -> None:
    """Let retention go its way with a complaint again; that it was held stays on record.

    Raises:
        UsageError: No such complaint, or no reason or name is given.
        RefusedError: No hold stands.
    """
    row, why, by = find(session, number), _said(why, "reason", _LONGEST), _said(by, "name", _LONGEST_NAME)
    standing = _standing(session, row.id)
    if standing is None:
        raise RefusedError(f"{number} is under no legal hold", cure="see `bihuan retention holds`")
    over = {"released_at": at, "released_by": by, "released_why": why}
    session.execute(update(_H).where(_H.c.id == standing.id).values(over))


def holds_standing(session: Session) -> list[dict[str, Any]]:
    """Every hold that stands, by complaint number: since when, by whom, why."""
    c = table_of(Complaint).c
    rows = session.execute(
        select(c.number, _H.c.placed_at, _H.c.placed_by, _H.c.why)
        .select_from(_H.join(table_of(Complaint), c.id == _H.c.complaint_id))
        .where(_H.c.released_at.is_(None)).order_by(c.number)
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


def _standing(session: Session, complaint_id: int | None) -> Row[Any] | None:
    return next((row for row in holds(session, complaint_id or 0) if row.released_at is None), None)


def _said(words: str, what: str, longest: int) -> str:
    said = " ".join(words.split())
    if not said:
        raise UsageError(f"no {what} is given", cure="say it with --why and --by: it stays on record")
    if len(said) > longest:
        raise UsageError(f"the {what} is longer than {longest} characters", cure="say it more briefly")
    return said
