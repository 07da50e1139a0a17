"""A new improvement item: by hand, or from a finding, with what the data say of it already written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.kpi import Counts, Direction, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules.month import months_before
from bihuan.rules.priority import Signs, importance_of, priority, urgency_of
from bihuan.services.cycle_file import find_open_cycle
from bihuan.services.dossier import today_of
from bihuan.services.item_edit import ITEM_FIELDS, settle_priority
from bihuan.services.item_field import write
from bihuan.services.item_log import needed, note
from bihuan.services.item_wording import FindingWording
from bihuan.store.lock import hold
from bihuan.store.rows import table_of
from schemas.improvement import AnalysisRun, Disposition, Finding, FindingState, Problem
from schemas.item import Cycle, Item, ItemState
from schemas.kpi import Signal
from schemas.people import Department
from schemas.plan import Cause

DRAFTED = "drafted"
LATE, REOPENED, NEGATIVE = "late", "reopened", "negative"
"""What a month's analysis calls its rates (``bihuan.analysis.subject``)."""
_ASSUMED_FEASIBILITY = 3
"""Until somebody says how feasible it is."""
_F, _P, _R, _N = table_of(Finding).c, table_of(Problem).c, table_of(AnalysisRun).c, table_of(Signal).c


class Counted(NamedTuple):
    """The indicator of a finding: its name in ``kpi.yaml``, and whether it counts what did not go wrong."""

    name: str
    policy: IndicatorPolicy
    is_inverted: bool


def draft(
    session: Session, policy: Policy, clock: Clock, cycle_number: str, by: str, changes: Mapping[str, Any]
) -> str:
    """Begin an item by hand.

    Args:
        session: Inside ``Database.write``.
        policy: Says how its priority follows.
        clock: Tells the present; it starts today where nothing else is said.
        cycle_number: Of an open cycle.
        by: Who.
        changes: What is known of it, as ``amend`` takes it; ``name`` has to be there.

    Returns:
        Its number.

    Raises:
        UsageError: No such cycle, a field that nobody writes, or no name.
        RefusedError: The cycle is closed.
    """
    if not str(changes.get("name") or "").strip():
        raise UsageError("the item has no name", cure="say in a few words what is to be made better: name=…")
    cycle = find_open_cycle(session, cycle_number)
    item = new_item(session, policy, clock, cycle, str(changes["name"]))
    told = write(session, item, changes, ITEM_FIELDS)
    settle_priority(item, told)
    return _begun(session, clock, item, by, told)


def new_item(session: Session, policy: Policy, clock: Clock, cycle: Cycle, name: str) -> Item:
    """A draft in a cycle with the next number there; nothing of it is kept in the log yet."""
    at = clock()
    return Item(
        number=_next_number(session, cycle), cycle_id=cycle.id or 0, state=ItemState.DRAFT, name=name, opened_at=at,
        start_on=today_of(policy, at), revision=0, is_simulated=cycle.is_simulated,
    )  # fmt: skip


def _next_number(session: Session, cycle: Cycle) -> str:
    """The cycle's number and which item it is of those that began there, wherever they went since."""
    hold(session, "pdca")
    number = col(Item.number)
    begun = select(func.count()).where(number.like(f"{cycle.number}-__") | number.like(f"{cycle.number}-___"))
    count: int = session.execute(begun).scalar_one()
    return f"{cycle.number}-{count + 1:02}"


def _begun(session: Session, clock: Clock, item: Item, by: str, told: dict[str, Any], reason: str = "") -> str:
    session.add(item)
    session.flush()
    note(session, clock, item, DRAFTED, by, reason=reason, data=told)
    return item.number


def draft_from_finding(
    session: Session, policy: Policy, clock: Clock, cycle_number: str, finding_number: str, by: str,
    *, language: str = "zh",
) -> str:  # fmt: skip
    """Begin an item from a finding, which is accepted by that: baseline, share, stage, evidence and a priority.

    The month by which it was found is no part of its baseline: it would flatter any effect. Doing it again gives the
    item that there is.

    Args:
        session: Inside ``Database.write``.
        policy: Its indicators, and how a priority follows.
        clock: Tells the present.
        cycle_number: Of an open cycle.
        finding_number: What it is about.
        by: Who.
        language: In which name, problem and first cause are written: that of whoever begins it.

    Returns:
        Its number.

    Raises:
        UsageError: No such finding or cycle.
        RefusedError: The finding was merged or rejected, or the cycle is closed.
    """
    finding = find_finding(session, finding_number)
    known = session.exec(select_rows(Item.number).where(Item.finding_id == finding.id).order_by(col(Item.id))).first()
    if known is not None:
        return known
    if finding.disposition in {Disposition.MERGED, Disposition.REJECTED}:
        raise RefusedError(f"{finding_number} was {finding.disposition}", cure="begin one by hand, and say why")
    run = session.get_one(AnalysisRun, finding.run_id)
    cycle, counted = find_open_cycle(session, cycle_number), counted_by(policy, finding.indicator)
    said = FindingWording(session, finding, language)
    item = new_item(session, policy, clock, cycle, said.name(counted.policy if counted else None))
    item.problem = said.problem(run)
    _fill(session, item, finding, run, counted)
    _suggest(session, item, finding, run)
    _dispose(clock, finding, Disposition.ACCEPTED, "", by)
    session.add(finding)
    number = _begun(session, clock, item, by, {"finding": finding.number})
    session.add(Cause(item_id=item.id or 0, bone=finding.bone, statement=said.cause, is_suggested=True))
    session.flush()
    return number


def find_finding(session: Session, number: str) -> Finding:
    """The finding of that number, locked.

    Raises:
        UsageError: There is none.
    """
    found = session.exec(select_rows(Finding).where(Finding.number == number).with_for_update()).first()
    if found is None:
        raise UsageError(f"no finding {number!r}", cure="see `bihuan improvement month MONTH --json`")
    return found


def counted_by(policy: Policy, name: str) -> Counted | None:
    """The indicator of the policy that counts what a month's analysis calls so; None where none does."""
    wanted = {REOPENED: Counts.REOPENED, NEGATIVE: Counts.NEGATIVE}.get(name)
    for key, it in policy.kpi.indicators.items():
        if (wanted is not None and it.counts is wanted) or (name == LATE and it.milestone == "handled"):
            is_bad = it.direction is Direction.AT_MOST
            return Counted(key, it, not is_bad)
    return None


def _fill(session: Session, item: Item, finding: Finding, run: AnalysisRun, counted: Counted | None) -> None:
    item.finding_id, item.dimension, item.element = finding.id, finding.dimension, finding.element
    item.evidence = list(finding.evidence)
    if counted:
        item.indicator = counted.name
        if finding.x0 is not None and finding.n0:
            item.baseline_x = finding.n0 - finding.x0 if counted.is_inverted else finding.x0
            item.baseline_n = finding.n0
            item.baseline_on = months_before(run.period_on, int(run.params.get("baseline", 3)))
            item.baseline_until_on = run.period_on
    if finding.dimension == "department":
        item.department_id = session.exec(select_rows(Department.id).where(Department.code == finding.element)).first()
    if line := _line(session, finding):
        item.share_ratio, item.stage, item.kind = line.share_ratio, line.stage, line.kind


def _line(session: Session, finding: Finding) -> Problem | None:
    """The line of the problem list about the same place."""
    same = (Problem.run_id == finding.run_id, Problem.dimension == finding.dimension,
            Problem.element == finding.element)  # fmt: skip
    return session.exec(select_rows(Problem).where(*same)).first()


def _suggest(session: Session, item: Item, finding: Finding, run: AnalysisRun) -> None:
    """Write in what the data say of its priority, and keep that they did."""
    line = _line(session, finding)
    of_run = select(_P.severity_weight).where(_P.run_id == run.id, _P.dimension == finding.dimension)
    weights = [float(one) for one in session.execute(of_run).scalars()]
    signs = _signs(session, item, finding, run)
    item.importance = importance_of(line.severity_weight, weights) if line else None
    item.urgency = urgency_of(signs)
    item.suggested = {"importance": item.importance, "urgency": item.urgency, "priority": None, "why": signs._asdict()}
    if item.importance:
        item.priority = priority(item.importance, item.urgency, _ASSUMED_FEASIBILITY)
        item.suggested = item.suggested | {"priority": item.priority.value}


def _signs(session: Session, item: Item, finding: Finding, run: AnalysisRun) -> Signs:
    spoke = select(func.count()).where(
        _N.indicator == item.indicator, _N.is_worse, _N.starts_on >= months_before(run.period_on, 1),
        ((_N.dimension == finding.dimension) & (_N.element == finding.element)) | (_N.dimension == ""),
    )  # fmt: skip
    place = (_F.dimension == finding.dimension, _F.element == finding.element)
    late = select(func.count()).where(_F.run_id == run.id, _F.indicator == LATE, *place)
    before = (
        select(func.count(_R.period_on.distinct()))
        .select_from(table_of(Finding).join(table_of(AnalysisRun), _R.id == _F.run_id))
        .where(*place, _F.indicator == finding.indicator, _F.state == FindingState.LOCALIZED,
               _R.scope == run.scope, _R.period_on < run.period_on)
    )  # fmt: skip
    counts = [int(session.execute(one).scalar_one()) for one in (spoke, late, before)]
    return Signs(bool(counts[0]) and bool(item.indicator), bool(counts[1]), counts[2])


def dispose(
    session: Session, policy: Policy, clock: Clock, finding_number: str, disposition: Disposition, reason: str, by: str
) -> None:  # fmt: skip
    """Say that a finding is not worked on by itself: merged into another matter, or rejected, with the reason.

    Said again it changes nothing.

    Raises:
        UsageError: No such finding, or no reason.
        RefusedError: An item works on it; accepting it is beginning one.
    """
    del policy
    finding = find_finding(session, finding_number)
    why = needed(reason)
    if disposition is Disposition.ACCEPTED or finding.disposition is Disposition.ACCEPTED:
        raise RefusedError(f"{finding_number} is accepted by the item that works on it",
                           cure="draft an item from it, or cancel that one")  # fmt: skip
    if (finding.disposition, finding.disposition_reason) != (disposition, why):
        _dispose(clock, finding, disposition, why, by)
        session.add(finding)


def _dispose(clock: Clock, finding: Finding, disposition: Disposition, reason: str, by: str) -> None:
    finding.disposition, finding.disposed_at = disposition, clock()
    finding.disposed_by, finding.disposition_reason = by[:120], reason
