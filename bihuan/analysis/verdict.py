"""Verdict 效果判定: what is said of an effect (IMPROVEMENT 3.8); computed from a frozen plan, never typed.

A better estimate never gets a worse verdict: worse < ineffective, inconclusive < not attributable < partial <
effective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bihuan.analysis.proportion import Contrast, quantile
from bihuan.analysis.readiness import each, still_needed
from bihuan.analysis.verification import Effect, Goal, facing
from schemas.verification import Certainty, Limitation, Method, Reason, Verdict

LEAST_FIDELITY = 0.8
_EARLY = 3.29
"""Standard errors."""
RANK = {
    Verdict.WORSE: 0, Verdict.INEFFECTIVE: 1, Verdict.INCONCLUSIVE: 1, Verdict.NOT_ATTRIBUTABLE: 2,
    Verdict.PARTIAL: 3, Verdict.EFFECTIVE: 4,
}  # fmt: skip
"""How good a verdict is; whether data are enough does not order them, and what was not implemented has no rank."""
_EXPLAINED = {
    Method.DID: Reason.CONTROL_MOVED_ALIKE, Method.SAME_MONTHS: Reason.SEASON_EXPLAINS,
    Method.SEGMENTED: Reason.TREND_EXPLAINS,
}  # fmt: skip


@dataclass(frozen=True)
class Guardrail:
    """An indicator that must not get worse: cost, other channels, handling time."""

    name: str
    effect: Effect
    is_lower_better: bool


@dataclass(frozen=True)
class Judged:
    """A verdict with what belongs to it."""

    verdict: Verdict
    reason: Reason
    certainty: Certainty | None = None
    """Of EFFECTIVE only."""
    n_still_needed: int | None = None
    """Of INCONCLUSIVE, and of NOT_ATTRIBUTABLE with too few data: how many the window after lacks; None where the
    baseline is too small for any number, and of the other verdicts."""
    harmed: tuple[str, ...] = ()
    """The guard-rails that got worse."""
    limitations: tuple[Limitation, ...] = ()


def judge(
    effect: Effect,
    goal: Goal,
    n_required: float,
    *,
    control: Effect | None = None,
    guardrails: Sequence[Guardrail] = (),
    fidelity: float = 1.0,
) -> Judged:
    """The verdict on the effect of an improvement.

    Args:
        effect: Of the primary indicator, by the frozen method, ``limited`` by what its choice says.
        goal: The frozen target and the direction.
        n_required: Of each window, frozen; it holds φ and the design factor.
        control: Where the method is not itself a comparison with an untouched slice and there is one: ``effect.did``
            of the same indicator. An improvement that it does not confirm is not attributed; one without data is none.
        guardrails: What must not get worse.
        fidelity: What part of the measures was carried out, 0..1.

    Returns:
        NOT_IMPLEMENTED below 80 % fidelity. WORSE where a guard-rail's interval lies on the bad side, or the
        effect's. Not improved: NOT_ATTRIBUTABLE where the window alone improved and control, season or trend take it
        away; else INEFFECTIVE with enough data and INCONCLUSIVE without. Improved: NOT_ATTRIBUTABLE where the control
        does not confirm it or a season was not taken out; else EFFECTIVE at the target, PARTIAL short of it.
    """
    control = control if control is not None and control.is_known else None
    limits = _limits(effect, control)
    if fidelity < LEAST_FIDELITY:
        return Judged(Verdict.NOT_IMPLEMENTED, Reason.FIDELITY_LOW, limitations=limits)
    harmed = tuple(one.name for one in guardrails if _is_harmed(one))
    if harmed:
        return Judged(Verdict.WORSE, Reason.SIDE_EFFECT, harmed=harmed, limitations=limits)
    is_enough = each(effect.n0, effect.n1) >= n_required
    lacking = None if is_enough else still_needed(n_required, effect.n0, effect.n1)
    if not effect.is_known:
        return Judged(Verdict.INCONCLUSIVE, Reason.TOO_FEW, n_still_needed=lacking, limitations=limits)
    change = _turned(effect, goal)
    if change.low > 0:
        return Judged(Verdict.WORSE, Reason.GOT_WORSE, limitations=limits)
    explained = _explained(effect, goal, control)
    if explained is not None:
        return Judged(Verdict.NOT_ATTRIBUTABLE, explained, n_still_needed=lacking, limitations=limits)
    if change.high < 0:
        return _improved(effect, goal, limits)
    if is_enough:
        return Judged(Verdict.INEFFECTIVE, Reason.NO_CHANGE_SEEN, limitations=limits)
    return Judged(Verdict.INCONCLUSIVE, Reason.TOO_FEW, n_still_needed=lacking, limitations=limits)


def _turned(effect: Effect, goal: Goal) -> Contrast:
    return facing(Contrast(effect.estimate, effect.low, effect.high), goal, is_ratio=effect.is_ratio)


def _is_harmed(one: Guardrail) -> bool:
    return one.effect.is_known and _turned(one.effect, Goal(0.0, one.is_lower_better)).low > 0


def clearly_worse(guardrails: Sequence[Guardrail]) -> tuple[str, ...]:
    """Which of them got worse so clearly that it is said before the planned number of cases is there.

    By 3.29 standard errors, p < 0.001 two-sided, at every look alike: so many looks at that leave the last one its 5 %
    (Haybittle 1971; Peto and others, British Journal of Cancer 34, 1976).
    """
    return tuple(one.name for one in guardrails if one.effect.is_known and _is_far(one))


def _is_far(one: Guardrail) -> bool:
    """Whether the bad side is further away than the interval of 95 %, stretched, reaches."""
    change = _turned(one.effect, Goal(0.0, one.is_lower_better))
    return change.value - (change.value - change.low) * _EARLY / quantile(0.95) > 0


def _explained(effect: Effect, goal: Goal, control: Effect | None) -> Reason | None:
    """What else an improvement comes from; None where nothing takes it away, or there is none."""
    if _turned(effect, goal).high >= 0:
        plain = effect.plain and facing(effect.plain, goal, is_ratio=effect.is_ratio)
        return _EXPLAINED.get(effect.method) if plain and plain.high < 0 else None
    if control is not None and _turned(control, goal).high >= 0:
        return Reason.CONTROL_MOVED_ALIKE
    return Reason.SEASON_UNCHECKED if _is_season_open(effect, control) else None


def _is_season_open(effect: Effect, control: Effect | None) -> bool:
    """Whether a season may have made it; a control has the same season."""
    return Limitation.SEASONAL_UNCHECKED in effect.limitations and control is None


def _improved(effect: Effect, goal: Goal, limits: tuple[Limitation, ...]) -> Judged:
    after = facing(Contrast(*effect.after), goal, is_ratio=False)
    target = goal.target if goal.is_lower_better else -goal.target
    if not after.value <= target:
        return Judged(Verdict.PARTIAL, Reason.TARGET_MISSED, limitations=limits)
    certainty = Certainty.CONFIRMED if after.high <= target else Certainty.POINT_ESTIMATE
    return Judged(Verdict.EFFECTIVE, Reason.TARGET_REACHED, certainty, limitations=limits)


def _limits(effect: Effect, control: Effect | None) -> tuple[Limitation, ...]:
    """What must be said; a control takes back that there is none, and brings its own."""
    if control is None:
        return effect.limitations
    untrue = {Limitation.NO_CONTROL, Limitation.TWO_WINDOWS_ONLY, Limitation.SEASONAL_UNCHECKED}
    own = tuple(one for one in effect.limitations if one not in untrue)
    return tuple(dict.fromkeys((*own, *control.limitations)))
