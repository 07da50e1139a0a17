"""Which looks at personal data this process noted lately, so that reloading a page writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from bihuan.services.access import ONCE_IN
from schemas.access import Seen

REMEMBERED = 10_000
"""Looks remembered; the one noted first is forgotten for the next."""
Key = tuple[str, Seen, str]
"""Who saw what of which subject."""


class Recent:
    """What this process noted lately; safe to ask from several threads."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._at: dict[Key, datetime] = {}
        self._lock = Lock()

    def new(self, keys: Sequence[Key], at: datetime) -> list[Key]:
        """Those that were not noted within `ONCE_IN`."""
        with self._lock:
            return [key for key in keys if key not in self._at or at - self._at[key] >= ONCE_IN]

    def keep(self, keys: Sequence[Key], at: datetime) -> None:
        """Remember what was noted."""
        with self._lock:
            for key in keys:
                self._at.pop(key, None)
                self._at[key] = at
            while len(self._at) > REMEMBERED:
                del self._at[next(iter(self._at))]
