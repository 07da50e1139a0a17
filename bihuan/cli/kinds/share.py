"""Kinds that look at shares and rates."""

from __future__ import annotations

from typing import Any

from bihuan.analysis import proportion, rate, sample_size, score
from bihuan.analysis.kpi import CONFIDENCE
from bihuan.cli.kinds.given import Given

Result = dict[str, Any]


def wilson_interval(given: Given) -> Result:
    """Wilson's interval."""
    return _interval(proportion.wilson(*_share(given), given.confidence()))


def wilson_cc_interval(given: Given) -> Result:
    """Wilson's interval with correction for continuity."""
    return _interval(proportion.wilson(*_share(given), given.confidence(), is_corrected=True))


def clopper_pearson(given: Given) -> Result:
    """The exact interval."""
    return _interval(proportion.clopper_pearson(*_share(given), given.confidence()))


def binomial_exact(given: Given) -> Result:
    """The exact test of one share."""
    x, n = _share(given)
    expected = given.number("p0", "expected", "p", default=0.5)
    side: Any = given.word("alternative", default="two-sided").replace("_", "-").replace(".", "-")
    found = proportion.binomial_exact(x, n, expected, given.confidence(), side)
    return {"estimate": x / n, "p": found.p, "lo": found.low, "hi": found.high}


def newcombe_difference_interval(given: Given) -> Result:
    """The difference of two shares."""
    (x1, n1), (x2, n2) = ((given.whole(f"x{i}"), given.whole(f"n{i}")) for i in (1, 2))
    found = proportion.newcombe(x1, n1, x2, n2, given.confidence())
    return {"diff": found.value, "lo": found.low, "hi": found.high}


def sample_size_two_proportions(given: Given) -> Result:
    """How many a group it takes."""
    alpha, dispersion = given.number("alpha", default=0.05), given.number("phi", "dispersion", default=1.0)
    needed = given.number("power", default=0.8)
    n = sample_size.two_proportions(given.number("p1"), given.number("p2"), alpha, needed, dispersion)
    return {"n_per_group": n}


def power_two_proportions(given: Given) -> Result:
    """How often so many would see the difference."""
    alpha, dispersion = given.number("alpha", default=0.05), given.number("phi", "dispersion", default=1.0)
    n = given.number("n", "n_per_group")
    return {"power": sample_size.power(given.number("p1"), given.number("p2"), n, alpha, dispersion)}


def poisson_exact_interval(given: Given) -> Result:
    """The exact interval of a rate."""
    count, exposure = given.number("count", "x"), given.number("exposure", "t", default=1.0)
    return {"rate": count / exposure, **_interval(rate.poisson_exact(count, exposure, given.confidence()))}


def poisson_rate_ratio(given: Given) -> Result:
    """The ratio of two rates."""
    (x1, t1), (x2, t2) = ((given.whole(f"x{i}", f"count{i}"), given.number(f"t{i}", f"exposure{i}")) for i in (1, 2))
    found = rate.ratio(x1, t1, x2, t2, given.confidence())
    return {"ratio": found.value, "lo": found.low, "hi": found.high, "p": found.p}


def nps_classes(given: Given) -> Result:
    """Promoters, passives and detractors."""
    scores = given.wholes("scores", "x")
    if not scores or not all(0 <= one <= score.HIGHEST for one in scores):
        raise ValueError("scores are whole numbers from 0 to 10, one or more")
    counted = score.segments(score.tally(scores))
    return {**counted._asdict(), "n": len(scores), "nps": score.nps(counted).value}


def nps_interval(given: Given) -> Result:
    """The net promoter score of shares, with its error, in points."""
    promoters, detractors = given.number("promoter_share"), given.number("detractor_share")
    passives = given.number("passive_share", default=1 - promoters - detractors)
    n, confidence = given.whole("n"), given.confidence()
    if n < 1 or min(promoters, detractors, passives) < 0 or abs(promoters + passives + detractors - 1) > _ROUNDED:
        raise ValueError("shares are 0 or more and add up to 1, and n is 1 or more")
    found, usual = (score.nps_error(promoters, detractors, n, level) for level in (confidence, CONFIDENCE))
    value = score.POINTS * (promoters - detractors)
    return {
        "nps": value, "var": found.variance, "se": found.standard_error, "moe95": usual.margin, "moe": found.margin,
        "lo": max(value - found.margin, score.NPS.lowest), "hi": min(value + found.margin, score.NPS.highest),
    }  # fmt: skip


_ROUNDED = 0.005
"""Shares are often written with two digits."""


def _share(given: Given) -> tuple[int, int]:
    return given.whole("x", "successes"), given.whole("n", "trials")


def _interval(found: proportion.Interval) -> Result:
    return {"lo": found.low, "hi": found.high}


KINDS = {
    kind.__name__: kind for kind in (
        wilson_interval, wilson_cc_interval, clopper_pearson, binomial_exact, newcombe_difference_interval,
        sample_size_two_proportions, power_two_proportions, poisson_exact_interval, poisson_rate_ratio,
        nps_classes, nps_interval,
    )
}  # fmt: skip
