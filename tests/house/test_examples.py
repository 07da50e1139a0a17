"""What the examples and manuals of settings name exists: ours, Prefect's, and what several servers add."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bihuan.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"
ENVIRONMENTS = ("environment.example", "container/environment.example", "container/compose.yaml")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_setting_of_ours_in_an_example_exists(name: str):
    named = set(re.findall(r"\bBIHUAN_([A-Z_]+)\b", (DEPLOYMENTS / name).read_text(encoding="utf-8")))
    assert named
    assert named <= {setting.upper() for setting in Settings.model_fields}


MANUALS = ("../docs/operate.md", "../docs/operate.zh-CN.md")
OF_PREFECT_REDIS = {"PREFECT_REDIS_MESSAGING_URL"}
"""Read by prefect-redis, which only hosts of several servers have."""


@pytest.mark.parametrize("name", [*ENVIRONMENTS, *MANUALS])
def test_every_setting_of_prefect_in_an_example_or_manual_exists(name: str):
    from prefect.settings.legacy import _get_valid_setting_names
    from prefect.settings.models.root import Settings as PrefectSettings

    known = _get_valid_setting_names(PrefectSettings)
    named = set(re.findall(r"\b(PREFECT_[A-Z_]{8,})\b", (DEPLOYMENTS / name).read_text(encoding="utf-8")))
    assert named - known - {"PREFECT_AUTH"} - OF_PREFECT_REDIS == set()


def test_everything_that_servers_share_is_said_to_lie_in_redis():
    """One that stays in a server's memory, and the others do not learn of it: leases, order, turns, messages."""
    from prefect.settings.models.root import Settings as PrefectSettings

    text = (DEPLOYMENTS / "environment.example").read_text(encoding="utf-8")
    said = dict(re.findall(r"^# (PREFECT_[A-Z_]+)=(\S*redis\S*)$", text, re.MULTILINE))
    server = PrefectSettings().server
    usual = {
        "PREFECT_MESSAGING_BROKER": server.events.messaging_broker,
        "PREFECT_MESSAGING_CACHE": server.events.messaging_cache,
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": server.events.causal_ordering,
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": server.concurrency.lease_storage,
        "PREFECT_SERVER_DOCKET_URL": server.docket.url,
    }
    assert all("memory" in value for value in usual.values())
    assert said.keys() == usual.keys() | OF_PREFECT_REDIS


def test_what_several_servers_add_is_locked_by_hash_and_adds_nothing_else():
    lock = (DEPLOYMENTS / "servers.lock").read_text(encoding="utf-8")
    [(name, version)] = re.findall(r"^([a-z-]+)==(\S+) \\$", lock, re.MULTILINE)
    [wanted] = [
        Requirement(line.partition("#")[0].strip())
        for line in (DEPLOYMENTS / "servers.in").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert name == wanted.name == "prefect-redis"
    assert version in wanted.specifier
    assert "--hash=sha256:" in lock
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^redis==8\.", locked, re.MULTILINE), "what prefect-redis 0.3 needs, and Prefect brings"


def test_no_example_holds_a_secret():
    for name in ENVIRONMENTS[:2]:
        for line in (DEPLOYMENTS / name).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            if key.endswith(("SECRET", "PASSWORD", "AUTH", "AUTH_STRING")):
                assert value == "", line
