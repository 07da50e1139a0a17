"""One batch of the snapshot: a month whose indicators have to be counted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.clock import zone
from bihuan.services import kpi_snapshot
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=1,
    timeout_seconds=1800,
)
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
