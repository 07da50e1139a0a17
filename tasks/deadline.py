"""One batch of deadlines that have come due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.services import deadline
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=1,
    timeout_seconds=120,
)
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
