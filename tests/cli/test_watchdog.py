"""`bihuan watchdog`: one look, 0 when every sweep runs and 1 when one is silent; and the units that call it."""

from __future__ import annotations

import configparser
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.clock import fixed, wall_clock
from bihuan.services.heartbeat import beat
from bihuan.services.schedule import intervals
from bihuan.store.engine import Database
from bihuan.testing import HttpServer

UNITS = Path(__file__).resolve().parents[2] / "deployments" / "systemd"


@pytest.fixture
def ran(installed):
    """Let every sweep have completed so long ago."""
    db = Database(installed)

    def complete(**ago):
        with db.write() as session:
            for sweep in intervals():
                beat(session, fixed(wall_clock() - timedelta(**ago)), sweep, 0)

    yield complete
    db.close()


@pytest.fixture
def operator(monkeypatch):
    with HttpServer() as server:
        monkeypatch.setenv("BIHUAN_OPERATOR_URL", server.url)
        monkeypatch.setenv("BIHUAN_ALLOW_PRIVATE_TARGETS", "true")
        monkeypatch.setenv("BIHUAN_LANGUAGE", "en")
        yield server


def test_where_every_sweep_runs_it_ends_with_0(run, ran, operator):
    ran(minutes=1)
    done = run("watchdog", "--json")
    assert (done.code, done.data["is_fine"], done.data["told"], operator.messages) == (0, True, 0, [])
    assert [row["sweep"] for row in done.data["sweeps"]] == list(intervals())


@pytest.mark.usefixtures("installed")
def test_a_fresh_installation_is_no_alarm(run, operator):
    assert run("watchdog").code == 0
    assert operator.messages == []


def test_a_silence_ends_with_1_each_time_and_is_told_once(run, ran, operator):
    ran(minutes=10)
    first, second = run("watchdog", "--json"), run("watchdog", "--json")
    assert (first.code, first.data["told"], second.code, second.data["told"]) == (1, 2, 1, 0)
    assert "silent: sla-check, outbox-delivery" in first.err
    assert {message["title"] for message in operator.messages} == {
        "[Stopped] sla-check has not run for 10 min", "[Stopped] outbox-delivery has not run for 10 min",
    }  # fmt: skip
    ran(minutes=0)
    assert run("watchdog", "--json").data["told"] == 2
    audit = run("outbox", "audit", "--json")
    assert (audit.code, audit.data["sent"]) == (0, 4)


def test_with_nobody_to_tell_it_says_so(run, ran):
    ran(minutes=10)
    done = run("watchdog")
    assert done.code == 1
    assert "could not be told" in done.err
    assert "BIHUAN_OPERATOR_URL" in done.err


def test_a_database_that_does_not_answer_is_one_line_with_its_cure(run, monkeypatch):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run("watchdog").refuses(3, "check BIHUAN_DATABASE_URL")


def test_a_policy_that_does_not_load_does_not_silence_it(run, ran, tmp_path, monkeypatch):
    ran(minutes=1)
    (tmp_path / "routing.yaml").write_text("departments: [1]\n", encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path))
    assert run("watchdog").code == 0


def test_the_units_call_the_command_and_are_complete():
    units = {}
    for file in UNITS.glob("bihuan-watchdog.*"):
        units[file.suffix] = configparser.ConfigParser(interpolation=None)
        units[file.suffix].read_string(file.read_text(encoding="utf-8"))
    assert units[".service"]["Service"]["ExecStart"].endswith("/bihuan watchdog")
    assert units[".service"]["Service"]["Type"] == "oneshot"
    assert units[".timer"]["Install"]["WantedBy"] == "timers.target"
