"""Duty rotas 值班表: whose shift it is at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from bihuan.policy.escalation import weekday_numbers
from bihuan.rules.wall_time import on_day, window_at

Gap = tuple[datetime, datetime]
"""From the first instant at which nobody is on duty up to the next at which somebody is, or nobody looks further."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift as the roster states it; ``weekdays`` are those on which it begins, as are its first and last day."""

    weekdays: tuple[str, ...]
    begins: str
    ends: str
    zone: ZoneInfo
    from_on: date
    until_on: date | None = None

    def is_on(self, at: datetime) -> bool:
        """Whether it is this shift's time."""
        window = window_at(at, self.begins, self.ends, self.zone, weekday_numbers(self.weekdays))
        if window is None:
            return False
        day = window[0].astimezone(self.zone).date()
        return self.from_on <= day and (self.until_on is None or day <= self.until_on)

    def edges(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Instants, UTC, at which it may begin or end, those between the two among them; in no order."""
        first, last = (at.astimezone(self.zone).toordinal() for at in (since, until))
        for number in range(first, last + 1):
            day = date.fromordinal(number)
            yield on_day(day, self.begins, self.zone)
            yield on_day(day, self.ends, self.zone)


def gaps(shifts: Sequence[Shift], since: datetime, until: datetime) -> list[Gap]:
    """The stretches between two instants in which no shift is on, in their order."""
    edges = {edge for shift in shifts for edge in shift.edges(since, until) if since < edge < until}
    found: list[Gap] = []
    for begins, ends in pairwise(sorted({since, until, *edges})):
        if any(shift.is_on(begins) for shift in shifts):
            continue
        if found and found[-1][1] == begins:
            found[-1] = (found[-1][0], ends)
        else:
            found.append((begins, ends))
    return found
