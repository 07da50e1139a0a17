"""The dossier of an improvement item: everything kept of it, what its gates are about, and what its rules see of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col
from sqlmodel import select as select_rows

from bihuan.policy.cycle import Approver, Grave
from bihuan.policy.kpi import IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules import content
from bihuan.rules.goal import Band, Goal, baseline_value, failures
from bihuan.rules.item import Facts
from bihuan.rules.plan_lack import (
    CauseFacts,
    ClosingFacts,
    MeasureFacts,
    VerificationFacts,
    cause_lacks,
    closing_lacks,
    plan_lacks,
    standard_lacks,
    verification_lacks,
    work_lacks,
)
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, Severity
from schemas.effect import EffectCheck, Standard, SustainWatch, WatchState
from schemas.item import Approval, Cycle, Gate, Item, ItemEvent, ItemState, Priority
from schemas.kpi import Grain, Snapshot
from schemas.people import Staff
from schemas.plan import Cause, Measure, MeasureState, VerificationPlan

SPENT = "spent"
"""In an event: the id of the check that the item left behind. It is not judged by that one again."""
_N, _I, _C = (table_of(table).c for table in (Snapshot, Item, Complaint))
_Row = TypeVar("_Row", bound=SQLModel)


@dataclass(frozen=True)
class Dossier:
    """Everything kept of one item; approvals only those that stand or were refused, not the voided ones."""

    item: Item
    cycle: Cycle
    events: Sequence[ItemEvent]
    causes: Sequence[Cause]
    measures: Sequence[Measure]
    verification: VerificationPlan | None
    checks: Sequence[EffectCheck]
    standard: Standard | None
    """Its newest version."""
    watch: SustainWatch | None
    approvals: Sequence[Approval]
    department_id: int | None
    """Whose head answers for it: its own, else its owner's."""
    is_major: bool
    """Whether its cycle was opened for a major complaint."""
    has_child: bool

    @property
    def check(self) -> EffectCheck | None:
        """The final check that it is judged by now; None where it still has to be made."""
        spent = max((int(event.data.get(SPENT, 0)) for event in self.events), default=0)
        return next((one for one in reversed(self.checks) if one.is_final and (one.id or 0) > spent), None)

    @property
    def doers(self) -> frozenset[int]:
        """Ids of those who own the item or one of its measures."""
        owners = {self.item.owner_id, *(one.owner_id for one in self.measures)}
        return frozenset(one for one in owners if one is not None)

    @property
    def cost(self) -> float:
        """What it is planned to cost: its budget, or that of its measures where they sum up to more."""
        kept = (one.budget or 0 for one in self.measures if one.state is not MeasureState.CANCELLED)
        return max(self.item.budget or 0, sum(kept))


def dossier(session: Session, item: Item) -> Dossier:
    """Read everything kept of an item."""
    return dossiers(session, [item])[0]


def dossiers(session: Session, items: Sequence[Item]) -> list[Dossier]:
    """Read everything kept of items, in their order: as many statements for many as for one."""
    session.flush()
    ids = [item.id or 0 for item in items]
    events, causes, measures, plans, checks, standards, watches, approvals = (
        _of(session, model, ids)
        for model in (ItemEvent, Cause, Measure, VerificationPlan, EffectCheck, Standard, SustainWatch, Approval)
    )
    cycles = _by_id(session, Cycle, {item.cycle_id for item in items})
    owners = _by_id(session, Staff, {item.owner_id for item in items})
    severities = _severities(session, cycles.values())
    parents = {*session.execute(select(_I.parent_id).where(id_in(_I.parent_id, ids))).scalars()}
    return [
        Dossier(
            item, cycles[item.cycle_id], events[of], causes[of], sorted(measures[of], key=lambda one: one.place),
            next(iter(plans[of]), None), checks[of], next(reversed(standards[of]), None), next(iter(watches[of]), None),
            [one for one in approvals[of] if one.voided_at is None],
            item.department_id or (owners[item.owner_id].department_id if item.owner_id in owners else None),
            severities.get(cycles[item.cycle_id].complaint_id) is Severity.MAJOR, of in parents,
        )
        for item, of in zip(items, ids, strict=True)
    ]  # fmt: skip


def _of(session: Session, model: type[SQLModel], ids: Sequence[int]) -> Mapping[int, list[Any]]:
    """The rows about items, the oldest first, by item."""
    table, found = table_of(model).c, defaultdict[int, list[Any]](list)
    rows: Iterable[Any] = session.exec(select_rows(model).where(id_in(table.item_id, ids)).order_by(table.id))
    for row in rows:
        found[row.item_id].append(row)
    return found


def _by_id(session: Session, model: type[_Row], ids: Iterable[int | None]) -> dict[int | None, _Row]:
    table = table_of(model).c
    wanted = sorted(one for one in ids if one is not None)
    rows: Iterable[Any] = session.exec(select_rows(model).where(id_in(table.id, wanted)))
    return {row.id: row for row in rows}


def _severities(session: Session, cycles: Iterable[Cycle]) -> dict[int | None, Severity]:
    """How severe the complaints are that cycles were opened for, by their id."""
    wanted = sorted({one.complaint_id for one in cycles if one.complaint_id is not None})
    return {row.id: row.severity for row in session.execute(select(_C.id, _C.severity).where(id_in(_C.id, wanted)))}


def hashes(file: Dossier) -> dict[Gate, str]:
    """The hash of what each gate is about, as it is now."""
    item = file.item.model_dump()
    verification = file.verification.model_dump() if file.verification else None
    return {
        Gate.G1: content.hash_of(content.goal_content(item)),
        Gate.G2: content.hash_of(content.cause_content([one.model_dump() for one in file.causes])),
        Gate.G3: content.hash_of(content.plan_content(item, [one.model_dump() for one in file.measures], verification)),
        Gate.G4: content.hash_of(content.check_content(file.check.model_dump() if file.check else None)),
        Gate.G5: content.hash_of(content.standard_content(file.standard.model_dump() if file.standard else None)),
    }


def grave(file: Dossier, policy: Policy) -> frozenset[Grave]:
    """What makes it one that more people have to agree to."""
    cycle = policy.improvement.cycle
    signs = {
        Grave.HIGH: file.item.priority is Priority.HIGH,
        Grave.MAJOR: file.is_major,
        Grave.BUDGET: file.cost > cycle.budget_limit,
        Grave.LATE: file.item.carry_count >= cycle.carry.executive,
    }
    return frozenset(sign for sign, holds in signs.items() if holds)


def missing_roles(file: Dossier, policy: Policy, gate: Gate) -> tuple[Approver, ...]:
    """As what somebody still has to agree at a gate to what there is now, in the order of policy."""
    now = hashes(file)[gate]
    agreed = {one.role for one in file.approvals if one.gate is gate and one.is_approved and one.content_hash == now}
    return tuple(role for role in wanted_roles(file, policy, gate) if role.value not in agreed)


def wanted_roles(file: Dossier, policy: Policy, gate: Gate) -> tuple[Approver, ...]:
    """As what somebody has to agree at a gate."""
    return policy.improvement.cycle.gates[gate].wanted(grave(file, policy))


def agreed(file: Dossier) -> Mapping[Gate, list[str]]:
    """The hashes of what was agreed to and stands, by gate."""
    found: dict[Gate, list[str]] = defaultdict(list)
    for one in file.approvals:
        if one.is_approved:
            found[one.gate].append(one.content_hash)
    return found


def facts_of(session: Session, policy: Policy, file: Dossier, today: date) -> Facts:
    """What the rules see of an item on a day."""
    item, cycle, check, plan = file.item, policy.improvement.cycle, file.check, file.verification
    causes, measures = [_cause(one) for one in file.causes], [_measure(one) for one in file.measures]
    closing = _closing(file, policy)
    is_ready = check is not None or (plan is not None and plan.ready_on is not None and plan.ready_on <= today)
    lacks = verification_lacks(_verification(plan) if plan else None)
    standing = frozenset(gate for gate in Gate if not missing_roles(file, policy, gate))
    return Facts(
        state=item.state, priority=item.priority, is_held=is_held(item, today), standing=standing,
        goal=failures(goal_of(session, policy, item), cycle.longest), evidence=len(item.evidence),
        causes=cause_lacks(causes), plan=plan_lacks(causes, measures, item.priority, lacks), work=work_lacks(measures),
        closing=closing_lacks(closing, today, cycle.least_trained), standard=standard_lacks(closing, today),
        is_ready=is_ready, verdict=check.verdict if check else None, fidelity=check.fidelity_ratio if check else None,
        least_coverage=cycle.least_coverage, extensions=item.extensions, most_extensions=cycle.extensions,
        has_child=file.has_child,
    )  # fmt: skip


def is_held(item: Item, today: date) -> bool:
    """Whether it is held on a day: up to, and without, the day it is held until."""
    return item.held_until_on is not None and today < item.held_until_on


def goal_of(session: Session, policy: Policy, item: Item) -> Goal:
    """The goal of an item, with what its indicator has ever been."""
    known = policy.kpi.indicators.get(item.indicator)
    return Goal(
        problem=item.problem, has_owner=item.owner_id is not None, indicator=item.indicator,
        direction=known.direction if known else None,
        baseline=baseline_value(item.baseline_x, item.baseline_n, known.counts if known else None),
        has_period=item.baseline_on is not None and item.baseline_until_on is not None,
        target=item.target_value, target_reason=item.target_reason,
        band=_band(session, item, known) if known else None, start_on=item.start_on,
        due_on=item.target_on or item.due_on,
    )  # fmt: skip


def _band(session: Session, item: Item, known: IndicatorPolicy) -> Band | None:
    """The least and the most of its months with enough cases: of its slice, else of the whole."""
    for dimension, element in dict.fromkeys([(item.dimension, item.element), ("", "")]):
        found = session.execute(
            select(func.min(_N.value), func.max(_N.value)).where(
                _N.indicator == item.indicator, _N.grain == Grain.MONTH, _N.dimension == dimension,
                _N.element == element, _N.n >= known.min_n, _N.value.is_not(None),
            )
        ).one()  # fmt: skip
        if found[0] is not None:
            return Band(float(found[0]), float(found[1]))
    return None


def _cause(one: Cause) -> CauseFacts:
    is_proved = one.method is not None and bool(one.evidence.strip())
    return CauseFacts(one.id or 0, one.parent_id, one.bone, one.kind, one.state, is_proved)


def cause_facts(file: Dossier) -> list[CauseFacts]:
    """The causes as the rules see them."""
    return [_cause(one) for one in file.causes]


def _measure(one: Measure) -> MeasureFacts:
    return MeasureFacts(
        one.place, tuple(one.cause_ids), one.kind, one.strength, one.state, one.owner_id, one.due_on,
        one.implemented_on, bool(one.evidence.strip()),
    )  # fmt: skip


def _verification(plan: VerificationPlan) -> VerificationFacts:
    return VerificationFacts(
        plan.indicator, plan.baseline_on, plan.baseline_until_on, tuple(map(date.fromisoformat, plan.excluded)),
        plan.ready_on is not None, bool(plan.fallback.strip()),
    )  # fmt: skip


def _closing(file: Dossier, policy: Policy) -> ClosingFacts:
    item, standard, watch, sustain = file.item, file.standard, file.watch, policy.improvement.cycle.sustain
    is_monthly = watch is not None and watch.frozen.get("grain") == Grain.MONTH.value
    return ClosingFacts(
        item.verdict, standard is not None, standard.effective_on if standard else None,
        standard.trained_ratio if standard else 0.0, bool(standard and standard.elsewhere.strip()),
        standard is not None and standard.told_at is not None, watch.clean if watch else 0,
        sustain.months if is_monthly else sustain.points, watch is not None and watch.state is WatchState.BROKEN,
    )  # fmt: skip


def today_of(policy: Policy, at: datetime) -> date:
    """The day that an instant is in the zone of the usual calendar."""
    return at.astimezone(policy.calendars.default.zone).date()


def open_items(session: Session) -> Sequence[Item]:
    """The items that have not ended, by number."""
    ended = [ItemState.CLOSED, ItemState.SUPERSEDED, ItemState.CANCELLED, ItemState.RECURRED]
    return session.exec(select_rows(Item).where(col(Item.state).not_in(ended)).order_by(Item.number)).all()
