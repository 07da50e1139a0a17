"""The registry of indicators at work: counts from the database, rates from the analysis, targets from the policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlmodel import Session

from bihuan.analysis.kpi import rates
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.score import score_rows
from bihuan.store.queries.kpi import APART, Months, first_and_last, on_time_counts, verdict_counts
from bihuan.store.queries.score import Span, first_and_last_score


def show(
    session: Session, policy: Policy, here: ZoneInfo, since: datetime | None, until: datetime | None, by: str | None
) -> list[dict[str, Any]]:
    """Every indicator for [since, until), by a dimension if one is named.

    Deadlines and verdicts are counted for the complaints registered in the span, surveys for what was answered in it,
    the response rate for the invitations that went out in it.

    Args:
        session: Where to look.
        policy: Its indicators, with target, direction and least n.
        here: The zone in which months begin.
        since: None: from the first one on.
        until: None: up to and including the last one.
        by: A dimension, or None.

    Returns:
        Rows of indicator, value, n, low, high (None where n is 0), target, is_enough (n reaches the least n), and the
        dimension's value. Beside them of deadlines and verdicts what is counted apart (open_overdue; no_sla: without
        that milestone, or without the source's verdict; corrected: news came too late to count), of surveys what
        ``score_rows`` says. An indicator that has nothing to count has no row.
    """
    return [
        {"indicator": name, **row, "target": indicator.target, "is_enough": row["n"] >= indicator.min_n}
        for name, indicator in policy.kpi.indicators.items()
        for row in _rows(session, indicator, here, (since, until), by)
    ]


def _rows(
    session: Session, indicator: IndicatorPolicy, here: ZoneInfo, span: Span, by: str | None
) -> list[dict[str, Any]]:
    counts = None if indicator.counts is Counts.SOURCE_VERDICT else indicator.counts
    ends = first_and_last_score(session, counts) if counts else first_and_last(session)
    if ends is None:
        return []
    since, until = span[0] or ends[0], span[1] or ends[1] + timedelta(microseconds=1)
    months = months_between(since, until, here) if by == "month" else []
    if by == "month" and not months:
        return []
    if counts is None:
        return _rates(session, indicator.milestone, since, until, by, months)
    return score_rows(session, indicator, counts, (since, until), by, months)


def months_between(since: datetime, until: datetime, here: ZoneInfo) -> Months:
    """The months that [since, until) touches, in zone ``here``."""
    start = since.astimezone(here).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = []
    while start < until:
        months.append((f"{start:%Y-%m}", start))
        start = (start + timedelta(days=32)).replace(day=1)
    return months


def _rates(
    session: Session, milestone: str | None, since: datetime, until: datetime, by: str | None, months: Months
) -> list[dict[str, Any]]:
    """Rates of what was on time: by a milestone's deadlines, or by the sources' own verdicts."""
    if milestone:
        counts = on_time_counts(session, milestone, since, until, by, months)
    else:
        counts = verdict_counts(session, since, until, by, months)
    if not any(row["n"] or row["open_overdue"] for row in counts):
        return []
    figures = rates(pd.DataFrame(counts)[["x", "n"]]).to_dict("records")
    return [
        {
            **({by: row["key"]} if by else {}),
            **{figure: None if isnan(rate[figure]) else rate[figure] for figure in ("value", "low", "high")},
            **{count: row[count] for count in ("n", *APART)},
        }
        for row, rate in zip(counts, figures, strict=True)
    ]
