"""``prefect.yaml`` read for serving: the same deployments that ``prefect deploy`` registers for workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import construct_schedule
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

FILE = Path(__file__).resolve().parents[1] / "prefect.yaml"
SWEEP = "sweep"
"""Tag of what runs once as soon as the installation is up."""


def deployments() -> list[RunnerDeployment]:
    """Every deployment of ``prefect.yaml``, in its order; the work pool is for workers only."""
    entries = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]
    return [_deployment(entry) for entry in entries]


def _deployment(entry: dict[str, Any]) -> RunnerDeployment:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(entry["entrypoint"])
    return RunnerDeployment.from_flow(
        flow,
        name=entry["name"],
        description=entry.get("description"),
        tags=entry.get("tags", []),
        parameters=entry.get("parameters", {}),
        schedules=[_schedule(dict(schedule)) for schedule in entry.get("schedules", [])],
        entrypoint_type=EntrypointType.MODULE_PATH,  # no folder of this machine in the deployment
    )


def _schedule(entry: dict[str, Any]) -> DeploymentScheduleCreate:
    slug, is_active, parameters = entry.pop("slug"), entry.pop("active", True), entry.pop("parameters", {})
    return DeploymentScheduleCreate(
        schedule=construct_schedule(**entry), slug=slug, active=is_active, parameters=parameters
    )
