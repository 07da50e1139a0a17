"""The Prefect of an installation is its own, whatever the shell says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.settings import settings
from deployments.environment import prefect_environment

HERE = settings().model_copy(update={"data_dir": Path("/data"), "prefect_port": 4321})
OTHERS = {
    "PREFECT_PROFILE": "cloud",
    "PREFECT_API_URL": "https://api.prefect.example.com",
    "PREFECT_HOME": "elsewhere",
    "PREFECT_SERVER_API_HOST": "0.0.0.0",  # noqa: S104 - what must not get through
    "PREFECT_SERVER_ANALYTICS_ENABLED": "true",
}


@pytest.mark.parametrize("given", [{}, OTHERS])
def test_it_answers_on_loopback_from_its_own_folder_and_phones_nobody(given: dict[str, str]):
    made = prefect_environment(HERE, given)
    assert "PREFECT_PROFILE" not in made
    assert made["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert made["PREFECT_HOME"] == "/data/prefect"
    assert made["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert made["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert made["DO_NOT_TRACK"] == "1"


def test_its_upkeep_may_be_set():
    asked = {"PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P9D", "PATH": "/bin"}
    assert asked.items() <= prefect_environment(HERE, asked).items()
    assert prefect_environment(HERE, {})["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"] == "P3D"
