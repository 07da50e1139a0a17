"""When the last back-up was made, as far as this installation knows: whoever makes one says so."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bihuan.clock import parse_instant
from schemas.installation import InstallationFact

_FACT = "backed up"


def note_backup(session: Session, at: datetime) -> None:
    """A whole back-up was made at that instant."""
    session.merge(InstallationFact(name=_FACT, value=at.isoformat()))


def last_backup(session: Session) -> datetime | None:
    """When the last one was made; None where none was noted."""
    fact = session.get(InstallationFact, _FACT)
    return parse_instant(fact.value) if fact else None
