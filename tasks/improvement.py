"""The months that are to be analysed."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from bihuan.services.month_note import note
from bihuan.services.month_report import analyse_due
from tasks.installation import installation
from tasks.sweep import sweep_task

CONCLUSION = "month-conclusion"
"""Key of the artifact."""


@sweep_task(3600, retries=2, backoff_seconds=10)  # a year made up for, at some minutes a month
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


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=1, timeout_seconds=30)
def show_conclusions(numbers: list[str]) -> None:
    """Publish what these months say in a few lines, with links to their pages, as the artifact ``month-conclusion``.

    Args:
        numbers: Of the analyses that were kept; none: nothing is published.
    """
    if not numbers:
        return
    here = installation()
    with here.db.read() as session:
        told = note(session, numbers, here.settings.web_url.rstrip("/"), here.settings.language)
    create_markdown_artifact(told, key=CONCLUSION, description="What the months say that were analysed last.")
