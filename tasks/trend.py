"""One look at the control charts of the watched indicators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.services import trend
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(600)
def watch_charts(at: datetime | None = None) -> dict[str, int]:
    """Keep what the charts newly say, with the messages that follow from it.

    Args:
        at: Look as of this instant instead of now; refused in production.

    Returns:
        Counts: charts, signals, worse, told, withdrawn.
    """
    here = installation()
    watched = asdict(trend.watch(here.db, here.policy, here.settings, here.instant(at)))
    get_run_logger().info("charts: %s", ", ".join(f"{name} {count}" for name, count in watched.items()))
    return watched
