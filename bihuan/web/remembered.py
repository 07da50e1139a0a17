"""What is long to count is not counted for every reader: they see the last count, and one is made behind them.

A board of ten million complaints takes a second or two; forty readers who each count keep the database busy with
nothing else. Where there is little to count nothing is remembered, and what was just recorded is seen at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from bihuan.errors import BihuanError

MANY = 200_000
"""Rows counted, from which on the count is remembered: a tenth of a second."""
PAUSE = 20
"""After so many times the span that counting took it is done again: a twentieth of the time at most."""
STALE_SECONDS = 60.0
"""Whoever would see an older count waits for a new one."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    counted_at: float
    took: float


def _behind(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True).start()


class Remembered(Generic[T]):
    """The last count of one kind, for all readers of this process.

    Attributes:
        tell: Gives seconds that only grow.
        behind: Does some work while the reader goes on.
    """

    def __init__(
        self, tell: Callable[[], float] = monotonic, behind: Callable[[Callable[[], None]], None] = _behind
    ) -> None:
        self._tell, self._behind = tell, behind
        self._kept: _Kept[T] | None = None
        self._waiting, self._counting = Lock(), Lock()

    def get(self, count: Callable[[], T], size: Callable[[T], int]) -> T:
        """What ``count`` gives, or gave not long ago.

        Args:
            count: Counts; called in another thread too.
            size: How many rows were counted: below ``MANY`` every reader counts anew.

        Raises:
            BihuanError: What ``count`` raises where the reader waits for it.
        """
        if (kept := self._fresh()) is None:
            return self._waited(count, size)
        if self._age(kept) > kept.took * PAUSE and self._counting.acquire(blocking=False):
            self._behind(partial(self._again, count, size))
        return kept.value

    def _age(self, kept: _Kept[T]) -> float:
        return self._tell() - kept.counted_at

    def _fresh(self) -> _Kept[T] | None:
        kept = self._kept
        return kept if kept and self._age(kept) <= STALE_SECONDS else None

    def _waited(self, count: Callable[[], T], size: Callable[[T], int]) -> T:
        """Counted now; of many who wait where there is much to count, one does."""
        if self._kept is None:
            return self._count(count, size)
        with self._waiting:
            kept = self._fresh()
            return kept.value if kept else self._count(count, size)

    def _again(self, count: Callable[[], T], size: Callable[[T], int]) -> None:
        try:
            with suppress(BihuanError):  # the next reader tries again, and is told when the count is too old
                self._count(count, size)
        finally:
            self._counting.release()

    def _count(self, count: Callable[[], T], size: Callable[[T], int]) -> T:
        start = self._tell()
        value = count()
        end = self._tell()
        self._kept = _Kept(value, end, end - start) if size(value) >= MANY else None
        return value
