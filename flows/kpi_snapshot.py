"""Snapshot of the indicators: count the days that have ended, and what late news change."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.kpi import snapshot_batch

SWEEP = "kpi-snapshot"


@flow(name=SWEEP)
def kpi_snapshot(at: str | None = None) -> dict[str, int]:
    """Keep every indicator day by day and month by month, one month a batch, missed days too.

    Args:
        at: Count as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of the months and days taken, and of the figures that are new, changed and corrected.
    """
    figures = until_none(partial(snapshot_batch, parse_instant(at) if at else None), "taken")
    beat(SWEEP, figures["new"] + figures["changed"])
    show_counts(SWEEP, {"figures": figures})
    return figures
