"""prefect.yaml says what runs: every flow has its place there, and every key means something to Prefect."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

import flows

ROOT = Path(__file__).resolve().parents[2]


@cache
def document() -> dict[str, Any]:
    """The file as YAML reads it, anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return loaded


def deployments() -> list[dict[str, Any]]:
    """Its deployments."""
    return list(document()["deployments"])


def schedules() -> list[dict[str, Any]]:
    """Every schedule of every deployment."""
    return [schedule for deployment in deployments() for schedule in deployment.get("schedules") or []]


def test_prefect_knows_every_key():
    from prefect.cli.deploy._models import DeploymentConfig, RawScheduleConfig, WorkPoolConfig

    for deployment in deployments():
        assert deployment.keys() <= DeploymentConfig.model_fields.keys()
        assert (deployment.get("work_pool") or {}).keys() <= WorkPoolConfig.model_fields.keys()
        DeploymentConfig.model_validate(deployment)
    for schedule in schedules():
        assert schedule.keys() <= RawScheduleConfig.model_fields.keys()
        RawScheduleConfig.model_validate(schedule)


def test_prefect_knows_every_key_at_the_top():
    from prefect.cli.deploy._models import PrefectYamlModel

    known = {field.alias or name for name, field in PrefectYamlModel.model_fields.items()}
    unknown = {key for key in document() if not key.startswith((".", "x-"))} - known - {"definitions"}
    assert unknown == set()


def test_every_flow_is_deployed_and_every_deployment_is_a_flow():
    from prefect import Flow

    defined = set()
    for module in pkgutil.iter_modules(flows.__path__, "flows."):
        for attribute, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Flow) and value.fn.__module__ == module.name:
                defined.add(f"{module.name}.{attribute}")
    assert {deployment["entrypoint"] for deployment in deployments()} == defined
    assert defined


def test_no_folder_of_a_machine_is_stored_with_a_deployment():
    for deployment in deployments():
        assert ":" not in deployment["entrypoint"], "a path entrypoint; write flows.module.flow"
        assert deployment.get("pull", document().get("pull")) == []


def test_a_schedule_keeps_its_identity_and_its_zone():
    for deployment in deployments():
        slugs = [schedule.get("slug") for schedule in deployment.get("schedules") or []]
        assert all(slugs), f"{deployment['name']}: without a slug a change leaves the old schedule running"
        assert len(slugs) == len(set(slugs))
    for schedule in schedules():
        assert ZoneInfo(schedule["timezone"])


@pytest.mark.parametrize("what", ["name", "description", "entrypoint"])
def test_every_deployment_says_its(what: str):
    assert [deployment.get("name") for deployment in deployments() if not deployment.get(what)] == []


def test_no_limit_that_a_power_cut_would_leave_taken():
    assert [deployment["name"] for deployment in deployments() if deployment.get("concurrency_limit")] == []
