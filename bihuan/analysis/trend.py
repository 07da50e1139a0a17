"""Warnings 异常预警: what a series says on a control chart whose limits survive large and over-dispersed counts.

Shares go on a p' chart, rates on a u' chart, scores and times on an XmR chart (`bihuan.analysis.spc`). The limits come
of the first points of a phase and then stay; fewer than twelve make trial limits 试用控制限, which never warn.
What warns is a point beyond them, or a run on one side of the baseline's median (`bihuan.analysis.runs`). The series is
read as it came in: each point is judged by what was known when it came, so looking again later finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, pdtrik
from scipy.stats import norm

from bihuan.analysis import spc
from bihuan.analysis.runs import runs
from bihuan.analysis.spc import Floats, Mask

_TAIL = float(norm.cdf(-spc.SIGMAS))
"""What lies beyond three sigmas of a bell curve, on one side."""
_HALF = 0.5
"""Added to what never happened, or never failed, so far: that it never will is not known (Jeffreys)."""


_LEAST_SIDE = 0.3
"""Less than this on one side of the median, and a run on the other says nothing."""


class Kind(StrEnum):
    """Which chart a figure goes on."""

    SHARE = "p'"
    RATE = "u'"
    SINGLE = "XmR"
    """Scores and times, which are no counts."""


class Rule(StrEnum):
    """What on a chart warns."""

    LIMIT = "limit"
    """A point, or several in a row, beyond a limit."""
    RUN = "run"
    """More in a row on one side of the median than chance makes."""
    CROSSINGS = "crossings"
    """The median is crossed more seldom than by chance."""


@dataclass(frozen=True)
class Series:
    """A figure by period, in order of time; all arrays of shape (k,).

    Attributes:
        x: Numerators; of scores and times what their values sum up to, or NaN.
        n: How many were counted.
        value: The figure; NaN where there is none.
    """

    x: Floats
    n: Floats
    value: Floats

    def __len__(self) -> int:
        """How many periods."""
        return len(self.n)

    def upto(self, count: int) -> Series:
        """The first so many periods."""
        return Series(self.x[:count], self.n[:count], self.value[:count])

    def part(self, place: slice) -> Series:
        """The periods of a slice."""
        return Series(self.x[place], self.n[place], self.value[place])


@dataclass(frozen=True)
class Plan:
    """How a series is charted."""

    kind: Kind
    is_lower_worse: bool
    baseline: int = 24
    """So many points make the limits."""
    least: int = spc.TRIAL
    """With fewer there are trial limits, and nothing warns."""
    least_n: int = 1
    """Periods in which fewer were counted are shown and not judged."""
    window: int = 24
    """Runs are looked for among so many points."""


@dataclass(frozen=True)
class Charted:
    """A series on its chart; all arrays of shape (k,)."""

    plan: Plan
    series: Series
    is_judged: Mask
    """Whether there is a figure, of enough cases."""
    is_baseline: Mask
    center: float
    """Mean of the baseline; NaN where nothing was judged."""
    median: float
    """Median of the baseline's points: runs lie on one side of it. NaN where it does not halve them."""
    low: Floats
    """Also of points that are not judged, by their own n; NaN without one."""
    high: Floats
    sigma_z: float
    """How many times the theory's standard deviation the points vary; 1 on an XmR chart."""

    @property
    def is_trial(self) -> bool:
        """Whether there are too few points for a warning."""
        return int(self.is_baseline.sum()) < self.plan.least

    @cached_property
    def side(self) -> NDArray[np.int8]:
        """1 above the upper limit, -1 below the lower one, else 0; 0 where a point is not judged or nothing varies."""
        points, slack = self.series.value, 1e-12 * np.maximum(np.abs(self.series.value), abs(self.center))
        beyond = (points > self.high + slack).astype("int8") - (points < self.low - slack)
        found: NDArray[np.int8] = np.where(self.is_judged & (self.high > self.low), beyond, 0).astype("int8")
        return found


@dataclass(frozen=True)
class Found:
    """A pattern that chance rarely makes; places count from 0 in the whole series."""

    rule: Rule
    since: int
    """Where it begins."""
    at: int
    """Where the chart spoke first."""
    until: int
    """The last point it goes on to."""
    is_high: bool
    is_worse: bool

    def is_same(self, other: Found) -> bool:
        """Whether both are one pattern that goes on."""
        is_alike = (self.rule, self.is_high) == (other.rule, other.is_high)
        return is_alike and self.since <= other.until and other.since <= self.until


def chart(series: Series, plan: Plan) -> Charted:
    """The series with the limits of its first points.

    Raises:
        ValueError: A count is negative, or more have it than there are.
    """
    is_judged = np.isfinite(series.value) & (series.n >= max(plan.least_n, 1))
    is_baseline = is_judged & (np.cumsum(is_judged) <= plan.baseline)
    if not is_baseline.any():
        nothing = np.full(len(series), np.nan)
        return Charted(plan, series, is_judged, is_baseline, np.nan, np.nan, nothing, nothing, 1.0)
    center, low, high, sigma_z = _LIMITS[plan.kind](series, is_judged, is_baseline)
    median = _middle(series.value[is_baseline])
    return Charted(plan, series, is_judged, is_baseline, center, median, low, high, sigma_z)


def _middle(points: Floats) -> float:
    """The median; NaN where so many points lie on it that the others are mostly on one side: 100 % in most weeks."""
    median = float(np.median(points))
    sides = [int((points > median).sum()), int((points < median).sum())]
    return median if min(sides) >= _LEAST_SIDE * len(points) else np.nan


def signals(series: Series, plan: Plan) -> list[Found]:
    """What the chart has said, in the order in which it spoke; what goes on is one.

    Raises:
        ValueError: As ``chart``.
    """
    found: list[Found] = []
    for place, charted in _as_known(series, plan):
        for new in _at(charted, place):
            before = next((known for known in reversed(found) if known.is_same(new)), None)
            if before is None:
                found.append(new)
            else:
                found[found.index(before)] = replace(before, until=place)
    return found


def _as_known(series: Series, plan: Plan) -> Iterator[tuple[int, Charted]]:
    """Each judged point with the chart that was known when it came; later limits no longer change."""
    whole = chart(series, plan)
    for count, place in enumerate(np.flatnonzero(whole.is_judged).tolist(), start=1):
        if count >= plan.least:
            yield place, whole if count >= plan.baseline else chart(series.upto(place + 1), plan)


def _at(charted: Charted, place: int) -> Iterator[Found]:
    """The patterns that the judged point at ``place`` belongs to, as far as they go by then."""
    judged = np.flatnonzero(charted.is_judged[: place + 1])
    side = charted.side[judged]
    if side[-1]:
        turns = np.flatnonzero(side != side[-1])
        since = int(judged[turns[-1] + 1 if len(turns) else 0])
        yield _found(charted.plan, Rule.LIMIT, since, place, is_high=side[-1] > 0)
    yield from _run(charted, judged[-charted.plan.window :], place)


def _run(charted: Charted, recent: NDArray[np.intp], place: int) -> Iterator[Found]:
    """The run that the newest point belongs to, where it is too long, or the longest of too few."""
    if np.isnan(charted.median):
        return
    points = charted.series.value[recent]
    said = runs(points, charted.median)
    is_high = points[-1] > charted.median
    if points[-1] == charted.median or not said.is_signal:
        return
    against = np.flatnonzero((points > charted.median) != is_high)
    against = against[points[against] != charted.median]
    mine = points[against[-1] + 1 :] if len(against) else points
    length = int((mine != charted.median).sum())
    rule = Rule.RUN if length > said.longest_limit else Rule.CROSSINGS
    is_few = said.crossings < said.crossings_limit and length == said.longest
    if rule is Rule.RUN or is_few:
        first = int(np.flatnonzero(mine != charted.median)[0])
        since = int(recent[len(points) - len(mine) + first])
        yield _found(charted.plan, rule, since, place, is_high=bool(is_high))


def _found(plan: Plan, rule: Rule, since: int, place: int, *, is_high: bool) -> Found:
    return Found(rule, since, place, place, bool(is_high), bool(is_high) != plan.is_lower_worse)


_Limits = tuple[float, Floats, Floats, float]


def _share_limits(series: Series, is_judged: Mask, is_baseline: Mask) -> _Limits:
    """p', and no narrower than the binomial of as many cases as the scatter leaves: it is lopsided, as shares are.

    Laney's limits are those of a bell curve. A process that scatters about 95 % does so further down than up, and with
    his limits alone almost every second stable chart of it warns; with few cases so does one that does not scatter.
    """
    made = spc.laney_p(series.x[is_judged], series.n[is_judged], baseline=is_baseline[is_judged])
    n = np.where(series.n > 0, series.n, np.nan)
    scatter = max(made.sigma_z, 1.0)
    apart = spc.SIGMAS * scatter * np.sqrt(made.center * (1 - made.center) / n)
    share, left = _inside(series.x[is_baseline].sum(), series.n[is_baseline].sum()), n / scatter**2
    fewest, fewest_others = (np.nan_to_num(bdtrik(_TAIL, left, one)) / left for one in (share, 1 - share))
    low, high = np.minimum(made.center - apart, fewest), np.maximum(made.center + apart, 1 - fewest_others)
    return made.center, np.maximum(low, 0), np.minimum(high, 1), made.sigma_z


def _rate_limits(series: Series, is_judged: Mask, is_baseline: Mask) -> _Limits:
    """u', and no narrower than the Poisson's of as many events as the scatter leaves; see ``_share_limits``."""
    made = spc.laney_u(series.x[is_judged], series.n[is_judged], baseline=is_baseline[is_judged])
    n = np.where(series.n > 0, series.n, np.nan)
    scatter = max(made.sigma_z, 1.0)
    apart, left = spc.SIGMAS * scatter * np.sqrt(made.center / n), n / scatter**2
    expected = left * max(series.x[is_baseline].sum(), _HALF) / series.n[is_baseline].sum()
    fewest, most = np.nan_to_num(pdtrik(_TAIL, expected)) / left, (pdtrik(1 - _TAIL, expected) + 1) / left
    low, high = np.minimum(made.center - apart, fewest), np.maximum(made.center + apart, most)
    return made.center, np.maximum(low, 0), high, made.sigma_z


def _single_limits(series: Series, is_judged: Mask, is_baseline: Mask) -> _Limits:
    """XmR; a single point varies by nobody knows how much."""
    shape = np.ones(len(series))
    if is_baseline.sum() <= 1:
        center = float(series.value[is_baseline][0])
        return center, center * shape, center * shape, 1.0
    made = spc.individuals(series.value[is_judged], baseline=is_baseline[is_judged]).chart
    return made.center, float(made.low[0]) * shape, float(made.high[0]) * shape, 1.0


_LIMITS = {Kind.SHARE: _share_limits, Kind.RATE: _rate_limits, Kind.SINGLE: _single_limits}


def _inside(x: float, n: float) -> float:
    """The share, brought off 0 and 1."""
    return float((x + _HALF) / (n + 1)) if x in (0, n) else float(x / n)
