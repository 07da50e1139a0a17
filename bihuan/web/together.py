"""What many ask for at the same moment is done at once: one thread, one look or one transaction for all who wait.

Under load a database pays for each transaction, not for each row in it, and threads that all want the interpreter stand
in each other's way. Whoever comes first is served at once; whoever comes meanwhile is served together, next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar
from weakref import finalize, ref

from bihuan.errors import UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")
AT_MOST = 32
"""Of those who wait, so many at once: nobody waits for a crowd to be served."""
_BREATH = 0.005
"""Seconds, at most, that a loop gets to write answers and to read what has come, before who came is served."""


@dataclass(slots=True)
class _Asked(Generic[Item]):
    """One who waits; ``outcome`` is a result or an error."""

    item: Item
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    outcome: Any = None


class Together(Generic[Item, Result]):
    """Hands those who wait to ``act`` together, in the order in which they came; may be asked from several loops."""

    def __init__(self, act: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """``act`` gives a result for each item, in their order; it may block, and runs in one thread at a time.

        Where it fails for several, it is tried for each of them alone: everyone gets an own result or error. It must
        leave nothing behind when it fails.
        """
        self._act = act
        self._waiting: SimpleQueue[_Asked[Item] | None] = SimpleQueue()
        self._starting = Lock()
        self._has_thread = False

    async def __call__(self, item: Item) -> Result:
        """The result for ``item``, or what went wrong with it."""
        if not self._has_thread:
            self._start()
        loop = asyncio.get_running_loop()
        asked = _Asked(item, loop, loop.create_future())
        self._waiting.put(asked)
        result: Result = await asked.future
        return result

    def _start(self) -> None:
        """Start the thread, once; it ends when nobody can ask any more."""
        with self._starting:
            if not self._has_thread:
                finalize(self, self._waiting.put, None)
                Thread(target=_serve_all, args=(ref(self), self._waiting), name="together", daemon=True).start()
                self._has_thread = True

    def serve(self, batch: Sequence[_Asked[Item]]) -> None:
        """Act for those who wait, and tell each."""
        self._serve(batch)
        for loop, ready in groupby(batch, key=lambda asked: asked.loop):
            with suppress(RuntimeError):  # whoever asked is gone, and their loop with them
                is_told = Event()
                loop.call_soon_threadsafe(_deliver, [*ready], loop, is_told)
                is_told.wait(_BREATH)  # who has been told asks again, or somebody else does: together, not one by one

    def _serve(self, batch: Sequence[_Asked[Item]]) -> None:
        """Give each an outcome."""
        try:
            results: Sequence[Any] = self._act([asked.item for asked in batch])
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            results = [error] if len(batch) == 1 else self._one_by_one(batch)
        for asked, result in zip(batch, results, strict=True):
            asked.outcome = result

    def _one_by_one(self, batch: Sequence[_Asked[Item]]) -> list[Any]:
        """An outcome for each; where the database is gone, nobody waits for it longer than the first."""
        found: list[Any] = []
        for asked in batch:
            if found and isinstance(found[-1], UnavailableError):
                found.append(found[-1])
                continue
            try:
                found += self._act([asked.item])
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                found.append(error)
        return found


def _serve_all(owner: ref[Together[Any, Any]], waiting: SimpleQueue[_Asked[Any] | None]) -> None:
    """Wait for somebody, take whoever else waits by then, and serve them."""
    while first := waiting.get():
        batch = [first]
        with suppress(Empty):
            while len(batch) < AT_MOST and (another := waiting.get_nowait()):
                batch.append(another)
        if (together := owner()) is not None:
            together.serve(batch)
        del together, batch, first


def _deliver(ready: Sequence[_Asked[Any]], loop: asyncio.AbstractEventLoop, is_told: Event) -> None:
    """Tell each; then let the loop write the answers, and read what has come by then."""
    loop.call_soon(loop.call_soon, loop.call_soon, is_told.set)
    for asked in ready:
        if asked.future.done():  # whoever asked went away
            continue
        if isinstance(asked.outcome, Exception):
            asked.future.set_exception(asked.outcome)
        else:
            asked.future.set_result(asked.outcome)
