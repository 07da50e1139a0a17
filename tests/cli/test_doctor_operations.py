"""`bihuan doctor` on what keeps an installation going: back-ups, retention, and who may read the metrics."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from bihuan.clock import fixed, wall_clock
from bihuan.errors import UnavailableError
from bihuan.services.api_key import make_key
from bihuan.services.backup import note_backup
from bihuan.services.checkup import Level, check_up, engine, operations
from bihuan.services.checkup.finding import Visit
from bihuan.services.heartbeat import beat
from bihuan.services.intake import take_in
from bihuan.settings import settings
from schemas.access import Scope
from schemas.complaint import ComplaintIn, EventIn, EventKind

OLD = timedelta(days=1200)


@pytest.fixture
def visit(sqlite_url: str) -> Iterator[Visit]:
    place = Visit(settings().model_copy(update={"database_url": sqlite_url}), wall_clock)
    yield place
    place.leave()


def ended(visit: Visit, policy: object, ago: timedelta) -> None:
    """A complaint that ended, entered so long ago."""
    at = wall_clock() - ago
    handled = EventIn(kind=EventKind.HANDLED, occurred_at=at)
    complaint = ComplaintIn(source="x", external_id="1", registered_at=at - timedelta(days=1), events=(handled,))
    with visit.db.write() as session:
        take_in(session, policy, visit.settings, fixed(at), [complaint])  # type: ignore[arg-type]


def test_a_back_up_that_is_missing_or_old_is_a_note_with_the_command(visit, policy):
    assert operations.back_up(visit)[:2] == (Level.OK, "nothing to lose yet")
    ended(visit, policy, timedelta(days=1))
    level, says, cure = operations.back_up(visit)
    assert (level, says) == (Level.NOTE, "none was ever noted")
    assert "deployments.backup" in cure
    with visit.db.write() as session:
        note_backup(session, wall_clock() - timedelta(days=5))
    assert operations.back_up(visit)[:2] == (Level.NOTE, "the last one is 5 days old")
    with visit.db.write() as session:
        note_backup(session, wall_clock())
    assert operations.back_up(visit)[0] is Level.OK


def test_retention_that_does_not_run_is_a_problem_once_something_is_past_its_time(visit, policy):
    assert operations.retention(visit)[:2] == (Level.OK, "nothing is past its time")
    ended(visit, policy, OLD)
    level, says, cure = operations.retention(visit)
    assert (level, says) == (Level.PROBLEM, "never run, and 1 rows are past their time")
    assert "`bihuan run retention`" in cure
    with visit.db.write() as session:
        beat(session, fixed(wall_clock() - timedelta(days=9)), "retention", 0)
    assert "not run since" in operations.retention(visit)[1]
    with visit.db.write() as session:
        beat(session, wall_clock, "retention", 0)
    assert operations.retention(visit)[0] is Level.OK


def test_a_policy_that_erases_nothing_is_noted(visit, tmp_path):
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "retention.yaml").write_text("kept_attributes: [x]\n", encoding="utf-8")
    place = Visit(visit.settings.model_copy(update={"policy_dir": folder}), wall_clock)
    level, says, cure = operations.retention(place)
    assert (level, says) == (Level.NOTE, "the policy erases nothing, ever")
    assert "retention.yaml" in cure


@pytest.fixture
def proxy(monkeypatch) -> Iterator[tuple[HTTPServer, list[int]]]:
    """What a stranger meets at the public address; the list holds the status it answers with."""
    status = [200]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(operations, "is_loopback", lambda _: False)
    yield server, status
    server.shutdown()
    thread.join()
    server.server_close()


def test_metrics_that_anybody_may_read_are_a_problem(visit, proxy):
    server, status = proxy
    public = visit.settings.model_copy(update={"web_url": f"http://127.0.0.1:{server.server_port}"})
    place = Visit(public, wall_clock)
    level, says, cure = operations.metrics(place)
    assert level is Level.PROBLEM
    assert "answers without a key" in says
    assert "X-Forwarded-For" in cure
    status[0] = 401
    assert operations.metrics(place)[0] is Level.NOTE
    with place.db.write() as session:
        make_key(session, "prometheus", Scope.METRICS, wall_clock())
    assert operations.metrics(place)[:2] == (Level.OK, "beyond this machine with a key only")
    place.leave()


def test_on_one_machine_metrics_are_its_own(visit):
    assert operations.metrics(visit)[:2] == (Level.OK, "read from this machine")


def test_the_doctor_makes_these_checks(visit):
    names = [finding.name for finding in check_up(visit.settings, wall_clock)]
    assert {"back up", "retention", "metrics"} <= set(names)


@contextmanager
def prefect_elsewhere(monkeypatch: pytest.MonkeyPatch, auth: str) -> Iterator[HTTPServer]:
    """A Prefect server that wants ``auth``, named by PREFECT_API_URL; on the installation's own port is none."""
    wanted = f"Basic {b64encode(auth.encode()).decode()}"

    class Responder(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_open = self.path == "/api/health"
            self.send_response(200 if is_open or self.headers.get("Authorization") == wanted else 401)
            body = b"true" if is_open else b"[]"
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Responder) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_address[1]}/api")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", auth)
        yield server
        server.shutdown()


@pytest.mark.usefixtures("quiet_ports")
def test_a_prefect_server_of_another_host_is_asked_as_the_workers_ask_it(visit, monkeypatch):
    with prefect_elsewhere(monkeypatch, "admin:right") as server:
        at = f"127.0.0.1:{server.server_address[1]}"
        assert engine.prefect_server(visit)[:2] == (Level.OK, f"answers on {at}")
        level, says, _ = engine.deployments(visit)
        assert level is Level.PROBLEM
        assert "sla-check is not served" in says
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:wrong")
        with pytest.raises(UnavailableError, match="PREFECT_API_AUTH_STRING") as refused:
            engine.deployments(visit)
        assert "wrong" not in str(refused.value)
    with pytest.raises(UnavailableError, match=f"{at} does not answer"):
        engine.prefect_server(visit)
