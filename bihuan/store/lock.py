"""Locks that belong to no row: for work that looks whether something is there before it makes it."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session


def hold(session: Session, name: str, *, is_shared: bool = False) -> None:
    """Wait until no other transaction holds ``name``, and hold it until this one ends.

    Those that hold it shared wait only for one that holds it alone. Call it inside ``Database.write`` before what it
    guards is read. On SQLite the writer is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
        session.execute(text(f"SELECT {lock}(hashtextextended(:name, 0))"), {"name": f"bihuan {name}"})
