"""Heartbeats: a sweep leaves one when it completes, so that its silence can be noticed."""

from __future__ import annotations

from sqlmodel import Session

from bihuan.clock import Clock
from schemas.installation import Heartbeat


def beat(session: Session, clock: Clock, sweep: str, done: int) -> None:
    """Note that ``sweep`` completed now and decided or delivered ``done`` rows."""
    session.merge(Heartbeat(sweep=sweep, beat_at=clock(), done=done))
