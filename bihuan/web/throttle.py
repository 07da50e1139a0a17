"""How often one address may ask for something that costs: so many at once, and so many a minute after that."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from threading import Lock

ADDRESSES = 10_000
"""Addresses remembered; the one that asked first is forgotten for the next."""
_MINUTE = 60.0


class Throttle:
    """Counts in this process alone; safe to ask from several threads."""

    def __init__(self, per_minute: int) -> None:
        """Let ``per_minute`` pass at once, and as many again in every minute."""
        self._per_minute = per_minute
        self._left: dict[str, tuple[float, datetime]] = {}
        self._lock = Lock()

    @property
    def wait_seconds(self) -> int:
        """After so many seconds one more passes."""
        return ceil(_MINUTE / self._per_minute)

    def admits(self, address: str, at: datetime) -> bool:
        """Whether one more may pass; if so, it has passed."""
        with self._lock:
            left, since = self._left.pop(address, (float(self._per_minute), at))
            waited = max((at - since).total_seconds(), 0.0)
            left = min(left + waited * self._per_minute / _MINUTE, float(self._per_minute))
            passes = left >= 1
            if len(self._left) >= ADDRESSES:
                del self._left[next(iter(self._left))]
            self._left[address] = (left - passes, at)
        return passes
