"""What a completed sweep leaves behind: its heartbeat, and a table to look at in Prefect's page."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from bihuan.clock import wall_clock
from bihuan.services import heartbeat
from tasks.installation import installation


@task(cache_policy=NO_CACHE, retries=3, retry_delay_seconds=1, retry_jitter_factor=1, timeout_seconds=60)
def beat(sweep: str, done: int) -> None:
    """Note in our own database that ``sweep`` completed now, took ``done`` rows, and how long its run has lasted."""
    run = FlowRunContext.get()
    seconds = (wall_clock() - run.start_time).total_seconds() if run else None
    with installation().db.write() as session:
        heartbeat.beat(session, wall_clock, sweep, done, seconds)


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=1, timeout_seconds=30)
def show_counts(sweep: str, counts: dict[str, dict[str, int]]) -> None:
    """Publish a run's counts, by part of the run, as the table artifact named like the sweep."""
    table = [
        {"part": part, "what": name, "count": count} for part, found in counts.items() for name, count in found.items()
    ]
    create_table_artifact(key=sweep, table=table, description=f"What the last run of {sweep} did.")
