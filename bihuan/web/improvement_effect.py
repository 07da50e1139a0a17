"""Figures of an improvement in a reader's words: baseline and target, and what each check of the effect says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.policy.kpi import IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules.goal import baseline_value
from bihuan.services.dossier import Dossier
from bihuan.services.trend_words import figure
from bihuan.services.verification_need import least_seen
from bihuan.web.indicator_words import unit_of
from bihuan.web.reader import Reader

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One look at the effect, in words.

    Attributes:
        row: As kept.
        before: The figure before, with what was counted.
        after: … after.
        change: After less before, or the ratio of the two, with its interval.
        limits: What it cannot say, each a sentence.
    """

    row: Mapping[str, Any]
    before: str
    after: str
    change: str
    limits: list[str]


def indicator_name(policy: Policy, name: str, reader: Reader) -> str:
    """What an indicator is called; one that the policy does not know stands for itself."""
    known = policy.kpi.indicators.get(name)
    return str(getattr(known.words, reader.language)) if known else name


def goal_words(policy: Policy, it: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    """Baseline and target of an item with their unit; a dash where one is not known."""
    known = policy.kpi.indicators.get(it["indicator"])
    unit = unit_of(known) if known else "points"
    base = baseline_value(it["baseline_x"], it["baseline_n"], known.counts if known else None)
    counted = ""
    if base is not None and known and known.is_share:
        counted = f" ({it['baseline_x']:g}/{it['baseline_n']})"
    return {"baseline": figure(base, unit, reader.language) + counted,
            "target": figure(it["target_value"], unit, reader.language)}  # fmt: skip


def too_few(policy: Policy, file: Dossier, reader: Reader) -> str:
    """What the cases of six months could show, and what could be done instead, where those needed do not come by then.

    Returns:
        Empty where enough come, or where it is not known how many do.
    """
    plan = file.verification
    known = policy.kpi.indicators.get(plan.indicator) if plan else None
    seen = least_seen(file.item, plan, known) if plan and known else None
    if plan is None or known is None or seen is None:
        return ""
    v = reader.section("improvement")
    unit = v["in_points"] if known.is_share else v["in_hours"] if known.is_time else ""
    said = f"{seen * (_HUNDRED if known.is_share else 1):.1f}{unit}"
    return v["too_few"].format(needed=plan.n_required, weekly=f"{plan.weekly_n:g}", seen=said)


def check_line(policy: Policy, it: Mapping[str, Any], row: Mapping[str, Any], reader: Reader) -> CheckLine:
    """One look in words, in the unit of the item's indicator."""
    known = policy.kpi.indicators.get((it["verification"] or it)["indicator"])
    before, after = (
        _counted(row["diagnostics"].get(window), row[f"x{side}"], row[f"n{side}"], known, reader)
        for side, window in enumerate(("before", "after"))
    )
    limits = [reader.word("limitation", one) for one in row["limitations"]]
    return CheckLine(row, before, after, change(row, known, reader), limits)


def _counted(
    window: Mapping[str, float | None] | None, x: float | None, n: int | None, known: IndicatorPolicy | None,
    reader: Reader,
) -> str:  # fmt: skip
    """The figure of one window, as it was estimated or else counted, with what it rests on."""
    value = baseline_value(x, n, known.counts if known else None)
    if window and window.get("value") is not None:
        value = window["value"]
    unit = unit_of(known) if known else "points"
    behind = f"{x:g}/{n}" if unit == "share" and x is not None else f"n {n or 0}"
    return f"{figure(value, unit, reader.language)} ({behind})"


def change(row: Mapping[str, Any], known: IndicatorPolicy | None, reader: Reader) -> str:
    """The effect with its interval of 95 %: percentage points, hours, points, or a ratio; empty where there is none."""
    if row["estimate"] is None:
        return ""
    v = reader.section("improvement")
    ends = [row[name] for name in ("estimate", "low", "high")]
    is_share = known is not None and known.is_share
    if row["diagnostics"].get("is_ratio"):
        said, unit = [_number(one, "{:.2f}") for one in ends], v["as_ratio"]
    elif is_share:
        said, unit = [_number(one and one * _HUNDRED, "{:+.1f}") for one in ends], v["in_points"]
    else:
        said = [_number(one, "{:+.2f}") for one in ends]
        unit = v["in_hours"] if known and known.is_time else ""
    return v["change_of"].format(estimate=said[0], low=said[1], high=said[2], unit=unit)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value).replace("-", "−")
