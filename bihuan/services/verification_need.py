"""How many cases a verdict takes, as a plan of verification says it: from the baseline's own figures.

Shares need only baseline and target. Of scores, points and times the answers and cases of the baseline say how much
single ones vary; of all of them its weeks say how much whole weeks swing, and its data which method they will allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil, isnan, sqrt

import numpy as np
from sqlmodel import Session

from bihuan.analysis.duration import median_time
from bihuan.analysis.effect_duration import Times
from bihuan.analysis.effect_segmented import LEAST_AFTER
from bihuan.analysis.method import Situation, choose
from bihuan.analysis.readiness import design_factor, n_required
from bihuan.analysis.reading import Reading, swing
from bihuan.analysis.sample_size import two_times
from bihuan.analysis.verification import Windows
from bihuan.clock import Clock
from bihuan.policy.kpi import MEDIANS, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules.goal import baseline_value
from bihuan.services.effect_data import Frame, metric_of, readings
from bihuan.services.effect_figure import wished
from bihuan.services.effect_times import times_of, weeks_of
from bihuan.services.verification_ready import LONGEST
from bihuan.store.queries.cut import Where
from schemas.item import Item
from schemas.kpi import Grain
from schemas.plan import VerificationPlan
from schemas.verification import Method, Metric

_WEEK = timedelta(days=7)
_LONGEST = {Grain.WEEK: 26, Grain.MONTH: 6}
"""Periods in the six months for which an effect is observed at most."""


@dataclass(frozen=True)
class Need:
    """What the baseline says of the cases that a verdict takes."""

    n: int | None
    """Each of two equal windows; None: it cannot be told."""
    weekly_n: float | None
    """How many a week came in the baseline; None: none did."""


def need(session: Session, policy: Policy, clock: Clock, item: Item, plan: VerificationPlan) -> Need:
    """How many cases each window takes to see the smallest effect worth finding, by the data of the baseline.

    The effect is that from baseline to target where nobody said another. What is counted is multiplied by φ of the
    baseline's weeks, and by what the method costs that its data allow.

    Args:
        session: Where to look.
        policy: Its indicators.
        clock: What is open has lasted until then.
        item: With its baseline and target.
        plan: With its windows, slice, alpha and power.

    Returns:
        ``n`` None where baseline or target is not known, or too few of the baseline's cases say how much they vary.
    """
    known = policy.kpi.indicators[plan.indicator]
    frame = _frame(session, policy, clock, plan)
    where = slice_of(plan, plan.element)
    if metric_of(known) is Metric.DURATION:
        return _of_times(frame, known, where, item, plan)
    before, _, grain = readings(frame, known, where)
    bare = bare_n(item, plan, known, before)
    costs = max(swing(before) or 1.0, 1.0) * _design(frame, known, plan, before, grain)
    return Need(ceil(bare * costs - 1e-9) if bare else None, _a_week(plan, before.n))


def bare_n(item: Item, plan: VerificationPlan, known: IndicatorPolicy, before: Reading) -> int | None:
    """How many each of two plain windows takes, were its weeks no better and no worse than chance makes them.

    Args:
        item: Says the way from baseline to target.
        plan: Says alpha, power, and perhaps the smallest effect worth finding.
        known: The indicator.
        before: Of scores and points, says how much single ones vary; of shares nothing.

    Returns:
        None where that cannot be told.
    """
    base = baseline_value(item.baseline_x, item.baseline_n, known.counts)
    aim = aimed_at(item, plan, base)
    if base is None or aim is None or base == aim:
        return None
    if known.is_share:
        before, to = Reading(Metric.SHARE, base, 1), aim
    else:
        to = before.value + aim - base
    if not known.is_share and before.n < known.min_n:
        return None
    try:
        return n_required(before, to, 1.0, plan.alpha, plan.power)
    except ValueError:
        return None


def aimed_at(item: Item, plan: VerificationPlan, base: float | None) -> float | None:
    """The nearest figure that would be worth finding: the target, or nearer where the plan says the smallest effect."""
    target = item.target_value
    if not plan.smallest or base is None:
        return target
    is_up = target is None or target > base
    return base + abs(plan.smallest) * (1 if is_up else -1)


def least_seen(item: Item, plan: VerificationPlan, known: IndicatorPolicy) -> float | None:
    """About how small a change the cases of six months could show, where those needed do not come by then.

    Cases grow with the square of a change, so it is the change looked for times √(needed / there).

    Args:
        item: Says the way from baseline to target.
        plan: Says how many are needed and how many come a week.
        known: The indicator.

    Returns:
        In the unit of the indicator, more than 0; None where enough come, or where it cannot be told.
    """
    base = baseline_value(item.baseline_x, item.baseline_n, known.counts)
    aim, days = aimed_at(item, plan, base), LONGEST.days - plan.lag_days
    if base is None or aim is None or not plan.n_required or not plan.weekly_n or days <= 0:
        return None
    there = plan.weekly_n * days / 7
    return abs(aim - base) * sqrt(plan.n_required / there) if there < plan.n_required else None


def slice_of(plan: VerificationPlan, element: str) -> Where:
    """The slice of an element of the plan's dimension; everything where it has none."""
    return {plan.dimension: element or None} if plan.dimension else {}


def _of_times(frame: Frame, known: IndicatorPolicy, where: Where, item: Item, plan: VerificationPlan) -> Need:
    before = times_of(frame, known, where, frame.before)
    n = len(np.asarray(before.time))
    base = baseline_value(item.baseline_x, item.baseline_n, known.counts) or _typical(known, before)
    aim = aimed_at(item, plan, base)
    if base is None or aim is None or n < known.min_n or min(base, aim) <= 0:
        return Need(None, _a_week(plan, n))
    phi = swing(weeks_of(frame, known, where, frame.before)) or 1.0
    try:
        found = two_times(before.time, before.ended, aim / base, plan.alpha, plan.power)
    except ValueError:
        return Need(None, _a_week(plan, n))
    return Need(ceil(found * phi - 1e-9), _a_week(plan, n))


def _typical(known: IndicatorPolicy, before: Times) -> float | None:
    """The figure of these times as the indicator tells it, the median or the mean; None where half have not ended."""
    time, ended = np.asarray(before.time, "float64"), np.asarray(before.ended) > 0
    if not ended.any():
        return None
    if known.counts not in MEDIANS:
        return float(time[ended].mean())
    value = median_time(time, np.ones(len(time), "int64"), ended).value
    return None if isnan(value) else value


def _design(frame: Frame, known: IndicatorPolicy, plan: VerificationPlan, before: Reading, grain: Grain) -> float:
    """What the method costs that the data will allow once all six months are seen."""
    ahead = min(max(len(before.periods), LEAST_AFTER[grain]), _LONGEST[grain])
    there = Situation(
        metric_of(known), grain, len(before.periods), ahead, has_control=bool(plan.control),
        has_last_year=_had_last_year(frame, known, plan, grain), has_pairs=plan.method == Method.PAIRED,
    )  # fmt: skip
    method = choose(wished(there, plan.method)).method
    return design_factor(method, there.periods_before, there.periods_after, grain)


def _had_last_year(frame: Frame, known: IndicatorPolicy, plan: VerificationPlan, grain: Grain) -> bool:
    """Whether the slice had cases in the baseline's months a year earlier."""
    return readings(frame.last_year(), known, slice_of(plan, plan.element), grain).before.n > 0


def _a_week(plan: VerificationPlan, n: float) -> float | None:
    left_out = sum(1 for one in plan.excluded if plan.baseline_on <= date.fromisoformat(one) < plan.baseline_until_on)
    weeks = (plan.baseline_until_on - plan.baseline_on) / _WEEK - left_out * 365.25 / 12 / 7
    return round(n / weeks, 2) if n and weeks > 0 else None


def _frame(session: Session, policy: Policy, clock: Clock, plan: VerificationPlan) -> Frame:
    """The baseline; of the window after it only a day, which nobody looks at."""
    until = plan.baseline_until_on
    windows = Windows(plan.baseline_on, until, until, post_until=until + timedelta(days=1))
    excluded = tuple(date.fromisoformat(one) for one in plan.excluded)
    frame = Frame(session, policy, policy.calendars.default.zone, clock(), windows, excluded)
    return replace(frame, at=max(frame.at, frame.instant(until)))
