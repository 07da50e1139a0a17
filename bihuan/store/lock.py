"""Locks that belong to no row: for work that looks whether something is there before it makes it."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session


def hold(session: Session, name: str) -> None:
    """Wait until no other transaction holds ``name``, and hold it until this one ends.

    Call it inside ``Database.write`` before anything is read. On SQLite the writer is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"bihuan {name}"})
