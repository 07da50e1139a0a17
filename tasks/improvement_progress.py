"""The week of the improvements."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.clock import fixed
from bihuan.services.checkpoint import review_week
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=1,
    timeout_seconds=600,
)
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
