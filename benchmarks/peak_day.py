"""A peak day: eight thousand complaints with ladders and surveys, replayed through the real services at full speed.

People complain by the rhythm of a day, are assigned, answered, helped and asked, each act a transaction of its own at
its own instant. Every two minutes of that day a worker checks, climbs and delivers, every fifteen it follows up too;
the gateway costs nothing. Afterwards the same people go on for some hours with what is open. Real seconds against
simulated ones, and the greatest memory that the process had.

    python -m benchmarks.peak_day [COMPLAINTS [HOURS_AFTER [DATABASE]]]
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from benchmarks.crew import DELIVER, NullGateway, Order, Part, Post, sweep_here
from benchmarks.ground import databases, keep
from benchmarks.lives import Lives
from bihuan.clock import zone
from bihuan.policy.loader import load_policy
from bihuan.settings import Settings
from bihuan.simulation import arrival, demo
from bihuan.simulation.arrival import Arrival
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import audit

MONDAY = datetime(2026, 11, 1, 16, tzinfo=UTC)
"""Midnight in Shanghai."""
_STEP, _ASK_EVERY, _DAY = timedelta(minutes=2), timedelta(minutes=15), timedelta(days=1)
_USUAL: tuple[Part, ...] = ("check", "climb", *DELIVER)
_ASKING: tuple[Part, ...] = ("check", "climb", "follow-up", *DELIVER)


def _arrivals(count: int) -> list[Arrival]:
    """So many on that day, by its rhythm."""
    many = list(arrival.history(demo.SEED, MONDAY + _DAY, days=1, per_day=2 * count))
    chosen = random.Random(demo.SEED).sample(many, count)
    return sorted(chosen, key=lambda one: (one.at, one.number))


class Day:
    """One database, and what has taken how long in it."""

    def __init__(self, db: Database, complaints: int) -> None:
        settings = Settings(secret=SecretStr("benchmark"), send_per_minute=1_000_000,
                            mail_url=SecretStr("mailto://127.0.0.1/?from=care@example.com"))  # fmt: skip
        self.db, self.at = db, MONDAY
        self.post = Post("", load_policy(None).model_copy(update={"loaded_at": None}), settings, NullGateway())
        self.lives = Lives(db, self.post.policy, settings, _arrivals(complaints))
        self.lives.move_in(MONDAY)
        self.seconds: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.slowest = 0.0

    def lives_on(self, until: datetime) -> float:
        """Replay up to an instant; real seconds."""
        start = time.perf_counter()
        while self.at < until:
            self.at += _STEP
            with self._timed("people"):
                self.lives.until(self.at)
            is_asking = (self.at - MONDAY) % _ASK_EVERY < _STEP
            before = time.perf_counter()
            with self._timed("sweeps"):
                self.done.update(sweep_here(self.db, self.post, Order(self.at, _ASKING if is_asking else _USUAL)))
            self.slowest = max(self.slowest, time.perf_counter() - before)
        return time.perf_counter() - start

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[what] += time.perf_counter() - start  # type: ignore[assignment]


def _measure(name: str, db: Database, complaints: int, hours: int) -> dict[str, Any]:
    day = Day(db, complaints)
    took = day.lives_on(MONDAY + _DAY)
    parts = dict(day.seconds)
    after = day.lives_on(MONDAY + _DAY + timedelta(hours=hours))
    with db.read() as session:
        book = audit(session, zone("Asia/Shanghai"))
    if not book.holds:
        raise AssertionError(f"the ledger does not hold: {book}")
    kinds = {word: day.done[word] for word in ("check.warned", "check.breached", "climb.told", "follow-up.invited")}
    return {
        f"{name} seconds for the day": took,
        f"{name} times faster than life": _DAY.total_seconds() / took,
        f"{name} seconds of people, of sweeps": f"{parts['people']:.0f}, {parts['sweeps']:.0f}",
        f"{name} slowest pass, seconds": day.slowest,
        f"{name} times faster than life, afterwards": hours * 3600 / after if hours else 0.0,
        f"{name} acts": str(dict(day.lives.done)),
        f"{name} ledger": f"due {book.due}, sent {book.sent}, suppressed {book.suppressed}, pending {book.pending}",
        f"{name} decisions": str(kinds),
        f"{name} greatest memory so far, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(complaints: int = 8000, hours: int = 12, only: str = "") -> None:
    """Measure on both databases, or on the one that is named."""
    figures: dict[str, Any] = {"complaints": complaints, "hours afterwards": hours}
    with databases() as found:
        for name, db in found.items():
            if only in {"", name}:
                figures |= _measure(name, db, complaints, hours)
    keep("peak_day", figures)


if __name__ == "__main__":
    main(*(int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]))  # type: ignore[arg-type]
