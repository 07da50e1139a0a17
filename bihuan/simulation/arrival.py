"""When complaints reach the simulated company: the rhythm of days and hours, and the few planted for the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bihuan.simulation.catalogue import HOURS, LIMITS, WEEKDAYS
from bihuan.simulation.chance import dice
from schemas.complaint import Severity

ZONE = ZoneInfo("Asia/Shanghai")
"""Where the company lives."""
_WARN = 0.8
_INSTANT = "%Y%m%dT%H%M%SZ"


class Way(StrEnum):
    """How a complaint got into the demo."""

    PAST = "past"
    """One of the history, or of the days for which the demo was stopped."""
    LIVE = "live"
    """One of those that arrive each minute."""
    UNANSWERED = "unanswered"
    """Planted: its first response falls due soon after the start, and is late."""
    UNHANDLED = "unhandled"
    """Planted: its handling falls due soon after the start, and is late."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One complaint reaching the company."""

    way: Way
    at: datetime
    number: int = 0
    """Tells arrivals of the same way and second apart."""

    @property
    def external_id(self) -> str:
        """The id from which the whole complaint can be written again."""
        return f"{self.way}-{self.at:{_INSTANT}}-{self.number:03d}"

    @classmethod
    def of(cls, external_id: str) -> Arrival:
        """The arrival that has that id."""
        way, at, number = external_id.split("-")
        return cls(Way(way), datetime.fromisoformat(at), int(number))


def history(
    seed: int, now: datetime, *, days: int = 90, per_day: int = 40, since: datetime | None = None
) -> Iterator[Arrival]:
    """Arrivals of the last ``days`` up to ``now``, oldest first.

    Args:
        seed: Of the company.
        now: The present. It cuts the days off but does not shape them: tomorrow gives the same arrivals for today.
        days: How far back, at most.
        per_day: On an average day.
        since: Only those after this instant.
    """
    first = now - timedelta(days=days)
    first = max(first, since) if since else first
    day, last = first.astimezone(ZONE).date(), now.astimezone(ZONE).date()
    while day <= last:
        yield from (arrival for arrival in _arrivals_on(seed, day, per_day) if first < arrival.at <= now)
        day += timedelta(days=1)


def planted(now: datetime) -> Iterator[Arrival]:
    """A few complaints whose warnings and breaches fall into the half hour after ``now``, from its first minute."""
    handled, responded = LIMITS[Severity.GENERAL].handled, LIMITS[Severity.URGENT].responded
    for way, lead, minutes in (
        (Way.UNHANDLED, handled, range(0, 30, 3)),
        (Way.UNHANDLED, handled * _WARN, range(2, 30, 4)),
        (Way.UNANSWERED, responded * _WARN, range(0, 23, 3)),
    ):
        for minute in minutes:
            yield Arrival(way, _whole_second(now + timedelta(minutes=minute, seconds=15) - lead))


def live(now: datetime) -> Arrival:
    """The complaint that arrives now."""
    return Arrival(Way.LIVE, _whole_second(now))


def _whole_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _arrivals_on(seed: int, day: date, per_day: int) -> list[Arrival]:
    chance = dice(seed, f"day/{day}")
    mean = per_day * WEEKDAYS[day.weekday()]
    count = max(0, round(chance.gauss(mean, mean**0.5)))
    seconds = sorted(hour * 3600 + chance.randrange(3600) for hour in chance.choices(range(24), HOURS, k=count))
    midnight = datetime.combine(day, time(), ZONE).astimezone(UTC)
    return [Arrival(Way.PAST, midnight + timedelta(seconds=second), number) for number, second in enumerate(seconds)]
