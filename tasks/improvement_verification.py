"""The effects that wait for their data, and those that are to hold."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger

from bihuan.clock import fixed
from bihuan.services.improvement_day import live_a_day
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(1800, retries=2, backoff_seconds=10)
def verify_improvements(at: datetime | None = None) -> dict[str, dict[str, int]]:
    """Judge every effect whose data are there, look at every watch, keep the lessons.

    Args:
        at: Look as of this instant instead of now; refused in production.

    Returns:
        Counts: effects (items, moved, checked, waiting), watches (looked, broken, recurred, held), kept.
    """
    here = installation()
    done = live_a_day(here.db, here.policy, here.settings, fixed(here.instant(at)))
    get_run_logger().info("improvements: %d judged, %d waiting, %d reopened", done["effects"]["checked"],
                          done["effects"]["waiting"], done["watches"]["recurred"])  # fmt: skip
    return done
