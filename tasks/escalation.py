"""One batch of escalations whose next rung has come due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.services import escalation
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(120)
def climb_batch(at: datetime | None = None) -> dict[str, int]:
    """Tell one batch of rungs that are due, with the messages that follow from it.

    Args:
        at: Climb as of this instant instead of now; refused in production.

    Returns:
        Counts: taken, told, messages, ended, held, exhausted. None taken: no rung is due any more.
    """
    here = installation()
    climbed = asdict(escalation.climb_due(here.db, here.policy, here.instant(at)))
    get_run_logger().info("rungs: %s", ", ".join(f"{name} {count}" for name, count in climbed.items()))
    return climbed
