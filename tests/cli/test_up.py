"""``bihuan up``: refuses before it starts anything, and leaves no process when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from bihuan.cli import up as command
from bihuan.cli.children import Children, Signals
from bihuan.cli.up import up
from bihuan.errors import RefusedError, UnavailableError, UsageError
from bihuan.services.people import save_department
from bihuan.settings import settings
from bihuan.store.engine import open_database
from bihuan.store.migrations import upgrade
from bihuan.up_lock import held

STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), subprocess.Popen(["sleep", "60"]).pid, flush=True)
signal.pause()
"""
PARENT = """
import os, sys
from pathlib import Path
from bihuan.cli.children import Children, Signals
with Signals() as signals, Children(os.environ, Path(sys.argv[1]), signals) as children:
    children.start("obedient", "obedient")
    print("up", flush=True)
    signals.wait()
"""
OBEDIENT = "import os, signal; print(os.getpid(), flush=True); signal.pause()"


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(answer: Any, seconds: float) -> Any:
    """What ``answer()`` gives once it is true, or what it gave last."""
    for _ in range(int(seconds / 0.2)):
        if found := answer():
            return found
        Event().wait(0.2)
    return answer()


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_installation(folder: Path) -> list[int]:
    """Every process whose environment names this data folder."""
    mark, found = f"BIHUAN_DATA_DIR={folder}\0".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and is_alive(int(process.name)):
                found.append(int(process.name))
        except OSError:  # gone, or not ours
            continue
    return found


def test_a_port_in_use_is_one_line_with_the_cure_and_starts_nothing(taken_port: int, tmp_path: Path):
    with pytest.raises(UnavailableError, match=f"port {taken_port} is in use.*--port") as refused:
        up(port=taken_port, prefect_port=free_port(), data=tmp_path / "d")
    assert "\n" not in str(refused.value)
    with pytest.raises(UnavailableError, match=f"port {taken_port} is in use.*--prefect-port"):
        up(port=free_port(), prefect_port=taken_port, data=tmp_path / "d")
    assert [file.name for file in (tmp_path / "d").iterdir()] == ["up.lock"]


def test_one_port_cannot_serve_both_pages(tmp_path: Path):
    with pytest.raises(UsageError, match="both pages"):
        up(port=4567, prefect_port=4567, data=tmp_path)


def test_one_data_folder_is_up_once(tmp_path: Path):
    with held(settings().model_copy(update={"data_dir": tmp_path})), pytest.raises(RefusedError, match="already up"):
        up(port=free_port(), prefect_port=free_port(), data=tmp_path)


def test_nothing_starts_beyond_loopback_while_nobody_is_asked_who_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("BIHUAN_WEB_HOST", "192.0.2.1")
    settings.cache_clear()
    with pytest.raises(RefusedError, match="sign-in is off"):
        up(data=tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_an_installed_package_without_a_checkout_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(command, "_ROOT", tmp_path)
    with pytest.raises(UsageError, match="run it from a checkout"):
        up(data=tmp_path)


def test_a_demo_is_refused_on_data_that_is_no_demo(tmp_path: Path):
    real = open_database(settings().model_copy(update={"data_dir": tmp_path}))
    upgrade(real)
    with real.write() as session:
        save_department(session, "aftersales", "售后部")
    real.close()
    with pytest.raises(RefusedError, match="not a demo"):
        up(port=free_port(), prefect_port=free_port(), data=tmp_path, demo=True)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("set_url", [None, "https://complaints.example.com"])
def test_links_in_messages_follow_the_port_unless_a_setting_says_otherwise(
    set_url: str | None, monkeypatch: pytest.MonkeyPatch
):
    if set_url:
        monkeypatch.setenv("BIHUAN_WEB_URL", set_url)
        settings.cache_clear()
    here = command._settings(8999, None, None)
    assert here.web_url == (set_url or "http://127.0.0.1:8999")


def test_what_a_child_started_ends_with_it_even_if_it_will_not(tmp_path: Path):
    (tmp_path / "stubborn.py").write_text(STUBBORN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with Signals() as signals, Children(environment, tmp_path, signals, grace=0.5) as children:
        children.start("stubborn", "stubborn")
        pids = [int(pid) for pid in until((tmp_path / "stubborn.log").read_text, 10).split()]
        assert [is_alive(pid) for pid in pids] == [True, True]
        assert children.ended() is None
    assert until(lambda: not any(map(is_alive, pids)), 5)


def test_a_child_that_fails_is_named_with_its_log(tmp_path: Path):
    with Signals() as signals, Children(os.environ, tmp_path, signals) as children:
        children.start("broken", "no_such_module")
        child = until(children.ended, 20)
        assert (child.name, child.process.returncode) == ("broken", 1)
        assert "no_such_module" in child.log.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_kill_9_of_the_parent_ends_the_children(tmp_path: Path):
    (tmp_path / "obedient.py").write_text(OBEDIENT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{command._ROOT}"}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], env=environment)
    log = tmp_path / "obedient.log"
    child = int(until(lambda: log.exists() and log.read_text(encoding="utf-8"), 20))
    parent.kill()
    parent.wait()
    assert until(lambda: not is_alive(child), 5)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_up_runs_a_sweep_at_once_schedules_the_next_and_leaves_no_process(tmp_path: Path):
    page, prefect, data = free_port(), free_port(), tmp_path / "data"
    arguments = ["up", "--port", str(page), "--prefect-port", str(prefect), "--data", str(data)]
    with (tmp_path / "out").open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "bihuan.cli.main", *arguments],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(command._ROOT)}, stdout=out, start_new_session=True,
        )  # fmt: skip
    try:
        assert until(lambda: running.poll() is not None or _runs(prefect, "COMPLETED"), 150)
        assert running.poll() is None
        assert until(lambda: _runs(prefect, "SCHEDULED"), 20)
        assert httpx.get(f"http://127.0.0.1:{page}/").status_code == 200
        assert len(of_installation(data)) >= 2
        os.killpg(running.pid, signal.SIGINT)  # what Ctrl-C does: the terminal's whole foreground group
        assert running.wait(timeout=15) == 0
        assert of_installation(data) == []
    finally:
        running.kill()
        running.wait()
    said = (tmp_path / "out").read_text(encoding="utf-8")
    assert f"http://127.0.0.1:{page}" in said
    assert f"http://127.0.0.1:{prefect}" in said


def _runs(port: int, state: str) -> list[dict[str, Any]]:
    """Flow runs in that state, as Prefect's API tells; none while it does not answer."""
    wanted = {"flow_runs": {"state": {"type": {"any_": [state]}}}}
    try:
        answer = httpx.post(f"http://127.0.0.1:{port}/api/flow_runs/filter", json=wanted, timeout=10)
    except httpx.TransportError:
        return []
    found: list[dict[str, Any]] = answer.json()
    return found
