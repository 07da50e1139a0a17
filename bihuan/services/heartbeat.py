"""Heartbeats: a sweep leaves one when it completes, so that its silence can be noticed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from bihuan.clock import Clock, parse_instant
from bihuan.rules.heartbeat import Pulse
from bihuan.services.schedule import intervals
from bihuan.store.queries.board import heartbeats
from bihuan.store.rows import insert_new_rows, table_of
from schemas.installation import Heartbeat, InstallationFact

_WATCHED = "watched "
_F = table_of(InstallationFact).c


def beat(session: Session, clock: Clock, sweep: str, done: int, seconds: float | None = None) -> None:
    """Note that ``sweep`` completed now, decided or delivered ``done`` rows, and took so many seconds, if known."""
    session.merge(Heartbeat(sweep=sweep, beat_at=clock(), done=done, seconds=seconds))


def pulses(session: Session) -> list[Pulse]:
    """What is known of each sweep that is to run, in the order of ``prefect.yaml``."""
    beats = {row.sweep: row.beat_at for row in heartbeats(session)}
    facts = session.execute(select(_F.name, _F.value).where(_F.name.startswith(_WATCHED, autoescape=True)))
    watched = {row.name.removeprefix(_WATCHED): parse_instant(row.value) for row in facts}
    return [Pulse(name, interval, beats.get(name), watched.get(name)) for name, interval in intervals().items()]


def watch(session: Session, at: datetime) -> list[Pulse]:
    """``pulses``, once it is remembered of each sweep when it was first looked at."""
    rows = [{"name": f"{_WATCHED}{sweep}", "value": at.isoformat()} for sweep in intervals()]
    insert_new_rows(session, InstallationFact, rows, ["name"])
    return pulses(session)
