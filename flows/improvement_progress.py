"""Improvement progress: the week's checkpoints, planned against actual, on the first working day of each week."""

from __future__ import annotations

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.improvement_progress import review_improvements
from tasks.outbox import deliver_batch

SWEEP = "improvement-progress"


@flow(name=SWEEP)
def improvement_progress(at: str | None = None) -> dict[str, dict[str, int]]:
    """Set the checkpoints of the week that has begun, once; late measures are reminded of by the sweep of deadlines.

    Args:
        at: Look as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of checkpoints and messages.
    """
    week = review_improvements(parse_instant(at) if at else None)
    counts = {"week": week, "messages": until_none(deliver_batch, "claimed") if week["items"] else {}}
    beat(SWEEP, week["items"])
    show_counts(SWEEP, counts)
    return counts
