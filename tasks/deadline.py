"""One batch of deadlines that have come due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.services import deadline
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(120)
def check_due_batch(at: datetime | None = None) -> dict[str, int]:
    """Decide one batch of due deadlines, with the messages that follow from it.

    Args:
        at: Decide as of this instant instead of now; refused in production.

    Returns:
        Counts: decided, warned, breached, suppressed. None decided: nothing is due any more.
    """
    here = installation()
    checked = asdict(deadline.check_due(here.db, here.policy, here.instant(at)))
    get_run_logger().info("deadlines: %s", ", ".join(f"{name} {count}" for name, count in checked.items()))
    return checked
