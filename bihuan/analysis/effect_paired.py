"""Effect 效果 on the same customers asked twice (二次回访): each is their own comparison."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from bihuan.analysis.contingency import mcnemar
from bihuan.analysis.proportion import Contrast, clopper_pearson, wilson
from bihuan.analysis.rank import wilcoxon
from bihuan.analysis.reading import Reading
from bihuan.analysis.score import CSAT, Scale
from bihuan.analysis.verification import Effect, nothing
from schemas.verification import Limitation, Method, Metric

_CONFIDENCE = 0.95


class Pairs(NamedTuple):
    """How many customers said what the first and the second time; "yes" is what the indicator counts."""

    yes_yes: int
    yes_no: int
    no_yes: int
    no_no: int


def paired(pairs: Pairs) -> Effect:
    """The change of a share among those who answered twice: McNemar's exact test.

    The interval is the exact one of the share of changers who changed to yes (Clopper and Pearson), times the part
    that changed at all, so that it holds 0 just where the exact test sees nothing (Agresti, Categorical Data
    Analysis, 10.1).
    Nobody changed: the limits are those of so many who might have.

    Args:
        pairs: Of whole customers.
    """
    n, changed = sum(pairs), pairs.yes_no + pairs.no_yes
    if not n:
        return nothing(Method.PAIRED, 0, 0)
    value = (pairs.no_yes - pairs.yes_no) / n
    if changed:
        low, high = clopper_pearson(pairs.no_yes, changed, _CONFIDENCE)
        found = Contrast(value, (2 * low - 1) * changed / n, (2 * high - 1) * changed / n)
        tested = mcnemar([pairs[:2], pairs[2:]])
        p, told = tested.p_exact, {"chi2": tested.value, "chi2_corrected": tested.corrected}
    else:
        half = wilson(0, n, _CONFIDENCE).high
        found, p, told = Contrast(0.0, -half, half), 1.0, {}
    first = Reading(Metric.SHARE, pairs.yes_yes + pairs.yes_no, n)
    second = Reading(Metric.SHARE, pairs.yes_yes + pairs.no_yes, n)
    return _effect(first, second, found, p, told)


def paired_scores(first: Sequence[float], second: Sequence[float], scale: Scale = CSAT) -> Effect:
    """The change of a mean score among those who answered twice.

    The interval is Student's, of the mean difference; the p-value Wilcoxon's signed-rank test's.

    Args:
        first: What each said the first time.
        second: What each said the second time, in the same order.
        scale: Between which values the scores lie.

    Raises:
        ValueError: The two are not equally long.
    """
    before, after = (np.asarray(one, dtype="float64") for one in (first, second))
    if before.shape != after.shape:
        raise ValueError("both must be equally long")
    n, difference = len(before), after - before
    if not n:
        return nothing(Method.PAIRED, 0, 0)
    value = float(difference.mean())
    half = float(t.ppf((1 + _CONFIDENCE) / 2, n - 1)) * float(difference.std(ddof=1)) / sqrt(n) if n > 1 else nan
    p = wilcoxon(after.tolist(), before.tolist()).p if difference.any() else 1.0
    readings = [Reading(Metric.SCORE, one.sum(), n, float(one @ one), scale=scale) for one in (before, after)]
    return _effect(readings[0], readings[1], Contrast(value, value - half, value + half), p, {})


def _effect(first: Reading, second: Reading, found: Contrast, p: float, told: dict[str, float]) -> Effect:
    effect = Effect(
        Method.PAIRED, *found, p, first.estimate(), second.estimate(), first.x, first.n, second.x, second.n,
        diagnostics=told,
    )  # fmt: skip
    return effect.limited(Limitation.NO_CONTROL, Limitation.TWO_WINDOWS_ONLY, Limitation.ANSWERED_BOTH_ONLY)
