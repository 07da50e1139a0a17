"""Improvement verification: judge effects when their data are there, and watch those that are to hold."""

from __future__ import annotations

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.improvement_verification import verify_improvements
from tasks.outbox import deliver_batch

SWEEP = "improvement-verification"


@flow(name=SWEEP)
def improvement_verification(at: str | None = None) -> dict[str, dict[str, int]]:
    """Wait for data, not for a date: judge what can be judged, look at the watches, then send what waits in the outbox.

    Args:
        at: Look as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of effects, watches, what was kept, and messages.
    """
    done = verify_improvements(parse_instant(at) if at else None)
    counts = done | {"messages": until_none(deliver_batch, "claimed")}
    beat(SWEEP, done["effects"]["checked"])
    show_counts(SWEEP, counts)
    return counts
