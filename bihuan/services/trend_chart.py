"""Control charts of indicators, read from their snapshots: a series for each value of a dimension, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlmodel import Session

from bihuan.analysis.assurance import Assurance, Variation, assurance, variation
from bihuan.analysis.period import Counted, next_start, series_of, start_of
from bihuan.analysis.shift import Gate, moved
from bihuan.analysis.trend import Charted, Found, Kind, Plan, chart, signals
from bihuan.policy.kpi import SCALES, Direction, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.policy.trend import PhasePolicy
from bihuan.store.queries import trend as queries
from bihuan.store.queries.trend import Slice
from schemas.kpi import Grain

_DAY = timedelta(days=1)
_CELLS = ["dimension", "element", "sum_before", "n_before", "sum_after", "n_after"]
_EXPLAINED = 5
"""So many slices are named at most."""


@dataclass(frozen=True)
class Phase:
    """The chart of one series between two changes that were said to last."""

    starts: list[date]
    charted: Charted
    found: list[Found]
    said: PhasePolicy | None = None
    """Why it began; None of the first."""


@dataclass(frozen=True)
class View:
    """The charts of one series, oldest phase first; there is one at least."""

    of: Slice
    grain: Grain
    indicator: IndicatorPolicy
    phases: list[Phase]

    @property
    def now(self) -> Phase:
        """The phase that goes on."""
        return self.phases[-1]

    @property
    def variation(self) -> Variation:
        """Whether the newest point is more than chance."""
        return variation(self.now.charted, self.now.found)

    @property
    def assurance(self) -> Assurance:
        """Whether it will meet its target like this."""
        return assurance(self.now.charted, self.now.found, self.indicator.target)

    @property
    def unit(self) -> str:
        """What its figures are: ``share``, ``points`` or ``hours``."""
        is_share = self.now.charted.plan.kind is Kind.SHARE
        return "share" if is_share else "points" if self.indicator.counts in SCALES else "hours"


def views(
    session: Session, policy: Policy, here: ZoneInfo, at: datetime, wish: Slice, grain: Grain | None = None, *,
    most: int | None = None,
) -> list[View]:  # fmt: skip
    """The charts of an indicator by a dimension: one for each value and survey; up to the last settled period.

    Args:
        session: Where to look.
        policy: How the indicator is watched, and where its limits begin anew.
        here: The zone in which days begin.
        at: Now.
        wish: The indicator and the dimension ("": everything together); only that element and survey, if one is named.
        grain: How long the periods are; None: as it is watched.
        most: So many of them, those with the most cases first; None: all, by value.
    """
    indicator = policy.kpi.indicators[wish.indicator]
    grain = grain or Grain(policy.trend.grain_of(wish.indicator))
    kept = Grain.MONTH if grain is Grain.MONTH else Grain.DAY
    last = last_settled(session, policy, here, at, wish.indicator, grain)
    if last is None:
        return []
    found = queries.counted(session, wish.indicator, kept, wish.dimension)
    wanted = [of for of in found if wish.element in {"", of.element} and wish.survey in {"", of.survey}]
    if most is not None:
        wanted = sorted(wanted, key=lambda of: -sum(row.n for row in found[of]))[:most]
    return [
        View(of, grain, indicator, phases)
        for of in wanted
        if (phases := list(_phases(policy, indicator, of, found[of], grain, last)))
    ]


def last_settled(
    session: Session, policy: Policy, here: ZoneInfo, at: datetime, indicator: str, grain: Grain
) -> date | None:
    """The first day of the newest period that is over, was counted to its end, and has had time to settle."""
    counted_to = queries.last_start(session, Grain.MONTH if grain is Grain.MONTH else Grain.DAY)
    if counted_to is None:
        return None
    settled = (at - policy.trend.settled_after_of(indicator)).astimezone(here).date()
    upto = min(settled, next_start(counted_to, Grain.MONTH if grain is Grain.MONTH else Grain.DAY))
    return start_of(start_of(upto, grain) - _DAY, grain)


def _phases(
    policy: Policy, indicator: IndicatorPolicy, of: Slice, rows: Sequence[Counted], grain: Grain, last: date
) -> Iterator[Phase]:
    """The phases of a series in order; those of which there is nothing are left out."""
    said = policy.trend.phases_of(of.indicator)
    begins = [start_of(rows[0].starts_on, grain), *(_first_whole(it.starts_on, grain) for it in said)]
    ends = [*begins[1:], next_start(last, grain)]
    plan = plan_of(policy, indicator, rows)
    for phase, begin, end in zip([None, *said], begins, ends, strict=True):
        until = start_of(min(end, next_start(last, grain)) - _DAY, grain)
        starts, series = series_of(rows, grain, max(begin, begins[0]), until)
        if starts:
            yield Phase(starts, chart(series, plan), signals(series, plan), phase)


def _first_whole(day: date, grain: Grain) -> date:
    """The first period that lies wholly after a change."""
    start = start_of(day, grain)
    return start if start == day else next_start(start, grain)


def plan_of(policy: Policy, indicator: IndicatorPolicy, rows: Sequence[Counted]) -> Plan:
    """How an indicator is charted: shares have numerators; scores and times have none, or stand on a scale."""
    is_share = indicator.counts not in SCALES and all(row.x is not None for row in rows if row.n)
    trend = policy.trend
    return Plan(
        Kind.SHARE if is_share else Kind.SINGLE, indicator.direction is Direction.AT_LEAST, trend.baseline, trend.least,
        indicator.min_n, trend.baseline,
    )  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """By how much something changed: the level before and since, and how many points and cases say so."""

    before: float
    n_before: int
    after: float
    n: int
    points: int
    baseline_points: int
    baseline: tuple[date, date]
    """First day of the first and of the last period that made the limits as they were known then."""


def evidence_of(phase: Phase, it: Found) -> Evidence:
    """What a pattern rests on."""
    series, is_judged = phase.charted.series, phase.charted.is_judged
    mine = np.flatnonzero(is_judged[: it.until + 1])
    mine = mine[mine >= it.since]
    made = np.flatnonzero(phase.charted.is_baseline)
    # Cases of the pattern itself say nothing of what was before it.
    before = made[made < it.since] if (made < it.since).any() else made
    return Evidence(
        _mean(series.value[before], series.n[before]), int(series.n[before].sum()),
        _mean(series.value[mine], series.n[mine]), int(series.n[mine].sum()), len(mine), len(made),
        (phase.starts[int(made[0])], phase.starts[int(made[-1])]),
    )  # fmt: skip


def _mean(values: Any, n: Any) -> float:
    return float((values * n).sum() / n.sum())


def explained(
    session: Session, policy: Policy, view: View, phase: Phase, it: Found
) -> tuple[list[dict[str, Any]], int]:
    """The slices that moved most between what was before a pattern and the pattern itself, and how many were tested.

    Nothing where the figures are a slice themselves: snapshots know no slices of slices.
    """
    if view.of.dimension:
        return [], 0
    kept = Grain.MONTH if view.grain is Grain.MONTH else Grain.DAY
    made = np.flatnonzero(phase.charted.is_baseline)
    made = made[made < it.since]
    if not len(made):
        return [], 0
    spans = (
        (phase.starts[int(made[0])], next_start(phase.starts[int(made[-1])], view.grain)),
        (phase.starts[it.since], next_start(phase.starts[it.until], view.grain)),
    )
    rows = queries.cells(session, view.of, kept, policy.trend.explained_by, spans)
    is_share, gate = phase.charted.plan.kind is Kind.SHARE, Gate(least_n=view.indicator.min_n)
    cells = pd.DataFrame([row._asdict() for row in rows], columns=_CELLS)
    found = moved(cells, is_share=is_share, scatter=phase.charted.sigma_z, gate=gate)
    return found.slices.head(_EXPLAINED).to_dict("records"), found.tested
