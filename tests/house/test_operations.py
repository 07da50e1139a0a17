"""What stands in deployments/ for whoever operates: it parses, and everything it names exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from bihuan.rules.heartbeat import Pulse
from bihuan.services.metric import Figures, Heap, Run
from bihuan.services.schedule import intervals
from bihuan.settings import Settings
from bihuan.store.queries.metric import PENDING, TROUBLE
from deployments.environment import prefect_environment

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


# --- units of systemd ---

UNITS = sorted((DEPLOYMENTS / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOYMENTS / "systemd").glob("*.timer"))
HOME = "/opt/bihuan/"


def unit(file: Path) -> dict[str, list[tuple[str, str]]]:
    """Sections with their lines; a name may stand more than once."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = section = []
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.append((name, value))
    return found


def commands() -> list[list[str]]:
    """Everything that a unit or a container runs."""
    units = [shlex.split(value) for file in UNITS for name, value in unit(file)["Service"] if name == "ExecStart"]
    services = parsed("container/compose.yaml")["services"].values()
    return units + [list(map(str, one["command"])) for one in services if "command" in one]


def test_there_is_a_unit_for_each_part_and_each_is_ini():
    parts = {"", "-migrate", "-server", "-deploy", "-worker@", "-web", "-watchdog", "-backup"}
    assert {file.stem.removeprefix("bihuan") for file in UNITS} == parts
    for file in (*UNITS, *TIMERS):
        ConfigParser(strict=False, interpolation=None).read_string(file.read_text(encoding="utf-8"))
        assert unit(file)["Unit"]


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_every_unit_runs_as_its_own_user_from_the_checkout_and_may_write_little(file: Path):
    said = dict(unit(file)["Service"])
    assert (said["User"], said["WorkingDirectory"]) == ("bihuan", HOME.rstrip("/"))
    assert said["EnvironmentFile"] == "/etc/bihuan/environment"
    assert (said["ProtectSystem"], said["NoNewPrivileges"]) == ("strict", "yes")
    documented = dict(unit(file)["Unit"])["Documentation"].removeprefix(f"file:{HOME}")
    assert (ROOT / documented).is_file()


@pytest.mark.parametrize("part", ["migrate", "deploy", "server", "web", "worker@"])
def test_what_starts_before_its_database_tries_again_and_keeps_nothing_else_away(part: str):
    """Requires= would: the job of what needs it fails with the first try, and nobody starts it again."""
    parts = unit(DEPLOYMENTS / "systemd" / f"bihuan-{part}.service")
    is_once = ("Type", "oneshot") in parts["Service"]
    assert ("Restart", "on-failure" if is_once else "always") in parts["Service"]
    assert "Requires" not in dict(parts["Unit"])


def test_prefects_page_is_laid_out_where_its_user_may_write():
    """As shipped it goes beside the packages, which belong to root: then there is no page, and an error in the log."""
    name = "PREFECT_SERVER_UI_STATIC_DIRECTORY"
    unit_sets = dict(unit(DEPLOYMENTS / "systemd/bihuan-server.service")["Service"])["Environment"]
    container_sets = parsed("container/compose.yaml")["services"]["prefect"]["environment"]
    here = Settings(data_dir=Path("/var/lib/bihuan"))
    for place in (unit_sets.removeprefix(f"{name}="), container_sets[name], prefect_environment(here, {})[name]):
        assert place.startswith("/var/lib/bihuan/")


def test_the_command_of_a_host_of_services_runs_as_they_do():
    text = (DEPLOYMENTS / "systemd/bihuan.sh").read_text(encoding="utf-8")
    said = dict(unit(DEPLOYMENTS / "systemd/bihuan.service")["Service"])
    assert f"--uid={said['User']} --working-directory={said['WorkingDirectory']}" in text
    assert f"--property=EnvironmentFile={said['EnvironmentFile']} {HOME}.venv/bin/bihuan" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0  # noqa: S607 - POSIX


def test_units_name_units_that_exist():
    known = {file.name for file in (*UNITS, *TIMERS)}
    for file in (*UNITS, *TIMERS):
        for name, value in unit(file)["Unit"]:
            if name in {"After", "Wants", "Requires"}:
                assert {word for word in value.split() if word.startswith("bihuan")} <= known
    assert {f"{file.stem}.service" for file in TIMERS} <= known


def test_what_units_and_containers_run_exists():
    asked = [words for words in commands() if Path(words[0]).name != "sh"]
    inside = [shlex.split(part) for words in commands() if words[0] == "sh" for part in words[2].split("&&")]
    for words in (*asked, *inside):
        program = Path(words[0]).name
        if program == "python":
            assert words[1] == "-m"
            assert importlib.util.find_spec(words[2]), words
        else:
            assert program in {"bihuan", "prefect"}, words
    assert len(asked) > 10


def helped(words: list[str]) -> list[str]:
    """The words of a command without those that only stand for this host, and with --help in place of its options."""
    names = [word for word in words[1:] if word != "--no-prompt"]
    options = next((place for place, word in enumerate(names) if word.startswith("-")), len(names))
    return names[:options]


@pytest.mark.parametrize("words", [
    ["db", "upgrade"], ["watchdog"], ["up"], ["db", "backup"], ["db", "copy"], ["retention", "preview"],
])  # fmt: skip
def test_commands_of_ours_are_known_to_the_program(words: list[str]):
    done = subprocess.run(
        [sys.executable, "-m", "bihuan.cli.main", *words, "--help"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0
    ours = [helped(command) for command in commands() if Path(command[0]).name == "bihuan"]
    assert all(command in (["db", "upgrade"], ["watchdog"], ["up"]) for command in ours)


def test_options_of_prefect_are_known_to_the_locked_version():
    """Read off its own help: a renamed option would stop every worker after an upgrade."""
    asked = [command for command in commands() if Path(command[0]).name == "prefect"]
    inside = [shlex.split(part) for words in commands() if words[0] == "sh" for part in words[2].split("&&")]
    asked += [command for command in inside if command[0] == "prefect"]
    known: dict[str, str] = {}
    for command in asked:
        words = [word for word in helped(command) if word != "bihuan"]
        name = " ".join(words)
        if name not in known:
            program = [str(Path(sys.executable).with_name("prefect")), *words, "--help"]
            known[name] = subprocess.run(program, capture_output=True, text=True, check=True, cwd=ROOT).stdout
        options = [word for word in command if word.startswith("--") and word != "--no-prompt"]
        assert [option for option in options if option not in known[name]] == [], command
    assert {"worker start", "server start", "server status", "deploy", "work-pool create"} == set(known)


# --- containers ---


def test_the_composition_starts_the_work_only_after_the_migrations():
    services = parsed("container/compose.yaml")["services"]
    assert {"postgres", "migrate", "prefect", "deploy", "worker", "web"} == set(services)
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("worker", "web"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert (services["migrate"]["restart"], services["deploy"]["restart"]) == ("no", "on-failure")
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", []))


def test_what_the_composition_asks_for_stands_in_its_example():
    text = (DEPLOYMENTS / "container/compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{([A-Z_]+)", text))
    example = (DEPLOYMENTS / "container/environment.example").read_text(encoding="utf-8")
    assert asked | {"COMPOSE_PROJECT_NAME"} == set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))


def test_a_part_that_is_still_starting_hears_that_it_is_to_end():
    """Process 1 ignores SIGTERM until it asks for it: a worker stopped in its first seconds took the whole minute."""
    assert parsed("container/compose.yaml")["x-bihuan"]["init"] is True


def test_the_filled_in_environment_reaches_every_part_but_no_image_and_no_commit():
    given = parsed("container/compose.yaml")["x-bihuan"]["env_file"]
    assert given == ["environment"]
    for ignored in (".dockerignore", ".gitignore"):
        lines = (ROOT / ignored).read_text(encoding="utf-8").splitlines()
        assert "deployments/container/environment" in [line.lstrip("/") for line in lines]


def test_the_image_leaves_out_only_what_the_product_does_not_need():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (DEPLOYMENTS / "container/Containerfile").read_text(encoding="utf-8")
    [removed] = re.findall(r"uv pip uninstall -q \\\n(.+)$", text, re.MULTILINE)
    named = {re.split(r"[ \[<>=]", line)[0] for line in project["optional-dependencies"]["dev"]}
    needed = {re.split(r"[ \[<>=]", line)[0] for line in project["dependencies"]}
    assert removed.split()
    assert set(removed.split()) <= named - needed


def test_files_that_the_containers_mount_or_copy_exist():
    folder = DEPLOYMENTS / "container"
    mounted = [volume for one in parsed("container/compose.yaml")["services"].values()
               for volume in one.get("volumes", []) if volume.startswith("./")]  # fmt: skip
    assert mounted
    assert all((folder / volume.split(":")[0]).is_file() for volume in mounted)
    copied = re.findall(r"^COPY (.+) \S+$", (folder / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
