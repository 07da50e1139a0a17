"""Mix 构成: whether the cases after are of the same kinds as before, and a share held to the mix of before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2_contingency

from bihuan.analysis.reading import Held, Reading
from schemas.verification import Limitation, Metric

ALPHA = 0.05
RESPONSE_MOVED = 0.10
"""Ten points of the response rate (IMPROVEMENT 3.1)."""
_HALF = 0.5


class Compared(NamedTuple):
    """Both readings, held to the mix of before where it has changed, and what must be said of them."""

    before: Reading
    after: Reading
    limitations: tuple[Limitation, ...]


def compare(before: Reading, after: Reading) -> Compared:
    """Whether both windows can be compared as they are; the step before any method.

    Args:
        before: With strata and ``asked`` where they are known.
        after: The same.

    Returns:
        Both as they are; or, of a share whose mix changed more than chance makes, held to the mix of before as far as
        its kinds of cases still occur.
    """
    said = [Limitation.RESPONSE_RATE_MOVED] if has_response_moved(before, after) else []
    if before.metric is not Metric.SHARE or not has_mix_changed(before, after):
        return Compared(before, after, tuple(said))
    said.append(Limitation.MIX_CHANGED)
    shared = _shared(before, after)
    if len(shared) < sum(one.n > 0 for one in before.strata):
        said.append(Limitation.STRATA_MISSING)
    if not shared:
        return Compared(before, after, tuple(said))
    return Compared(held_to(shared, before), held_to(shared, after), tuple(said))


def has_response_moved(before: Reading, after: Reading) -> bool:
    """Whether the response rate moved by more than ten points; False where it is not known."""
    if not before.asked or not after.asked:
        return False
    return bool(abs(after.n / after.asked - before.n / before.asked) > RESPONSE_MOVED + 1e-12)


def has_mix_changed(before: Reading, after: Reading, alpha: float = ALPHA) -> bool:
    """Whether the kinds of cases are others: Pearson's chi-square of their numbers; False where no strata are known."""
    names = [one.name for one in before.strata] + [one.name for one in after.strata]
    sizes = [{one.name: one.n for one in reading.strata} for reading in (before, after)]
    table = np.array([[size.get(name, 0.0) for name in dict.fromkeys(names)] for size in sizes])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] <= 1 or not table.sum(axis=1).all():
        return False
    return bool(chi2_contingency(table, correction=False).pvalue < alpha)


def held_to(mix: Mapping[str, float], reading: Reading) -> Reading:
    """A share as it would be with another mix: post-stratified, p = Σ W p_h, Var = Σ W² p_h (1 - p_h) / n_h.

    Holt and Smith, Post Stratification, JRSS A 142, 1979. In the variance a stratum in which all or none have it counts
    as half a case short of that.

    Args:
        mix: Cases by stratum; W is the part of each.
        reading: With cases in every stratum of the mix; its others do not count.

    Raises:
        ValueError: The mix is empty, or one of its strata has no cases.
    """
    there = {one.name: one for one in reading.strata if one.n > 0}
    if not mix or not mix.keys() <= there.keys():
        raise ValueError("every stratum of the mix needs cases")
    weight = np.array(list(mix.values()), dtype="float64") / sum(mix.values())
    x, n = (np.array([getattr(there[name], part) for name in mix], dtype="float64") for part in ("x", "n"))
    careful = np.clip(x, np.minimum(_HALF, n / 2), np.maximum(n - _HALF, n / 2)) / n
    variance = float((weight**2 * careful * (1 - careful) / n).sum())
    share, kept = float(weight @ (x / n)), float(weight @ careful)
    return replace(reading, held=Held(share, max(share * (1 - share), kept * (1 - kept)) / variance))


def _shared(before: Reading, after: Reading) -> dict[str, float]:
    """The mix of before among the strata that occur after as well."""
    there = {one.name for one in after.strata if one.n > 0}
    return {one.name: one.n for one in before.strata if one.n > 0 and one.name in there}
