"""When enough data for a verdict can be there: by the verification plan and the work as it is planned or was done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from math import ceil
from typing import Any

from sqlmodel import Session
from sqlmodel import select as select_rows

from schemas.item import Item
from schemas.plan import Measure, MeasureState, VerificationPlan

LONGEST = timedelta(days=183)
"""What cannot be known within six months of the work is not known in this cycle."""


def done_on(measures: Iterable[Measure]) -> date | None:
    """When the work is done, as far as it is known: the last day of any measure that is kept, done or due.

    Returns:
        None where one of them has no day, or none is kept.
    """
    days = [one.implemented_on or one.due_on for one in measures if one.state is not MeasureState.CANCELLED]
    known = [one for one in days if one is not None]
    return max(known) if known and len(known) == len(days) else None


def ready_on(plan: VerificationPlan, done: date | None) -> date | None:
    """The first day on which enough data can be there.

    Args:
        plan: With ``n_required`` and ``weekly_n``; where no number is required, only the least time counts.
        done: The last day of the work; None: not known.

    Returns:
        None where that day is not known, or lies more than six months after the work.
    """
    if done is None:
        return None
    wait = timedelta(days=plan.least_days)
    if plan.n_required:
        if not plan.weekly_n:
            return None
        wait = max(wait, timedelta(days=ceil(plan.n_required / plan.weekly_n * 7)))
    wait += timedelta(days=plan.lag_days)
    return done + wait if wait <= LONGEST else None


def renew_ready(session: Session, item: Item) -> dict[str, Any]:
    """Bring the day on which it can be ready in line with the work.

    Returns:
        What is different by that, as an event keeps it; empty where nothing is.
    """
    plan = session.exec(select_rows(VerificationPlan).where(VerificationPlan.item_id == item.id)).first()
    if plan is None:
        return {}
    measures = session.exec(select_rows(Measure).where(Measure.item_id == item.id)).all()
    before, plan.ready_on = plan.ready_on, ready_on(plan, done_on(measures))
    session.add(plan)
    return {} if before == plan.ready_on else {"verification ready_on": [plain(before), plain(plan.ready_on)]}


def forget_required(session: Session, item: Item) -> dict[str, Any]:
    """Forget how many cases a verdict takes: what it was computed from is different now.

    Returns:
        What is different by that, as an event keeps it; empty where there is no plan.
    """
    plan = session.exec(select_rows(VerificationPlan).where(VerificationPlan.item_id == item.id)).first()
    if plan is None or (plan.n_required is None and plan.ready_on is None):
        return {}
    told = {"verification n_required": [plan.n_required, None], "verification ready_on": [plain(plan.ready_on), None]}
    plan.n_required, plan.ready_on = None, None
    session.add(plan)
    return told


def plain(value: Any) -> Any:
    """A value as an event keeps it."""
    return value.isoformat() if isinstance(value, date) else value
