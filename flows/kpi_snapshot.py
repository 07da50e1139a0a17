"""Snapshot of the indicators: count the days that have ended and what late news change, then look at the charts."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.kpi import snapshot_batch
from tasks.outbox import deliver_batch
from tasks.trend import watch_charts

SWEEP = "kpi-snapshot"


@flow(name=SWEEP)
def kpi_snapshot(at: str | None = None) -> dict[str, dict[str, int]]:
    """Keep every indicator day by day and month by month, one month a batch, missed days too; warn by control charts.

    Args:
        at: Count as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of the figures (months and days taken; new, changed, corrected), of the charts' signals, and of messages.
    """
    instant = parse_instant(at) if at else None
    figures = until_none(partial(snapshot_batch, instant), "taken")
    signals = watch_charts(instant)
    messages = until_none(deliver_batch, "claimed")
    beat(SWEEP, figures["new"] + figures["changed"])
    counts = {"figures": figures, "signals": signals, "messages": messages}
    show_counts(SWEEP, counts)
    return counts
