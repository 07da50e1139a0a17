"""One look at an effect as it is kept: the figures with their hash, what they say, and the verdict where it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analysis.scoreboard import secondary
from bihuan.analysis.verdict import Guardrail, Judged, judge
from bihuan.analysis.verification import Effect, Goal
from bihuan.clock import Clock
from bihuan.policy.kpi import Direction, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules.content import hash_of
from bihuan.services.effect_figure import Found, found, interval, of_contrast, plain, second_feedback
from bihuan.services.effect_standing import Standing, target_of
from bihuan.services.verification_need import slice_of
from schemas.effect import EffectCheck
from schemas.item import Item
from schemas.plan import VerificationPlan

Row = dict[str, Any]


@dataclass(frozen=True)
class _Beside:
    """What was looked at beside the primary indicator."""

    guardrails: Mapping[str, Found]
    secondary: Mapping[str, Found]
    second_feedback: Row


def row_of(policy: Policy, clock: Clock, item: Item, plan: VerificationPlan, seen: Standing, *, is_final: bool
           ) -> EffectCheck:  # fmt: skip
    """The row of one look; with a verdict where it is final.

    Args:
        policy: Its indicators.
        clock: Tells the present.
        item: With its target.
        plan: Frozen.
        seen: How far it is.
        is_final: Whether it is judged.
    """
    beside = _beside(policy, plan, seen)
    judged = _judged(policy, item, plan, seen, beside) if is_final else None
    figures, effect, until = _figures(seen, beside), seen.primary.effect, seen.frame.windows.post_until
    assert until is not None
    return EffectCheck(
        item_id=item.id or 0, checked_at=clock(), until_on=until, is_final=is_final, plan_hash=plan.frozen_hash,
        sha256=hash_of(figures), figures=figures, method=effect.method.value,
        method_reason=seen.primary.choice.why.value, x0=plain(effect.x0), n0=round(effect.n0), x1=plain(effect.x1),
        n1=round(effect.n1), estimate=plain(effect.estimate), low=plain(effect.low), high=plain(effect.high),
        p=plain(effect.p), diagnostics=_diagnostics(seen, judged), secondary=_secondary(beside.secondary),
        guardrails=_guardrails(beside, judged), second_feedback=beside.second_feedback, fidelity_ratio=seen.fidelity,
        verdict=judged.verdict if judged else None, attribution=judged.reason.value if judged else "",
        n_needed=judged.n_still_needed if judged else seen.observed.needed,
        limitations=[one.value for one in (judged.limitations if judged else effect.limitations)],
    )  # fmt: skip


def _beside(policy: Policy, plan: VerificationPlan, seen: Standing) -> _Beside:
    guards, others = (_found(policy, plan, seen, names) for names in (plan.guardrails, plan.secondary))
    where = slice_of(plan, plan.element)
    return _Beside(guards, others, second_feedback(seen.frame, policy.kpi.indicators[plan.indicator], where))


def _judged(policy: Policy, item: Item, plan: VerificationPlan, seen: Standing, beside: _Beside) -> Judged:
    guards = _as_guards(policy, beside.guardrails)
    goal = Goal(target_of(policy, item, plan), is_lower_better(policy.kpi.indicators[plan.indicator]))
    return judge(seen.primary.effect, goal, seen.primary.required, control=seen.primary.control, guardrails=guards,
                 fidelity=seen.fidelity)  # fmt: skip


def guards_of(policy: Policy, plan: VerificationPlan, seen: Standing) -> list[Guardrail]:
    """What must not get worse, as far as it is by the data seen."""
    return _as_guards(policy, _found(policy, plan, seen, plan.guardrails))


def _found(policy: Policy, plan: VerificationPlan, seen: Standing, names: Iterable[str]) -> dict[str, Found]:
    where = slice_of(plan, plan.element)
    control = slice_of(plan, plan.control) if plan.control else None
    return {name: found(seen.frame, policy.kpi.indicators[name], where, control=control) for name in names}


def _as_guards(policy: Policy, guards: Mapping[str, Found]) -> list[Guardrail]:
    return [Guardrail(name, one.effect, is_lower_better(policy.kpi.indicators[name])) for name, one in guards.items()]


def is_lower_better(indicator: IndicatorPolicy) -> bool:
    """Whether less of it is better."""
    return indicator.direction is Direction.AT_MOST


def _figures(seen: Standing, beside: _Beside) -> Row:
    windows = seen.frame.windows
    days = (windows.baseline_on, windows.baseline_until, windows.implemented_on, windows.post_on, windows.post_until)
    names = ("baseline_on", "baseline_until_on", "implemented_on", "post_on", "post_until_on")
    return {
        "windows": {name: day.isoformat() if day else None for name, day in zip(names, days, strict=True)},
        "excluded": [day.isoformat() for day in seen.frame.excluded], "fidelity": seen.fidelity,
        "primary": seen.primary.figures, "second_feedback": beside.second_feedback,
        "guardrails": {name: one.figures for name, one in beside.guardrails.items()},
        "secondary": {name: one.figures for name, one in beside.secondary.items()},
    }  # fmt: skip


def _diagnostics(seen: Standing, judged: Judged | None) -> Row:
    effect, control = seen.primary.effect, seen.primary.control
    return {
        **{name: plain(value) for name, value in effect.diagnostics.items()},
        "is_ratio": effect.is_ratio, "n_required": seen.primary.required, "plain": of_contrast(effect.plain),
        "before": _window(effect, "before"), "after": _window(effect, "after"),
        "control": interval(control) if control else None,
        "certainty": judged.certainty.value if judged and judged.certainty else None,
    }  # fmt: skip


def _window(effect: Effect, name: str) -> Row:
    """The figure of one window with its interval."""
    return {part: plain(value) for part, value in getattr(effect, name)._asdict().items()}


def _one(name: str, one: Found) -> Row:
    effect = one.effect
    return {
        "indicator": name, "method": effect.method.value, **interval(effect), "n0": round(effect.n0),
        "n1": round(effect.n1), "before": plain(effect.before.value), "after": plain(effect.after.value),
    }  # fmt: skip


def _guardrails(beside: _Beside, judged: Judged | None) -> list[Row]:
    """What must not get worse; whether it did is told with the verdict only."""
    return [
        _one(name, one) | {"is_harmed": name in judged.harmed if judged else None}
        for name, one in beside.guardrails.items()
    ]


def _secondary(others: Mapping[str, Found]) -> list[Row]:
    """The other indicators, the chance of a single false one among them held."""
    lines = secondary({name: one.effect.p for name, one in others.items()})
    return [
        _one(name, one) | {"p_adjusted": plain(lines[name].adjusted), "is_held": lines[name].is_held}
        for name, one in others.items()
    ]
