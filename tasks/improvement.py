"""The months that are to be analysed."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.services.month_report import analyse_due
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=1,
    timeout_seconds=3600,  # a year made up for, at some minutes a month
)
def analyse_months(at: datetime | None = None) -> list[str]:
    """Analyse every month that is to be and has not been, with the messages that follow from it.

    Args:
        at: Look as of this instant instead of now; refused in production.

    Returns:
        The numbers of the analyses that were kept.
    """
    here = installation()
    kept = analyse_due(here.db, here.policy, here.settings, here.instant(at))
    get_run_logger().info("months analysed: %s", ", ".join(kept) or "none")
    return kept
