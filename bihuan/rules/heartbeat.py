"""When a sweep counts as silent: the one rule that the doctor, the web process and the watchdog go by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MISSED = 3
"""Intervals of silence after which a sweep counts as stopped."""
FIRST_GRACE = timedelta(minutes=15)
"""Least time a sweep that never ran has for its first run."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of one sweep's life.

    Attributes:
        sweep: Its name.
        interval: How often it is to run.
        beat_at: When it last completed; None where it never did.
        watched_since: When a watchdog first looked at it; None where none ever did.
    """

    sweep: str
    interval: timedelta
    beat_at: datetime | None = None
    watched_since: datetime | None = None

    def is_silent(self, at: datetime) -> bool:
        """Whether it has not completed for more than three of its intervals.

        One that never completed is silent once it has been watched for that long, and for 15 minutes at least: a fresh
        installation, and a sweep that an upgrade brings, get the time to run for the first time.
        """
        if self.beat_at is not None:
            return at - self.beat_at > MISSED * self.interval
        if self.watched_since is None:
            return False
        return at - self.watched_since > max(MISSED * self.interval, FIRST_GRACE)

    def quiet_since(self) -> datetime | None:
        """The instant from which its silence counts: the last beat, else when it was first looked at."""
        return self.beat_at or self.watched_since

    def slot(self) -> str:
        """Which silence this is: one after each beat, and one before the first."""
        return self.beat_at.isoformat() if self.beat_at else "never"
