"""SLA check: decide what has come due, climb the ladders, and deliver what follows from it in the same run."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.deadline import check_due_batch
from tasks.escalation import climb_batch
from tasks.heartbeat import beat, show_counts
from tasks.outbox import deliver_batch

SWEEP = "sla-check"


@flow(name=SWEEP)
def sla_check(at: str | None = None) -> dict[str, dict[str, int]]:
    """Warn of and decide every deadline that is due and tell every rung that is, then send what waits in the outbox.

    Args:
        at: Decide as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of all parts: deadlines, rungs and messages.
    """
    instant = parse_instant(at) if at else None
    deadlines = until_none(partial(check_due_batch, instant), "decided")
    rungs = until_none(partial(climb_batch, instant), "taken")
    messages = until_none(deliver_batch, "claimed")
    beat(SWEEP, deadlines["decided"])
    counts = {"deadlines": deadlines, "rungs": rungs, "messages": messages}
    show_counts(SWEEP, counts)
    return counts
