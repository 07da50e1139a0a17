"""A rehearsal in a reader's words: milestones, figures with their sign and unit, instants in a zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isnan

import pandas as pd

from bihuan.clock import as_utc, zone

Words = Mapping[str, Mapping[str, str]]
"""A language's words by section and key, as ``bihuan.notify.words.words`` gives them; handed in by the caller."""

_TENTH = 0.1


@dataclass(frozen=True)
class Wording:
    """Puts what a rehearsal found into the words of one language."""

    sections: Words

    def say(self, key: str, **values: object) -> str:
        """The text of that key in section ``rehearsal``, filled in."""
        return self.sections["rehearsal"][key].format(**values)

    def milestone(self, code: str) -> str:
        """A milestone, beginning with a capital; one of an own policy as it is written there."""
        said = self.sections["milestone"].get(code, code.replace("_", " "))
        return said[:1].upper() + said[1:]

    def scope(self, scope: Mapping[str, tuple[str, ...]]) -> str:
        """Which complaints were replayed."""
        parts = [self._dimension(dimension, codes) for dimension, codes in scope.items()]
        return self.say("scope_joint").join(parts) or self.say("scope_all")

    def _dimension(self, dimension: str, codes: tuple[str, ...]) -> str:
        name = self.sections["dimension"].get(dimension, dimension.replace("_", " "))
        known = self.sections.get(dimension, {})
        return self.say("scope_part", dimension=name, values=self.listed([known.get(code, code) for code in codes]))

    def listed(self, names: list[str]) -> str:
        """Names in a row."""
        return self.say("list_joint").join(names)

    def share(self, value: float) -> str:
        """A share of 0..1 as a percentage, a dash for NaN; never rounded to all or nothing."""
        if isnan(value):
            return "–"
        said = f"{value:.1%}"
        if value < 1 and said == "100.0%":
            return ">99.9%"
        return "<0.1%" if value > 0 and said == "0.0%" else said

    def interval(self, low: float, high: float) -> str:
        """The ends of an interval, empty for NaN."""
        return "" if isnan(low) else f"{low * 100:.1f}–{high * 100:.1f}%"

    def points(self, difference: float) -> str:
        """A difference of two shares in percentage points, a dash for NaN."""
        if isnan(difference):
            return "–"
        points = difference * 100
        places = 1 if abs(points) >= _TENTH or not points else 2
        return self.say("points", n=_minus(f"{points:+.{places}f}" if points else "0"))

    def verdict(self, due_at: datetime, is_breached: bool) -> str:
        """How a policy judges a deadline; NaT for one that it does not set."""
        return self.say("no_deadline" if pd.isna(due_at) else "breached" if is_breached else "kept")

    def moment(self, at: datetime, timezone: str) -> str:
        """An instant in ``timezone``, with its offset: ``2026-11-22 09:30 +08:00``."""
        local = as_utc(at).astimezone(zone(timezone)).isoformat(sep=" ", timespec="minutes")
        return f"{local[:16]} {local[16:]}"


def signed(n: int) -> str:
    """A difference of counts with its sign, 0 without."""
    return _minus(f"{n:+,}") if n else "0"


def _minus(said: str) -> str:
    """With the true minus sign, as wide as the plus."""
    return said.replace("-", "−")
