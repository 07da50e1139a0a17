"""Duty rotas 值班表: whose shift it is at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bihuan.policy.escalation import weekday_numbers
from bihuan.rules.wall_time import window_at


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
