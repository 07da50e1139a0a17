"""What stands in deployments/ for whoever operates: it parses, and everything it names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from bihuan.rules.heartbeat import Pulse
from bihuan.services.metric import Figures, Heap, Run
from bihuan.services.schedule import intervals
from bihuan.store.queries.metric import PENDING, TROUBLE

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"


def parsed(name: str) -> Any:
    return yaml.safe_load((DEPLOYMENTS / name).read_text(encoding="utf-8"))


def metrics_given() -> set[str]:
    """Every metric that a running installation gives."""
    from datetime import UTC, datetime

    from bihuan.web.metric import _Written

    at = datetime(2026, 11, 26, tzinfo=UTC)
    runs = [Run(Pulse(sweep, interval, at), 1, 1.0) for sweep, interval in intervals().items()]
    registry = CollectorRegistry()
    registry.register(_Written(Figures(at, 0.0, 0.0, 0, 0, [Heap(state) for state in (*PENDING, *TROUBLE)], runs)))
    return set(re.findall(r"^(bihuan_\w+)", generate_latest(registry).decode(), re.MULTILINE))


def test_alert_rules_speak_of_metrics_that_exist():
    rules = [rule for group in parsed("prometheus/bihuan.rules.yaml")["groups"] for rule in group["rules"]]
    named = {name for rule in rules for name in re.findall(r"\bbihuan_\w+", rule["expr"])}
    assert len(rules) >= 8
    assert named
    assert named <= metrics_given()
    assert all(rule["annotations"]["summary"] and rule["annotations"]["cure"] for rule in rules)


def test_every_metric_is_explained_in_both_languages():
    for document in ("operate.md", "operate.zh-CN.md"):
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        assert {name for name in metrics_given() if f"`{name}" not in text} == set()


def test_the_scrape_example_brings_a_key_from_a_file():
    [job] = parsed("prometheus/scrape.example.yaml")["scrape_configs"]
    assert job["scheme"] == "https"
    assert job["authorization"].keys() == {"credentials_file"}
