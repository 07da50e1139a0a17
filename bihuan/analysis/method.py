"""Method 方法 of an effect verification: which one the data at hand allow, and why (the table of IMPROVEMENT 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bihuan.analysis.effect_segmented import LEAST_AFTER, LEAST_BEFORE, harmonics
from schemas.kpi import Grain
from schemas.verification import Limitation, Method, Metric


class Why(StrEnum):
    """What speaks for a method."""

    ASKED_TWICE = "asked_twice"
    """The same customers answered before and after."""
    IS_DURATION = "is_duration"
    ENOUGH_PERIODS = "enough_periods"
    """A series long enough to tell a step from a trend."""
    CONTROL_PRESENT = "control_present"
    LAST_YEAR_PRESENT = "last_year_present"
    """A seasonal figure, with the same months of last year."""
    NOTHING_BETTER = "nothing_better"
    """Two windows are all there is."""


@dataclass(frozen=True)
class Situation:
    """What there is, or at the freeze of a plan: what there will be."""

    metric: Metric
    grain: Grain
    """Of the periods: week or month."""
    periods_before: int
    """Periods with cases in the baseline."""
    periods_after: int
    has_control: bool = False
    """An untouched comparable slice, in both windows."""
    is_seasonal: bool | None = None
    """None: nobody has said."""
    has_last_year: bool = False
    """The same months of last year, both windows."""
    has_pairs: bool = False
    """Answers of the same customers to the same question before and after."""


class Choice(NamedTuple):
    """What to compute, why, and what must be said beside it."""

    method: Method
    why: Why
    fallback: Method
    """What is computed where the data for the method fail to come."""
    limitations: tuple[Limitation, ...]


_PLAIN = {
    Metric.SHARE: Method.TWO_WINDOWS, Metric.RATE: Method.RATE_RATIO, Metric.SCORE: Method.SCORE,
    Metric.NPS: Method.NPS, Metric.DURATION: Method.DURATION,
}  # fmt: skip


def choose(there: Situation) -> Choice:
    """The method for a situation.

    In the order of the table: the same customers asked twice; a duration; a series long enough (for a seasonal figure
    two years, so that the season can be taken out); an untouched slice; the same months of last year; two windows.

    Args:
        there: What there is.

    Returns:
        ``limitations`` are those of the choice; hand them to ``Effect.limited``. An effect adds its own.
    """
    fallback = _PLAIN[there.metric]
    method, why = _chosen(there, fallback)
    return Choice(method, why, fallback, _limits(there, method))


def _chosen(there: Situation, plain: Method) -> tuple[Method, Why]:
    if there.has_pairs and there.metric in {Metric.SHARE, Metric.SCORE}:
        return Method.PAIRED, Why.ASKED_TWICE
    if there.metric is Metric.DURATION:
        return Method.DURATION, Why.IS_DURATION
    if is_series(there) and not (there.is_seasonal and not _bears_season(there)):
        return Method.SEGMENTED, Why.ENOUGH_PERIODS
    if there.has_control:
        return Method.DID, Why.CONTROL_PRESENT
    if there.has_last_year and there.is_seasonal is not False:
        return Method.SAME_MONTHS, Why.LAST_YEAR_PRESENT
    return plain, Why.NOTHING_BETTER


def is_series(there: Situation) -> bool:
    """Whether a share or rate has periods enough for a segmented regression."""
    is_long = there.periods_before >= LEAST_BEFORE[there.grain] and there.periods_after >= LEAST_AFTER[there.grain]
    return is_long and there.metric in {Metric.SHARE, Metric.RATE}


def _bears_season(there: Situation) -> bool:
    return harmonics(there.periods_before + there.periods_after, there.grain) > 0


def _limits(there: Situation, method: Method) -> tuple[Limitation, ...]:
    said = []
    if there.metric in {Metric.SHARE, Metric.RATE} and method is not Method.PAIRED and not is_series(there):
        said.append(Limitation.SHORT_SERIES)
    takes_season_out = method in {Method.DID, Method.SAME_MONTHS, Method.PAIRED} or (
        method is Method.SEGMENTED and _bears_season(there)
    )
    if not takes_season_out and there.is_seasonal is not False:
        said.append(Limitation.SEASONAL_UNCHECKED if there.is_seasonal else Limitation.SEASON_UNKNOWN)
    return tuple(said)
