"""The effect on one indicator by the data at hand: which method they allow, what it says, and the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, NamedTuple

import numpy as np

from bihuan.analysis.effect import did, same_months, two_windows
from bihuan.analysis.effect_duration import Times, duration
from bihuan.analysis.effect_paired import Pairs, paired, paired_scores
from bihuan.analysis.effect_segmented import segmented
from bihuan.analysis.method import Choice, Situation, choose, is_series
from bihuan.analysis.mix import compare
from bihuan.analysis.proportion import Contrast
from bihuan.analysis.readiness import design_factor
from bihuan.analysis.reading import Reading
from bihuan.analysis.score import CSAT, INDEX, Scale
from bihuan.analysis.verification import Effect
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.services.effect_data import Frame, Pair, metric_of, pairs, readings
from bihuan.services.effect_times import times
from bihuan.store.queries.cut import Where
from schemas.kpi import Grain
from schemas.verification import Limitation, Method, Metric

Figures = dict[str, Any]
Bare = Callable[[Reading], int | None]
_NOBODY = Reading(Metric.SHARE, 0, 0)
_RECOMMENDS = Scale(0, 10)
_YES_NO = frozenset({Counts.NEGATIVE, Counts.CSAT_TOP_TWO})
_PAIRED = _YES_NO | {Counts.CSAT_MEAN, Counts.INDEX, Counts.NPS}


class Found(NamedTuple):
    """What became of one indicator."""

    effect: Effect
    choice: Choice
    control: Effect | None
    """Beside an untouched slice, where the method is not itself that comparison."""
    figures: Figures
    """Everything that it was computed from."""
    required: int
    """Cases that each window needs, with what the method and the scatter cost."""


@dataclass(frozen=True)
class _Cells:
    """The readings of an indicator, held to the mix of before, and of what it can be compared with."""

    before: Reading
    after: Reading
    control: tuple[Reading, Reading]
    last_year: tuple[Reading, Reading]
    grain: Grain
    said: tuple[Limitation, ...]

    @property
    def has_control(self) -> bool:
        return all(one.n > 0 for one in self.control)

    @property
    def has_last_year(self) -> bool:
        return all(one.n > 0 for one in self.last_year)


def found(
    frame: Frame, indicator: IndicatorPolicy, where: Where, *, control: Where | None = None, wish: str = "",
    bare: Bare | None = None, planned_n: int | None = None,
) -> Found:  # fmt: skip
    """The effect on one indicator of a slice.

    Args:
        frame: The windows, and from where the figures are read.
        indicator: Its policy.
        where: The slice.
        control: An untouched slice; None: there is none.
        wish: The method that the plan means; what the data do not allow is not wished for, and two plain windows are
            never wished for where something better can be had.
        bare: How many each of two plain windows needs beside a reading of before; None, or where it cannot tell: the
            indicator's least n.
        planned_n: Cases that each window needs at least, as the frozen plan says; more where the weeks scatter more
            than the baseline alone said, or the method costs more than the one that was meant.
    """
    if metric_of(indicator) is Metric.DURATION:
        return _lasted(frame, indicator, where, planned_n)
    cells = _read(frame, indicator, where, control)
    counts = indicator.counts if indicator.counts in _PAIRED and wish == Method.PAIRED else None
    twice = pairs(frame, counts, where) if counts else []
    choice, effect = _computed(cells, indicator, twice, wish)
    effect = effect.limited(*choice.limitations, *cells.said)
    beside = None
    if cells.has_control and effect.method is not Method.DID:
        beside = did(cells.before, cells.after, *cells.control)
    base = (bare(cells.before) if bare else None) or (0 if planned_n else indicator.min_n)
    needed = max(planned_n or 0, ceil(base * _costs(cells, effect) - 1e-9))
    return Found(effect, choice, beside, _told(cells, twice), needed)


def _read(frame: Frame, indicator: IndicatorPolicy, where: Where, control: Where | None) -> _Cells:
    before, after, grain = readings(frame, indicator, where)
    beside = readings(frame, indicator, control, grain)[:2] if control is not None else (_NOBODY, _NOBODY)
    earlier = readings(frame.last_year(), indicator, where, grain)
    fair = compare(before, after)
    return _Cells(fair.before, fair.after, beside, earlier[:2], grain, fair.limitations)


def _computed(
    cells: _Cells, indicator: IndicatorPolicy, twice: list[Pair], wish: str
) -> tuple[Choice, Effect]:  # fmt: skip
    there = Situation(
        metric_of(indicator), cells.grain, len(cells.before.periods), len(cells.after.periods),
        has_control=cells.has_control, has_last_year=cells.has_last_year, has_pairs=bool(twice),
    )  # fmt: skip
    choice = choose(wished(there, wish))
    effect = _ways(cells, indicator, twice)[choice.method]()
    if not effect.is_known and choice.method is Method.SEGMENTED:
        choice = choose(replace(there, periods_before=0))
        effect = _ways(cells, indicator, twice)[choice.method]()
    return choice, effect


def wished(there: Situation, wish: str) -> Situation:
    """The situation as the plan meant it by the word of its method, where the data bear that out."""
    no_series = replace(there, periods_before=0)
    match wish:
        case Method.SEGMENTED if is_series(there):
            return there
        case Method.DID if there.has_control:
            return no_series
        case Method.SAME_MONTHS if there.has_last_year:
            return replace(no_series, has_control=False)
    return there


def _ways(cells: _Cells, indicator: IndicatorPolicy, twice: list[Pair]) -> Mapping[Method, Callable[[], Effect]]:
    before, after = cells.before, cells.after

    def plain() -> Effect:
        return two_windows(before, after)

    return {
        Method.SEGMENTED: lambda: segmented(before, after, cells.grain),
        Method.DID: lambda: did(before, after, *cells.control),
        Method.SAME_MONTHS: lambda: same_months(before, after, *cells.last_year),
        Method.PAIRED: lambda: of_pairs(indicator.counts or Counts.CSAT_MEAN, twice),
        Method.TWO_WINDOWS: plain, Method.RATE_RATIO: plain, Method.SCORE: plain, Method.NPS: plain,
    }  # fmt: skip


def of_pairs(counts: Counts, twice: list[Pair]) -> Effect:
    """The effect among those who were asked twice."""
    if counts in _YES_NO:
        n = {(one.first, one.second): one.n for one in twice}
        return paired(Pairs(n.get((1, 1), 0), n.get((1, 0), 0), n.get((0, 1), 0), n.get((0, 0), 0)))
    often = np.array([one.n for one in twice], "int64")
    first, second = (np.repeat([getattr(one, name) for one in twice], often) for name in ("first", "second"))
    scale = {Counts.INDEX: INDEX, Counts.NPS: _RECOMMENDS}.get(counts, CSAT)
    return paired_scores(first.tolist(), second.tolist(), scale)


def second_feedback(frame: Frame, indicator: IndicatorPolicy, where: Where) -> Figures:
    """What the same customers said before and after, as a check keeps it; of other indicators their satisfaction."""
    counts = indicator.counts if indicator.counts and indicator.counts in _PAIRED else Counts.CSAT_MEAN
    twice = pairs(frame, counts, where)
    effect = of_pairs(counts, twice)
    said = [[one.first, one.second, one.n] for one in twice]
    return {"asked": counts.value, "n": int(effect.n0), "before": plain(effect.before.value),
            "after": plain(effect.after.value), **interval(effect), "said": said}  # fmt: skip


def _lasted(frame: Frame, indicator: IndicatorPolicy, where: Where, planned_n: int | None) -> Found:
    before, after = times(frame, indicator, where)
    choice = choose(Situation(Metric.DURATION, Grain.WEEK, 0, 0))
    effect = duration(before, after).limited(*choice.limitations)
    told = {"before": _tally(before), "after": _tally(after)}
    return Found(effect, choice, None, told, planned_n or indicator.min_n)


def _costs(cells: _Cells, effect: Effect) -> float:
    """How many times the cases of two plain windows it takes: scatter, and what the method costs."""
    phi = max(effect.diagnostics.get("phi", 1.0), 1.0)
    if effect.method is not Method.SEGMENTED:
        return phi * design_factor(effect.method)
    periods = (len(cells.before.periods), len(cells.after.periods))
    return phi * design_factor(effect.method, *periods, cells.grain, int(effect.diagnostics["harmonics"]))


def interval(effect: Effect) -> Figures:
    """Estimate, interval and p as rows keep them."""
    names = ("estimate", "low", "high", "p")
    return {name: plain(getattr(effect, name)) for name in names} | {"is_ratio": effect.is_ratio}


def of_contrast(change: Contrast | None) -> Figures | None:
    """A change as rows keep it."""
    return {name: plain(getattr(change, name)) for name in ("value", "low", "high")} if change else None


def plain(value: float) -> float | None:
    """A figure as the database keeps it: what is not finite is nothing."""
    return float(value) if isfinite(value) else None


def _told(cells: _Cells, twice: list[Pair]) -> Figures:
    told: Figures = {"grain": cells.grain.value, "before": _reading(cells.before), "after": _reading(cells.after)}
    for name, both in (("control", cells.control), ("last_year", cells.last_year)):
        if any(one.n for one in both):
            told |= {f"{name}_before": _reading(both[0]), f"{name}_after": _reading(both[1])}
    return told | ({"pairs": [list(one) for one in twice]} if twice else {})


def _reading(one: Reading) -> Figures:
    return {
        "x": plain(one.x), "n": plain(one.n), "squares": plain(one.squares), "asked": one.asked,
        "periods": [[it.at, it.x, it.n] for it in one.periods], "strata": [[it.name, it.x, it.n] for it in one.strata],
        "held": list(one.held) if one.held else None,
    }  # fmt: skip


def _tally(one: Times) -> list[list[float]]:
    """Each time in hours, whether it ended, and how often."""
    both = np.column_stack([np.asarray(one.time, "float64"), np.asarray(one.ended, "float64")])
    values, often = np.unique(both, axis=0, return_counts=True) if len(both) else (both, np.zeros(0))
    return [[*map(float, value), int(n)] for value, n in zip(values, often, strict=True)]
