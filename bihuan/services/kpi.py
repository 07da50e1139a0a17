"""The registry of indicators at work: counts from the database, rates from the analysis, targets from the policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlmodel import Session

from bihuan.analysis.kpi import rates
from bihuan.policy.models import IndicatorPolicy, Policy
from bihuan.store.queries.kpi import APART, Months, first_and_last, on_time_counts, verdict_counts


def show(
    session: Session, policy: Policy, here: ZoneInfo, since: datetime | None, until: datetime | None, by: str | None
) -> list[dict[str, Any]]:
    """Every indicator for the complaints registered in [since, until), by a dimension if one is named.

    Args:
        session: Where to look.
        policy: Its indicators, with target, direction and least n.
        here: The zone in which months begin.
        since: None: from the first complaint on.
        until: None: up to and including the last one.
        by: A dimension, or None.

    Returns:
        Rows of indicator, value, n, low, high (None where n is 0), target, is_enough (n reaches the least n), what is
        counted apart (open_overdue; no_sla: without that milestone, or without the source's verdict; corrected: news
        came too late to count), and the dimension's value. An indicator that has nothing to count has no row.
    """
    span = first_and_last(session)
    if span is None:
        return []
    since, until = since or span[0], until or span[1] + timedelta(microseconds=1)
    months = months_between(since, until, here) if by == "month" else []
    return [
        row
        for name, indicator in policy.kpi.indicators.items()
        for row in _rows(session, name, indicator, since, until, by, months)
    ]


def months_between(since: datetime, until: datetime, here: ZoneInfo) -> Months:
    """The months that [since, until) touches, in zone ``here``."""
    start = since.astimezone(here).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = []
    while start < until:
        months.append((f"{start:%Y-%m}", start))
        start = (start + timedelta(days=32)).replace(day=1)
    return months


def _rows(
    session: Session,
    name: str,
    indicator: IndicatorPolicy,
    since: datetime,
    until: datetime,
    by: str | None,
    months: Months,
) -> list[dict[str, Any]]:
    if indicator.milestone:
        counts = on_time_counts(session, indicator.milestone, since, until, by, months)
    else:
        counts = verdict_counts(session, since, until, by, months)
    if not any(row["n"] or row["open_overdue"] for row in counts):
        return []
    figures = rates(pd.DataFrame(counts)[["x", "n"]]).to_dict("records")
    return [
        {
            "indicator": name,
            **({by: row["key"]} if by else {}),
            **{figure: None if isnan(rate[figure]) else rate[figure] for figure in ("value", "low", "high")},
            **{count: row[count] for count in ("n", *APART)},
            "target": indicator.target,
            "is_enough": row["n"] >= indicator.min_n,
        }
        for row, rate in zip(counts, figures, strict=True)
    ]
