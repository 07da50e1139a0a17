"""The week of the improvements."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.clock import fixed
from bihuan.services.checkpoint import review_week
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(600, backoff_seconds=10)
def review_improvements(at: datetime | None = None) -> dict[str, int]:
    """Set the week's checkpoints, on its first working day.

    Args:
        at: Look as of this instant instead of now; refused in production.

    Returns:
        Counts: items with a new checkpoint, those behind their plan, measures late, and near their day.
    """
    here = installation()
    done = asdict(review_week(here.db, here.policy, fixed(here.instant(at))))
    get_run_logger().info("improvements: %s", ", ".join(f"{name} {count}" for name, count in done.items()))
    return done
