"""Escalation sweep: climb the ladders whose next rung is due, and deliver what follows from it in the same run."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.escalation import climb_batch
from tasks.heartbeat import beat, show_counts
from tasks.outbox import deliver_batch

SWEEP = "escalation-sweep"


@flow(name=SWEEP)
def escalation_sweep(at: str | None = None) -> dict[str, dict[str, int]]:
    """Tell every rung that is due, batch by batch, then send what waits in the outbox.

    Args:
        at: Climb as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of both parts: rungs and messages.
    """
    rungs = until_none(partial(climb_batch, parse_instant(at) if at else None), "taken")
    messages = until_none(deliver_batch, "claimed")
    beat(SWEEP, rungs["told"])
    counts = {"rungs": rungs, "messages": messages}
    show_counts(SWEEP, counts)
    return counts
