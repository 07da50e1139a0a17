"""The effects that wait for their data, and those that are to hold."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.clock import fixed
from bihuan.services.improvement_day import live_a_day
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=1,
    timeout_seconds=1800,
)
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
