"""The sustain watch 巩固 over improved indicators: limits frozen once there are enough points, then only signals.

It begins with the verdict and goes on so many days after closing. A relapse (``bihuan.analysis.relapse``) after that
reopens the matter: a new item, and the old one is not held 未保持.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.analysis.period import Counted, next_start, series_of, start_of
from bihuan.analysis.sustain import Sustained, sustain
from bihuan.analysis.trend import Series
from bihuan.analysis.verification import Windows
from bihuan.clock import Clock, zone
from bihuan.errors import RefusedError
from bihuan.policy.kpi import Direction, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.dossier import Dossier, dossier, today_of
from bihuan.services.effect_data import Frame, cells_of, metric_of, months, survey_of
from bihuan.services.effect_figure import plain
from bihuan.services.effect_standing import target_of
from bihuan.services.item_child import recur
from bihuan.services.item_log import find
from bihuan.services.tally import Tally
from bihuan.services.verification_need import slice_of
from bihuan.services.verification_ready import done_on
from bihuan.settings import Settings
from bihuan.store.engine import Database
from schemas.effect import SustainWatch, WatchState
from schemas.item import Item, ItemState
from schemas.kpi import Grain
from schemas.plan import VerificationPlan

WATCH = "sustain watch"
"""As whom the watch reopens an item."""
_WATCHED = (ItemState.STANDARDISING, ItemState.SUSTAINING, ItemState.CLOSED)
_FROZEN_POINTS = 12
_LEAST_A_WEEK = 5
"""Cases; with fewer in a week, months are charted."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Watches(Tally):
    """What one look at the watches did."""

    looked: int = 0
    broken: int = 0
    """Newly not held."""
    recurred: int = 0
    """Closed ones whose matter was opened anew."""
    held: int = 0
    """Whose watch is over, without a signal."""


def watch_all(db: Database, policy: Policy, settings: Settings, clock: Clock) -> Watches:
    """Look at every effect that is to hold, each in a transaction of its own; twice at one instant changes nothing."""
    with db.read() as session:
        mine = select_rows(Item.number).where(col(Item.state).in_(_WATCHED)).order_by(Item.number)
        numbers = session.exec(mine).all()
    total = Watches()
    for number in numbers:
        with db.write() as session:
            total += watch_item(session, policy, settings, clock, number)
    return total


def watch_item(session: Session, policy: Policy, settings: Settings, clock: Clock, number: str) -> Watches:
    """Look at one effect.

    Raises:
        UsageError: No such item.
    """
    file = dossier(session, find(session, number))
    row = file.watch or _begin(policy, clock, file)
    if row is None or row.state is WatchState.HELD or file.item.state not in _WATCHED:
        return Watches()
    today, was = today_of(policy, clock()), row.state
    if file.item.closed_at:
        row.until_on = today_of(policy, file.item.closed_at) + timedelta(days=policy.improvement.cycle.watch)
    _look(session, policy, settings, clock, file, row)
    if row.state is not WatchState.BROKEN and row.until_on and row.until_on <= today:
        row.state = WatchState.HELD
    session.add(row)
    session.flush()
    is_new, is_broken = row.state is not was, row.state is WatchState.BROKEN
    is_open = is_broken and file.item.state is ItemState.CLOSED and _reopened(session, policy, clock, file.item, row)
    return Watches(1, int(is_new and is_broken), int(is_open), int(is_new and row.state is WatchState.HELD))


def _begin(policy: Policy, clock: Clock, file: Dossier) -> SustainWatch | None:
    """The watch over what the verification was about, from the day of the new phase on."""
    plan, done = file.verification, done_on(file.measures)
    if plan is None or done is None:
        return None
    row = SustainWatch(
        item_id=file.item.id or 0, indicator=plan.indicator, dimension=plan.dimension, element=plan.element,
        started_on=done + timedelta(days=plan.lag_days),
    )  # fmt: skip
    return row if row.started_on <= today_of(policy, clock()) else None


def _look(session: Session, policy: Policy, settings: Settings, clock: Clock, file: Dossier, row: SustainWatch) -> None:
    """Chart the new phase up to the last settled period, and keep what that says."""
    plan, indicator = file.verification, policy.kpi.indicators.get(row.indicator)
    if plan is None or indicator is None:
        return
    here, at = zone(settings.timezone), clock()
    days = _days(session, policy, indicator, (here, at), row, plan)
    grain = Grain(row.frozen["grain"]) if "grain" in row.frozen else _grain_of(days, row, at.astimezone(here).date())
    first = start_of(row.started_on, grain)
    first = first if first == row.started_on else next_start(first, grain)
    settled = (at - policy.trend.settled_after_of(row.indicator)).astimezone(here).date()
    last = start_of(start_of(settled, grain) - _DAY, grain)
    starts, series = series_of(days, grain, first, last)
    row.looked_until_on = next_start(last, grain)
    if not starts:
        return
    seen = sustain(
        _frozen(series, row), starts, next_start(last, grain), _watched_on(policy, file, row), metric_of(indicator),
        is_lower_better=indicator.direction is Direction.AT_MOST, target=target_of(policy, file.item, plan),
    )  # fmt: skip
    _keep(row, seen, series, starts, grain)


def _days(
    session: Session, policy: Policy, indicator: IndicatorPolicy, now: tuple[Any, datetime], row: SustainWatch,
    plan: VerificationPlan,
) -> list[Counted]:  # fmt: skip
    """What was counted of the slice on each day of the new phase; times in hours."""
    here, at = now
    until = at.astimezone(here).date()
    windows = Windows(row.started_on - _DAY, row.started_on, row.started_on)
    frame = Frame(session, policy, here, at, windows)
    where = slice_of(plan, row.element)
    found = cells_of(frame, indicator, where, survey_of(frame, indicator, where), list(months(row.started_on, until)))
    unit = 60.0 if indicator.is_time else 1.0
    return [
        Counted(date.fromisoformat(day), x if indicator.is_share else None, int(n), x / n / unit)
        for day, (x, n, _) in sorted(found.by_day.items()) if n
    ]  # fmt: skip


def _grain_of(days: Sequence[Counted], row: SustainWatch, today: date) -> Grain:
    """Weeks, or months where most weeks would be nearly empty."""
    weeks = max((today - row.started_on).days / 7, 1)
    return Grain.WEEK if sum(one.n for one in days) / weeks >= _LEAST_A_WEEK else Grain.MONTH


def _watched_on(policy: Policy, file: Dossier, row: SustainWatch) -> date:
    """From when on a signal counts: the standard is in force, or the effect was accepted without one."""
    if file.standard and file.standard.effective_on:
        return file.standard.effective_on
    told = [event.occurred_at for event in file.events if event.to_state == ItemState.VERDICT.value]
    return today_of(policy, told[-1]) if told else row.started_on


def _frozen(series: Series, row: SustainWatch) -> Series:
    """The series with the points that made the limits as they were then: late news does not move what is frozen."""
    kept = np.array(row.frozen.get("points", ()), dtype="float64").reshape(-1, 3)
    if not len(kept):
        return series
    x, n, value = (np.array(one, dtype="float64") for one in (series.x, series.n, series.value))
    many = min(len(kept), len(x))
    x[:many], n[:many], value[:many] = kept[:many].T
    return Series(x, n, value)


def _keep(row: SustainWatch, seen: Sustained, series: Series, starts: Sequence[date], grain: Grain) -> None:
    judged = seen.charted.is_judged
    row.points, row.clean = int(judged.sum()), seen.clean_months if grain is Grain.MONTH else seen.clean_points
    row.signals = [
        {"since_on": f"{starts[it.since]}", "at_on": f"{starts[it.at]}", "rule": it.rule.value, "is_worse": it.is_worse}
        for it in seen.signals
    ]
    if not seen.is_provisional and "points" not in row.frozen:
        row.frozen = {"grain": grain.value, **_limits(seen), "points": _points(series), "from_on": f"{starts[0]}"}
    elif "grain" not in row.frozen:
        row.frozen = {"grain": grain.value}
    row.state = (
        WatchState.BROKEN if seen.recurred_on else WatchState.TRIAL if seen.is_provisional else WatchState.WATCHING
    )


def _limits(seen: Sustained) -> dict[str, Any]:
    """Centre and limits, at the last point's size."""
    charted = seen.charted
    ends = {"low": charted.low[-1], "high": charted.high[-1]}
    return {"center": plain(charted.center)} | {name: plain(float(end)) for name, end in ends.items()}


def _points(series: Series) -> list[list[float | None]]:
    """As many as made the limits: so many with cases, and the gaps between them."""
    found, told = [], 0
    for x, n, value in zip(series.x, series.n, series.value, strict=True):
        if told == _FROZEN_POINTS:
            break
        found.append([plain(float(x)), float(n), plain(float(value))])
        told += n > 0
    return found


def _reopened(session: Session, policy: Policy, clock: Clock, item: Item, row: SustainWatch) -> bool:
    """Begin a new item on the matter; without an open cycle it is tried again on the next day."""
    worse = [one for one in row.signals if one["is_worse"]]
    why = f"not held: {row.indicator} since {worse[-1]['since_on'] if worse else row.looked_until_on}"
    try:
        recur(session, policy, clock, item.number, why, WATCH)
    except RefusedError:
        return False
    return True
