"""Kinds that look at a change: where it comes from, and whether a measure made it."""

from __future__ import annotations

import re
from math import nan
from typing import Any, TypeVar

from bihuan.analysis import decompose, did, its
from bihuan.analysis.pareto import is_applicable, vital_few
from bihuan.analysis.pareto import pareto as ranking
from bihuan.cli.kinds.given import Given

Result = dict[str, Any]
Number = TypeVar("Number", int, float)
_CELLS = 4
Y = ("y", "counts", "count", "x", "cases", "events", "aces")
EXPOSURE = ("exposure", "n", "population", "pop", "stdpop", "offset")
AFTER = ("post", "after", "intervention", "level", "step", "smokban")


def kitagawa_decomposition(given: Given) -> Result:
    """A difference of rates into rate and composition."""
    found = decompose.kitagawa(given.strata())
    return {
        "total_difference": found.total, "rate_effect": found.rate, "composition_effect": found.mix,
        "by_stratum": {
            name: {"rate_effect": float(row["rate"]), "composition_effect": float(row["mix"])}
            for name, row in found.by_stratum.iterrows()
        },
    }  # fmt: skip


def simpson_reversal(given: Given) -> Result:
    """Whether the whole says the opposite of its parts."""
    found = decompose.simpson(given.strata())
    return {
        "overall1": found.overall1, "overall2": found.overall2, "group1_higher_in": found.first_higher,
        "group2_higher_in": found.second_higher, "reversal": found.is_reversal, "partial": found.is_partial,
    }  # fmt: skip


def pareto(given: Given) -> Result:
    """Which few make up most."""
    found = ranking(given.counts("counts"), given.confidence())
    if found.empty:
        raise ValueError("nothing was counted")
    return {
        "order": list(found.index), "count": found["count"], "cum": found["cumulative"],
        "pct": found["count"] * 100 / found["count"].sum(), "cum_pct": found["cumulative"] * 100 / found["count"].sum(),
        "lo_pct": found["low"] * 100, "hi_pct": found["high"] * 100,
        "vital_few_80": vital_few(found), "applicable": is_applicable(found),
    }  # fmt: skip


def before_after_naive(given: Given) -> Result:
    """The rate after over the rate before, as if nothing else changed."""
    if given.has("x1", "before_count"):
        return _naive_totals(given)
    counts, exposure, after = _series(given)
    return _naive(its.before_after(counts, exposure, after, given.confidence()))


def _naive_totals(given: Given) -> Result:
    """Two totals instead of a series: 1 before, 2 after."""
    counts = [given.number("x1", "before_count"), given.number("x2", "after_count")]
    exposure = [given.number("t1", "n1", default=1.0), given.number("t2", "n2", default=1.0)]
    return _naive(its.before_after(counts, exposure, [0.0, 1.0], given.confidence()))


def _naive(found: its.Naive) -> Result:
    return {"rr": found.ratio, "lo": found.low, "hi": found.high, "p": found.p}


def interrupted_time_series(given: Given) -> Result:
    """The change of level beyond trend and season."""
    counts, exposure, after = _series(given)
    name = given.word("model", "family", default="quasi-poisson")
    model = its.Model(
        "binomial" if "binomial" in name else "poisson", _harmonics(given, name), given.number("period", default=12.0),
        is_quasi="quasi" in name, has_slope=given.flag("slope"),
    )  # fmt: skip
    time = given.numbers("time", "t") if given.has("time", "t") else None
    found = its.step(counts, exposure, after, model, time, given.confidence())
    ratio = {"rr" if model.family == "poisson" else "or": found.ratio}
    return {
        **ratio, "lo": found.low, "hi": found.high, "p": found.p, "dispersion": found.dispersion,
        "trend": found.trend, "slope": found.slope, "durbin_watson": found.durbin_watson,
    }  # fmt: skip


def _harmonics(given: Given, model: str) -> int:
    """As asked for; a model may also say so in its name, "quasi-Poisson + 2 harmonics"."""
    if given.has("harmonics", "n_harmonics"):
        return given.whole("harmonics", "n_harmonics")
    named = re.search(r"(\d*)\s*harmonic", model)
    return int(named[1] or 2) if named else 0


def _series(given: Given) -> tuple[list[float], list[float], list[float]]:
    counts = given.numbers(*Y)
    exposure = given.one_or_many(*EXPOSURE) if given.has(*EXPOSURE) else 1.0
    each = exposure if isinstance(exposure, list) else [exposure] * len(counts)
    if given.has(*AFTER):
        return counts, each, given.numbers(*AFTER)
    first = given.whole("change_at_1based", "interruption", "change_at")
    return counts, each, [float(at >= first) for at in range(1, len(counts) + 1)]


def difference_in_differences(given: Given) -> Result:
    """What changed here beyond what changed where nothing was done."""
    confidence = given.confidence()
    if given.has("x"):
        counted = [did.Cell(*one) for one in zip(*_four(given.wholes("x"), given.wholes("n")), strict=True)]
        dispersion = given.number("phi", "dispersion", default=1.0)
        found = did.of_rates(*counted, dispersion=dispersion, confidence=confidence)
    else:
        means = given.numbers("means")
        errors = given.numbers("se") if given.has("se") else [nan] * len(means)
        measured = [did.Mean(*one) for one in zip(*_four(means, errors), strict=True)]
        found = did.of_means(*measured, confidence=confidence)
    return {"did": found.value, "lo": found.low, "hi": found.high, "p": found.p}


def _four(*columns: list[Number]) -> tuple[list[Number], ...]:
    if any(len(column) != _CELLS for column in columns):
        raise ValueError("four are compared: treated before and after, control before and after")
    return columns


KINDS = {
    kind.__name__: kind for kind in (
        kitagawa_decomposition, simpson_reversal, pareto, before_after_naive, interrupted_time_series,
        difference_in_differences,
    )
}  # fmt: skip
