"""What a Prefect server needs before the first run: no dead runs, no heap of missed ones, and an eye on the next.

``deployments.serve`` sees to it by itself. On several hosts ``python -m deployments.bootstrap`` does, once after each
``prefect deploy --all``, on the server's host.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.settings import get_current_settings
from prefect.states import Crashed

from bihuan.clock import Clock, wall_clock
from tasks.housekeeping import delete_waiting

ZOMBIE = "bihuan: a run without heartbeat is crashed"
SILENCE = timedelta(seconds=90)
MISSED_AFTER = timedelta(minutes=2)
_ENDS = ("Completed", "Failed", "Cancelled", "Crashed")
_UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def bury_dead_runs(client: SyncPrefectClient) -> int:
    """Mark Crashed what a killed ``serve`` left under way. Call it before the first run is started.

    A worker's runs are left alone: they need not have died.

    Returns:
        How many.
    """
    under_way = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY)))
    dead = [run for run in client.read_flow_runs(flow_run_filter=under_way) if run.work_queue_id is None]
    for run in dead:
        client.set_flow_run_state(run.id, Crashed(message="bihuan was stopped while it ran"), force=True)
    return len(dead)


def forget_missed_runs(client: SyncPrefectClient, clock: Clock) -> int:
    """Delete runs that were to start while nothing served them: one current run does all their work.

    Returns:
        How many.
    """
    return delete_waiting(client, ["Scheduled", "Late"], clock() - MISSED_AFTER)


def watch_for_zombies(client: SyncPrefectClient) -> bool:
    """On PostgreSQL, mark runs Crashed whose heartbeat stopped: their worker's machine is gone. Renewed each time.

    Not on SQLite: there every event of two runs at once meets the automation's own writing ("database is locked" for
    up to a minute), and the one process that runs everything sees its dead itself.

    Returns:
        Whether the automation is in place.
    """
    url = get_current_settings().server.database.connection_url
    if url is None or url.get_secret_value().startswith("sqlite"):
        return False
    if known := client.read_automations_by_name(ZOMBIE):
        client.update_automation(known[0].id, _zombie_automation())
    else:
        client.create_automation(_zombie_automation())
    return True


def _zombie_automation() -> AutomationCore:
    # A run that dies in its first second has sent no heartbeat yet.
    began, heartbeat = "prefect.flow-run.Running", "prefect.flow-run.heartbeat"
    return AutomationCore(
        name=ZOMBIE,
        description="Three heartbeats missed: killed, or its machine went down. What was due is still due.",
        trigger=EventTrigger(
            after={began, heartbeat},
            expect={heartbeat, *(f"prefect.flow-run.{end}" for end in _ENDS)},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat for 90 seconds")],
    )


def run_now(client: SyncPrefectClient, deployments: Iterable[str]) -> None:
    """Submit one run of each of these deployments, named ``flow/deployment``."""
    for name in deployments:
        client.create_flow_run_from_deployment(client.read_deployment_by_name(name).id)


def main() -> int:
    """Forget what was missed and watch for zombies, on the server that the environment names; the exit code."""
    with get_client(sync_client=True) as client:
        missed = forget_missed_runs(client, wall_clock)
        is_watched = watch_for_zombies(client)
    watched = "runs without heartbeat become Crashed" if is_watched else "SQLite: dead runs are not watched for"
    sys.stdout.write(f"runs deleted that were missed: {missed}; {watched}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
