"""Retention: erase what the policy keeps no longer."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.retention import erase_batch

SWEEP = "retention"


@flow(name=SWEEP)
def retention(at: str | None = None) -> dict[str, dict[str, int]]:
    """Erase personal data, message targets, links, sign-ins and heartbeats past their time; never what is on hold.

    Args:
        at: As of this instant, ISO 8601 with an offset or a zone name; empty: now. Refused in production.

    Returns:
        Counts of rows by what they are.
    """
    erased = until_none(partial(erase_batch, parse_instant(at) if at else None), "taken")
    beat(SWEEP, erased["taken"])
    counts = {"erased": erased}
    show_counts(SWEEP, counts)
    return counts
