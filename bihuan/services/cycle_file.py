"""PDCA cycles 改进循环 looked up."""

from __future__ import annotations

from sqlmodel import Session
from sqlmodel import select as select_rows

from bihuan.errors import RefusedError, UsageError
from schemas.item import Cycle


def find_cycle(session: Session, number: str) -> Cycle:
    """The cycle of that number, locked for this transaction.

    Raises:
        UsageError: There is none.
    """
    found = session.exec(select_rows(Cycle).where(Cycle.number == number).with_for_update()).first()
    if found is None:
        raise UsageError(f"no improvement cycle {number!r}", cure="see `bihuan improvement list`")
    return found


def find_open_cycle(session: Session, number: str) -> Cycle:
    """The cycle of that number, locked, which is not closed.

    Raises:
        UsageError: There is none.
        RefusedError: It is closed.
    """
    found = find_cycle(session, number)
    if found.closed_at is not None:
        raise RefusedError(f"{number} is closed", cure="open the next one with `bihuan improvement open`")
    return found
