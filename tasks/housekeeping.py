"""Prefect's own runs that will never start: their work was done by a later run, so they only stand in the way."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import get_client, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.states import Crashed

from bihuan.clock import wall_clock

LATE_AFTER = timedelta(hours=2)
STUCK_AFTER = timedelta(minutes=15)
DEAD_AFTER = timedelta(hours=6)
"""Longer than the longest task is let run, with its retries."""
_PAGE = 200


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=10, retry_jitter_factor=1, timeout_seconds=300)
def clear_dead_runs() -> dict[str, int]:
    """Delete runs that are late by hours, and those whose worker died between taking and starting them.

    Runs that cannot still be running are marked Crashed: their host went down, and nothing watched their heartbeat.

    Returns:
        Counts: late, stuck, dead.
    """
    now = wall_clock()
    with get_client(sync_client=True) as client:
        deleted = {
            "late": delete_waiting(client, ["Late"], now - LATE_AFTER),
            "stuck": delete_waiting(client, ["Pending", "Submitting"], now - STUCK_AFTER),
            "dead": bury(client, now - DEAD_AFTER),
        }
    get_run_logger().info("runs deleted: late %s, stuck %s; dead %s", *deleted.values())
    return deleted


def bury(client: SyncPrefectClient, before: datetime) -> int:
    """Mark Crashed what has been Running since before ``before``.

    Returns:
        How many.
    """
    running = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Running"])))
    dead = [
        run
        for run in client.read_flow_runs(flow_run_filter=running, limit=_PAGE)
        if run.state and run.state.timestamp < before
    ]
    for run in dead:
        client.set_flow_run_state(run.id, Crashed(message=f"still running after {DEAD_AFTER}"), force=True)
    return len(dead)


def delete_waiting(client: SyncPrefectClient, names: list[str], before: datetime) -> int:
    """Delete the runs in one of these states that were to start before ``before`` and have not moved since.

    Returns:
        How many.
    """
    stale = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=names)),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": before}),
    )
    deleted = 0
    while runs := client.read_flow_runs(flow_run_filter=stale, limit=_PAGE):
        still = [run for run in runs if run.state and (run.state.timestamp < before or run.state.is_scheduled())]
        for run in still:
            client.delete_flow_run(run.id)
        deleted += len(still)
        if len(still) < len(runs):
            break
    return deleted
