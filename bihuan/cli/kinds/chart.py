"""Kinds that look at a series: control charts and their rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from bihuan.analysis import cusum, nelson, run_length, runs, spc
from bihuan.cli.kinds.given import Given

Result = dict[str, Any]
COUNTS = ("defectives", "x", "counts")
SIZES = ("n", "sizes", "size")


def p_chart(given: Given) -> Result:
    """Shares."""
    x, n = given.numbers(*COUNTS), given.one_or_many(*SIZES)
    found = spc.p_chart(x, n, sigmas=_sigmas(given), baseline=given.baseline(len(x)))
    return {"pbar": found.center, **_limits(found, given)}


def np_chart(given: Given) -> Result:
    """Numbers out of the same n."""
    x, n = given.numbers(*COUNTS), given.one_or_many(*SIZES)
    sizes = set(n) if isinstance(n, list) else {n}
    if len(sizes) != 1:
        raise ValueError("an np chart needs the same n for every point; ask for a p_chart")
    [of] = sizes
    found = spc.np_chart(x, of, sigmas=_sigmas(given), baseline=given.baseline(len(x)))
    return {"pbar": found.center / of, **_limits(found, given)}


def c_chart(given: Given) -> Result:
    """Counts."""
    x = given.numbers("counts", "x", "defects")
    return _limits(spc.c_chart(x, sigmas=_sigmas(given), baseline=given.baseline(len(x))), given)


def u_chart(given: Given) -> Result:
    """Counts per unit."""
    x, units = given.numbers("counts", "x", "defects"), given.one_or_many("units", "n", "sizes")
    found = spc.u_chart(x, units, sigmas=_sigmas(given), baseline=given.baseline(len(x)))
    return _limits(found, given)


def individuals_chart(given: Given) -> Result:
    """Single values."""
    x = given.numbers("x", "values")
    found = spc.individuals(
        x, d2=given.number("d2", default=spc.D2), sigmas=_sigmas(given), baseline=given.baseline(len(x))
    )
    return {"mr_bar": found.moving_range, "sigma": float(found.chart.sigma[0]), **_limits(found.chart, given)}


def laney_p_prime(given: Given) -> Result:
    """Shares of large n, with what the plain chart would flag."""
    x, n = given.numbers(*COUNTS), given.one_or_many(*SIZES)
    how: Any = {"sigmas": _sigmas(given), "baseline": given.baseline(len(x))}
    plain, found = spc.p_chart(x, n, **how), spc.laney_p(x, n, **how)
    return {
        "pbar": found.center, "sigma_z": found.sigma_z, "lcl": found.low, "ucl": found.high,
        "plain_p_out": _out(plain, given), "laney_out": _out(found, given),
    }  # fmt: skip


def laney_u_prime(given: Given) -> Result:
    """Counts over a large exposure, with what the plain chart would flag."""
    x, units = given.numbers("counts", "x"), given.one_or_many("units", "n")
    how: Any = {"sigmas": _sigmas(given), "baseline": given.baseline(len(x))}
    plain, found = spc.u_chart(x, units, **how), spc.laney_u(x, units, **how)
    return {
        "center": found.center, "sigma_z": found.sigma_z, "lcl": found.low, "ucl": found.high,
        "plain_u_out": _out(plain, given), "laney_out": _out(found, given),
    }  # fmt: skip


def nelson_rules(given: Given) -> Result:
    """The eight rules."""
    return {str(number): _numbered(found) for number, found in nelson.signals(given.numbers("z", "x")).items()}


def anhoej_runs(given: Given) -> Result:
    """The longest run and the crossings of the median."""
    center = given.number("center") if given.has("center") else None
    found = runs.runs(given.numbers("x", "values"), center)
    begins, ends = (None if at is None else at + 1 for at in (found.begins, found.ends))
    return {
        "n_useful": found.useful, "longest_run": found.longest, "longest_run_max": found.longest_limit,
        "crossings": found.crossings, "crossings_min": found.crossings_limit, "signal": found.is_signal,
        "longest_run_1based": [begins, ends],
    }  # fmt: skip


def tabular_cusum(given: Given) -> Result:
    """The tabular CUSUM; ``K`` and ``H`` in the unit of x, ``k`` and ``h`` in sigmas where sigma is given."""
    x = given.numbers("x", "values", "data")
    sigma = given.number("sigma", default=1.0)
    slack = given.number("K") if given.has("K") else sigma * given.number("k", default=0.5)
    decision = given.number("H") if given.has("H") else sigma * given.number("h", default=5.0)
    head = given.number("head_start", default=0.0)
    found = cusum.tabular(x, given.number("target", "mu0", "center"), slack, decision, head)
    return {
        "c_plus": found.high, "c_minus": found.low, "n_plus": found.high_run, "n_minus": found.low_run,
        "out_1based": _numbered(found.is_high | found.is_low), "signal": bool((found.is_high | found.is_low).any()),
    }  # fmt: skip


def ewma_chart(given: Given) -> Result:
    """The exponentially weighted moving average."""
    names = ("target", "mu0", "center")
    center = given.number(*names) if given.has(*names) else None
    sigma = given.number("sigma") if given.has("sigma") else None
    weight = given.number("lambda", "lam", "weight", default=0.2)
    found = cusum.ewma(
        given.numbers("x", "values", "data"), weight, given.number("L", *_SIGMAS, default=3.0), center, sigma
    )
    return {
        "center": found.center, "sigma": found.sigma, "z": found.average, "ewma": found.average,
        "lcl": found.low, "ucl": found.high, "out_1based": _numbered(found.is_out),
    }  # fmt: skip


def false_alarm_arl(given: Given) -> Result:
    """How long a chart of a healthy process runs until the first alarm."""
    asked = given.value("rules")
    rules = [_rule(one) for one in (asked if isinstance(asked, list) else [asked])]
    patterns = [pattern for rule in rules for pattern in _patterns(rule)]
    if all(isinstance(rule, list) or rule in run_length.PATTERNS for rule in rules):
        return {"arl0": run_length.exact(patterns), "se": 0.0}
    numbers = [rule for rule in rules if isinstance(rule, int)]
    if len(numbers) < len(rules):
        raise ValueError("Nelson's rules 3, 4 and 8 go together only with others of Nelson's, by number")
    arl, error = run_length.simulated(numbers)
    return {"arl0": arl, "se": error}


def _rule(asked: object) -> int | list[run_length.Pattern]:
    """A number is a rule of Nelson's; words say how many of how many lie where."""
    words = str(asked).lower()
    if found := re.search(r"(\d+)\s*of\s*(\d+).*?([\d.]+)\s*(?:s|$)", words):
        return run_length.beyond(int(found[1]), int(found[2]), float(found[3]))
    if (found := re.search(r"(\d+).*same side", words)) and int(found[1]) > 1:
        return run_length.beyond(int(found[1]), int(found[1]), 0)
    if (found := re.match(r"(?:rule\s*)?([1-8])\b", words)) is None:
        raise ValueError(f'rule {asked!r} is not known: write a number 1 to 8, or "2 of 3 beyond 2s same side"')
    return int(found[1])


def _patterns(rule: int | list[run_length.Pattern]) -> list[run_length.Pattern]:
    return rule if isinstance(rule, list) else run_length.PATTERNS.get(rule, [])


_SIGMAS = ("sigmas", "nsigmas")


def _sigmas(given: Given) -> float:
    return given.number(*_SIGMAS, default=spc.SIGMAS)


def _limits(found: spc.Chart, given: Given) -> Result:
    """Limits are one number each where all points have the same, else one a point."""
    is_even = (found.sigma == found.sigma[0]).all()
    low, high = (float(ends[0]) if is_even else ends for ends in (found.low, found.high))
    return {"center": found.center, "lcl": low, "ucl": high, "out_1based": _out(found, given)}


def _out(found: spc.Chart, given: Given) -> list[int]:
    """Points beyond a limit; an excluded one has its cause already."""
    return _numbered(found.is_out & ~given.excluded(len(found.points)))


def _numbered(is_so: Sequence[bool] | np.ndarray) -> list[int]:
    return [int(at) + 1 for at in np.flatnonzero(is_so)]


KINDS = {
    kind.__name__: kind for kind in (
        p_chart, np_chart, c_chart, u_chart, individuals_chart, laney_p_prime, laney_u_prime, nelson_rules, anhoej_runs,
        tabular_cusum, ewma_chart, false_alarm_arl,
    )
}  # fmt: skip
