"""Spans and shares as people write them in a policy: ``30min``, ``24h``, ``3d``; ``80%``."""

from __future__ import annotations

import re
from datetime import timedelta

from bihuan.policy.flaw import Flaw, shown

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=3650)
SPAN = re.compile(r"([0-9]{1,5}) ?(min|h|d)")
PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


def parse_span(text: object) -> timedelta:
    """The span that ``text`` states; a day is 24 hours.

    Raises:
        Flaw: Not a span, one of no length, or one that nobody would live to see.
    """
    found = SPAN.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Flaw(f"{shown(text)} is not a span", "write it as 30min, 24h or 3d")
    span = int(found[1]) * _UNITS[found[2]]
    if not span:
        raise Flaw(f"{shown(text)} has no length", "write it as 30min, 24h or 3d")
    if span > _LONGEST:
        raise Flaw(f"{shown(text)} is longer than ten years", f"write at most {_LONGEST.days}d")
    return span


def span_text(span: timedelta) -> str:
    """The span in whole hours where it has them, else in minutes: equal spans read the same."""
    minutes = span // _UNITS["min"]
    return f"{minutes}min" if minutes % 60 else f"{minutes // 60}h"


def parse_percent(text: object) -> float:
    """The share, 0..1, that ``text`` states.

    Raises:
        Flaw: Not a percentage, or more than the whole.
    """
    found = PERCENT.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Flaw(f"{shown(text)} is not a percentage", "write it as 80%")
    share = float(found[1]) / 100
    if share > 1:
        raise Flaw(f"{shown(text)} is more than the whole", "write 100% or less")
    return share


def percent_text(share: float) -> str:
    """The share as a percentage without needless zeros."""
    return f"{share * 100:g}%"
