"""Kinds that look at times: how long until closed, percentiles, values that stand apart."""

from __future__ import annotations

from typing import Any

from bihuan.analysis import outlier, stock, survival
from bihuan.cli.kinds.given import Given

Result = dict[str, Any]
TIME, CLOSED = ("time", "times", "duration"), ("closed", "event", "events", "status")


def kaplan_meier(given: Given) -> Result:
    """Share still open after each time."""
    curve = _curve(given)
    low, high = survival.median_interval(curve, given.confidence())
    return {
        "event_times": curve.times, "n_at_risk": curve.at_risk, "n_events": curve.closed, "survival": curve.survival,
        "std_err_greenwood": curve.standard_error, "median": survival.median(curve),
        "median_lo": low, "median_hi": high,
    }  # fmt: skip


def nelson_aalen(given: Given) -> Result:
    """The cumulative hazard."""
    found = survival.nelson_aalen(given.numbers(*TIME), given.numbers(*CLOSED))
    return {
        "event_times": found.times, "n_at_risk": found.at_risk, "cumulative_hazard": found.cumulative,
        "std_err": found.standard_error,
    }  # fmt: skip


def logrank(given: Given) -> Result:
    """Whether two groups close equally fast."""
    groups = [
        (
            given.numbers(f"time_{one}", f"time{number}"),
            given.numbers(f"closed_{one}", f"closed{number}", f"event_{one}"),
        )
        for number, one in enumerate("ab", 1)
    ]
    found = survival.logrank(groups)
    return {"chi2": found.chi2, "df": found.df, "p": found.p}


def restricted_mean(given: Given) -> Result:
    """The mean time up to a limit."""
    names = ("tau", "limit", "horizon", "t_max")
    found = survival.restricted_mean(_curve(given), given.number(*names) if given.has(*names) else None)
    low, high = found.interval(given.confidence())
    return {
        "restricted_mean": found.value, "rmst": found.value, "se": found.standard_error, "lo": low, "hi": high,
        "tau": found.limit,
    }  # fmt: skip


def open_cases_bias(given: Given) -> Result:
    """Three medians: open ones dropped, open ones taken as closed, and the honest one."""
    found = survival.open_cases_bias(given.numbers(*TIME), given.numbers(*CLOSED))
    return {
        "median_closed_only": found.closed_only, "median_treating_open_as_closed": found.open_as_closed,
        "km_median": found.kaplan_meier,
    }  # fmt: skip


def percentile(given: Given) -> Result:
    """A percentile, or several; p above 1 is in a hundred."""
    asked = given.one_or_many("p", "q", "percentile")
    ratios = [one / 100 if one > 1 else one for one in (asked if isinstance(asked, list) else [asked])]
    found = stock.percentiles(given.numbers("x", "values"), ratios)
    return {"value": found if isinstance(asked, list) else found[0]}


def littles_law(given: Given) -> Result:
    """The mean time in the house."""
    rate, average = given.number("arrival_rate_per_month", "arrival_rate"), given.number("average_stock", "stock")
    return {"mean_time_months": stock.mean_time(rate, average)}


def grubbs_one_sided_max(given: Given) -> Result:
    """Whether the largest value is too large."""
    x = given.numbers("x", "values", "data")
    found = outlier.grubbs_max(x, given.number("alpha", default=0.05))
    return {
        "g": found.g, "critical": found.critical, "p": found.p, "max": x[found.at], "index_1based": found.at + 1,
        "outlier": found.is_outlier,
    }  # fmt: skip


def modified_z_score(given: Given) -> Result:
    """Distances from the median."""
    x, far = given.numbers("x", "values", "data"), given.number("threshold", "cutoff", default=outlier.FAR)
    found = outlier.modified_z(x, far)
    return {
        "median": found.median, "mad": found.deviation, "z": found.score, "modified_z": found.score,
        "outliers_1based": [at for at, is_out in enumerate(found.is_outlier, 1) if is_out],
    }  # fmt: skip


def _curve(given: Given) -> survival.Curve:
    return survival.kaplan_meier(given.numbers(*TIME), given.numbers(*CLOSED))


KINDS = {
    kind.__name__: kind for kind in (
        kaplan_meier, nelson_aalen, logrank, restricted_mean, open_cases_bias, percentile, littles_law,
        grubbs_one_sided_max, modified_z_score,
    )
}  # fmt: skip
