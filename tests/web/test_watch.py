"""The watchdog's thread: it looks on while errors last, says them once, and ends with the process that serves."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bihuan.clock import wall_clock
from bihuan.services.heartbeat import beat
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.testing import HttpServer
from bihuan.web import watch
from bihuan.web.watch import watched, watching

SOON = 0.01
PATIENCE = 20.0


class Looks:
    """Counts looks; each of ``errors`` in turn goes wrong, then none does. ``enough`` is set after ``wanted``."""

    def __init__(self, wanted: int, *errors: Exception) -> None:
        self.count, self.wanted, self.errors, self.enough = 0, wanted, list(errors), threading.Event()

    def __call__(self) -> None:
        self.count += 1
        if self.count >= self.wanted:
            self.enough.set()
        if self.errors:
            raise self.errors.pop(0)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "watchdog"]


def test_it_looks_again_and_again_and_ends_with_its_block() -> None:
    looks = Looks(3)
    with watching(looks, first=SOON, every=SOON):
        assert looks.enough.wait(PATIENCE)
        assert threads() == ["watchdog"]
    assert threads() == []


def test_what_starts_beside_it_gets_its_time_first() -> None:
    looks = Looks(1)
    with watching(looks, every=SOON):
        assert not looks.enough.wait(0.1)


def test_it_survives_whatever_goes_wrong_and_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(6, RuntimeError("no\nway"), RuntimeError("no\nway"), OSError("gone"))
    with caplog.at_level(logging.INFO, logger="bihuan"), watching(looks, first=SOON, every=SOON):
        assert looks.enough.wait(PATIENCE)
    said = [(record.levelname, getattr(record, "why", "")) for record in caplog.records]
    assert said == [("ERROR", "RuntimeError: no"), ("ERROR", "OSError: gone"), ("INFO", "")]


def test_it_survives_a_database_that_does_not_answer(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = threading.Event()
    monkeypatch.setattr(watch.log, "error", lambda *_, **__: heard.set())
    gone = Database(f"sqlite:///{tmp_path}/nowhere/none.db")
    with watching(lambda: watch.look(gone, lambda: pytest.fail("nothing to say"), settings, wall_clock), first=SOON):
        assert heard.wait(PATIENCE)
        assert threads() == ["watchdog"]


def test_an_application_made_for_a_test_is_not_watched(browser: Any) -> None:
    assert browser.get("/healthz").status_code == 200
    assert threads() == []


def test_the_web_process_tells_the_operator_itself(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with office.db.write() as session:
        for sweep in ("sla-check", "outbox-delivery"):
            beat(session, office.clock, sweep, 0)
    office.later(minutes=7)
    with HttpServer() as server:
        settings = office.settings.model_copy(
            update={"operator_url": SecretStr(server.url), "allow_private_targets": True, "language": "en"}
        )
        monkeypatch.setattr(watch, "watching", partial(watching, first=SOON))
        with watched(settings, office.db, office.clock):
            for _ in range(int(PATIENCE / 0.05)):
                if len(server.messages) == 2:
                    break
                threading.Event().wait(0.05)
        assert {message["title"] for message in server.messages} == {
            "[Stopped] sla-check has not run for 7 min",
            "[Stopped] outbox-delivery has not run for 7 min",
        }


def test_a_look_takes_a_minute_to_come_back() -> None:
    assert timedelta(seconds=watch.EVERY) == timedelta(minutes=1)
