"""Effect 效果 of two windows: the change of a share, rate, score or net promoter score, alone or beside a control.

Each function takes readings and gives an ``Effect``; which one is for ``method.choose`` to say. Shares, rates and
scores go the same way and differ in their interval only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf, log, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc
from scipy.stats import beta, linregress, norm, t

from bihuan.analysis.contingency import fisher, two_proportions
from bihuan.analysis.dispersion import dispersion_of_contrasts
from bihuan.analysis.proportion import Contrast, newcombe_of, quantile
from bihuan.analysis.reading import Period, Reading, scatter
from bihuan.analysis.verification import Effect
from schemas.verification import Limitation, Method, Metric

CONFIDENCE = 0.95
_Z = quantile(CONFIDENCE)
SMALL = 5
"""A cell with fewer gets Fisher's p-value."""
SCATTERED = 1.5
"""φ from which on it is said that periods scatter; the interval is widened by less as well."""
LEAST_TREND = 6
"""Periods before, with fewer of which a control's trend cannot be compared."""
_ALPHA = 0.05
_HALF = 0.5
_ALONE = (Limitation.NO_CONTROL, Limitation.TWO_WINDOWS_ONLY)
_METHOD = {
    Metric.SHARE: Method.TWO_WINDOWS, Metric.RATE: Method.RATE_RATIO, Metric.SCORE: Method.SCORE,
    Metric.NPS: Method.NPS,
}  # fmt: skip


def two_windows(before: Reading, after: Reading, phi: float | None = None) -> Effect:
    """The change between two windows, with nothing to compare it with.

    Shares: Newcombe's interval of the difference, cases worth n / φ; p of Fisher where a cell holds fewer than five,
    else of the pooled z. Rates: the ratio, exact given the sum of events, worth x / φ of them. Scores: Welch's
    interval. Net promoter scores: z.

    Args:
        before: Of any metric but durations.
        after: Of the same.
        phi: How many times the variance of chance is seen; None: told from the periods of both, 1 where they are few.
    """
    method = _METHOD[before.metric]
    if not before.n or not after.n:
        return unknown(method, before, after, is_ratio=before.metric is Metric.RATE)
    seen, said = _scattered((before, after), phi)
    found, p = _CHANGE[before.metric](before, after, seen)
    if before.metric is Metric.SHARE and seen == 1 and _smallest(before, after) < SMALL:
        said = (*said, Limitation.SMALL_CELLS)
    return _effect(method, before, after, found, p, seen).limited(*_ALONE, *said)


def did(
    before: Reading, after: Reading, control_before: Reading, control_after: Reading, phi: float | None = None
) -> Effect:
    """The change beyond that of an untouched slice; of rates the ratio of ratios, else the difference in differences.

    The variance is φ times the sum over the four cells. φ is that of the difference between both, period by period
    within each window, so that what happens to both alike does not count as scatter.

    Args:
        before: Where something was done.
        after: The same, later.
        control_before: Where nothing was done, same metric.
        control_after: The same, later.
        phi: As of ``two_windows``.
    """
    told = phi
    if told is None and before.metric is Metric.SHARE:
        told = _contrast_scatter([(before, control_before), (after, control_after)])
    found = _beside(Method.DID, (before, after, control_before, control_after), told)
    return found.limited(*_trends(before, control_before)) if found.is_known else found


def same_months(
    before: Reading, after: Reading, last_before: Reading, last_after: Reading, phi: float | None = None
) -> Effect:
    """The change beyond that between the same months a year earlier, which the season alone made.

    Args:
        before: This year.
        after: This year.
        last_before: The same days last year, see ``Windows.last_year``.
        last_after: The same.
        phi: As of ``two_windows``; told from all four.
    """
    found = _beside(Method.SAME_MONTHS, (before, after, last_before, last_after), phi)
    return found.limited(Limitation.NO_CONTROL, Limitation.ONE_YEAR_OF_SEASON)


def _beside(method: Method, cells: tuple[Reading, Reading, Reading, Reading], phi: float | None) -> Effect:
    before, after, *_ = cells
    is_ratio = before.metric is Metric.RATE
    if not all(cell.n for cell in cells):
        return unknown(method, before, after, is_ratio=is_ratio)
    seen, said = _scattered(cells, phi)
    level = [_level(cell, is_ratio=is_ratio) for cell in cells]
    value = (level[1] - level[0]) - (level[3] - level[2])
    error = sqrt(sum(_level_variance(cell, seen, is_ratio=is_ratio) for cell in cells))
    plain, _ = _CHANGE[before.metric](before, after, seen)
    control, _ = _CHANGE[before.metric](cells[2], cells[3], seen)
    found = Contrast(value, value - _Z * error, value + _Z * error)
    found = Contrast(*(exp(one) for one in found)) if is_ratio else found
    effect = _effect(method, before, after, found, _two_tails(value, error), seen, plain)
    told = {"phi": seen, "control_change": control.value, "control_low": control.low, "control_high": control.high}
    return replace(effect, diagnostics=told).limited(*said)


def _level(cell: Reading, *, is_ratio: bool) -> float:
    return log(max(cell.x, _HALF) / cell.n) if is_ratio else cell.value


def _level_variance(cell: Reading, phi: float, *, is_ratio: bool) -> float:
    """Of a rate's logarithm, or of the figure."""
    return phi / max(cell.x, _HALF) if is_ratio else cell.variance(phi)


def _share_change(before: Reading, after: Reading, phi: float) -> tuple[Contrast, float]:
    found = newcombe_of(after.value, after.worth / phi, before.value, before.worth / phi, CONFIDENCE)
    is_plain = before.held is None and after.held is None and phi == 1
    if is_plain and _smallest(before, after) < SMALL:
        return found, fisher([[int(one.x), int(one.n - one.x)] for one in (before, after)]).p
    if is_plain:
        return found, two_proportions([int(after.x), int(before.x)], [int(after.n), int(before.n)]).p
    pooled = (before.value * before.worth + after.value * after.worth) / (before.worth + after.worth)
    return found, _two_tails(found.value, sqrt(phi * pooled * (1 - pooled) * (1 / before.worth + 1 / after.worth)))


def _smallest(before: Reading, after: Reading) -> float:
    return min(before.x, before.n - before.x, after.x, after.n - after.x)


def _rate_change(before: Reading, after: Reading, phi: float) -> tuple[Contrast, float]:
    """``rate.ratio`` of as many events as the scatter leaves, which need not be whole."""
    x1, x0 = after.x / phi, before.x / phi
    if not x1 + x0:
        return Contrast(nan, nan, nan), nan
    even, tail = after.n / (after.n + before.n), (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, x1, x0 + 1)) if x1 else 0.0
    high = float(beta.ppf(1 - tail, x1 + 1, x0)) if x0 else 1.0
    more, fewer = (betainc(x1, x0 + 1, even) if x1 else 1.0), (1 - betainc(x1 + 1, x0, even) if x0 else 1.0)
    found = (_odds(one) * before.n / after.n for one in (x1 / (x1 + x0), low, high))
    return Contrast(*found), float(min(1.0, 2 * min(more, fewer)))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else inf


def _score_change(before: Reading, after: Reading, phi: float) -> tuple[Contrast, float]:
    """Welch's (Biometrika 34, 1947); of net promoter scores the normal one."""
    v0, v1 = before.variance(phi), after.variance(phi)
    value, error = after.value - before.value, sqrt(v0 + v1) if v0 + v1 >= 0 else nan
    if not error > 0:
        return Contrast(value, nan, nan), nan
    if before.metric is Metric.NPS:
        return Contrast(value, value - _Z * error, value + _Z * error), _two_tails(value, error)
    free = (v0 + v1) ** 2 / (v0**2 / (before.n - 1) + v1**2 / (after.n - 1))
    half = float(t.ppf((1 + CONFIDENCE) / 2, free)) * error
    return Contrast(value, value - half, value + half), float(2 * t.sf(abs(value) / error, free))


_CHANGE = {
    Metric.SHARE: _share_change, Metric.RATE: _rate_change, Metric.SCORE: _score_change, Metric.NPS: _score_change,
}  # fmt: skip


def _two_tails(value: float, error: float) -> float:
    return float(2 * norm.sf(abs(value) / error)) if error else (nan if value else 1.0)


def _scattered(cells: Sequence[Reading], phi: float | None) -> tuple[float, tuple[Limitation, ...]]:
    """φ, at least 1, and what must be said of it."""
    told = scatter(*cells) if phi is None else phi
    if told is None:
        is_countable = cells[0].metric in {Metric.SHARE, Metric.RATE}
        return 1.0, (Limitation.SCATTER_UNKNOWN,) if is_countable else ()
    return max(told, 1.0), (Limitation.OVERDISPERSED,) if told >= SCATTERED else ()


def _contrast_scatter(pairs: Sequence[tuple[Reading, Reading]]) -> float | None:
    """φ of the difference between both, the mean of the windows that can tell."""
    told = [dispersion_of_contrasts(*_aligned(*pair))[0] for pair in pairs if len(_shared(*pair))]
    known = [one for one in told if np.isfinite(one)]
    return float(np.mean(known)) if known else None


def _shared(first: Reading, second: Reading) -> list[int]:
    """The periods that both have."""
    return sorted({one.at for one in first.periods} & {one.at for one in second.periods})


def _aligned(first: Reading, second: Reading) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Events and cases of both in the periods that both have, each of shape (periods, 2)."""
    both: list[dict[int, Period]] = [{one.at: one for one in reading.periods} for reading in (first, second)]
    rows = [[by[at] for by in both] for at in _shared(first, second)]
    x, n = (np.array([[getattr(one, part) for one in row] for row in rows], dtype="float64") for part in ("x", "n"))
    return x, n


def _trends(before: Reading, control: Reading) -> tuple[Limitation, ...]:
    """Whether both ran alongside before: the slope of their difference, by least squares."""
    at = _shared(before, control)
    if len(at) < LEAST_TREND:
        return (Limitation.TRENDS_UNCHECKED,)
    x, n = _aligned(before, control)
    apart = x[:, 0] / n[:, 0] - x[:, 1] / n[:, 1]
    if np.ptp(apart) == 0:
        return ()
    return (Limitation.TRENDS_DIFFER,) if linregress(at, apart).pvalue < _ALPHA else ()


def _effect(
    method: Method, before: Reading, after: Reading, found: Contrast, p: float, phi: float,
    plain: Contrast | None = None,
) -> Effect:  # fmt: skip
    return Effect(
        method, *found, p, before.estimate(phi), after.estimate(phi), before.x, before.n, after.x, after.n,
        before.metric is Metric.RATE, plain, {"phi": phi},
    )  # fmt: skip


def unknown(method: Method, before: Reading, after: Reading, *, is_ratio: bool) -> Effect:
    """The figures of both windows, and no effect that could be told from them."""
    return Effect(
        method, nan, nan, nan, nan, before.estimate(), after.estimate(),
        before.x, before.n, after.x, after.n, is_ratio,
    )  # fmt: skip
