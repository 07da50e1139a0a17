"""The verification plan 验证方案 of an item: how its effect will be judged, written before the work, then frozen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import UsageError
from bihuan.policy.flaw import nearest
from bihuan.policy.kpi import DIMENSIONS
from bihuan.policy.models import Policy
from bihuan.services import item_field as field
from bihuan.services.dossier import Dossier, dossier
from bihuan.services.item_log import find_open, needed, note
from bihuan.services.verification_need import need
from bihuan.services.verification_ready import done_on, plain, ready_on
from bihuan.store.rows import table_of
from schemas.improvement import AnalysisRun, Finding
from schemas.item import Item
from schemas.kpi import Grain, Snapshot
from schemas.plan import VerificationPlan

_WEEKS_A_MONTH = 365.25 / 12 / 7
_MONTHS = 6
"""Of which the weekly number of cases is taken."""
_N = table_of(Snapshot).c
VERIFICATION_FIELDS: Mapping[str, field.Writable] = dict([
    field.same("indicator", field.needed_text),
    *(field.same(name, field.text) for name in ("dimension", "element", "control", "method", "fallback")),
    *(field.same(name, field.listed) for name in ("secondary", "guardrails")),
    field.same("baseline_on", field.needed_day),
    field.same("baseline_until_on", field.needed_day),
    field.same("excluded", field.days),
    field.same("lag_days", field.whole(0, 366)),
    field.same("least_days", field.whole(1, 366)),
    field.same("alpha", field.number(0.001, 0.5)),
    field.same("power", field.number(0.5, 0.999)),
    field.same("smallest", field.number()),
    field.same("weekly_n", field.number(0)),
])  # fmt: skip
"""What people may write; how many cases it takes, and when they can be there, is computed."""


def write_plan(
    session: Session, policy: Policy, clock: Clock, number: str, changes: Mapping[str, Any], by: str, reason: str = ""
) -> VerificationPlan:  # fmt: skip
    """Write how an item's effect will be judged, or change it. What nobody said follows from the item.

    Once frozen it is changed only with a reason, which is kept as an amendment, and has to be agreed to again.

    Args:
        session: Inside ``Database.write``.
        policy: Its indicators.
        clock: Tells the present.
        number: The item's.
        changes: By the names of ``VERIFICATION_FIELDS``; may be empty.
        by: Who.
        reason: Why, where it was frozen.

    Returns:
        The plan as it is now; ``ready_on`` None where enough data cannot be there within six months.

    Raises:
        UsageError: No such item, a field that nobody writes, an unknown indicator or dimension, no baseline; or no
            reason where it was frozen.
        RefusedError: The item has ended.
    """
    item = find_open(session, number)
    file = dossier(session, item)
    plan = file.verification
    is_new = plan is None
    plan = plan or _usual(session, item, changes)
    told = field.write(session, plan, changes, VERIFICATION_FIELDS)
    _refuse_unknown(policy, plan)
    told |= _compute(session, policy, clock, file, plan)
    if not told and not is_new:
        return plan
    if plan.frozen_at is not None and set(told) - {"ready_on", "weekly_n"}:
        _amend(plan, {"at": clock().isoformat(), "by": by, "reason": needed(reason), "changed": told})
    session.add(plan)
    session.flush()
    data = {f"verification {name}": pair for name, pair in told.items()}
    note(session, clock, item, "verification_planned", by, reason=reason, data=data)
    return plan


def _amend(plan: VerificationPlan, amendment: dict[str, Any]) -> None:
    """Keep what was changed after freezing; it is frozen no longer."""
    plan.amendments = [*plan.amendments, amendment]
    plan.frozen_at, plan.frozen_hash = None, ""


def _usual(session: Session, item: Item, changes: Mapping[str, Any]) -> VerificationPlan:
    """What follows from the item: its slice and baseline, without the month by which it was found."""
    nowhere = date.min
    plan = VerificationPlan(
        item_id=item.id or 0, indicator=item.indicator, dimension=item.dimension, element=item.element,
        baseline_on=item.baseline_on or nowhere, baseline_until_on=item.baseline_until_on or nowhere,
    )  # fmt: skip
    if nowhere in {plan.baseline_on, plan.baseline_until_on} and not {"baseline_on", "baseline_until_on"} <= set(
        changes
    ):
        raise UsageError(f"{item.number} has no baseline", cure="give baseline_on and baseline_until_on")
    finding = session.get(Finding, item.finding_id) if item.finding_id else None
    if finding:
        plan.excluded = [session.get_one(AnalysisRun, finding.run_id).period_on.isoformat()]
    return plan


def _refuse_unknown(policy: Policy, plan: VerificationPlan) -> None:
    for name in (plan.indicator, *plan.secondary, *plan.guardrails):
        if name not in policy.kpi.indicators:
            raise UsageError(f"no indicator {name!r}", cure=nearest(name, policy.kpi.indicators))
    if plan.dimension and plan.dimension not in DIMENSIONS:
        raise UsageError(f"no indicator is cut by {plan.dimension!r}", cure=nearest(plan.dimension, DIMENSIONS))
    if plan.control and (not plan.dimension or plan.control == plan.element):
        raise UsageError("the control is no other element of its dimension", cure="name one nothing is done to")


def _compute(
    session: Session, policy: Policy, clock: Clock, file: Dossier, plan: VerificationPlan
) -> dict[str, Any]:  # fmt: skip
    """How many it takes, how many come a week, and when there can be enough; what is different by that."""
    before = (plan.n_required, plan.weekly_n, plan.ready_on)
    found = need(session, policy, clock, file.item, plan)
    plan.n_required = found.n
    if not plan.weekly_n:
        plan.weekly_n = _weekly(session, plan) or found.weekly_n
    plan.ready_on = ready_on(plan, done_on(file.measures))
    after = (plan.n_required, plan.weekly_n, plan.ready_on)
    pairs = zip(("n_required", "weekly_n", "ready_on"), before, after, strict=True)
    return {name: [plain(old), plain(new)] for name, old, new in pairs if old != new}


def _weekly(session: Session, plan: VerificationPlan) -> float | None:
    """Cases a week in the newest months of its slice; None where there are none."""
    months = (
        select(_N.n).where(_N.indicator == plan.indicator, _N.grain == Grain.MONTH, _N.dimension == plan.dimension,
                           _N.element == plan.element)
        .order_by(_N.starts_on.desc()).limit(_MONTHS).subquery()
    )  # fmt: skip
    found = session.execute(select(func.avg(months.c.n))).scalar()
    return round(float(found) / _WEEKS_A_MONTH, 2) if found else None
