"""A second process of this program that works beside the first: both speak through a pipe, in pickles.

It loads only what it is asked for, not the program that started it, and it ends with whoever started it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from subprocess import PIPE, Popen
from typing import IO, Any, NamedTuple

from bihuan.errors import UnavailableError

MANY = 50_000
"""From so many complaints on a process of its own is worth its start, which takes a second or two."""


class Pipe(NamedTuple):
    """To and from the other process; both ends are our own."""

    reads: IO[bytes]
    writes: IO[bytes]

    def send(self, said: Any) -> None:
        """Say one thing, which can be pickled.

        Raises:
            UnavailableError: The other one has gone.
        """
        try:
            pickle.dump(said, self.writes, pickle.HIGHEST_PROTOCOL)
            self.writes.flush()
        except BrokenPipeError as error:
            raise _gone() from error

    def hear(self) -> Any:
        """What the other one says next.

        Raises:
            UnavailableError: It has gone.
        """
        try:
            return pickle.load(self.reads)  # noqa: S301 - only the other process writes there
        except (EOFError, pickle.UnpicklingError) as error:
            raise _gone() from error


def _gone() -> UnavailableError:
    cure = "see whether memory is short; try again"
    return UnavailableError("the process that works beside this one has gone", cure=cure)


@contextmanager
def companion(work: Callable[[Pipe], None]) -> Iterator[Pipe]:
    """A process that does ``work``, a function of a module, until the block ends.

    Raises:
        UnavailableError: It has gone before it was told everything.
    """
    command = [sys.executable, "-c", f"from {__name__} import _run; _run()"]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:  # noqa: S603 - this module itself
        assert process.stdin
        assert process.stdout
        pipe = Pipe(process.stdout, process.stdin)
        pipe.send(work)
        try:
            yield pipe
        finally:
            process.kill()


def _run() -> None:
    """What the other process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    pipe = Pipe(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever else is printed is no word of ours
    work = pipe.hear()
    with suppress(UnavailableError):  # nobody is there any more
        work(pipe)
