"""Outbox delivery: send what waits, between the checks that write most of it."""

from __future__ import annotations

from prefect import flow

from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.outbox import deliver_batch

SWEEP = "outbox-delivery"


@flow(name=SWEEP)
def outbox_delivery() -> dict[str, int]:
    """Send every message that is due to be tried, batch by batch.

    Returns:
        Counts of the messages by what became of them.
    """
    messages = until_none(deliver_batch, "claimed")
    beat(SWEEP, messages["claimed"])
    show_counts(SWEEP, {"messages": messages})
    return messages
