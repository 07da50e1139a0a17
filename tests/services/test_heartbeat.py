"""A sweep that completes leaves its heartbeat."""

from __future__ import annotations

from sqlalchemy import select

from bihuan.services.heartbeat import beat
from schemas.installation import Heartbeat


def beats(db) -> list[tuple]:
    with db.read() as session:
        table = Heartbeat.__table__
        return [tuple(row) for row in session.execute(select(table).order_by(table.c.sweep))]


def test_each_sweep_has_one_heartbeat_its_last(office):
    runs = ((0, "sla-check", 7, 2.5), (1, "outbox-delivery", 3, 0.5), (2, "sla-check", 0, None))
    for hour, sweep, done, seconds in runs:
        office.at = office.after(hour)
        with office.db.write() as session:
            beat(session, office.clock, sweep, done, seconds)
    assert beats(office.db) == [("outbox-delivery", office.after(1), 3, 0.5), ("sla-check", office.after(2), 0, None)]
