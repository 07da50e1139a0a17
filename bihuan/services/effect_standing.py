"""How far the verification of an item is: its figures by the frozen plan, and whether they are enough to judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from sqlmodel import Session

from bihuan.analysis.readiness import needed_after, ready_on, still_needed
from bihuan.analysis.verification import Windows
from bihuan.clock import Clock, zone
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.rules.content import hash_of, verification_content
from bihuan.rules.observation import Done, Observed, fidelity
from bihuan.services.dossier import Dossier
from bihuan.services.effect_data import Frame
from bihuan.services.effect_figure import Found, found
from bihuan.services.verification_need import bare_n, slice_of
from bihuan.services.verification_ready import done_on
from bihuan.settings import Settings
from schemas.item import Item
from schemas.plan import Measure, VerificationPlan

_LEAST_WEEKS = 2
"""From so many on, cases that came are a better forecast than the plan's."""


class NotReadyError(RefusedError):
    """The data are not there yet; ``observed`` says how far they are."""

    def __init__(self, number: str, observed: Observed) -> None:
        """Say what is missing, and how long it is waited for."""
        self.observed = observed
        lacking = (
            "no number of cases would be enough" if observed.needed is None else f"{observed.needed} cases missing"
        )
        super().__init__(
            f"{number} cannot be judged yet: {lacking}; not before {observed.least_on}, at last on {observed.ends_on}",
            cure=f"look without a verdict: `bihuan improvement verify {number} --look`",
        )


@dataclass(frozen=True)
class Standing:
    """How far the verification of an item is."""

    frame: Frame
    primary: Found
    observed: Observed
    fidelity: float
    ready_on: date | None
    """When there should be enough by the cases that come in; None: not within six months."""


def standing(session: Session, policy: Policy, settings: Settings, file: Dossier, until_on: date, clock: Clock
             ) -> Standing:  # fmt: skip
    """How far the data are on a day.

    Args:
        session: Where to look.
        policy: Its indicators.
        settings: The installation's zone.
        file: Of the item.
        until_on: The first day that does not count any more.
        clock: Tells the present.

    Raises:
        RefusedError: There is no frozen plan, no measure is in force, or no day after it counts yet.
    """
    plan, implemented_on = frozen(file), done_on(file.measures)
    if implemented_on is None:
        raise RefusedError(f"no measure of {file.item.number} is in force", cure="say when its measures were done")
    frame = _frame(session, policy, settings, (file.item, plan), implemented_on, until_on, clock)
    item, where, known = file.item, slice_of(plan, plan.element), policy.kpi.indicators[plan.indicator]
    primary = found(
        frame, known, where, wish=plan.method, bare=partial(bare_n, item, plan, known),
        control=slice_of(plan, plan.control) if plan.control else None, planned_n=plan.n_required,
    )  # fmt: skip
    n0, n1 = primary.effect.n0, primary.effect.n1
    observed = Observed(
        implemented_on, plan.lag_days, plan.least_days, item.extensions, still_needed(primary.required, n0, n1)
    )
    days = (until_on - frame.windows.post_on).days
    weekly = n1 / days * 7 if days >= _LEAST_WEEKS * 7 else plan.weekly_n or n1 / days * 7
    forecast = ready_on(implemented_on, plan.lag_days, weekly, needed_after(primary.required, n0),
                        least_days=plan.least_days)  # fmt: skip
    return Standing(frame, primary, observed, fidelity_of(file.measures), forecast.ready_on)


def fidelity_of(measures: Sequence[Measure]) -> float:
    """How much of a plan was carried out, 0 to 1."""
    return fidelity([Done(one.state, one.effort, one.coverage_ratio) for one in measures])


def is_due(policy: Policy, seen: Standing, on: date) -> bool:
    """Whether an item can be judged on a day: its data are there, or its work is not."""
    return seen.observed.is_ready(on) or seen.fidelity < policy.improvement.cycle.least_coverage


def frozen(file: Dossier) -> VerificationPlan:
    """The frozen plan of an item.

    Raises:
        RefusedError: There is none, or it is not what was frozen.
    """
    plan = file.verification
    if plan is None or not plan.frozen_hash:
        raise RefusedError(f"{file.item.number} has no frozen verification plan", cure="let its plan be approved")
    if plan.frozen_hash != hash_of(verification_content(plan.model_dump())):
        raise RefusedError(f"the verification plan of {file.item.number} is not what was frozen",
                           cure="let the plan as it is now be approved")  # fmt: skip
    return plan


def _frame(
    session: Session, policy: Policy, settings: Settings, what: tuple[Item, VerificationPlan], implemented_on: date,
    until_on: date, clock: Clock,
) -> Frame:  # fmt: skip
    item, plan = what
    here = zone(settings.timezone)
    try:
        windows = Windows(plan.baseline_on, plan.baseline_until_on, implemented_on, lag_days=plan.lag_days,
                          post_until=until_on)  # fmt: skip
    except ValueError as error:
        raise RefusedError(
            f"{item.number}: {error}", cure="look again later, or amend the verification plan"
        ) from error
    excluded = tuple(date.fromisoformat(one) for one in plan.excluded)
    frame = Frame(session, policy, here, clock(), windows, excluded)
    return replace(frame, at=min(frame.instant(until_on), clock()))


def target_of(policy: Policy, item: Item, plan: VerificationPlan) -> float:
    """Where the indicator should go: the item's target, else the indicator's."""
    return policy.kpi.indicators[plan.indicator].target if item.target_value is None else item.target_value
