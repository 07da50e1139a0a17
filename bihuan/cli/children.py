"""Processes that run as long as one command does: started apart from its terminal, ended with it, none left behind."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Self

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_LOG_BYTES = 10_000_000


class Signals:
    """While entered, signals interrupt ``wait`` and nothing else."""

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._old_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, lambda *_: None) for number in (*_ENDINGS, signal.SIGCHLD)
                     if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN}  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_writer)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a signal, at most ``seconds``; whether it says to end."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return bool(ready) and any(number in _ENDINGS for number in os.read(self._reader, 100))


@dataclass(frozen=True)
class Child:
    """One process and where it writes."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


class Children:
    """Started together; leaving the block ends them all, and whatever they started.

    Each is the leader of a session of its own, so that Ctrl-C in the terminal reaches the parent only, and is told to
    end when the parent is killed.

    Attributes:
        environment: Theirs.
        logs: Folder of their output, a file each.
        grace: Seconds they have to end by themselves.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path, signals: Signals, *, grace: float = 8.0) -> None:
        self._environment, self._logs, self._signals, self._grace = dict(environment), logs, signals, grace
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self, name: str, module: str) -> None:
        """Start ``python -m module``."""
        file = self._logs / f"{name}.log"
        if file.exists() and file.stat().st_size > _LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        with file.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", module],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_end_with_parent(),  # noqa: PLW1509 - no threads here
            )  # fmt: skip
        self._children.append(Child(name, file, process))

    def ended(self) -> Child | None:
        """A child that has ended by itself, None while all run."""
        return next((child for child in self._children if child.process.poll() is not None), None)

    def _end(self) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        latest = monotonic() + self._grace
        while monotonic() < latest and any(child.process.poll() is None for child in self._children):
            if self._signals.wait(0.2):  # asked again: at once
                break
        for child in self._children:
            _kill_group(child.process.pid)
            child.process.wait()


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _end_with_parent() -> Callable[[], None] | None:
    """What a child does first: ask Linux for SIGTERM when its parent dies, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
