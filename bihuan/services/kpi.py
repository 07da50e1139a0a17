"""The indicators at work: counts from the database, rates from the analysis, targets from the policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.indicator import SURVEYS, countable, figures
from bihuan.services.score import score_rows
from bihuan.store.queries.countable import View, ids
from bihuan.store.queries.cut import PERIODS, Cut, Periods
from bihuan.store.queries.kpi import first_and_last
from bihuan.store.queries.score import first_and_last_score

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Look:
    """One look at the indicators.

    Attributes:
        session: Where to look.
        here: The zone in which months and days begin.
        cut: What to look at, by what. Complaints belong to it by when they were registered, surveys by when they were
            answered, the response rate by when its invitations went out.
        at: What is open is late, and has lasted, as of this instant; None: as of the end of the span.
    """

    session: Session
    here: ZoneInfo
    cut: Cut
    at: datetime | None = None

    @cached_property
    def _registered(self) -> tuple[datetime, datetime] | None:
        return first_and_last(self.session)

    @cached_property
    def _ids(self) -> tuple[int, int]:
        return ids(self.session, self.cut.since, self.cut.until)

    def placed(self, indicator: IndicatorPolicy) -> tuple[Cut, View] | None:
        """The cut with both its ends and its periods, and the view of it; None where there is nothing to look at."""
        counts = indicator.counts if indicator.counts in SURVEYS else None
        ends = first_and_last_score(self.session, counts) if counts else self._registered
        if ends is None:
            return None
        since, until = self.cut.since or ends[0], self.cut.until or ends[1] + _MOMENT
        periods = periods_between(self.cut.by, since, until, self.here) if self.cut.by in PERIODS else ()
        if self.cut.by in PERIODS and not periods:
            return None
        view = View(self.at or until, ids=(0, 0) if counts else self._ids)
        return replace(self.cut, since=since, until=until, periods=periods), view


def show(
    session: Session, policy: Policy, here: ZoneInfo, since: datetime | None, until: datetime | None, by: str | None,
    at: datetime | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Every indicator for [since, until), by a dimension if one is named; see ``rows_of``.

    Args:
        session: Where to look.
        policy: Its indicators, with target, direction and least n.
        here: The zone in which months begin.
        since: None: from the first one on.
        until: None: up to and including the last one.
        by: A dimension, or None.
        at: What is open is late, and has lasted, as of this instant; None: as of ``until``.

    Returns:
        The rows of ``rows_of``, each with its ``indicator``.

    Raises:
        UsageError: No such dimension.
    """
    return every(Look(session, here, Cut(since, until, by), at), policy)


def every(look: Look, policy: Policy) -> list[dict[str, Any]]:
    """Every indicator as a look has it: the rows of ``rows_of``, each with its ``indicator``."""
    return [
        {"indicator": name, **row}
        for name, indicator in policy.kpi.indicators.items()
        for row in rows_of(look, indicator)
    ]


def rows_of(look: Look, indicator: IndicatorPolicy) -> list[dict[str, Any]]:
    """The figures of one indicator.

    Returns:
        Rows of the dimension's value, value, n, low, high (None where there is no figure), target, is_enough (n
        reaches the least n). Beside them of complaints what is counted apart (open_overdue; open: not decided yet;
        too_early; not_applicable: withdrawn, merged or overtaken; no_sla: without a promise; unknown; corrected: news
        came too late to count) and what ``indicator.figures`` says, of surveys what ``score_rows`` says. An indicator
        that has nothing to count has no row.
    """
    placed = look.placed(indicator)
    if placed is None:
        return []
    (cut, view), by = placed, look.cut.by
    if indicator.counts in SURVEYS:
        found = score_rows(look.session, indicator, Counts(indicator.counts), cut, view)
    else:
        found = figures(look.session, indicator, countable(indicator, view, cut), cut)
    return [row_of(row, indicator, by) for row in found]


def row_of(row: dict[str, Any], indicator: IndicatorPolicy, by: str | None) -> dict[str, Any]:
    """Figures as ``rows_of`` gives them: ``key`` under the name of the dimension, and what the policy says beside."""
    named = {by: row.pop("key")} if by else {}
    row.pop("key", None)
    return {**named, **row, "target": indicator.target, "is_enough": row["n"] >= indicator.min_n}


def periods_between(grain: str | None, since: datetime, until: datetime, here: ZoneInfo) -> Periods:
    """The days, or the months, that [since, until) touches, in zone ``here``: each by name and first instant."""
    start = since.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0)
    is_day = grain == "day"
    start = start if is_day else start.replace(day=1)
    found = []
    while start < until:
        found.append((f"{start:%Y-%m-%d}" if is_day else f"{start:%Y-%m}", start))
        start = start + timedelta(days=1) if is_day else (start + timedelta(days=32)).replace(day=1)
    return found


def months_between(since: datetime, until: datetime, here: ZoneInfo) -> Periods:
    """The months that [since, until) touches, in zone ``here``."""
    return periods_between("month", since, until, here)
