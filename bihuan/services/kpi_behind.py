"""The complaints behind a number of an indicator, from the same expressions that counted it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from bihuan.errors import UsageError
from bihuan.policy.flaw import nearest
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.indicator import AWAITED, countable, side_of
from bihuan.services.kpi import Look
from bihuan.store.queries.behind import behind, how_many
from bihuan.store.queries.countable import APART, NAMES, Outcome

SIDES = ("counted", "missed", "apart", *APART, AWAITED)
"""The numbers of an indicator that can be asked for."""
_HOUR = 60.0
"""Minutes."""


def named(policy: Policy, name: str) -> IndicatorPolicy:
    """The indicator of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in policy.kpi.indicators:
        raise UsageError(f"no indicator {name!r}", cure=nearest(name, policy.kpi.indicators))
    return policy.kpi.indicators[name]


def count_behind(look: Look, indicator: IndicatorPolicy, side: str, survey: str | None = None) -> int:
    """How many things are behind a number; see ``complaints_behind``."""
    placed = look.placed(indicator)
    if placed is None:
        return 0
    what = countable(indicator, placed[1], placed[0])
    wanted = side_of(indicator, what, side)
    return how_many(look.session, what, placed[0], replace(wanted, survey=survey)) if wanted else 0


def complaints_behind(
    look: Look, indicator: IndicatorPolicy, side: str, survey: str | None = None, *, limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """What is behind a number of an indicator, latest first: one row a thing counted.

    Args:
        look: What is looked at; its dimension does not matter.
        indicator: Whose number it is.
        side: One of ``SIDES``: ``missed`` are those of n that keep it from its target.
        survey: Only the answers of this survey; None: of any.
        limit: At most so many; None: all.
        offset: After so many.

    Returns:
        Rows of ``number`` (None: about no complaint of ours), ``title``, ``severity``, ``registered_at``,
        ``handled_at``, ``as`` (how it is counted: yes, no, or what it stands apart as), ``at`` (by which it belongs to
        the span), and ``hours`` or ``score`` where that is told.

    Raises:
        UsageError: No such number.
    """
    if side not in SIDES:
        raise UsageError(f"no side {side!r}", cure=f"one of {', '.join(SIDES)}")
    placed = look.placed(indicator)
    if placed is None:
        return []
    cut, view = placed
    what = countable(indicator, view, cut)
    wanted = side_of(indicator, what, side)
    if wanted is None:
        return []
    rows = behind(look.session, what, cut, replace(wanted, survey=survey), limit=limit, offset=offset)
    return [_told(row, indicator) for row in rows]


def _told(row: Row[Any], indicator: IndicatorPolicy) -> dict[str, Any]:
    outcome = Outcome(row.outcome)
    named_: dict[Outcome, str] = {**NAMES, Outcome.YES: "yes", Outcome.NO: "no"}
    names = named_ | ({Outcome.OPEN: AWAITED} if indicator.counts is Counts.RESPONSE else {})
    told = {"number": row.number, "title": row.title, "severity": row.severity, "registered_at": row.registered_at,
            "handled_at": row.handled_at, "as": names[outcome], "at": row.at}  # fmt: skip
    if indicator.is_time:
        return told | {"hours": None if row.amount is None else row.amount / _HOUR}
    return told | ({} if indicator.is_share else {"score": row.amount})
