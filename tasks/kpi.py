"""One batch of the snapshot: a month whose indicators have to be counted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.clock import zone
from bihuan.services import kpi_snapshot
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(1800, backoff_seconds=10)
def snapshot_batch(at: datetime | None = None) -> dict[str, int]:
    """Count one month that has to be counted, and keep what is new or changed.

    Args:
        at: Count as of this instant instead of now; refused in production.

    Returns:
        Counts: taken, days, new, changed, corrected. None taken: nothing is left to count.
    """
    here = installation()
    taken = kpi_snapshot.take_batch(here.db, here.policy, zone(here.settings.timezone), here.instant(at))
    done = asdict(taken)
    get_run_logger().info("indicators: %s", ", ".join(f"{name} {count}" for name, count in done.items()))
    return done
