"""One batch of retention."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.services import retention
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=1,
    timeout_seconds=600,
)
def erase_batch(at: datetime | None = None) -> dict[str, int]:
    """Erase one batch of what the policy keeps no longer.

    Args:
        at: As of this instant instead of now; refused in production.

    Returns:
        Counts of rows by what they are, and ``taken``, all of them; 0: nothing is left.
    """
    here = installation()
    erased = retention.erase_batch(here.db, here.policy, here.instant(at))
    done = asdict(erased)
    get_run_logger().info("erased: %s", ", ".join(f"{name} {count}" for name, count in done.items()))
    return done | {"taken": erased.taken}
