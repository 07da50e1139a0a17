"""One batch of escalations whose next rung has come due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.services import escalation
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=1,
    timeout_seconds=120,
)
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
