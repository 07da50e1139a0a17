"""Scoreboard 成效榜 of a cycle: some of many items look better by luck; which can be claimed together?"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from bihuan.analysis.multiple import Method, adjust
from schemas.verification import Verdict

Q = 0.05
_CLAIMS = {Verdict.EFFECTIVE, Verdict.PARTIAL}


class Line(NamedTuple):
    """One item, or one secondary indicator, among all that were tested together."""

    p: float
    """Its own; NaN was not tested."""
    adjusted: float
    """NaN where it was not tested."""
    is_held: bool
    """Whether it stands among the others."""


def scoreboard(items: Mapping[str, tuple[Verdict, float]], q: float = Q) -> dict[str, Line]:
    """Which improvements of a cycle can be claimed together: Benjamini and Hochberg over all items with a verdict.

    Args:
        items: Verdict and p of the primary indicator (``Effect.p``), by item.
        q: The share of false claims that is borne.

    Returns:
        By item, in the order given. ``is_held`` is for claims only: what is effective or partly so, and whose q is no
        more than ``q``. The verdict itself stays; the board says which claims luck among so many could have made.
    """
    lines = _adjusted({name: p for name, (_, p) in items.items()}, q, "benjamini_hochberg")
    return {name: line._replace(is_held=line.is_held and items[name][0] in _CLAIMS) for name, line in lines.items()}


def secondary(p: Mapping[str, float], alpha: float = Q) -> dict[str, Line]:
    """Which secondary indicators of one item changed, the chance of a single false one held (Holm 1979).

    Args:
        p: By indicator.
        alpha: That chance.
    """
    return _adjusted(p, alpha, "holm")


def _adjusted(p: Mapping[str, float], level: float, method: Method) -> dict[str, Line]:
    tested = [name for name, value in p.items() if isfinite(value)]
    found = adjust([p[name] for name in tested], level, method)
    lines = {name: Line(p[name], float("nan"), is_held=False) for name in p}
    for name, adjusted, is_held in zip(tested, found.p, found.is_rejected, strict=True):
        lines[name] = Line(p[name], float(adjusted), bool(is_held))
    return lines
