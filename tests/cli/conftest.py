"""The real command line, run in this process as the shell would, and what it left behind."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def refuses(self, code: int, *words: str) -> bool:
        """It ended with ``code`` and one line on standard error that holds ``words`` and a cure, nothing else said."""
        assert (self.code, self.out, self.err.count("\n")) == (code, "", 1), self
        assert self.err.startswith("bihuan: ")
        assert " - " in self.err, "no cure"
        assert [word for word in words if word not in self.err] == [], self.err
        return True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """Run ``bihuan WORDS`` and say how it ended; an exception that it lets through is the test's."""
    from bihuan.cli.main import main
    from bihuan.settings import settings

    def run_it(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["bihuan", *map(str, words)])
        settings.cache_clear()  # a command is a process of its own
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    yield run_it
    logging.getLogger("bihuan").handlers.clear()  # it writes to what pytest is about to close


@pytest.fixture
def quiet_ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ports of this test's own on which nothing answers, whatever runs on this machine."""
    with socket.socket() as web, socket.socket() as prefect:
        for name, taken in (("WEB", web), ("PREFECT", prefect)):
            taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else gets it
            monkeypatch.setenv(f"BIHUAN_{name}_PORT", str(taken.getsockname()[1]))
        yield


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """An upgraded database that the commands use, by URL."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database_url)
    return database_url
