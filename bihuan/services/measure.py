"""Measures 措施 of an improvement item: planned, worked on, done or cancelled. What was cancelled is not done.

People write a measure as ``PDCA-2026-11-03.2``: the item and which of its measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, TypedDict, Unpack

from sqlmodel import Session
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.rules.budget import Cost, Oddity, budget_warnings
from bihuan.rules.item import position
from bihuan.services import item_field as field
from bihuan.services.dossier import dossier, today_of
from bihuan.services.item import advance
from bihuan.services.item_child import refuse_tried
from bihuan.services.item_log import find_open, needed, note
from bihuan.services.verification_ready import renew_ready
from schemas.item import Item, ItemState
from schemas.plan import Cause, Measure, MeasureKind, MeasureState, Strength

MEASURE_FIELDS: Mapping[str, field.Writable] = dict([
    field.same("what", field.needed_text),
    field.same("kind", field.needed_one_of(MeasureKind)),
    field.same("strength", field.needed_one_of(Strength)),
    *(field.same(name, field.text) for name in ("why", "place_of_work", "how", "resources")),
    field.same("cause_ids", field.numbers),
    field.same("depends_on", field.numbers),
    ("owner", field.Writable("owner_id", field.staff)),
    field.same("collaborators", field.several_staff),
    field.same("budget", field.number(0)),
    field.same("effort", field.number(0.01)),
    field.same("start_on", field.day),
    field.same("due_on", field.day),
])  # fmt: skip
"""What people may plan of a measure."""
WORK_FIELDS: Mapping[str, field.Writable] = dict([
    ("ratio", field.Writable("progress_ratio", field.number(0, 1))),
    field.same("spent", field.number(0)),
    field.same("evidence", field.text),
    field.same("implemented_on", field.needed_day),
    ("coverage", field.Writable("coverage_ratio", field.number(0, 1))),
])  # fmt: skip
"""What people may say of its work."""
_WORKED = (ItemState.APPROVED, ItemState.DOING)
"""The states of an item in which its measures are worked on; containment may begin in any."""


class Progress(TypedDict, total=False):
    """What is said of work under way; what is not said stays."""

    ratio: float
    """0 to 1."""
    spent: float
    evidence: str


class Implemented(TypedDict, total=False):
    """What is said of work that is done."""

    implemented_on: date
    """Needed: the day, not later than today."""
    coverage: float
    """Of the slice, so much was reached, 0 to 1."""
    evidence: str
    """Needed, here or before."""


class Saved(NamedTuple):
    """What became of an edit."""

    reference: str
    revision: int
    """Of the item."""
    warnings: tuple[Oddity, ...]
    """What is odd about the item's money now; nothing is refused for it."""


def find_measure(session: Session, reference: str, revision: int | None = None) -> tuple[Item, Measure]:
    """A measure ``PDCA-2026-11-03.2`` and its item, locked, which has not ended.

    Raises:
        UsageError: There is none.
        RefusedError: The item has ended, or is not at that revision any more.
    """
    number, _, place = reference.rpartition(".")
    item = find_open(session, number, revision)
    wanted = select_rows(Measure).where(
        Measure.item_id == item.id, Measure.place == (int(place) if place.isdecimal() else 0)
    )
    found = session.exec(wanted).first()
    if found is None:
        raise UsageError(f"no measure {reference!r}", cure=f"see `bihuan improvement show {number}`")
    return item, found


def add_measure(
    session: Session, policy: Policy, clock: Clock, number: str, changes: Mapping[str, Any], by: str
) -> Saved:  # fmt: skip
    """Plan a measure.

    Args:
        session: Inside ``Database.write``.
        policy: Says how money is meant to be split.
        clock: Tells the present.
        number: The item's.
        changes: By the names of ``MEASURE_FIELDS``; ``what``, ``kind`` and ``strength`` have to be there.
        by: Who.

    Raises:
        UsageError: No such item, a field that nobody writes, an unknown cause, measure or owner.
        RefusedError: An item that this one goes on from had the same, or the item has ended.
    """
    item = find_open(session, number)
    given = {"what": "", "kind": None, "strength": None} | dict(changes)
    place = max((one.place for one in dossier(session, item).measures), default=0) + 1
    row = Measure(item_id=item.id or 0, place=place, kind=MeasureKind.CORRECTIVE, strength=Strength.WEAK, what="")
    told = field.write(session, row, given, MEASURE_FIELDS)
    _check(session, item, row)
    session.add(row)
    told["what"] = [None, row.what]
    return _kept(session, policy, clock, (item, row, "measure_added"), by, told)


def edit_measure(
    session: Session, policy: Policy, clock: Clock, reference: str, changes: Mapping[str, Any], by: str,
    revision: int | None = None,
) -> Saved:  # fmt: skip
    """Edit what is planned of a measure; where the plan was agreed to, that is voided.

    Raises:
        UsageError: No such measure, a field that nobody writes, or a value that it cannot hold.
        RefusedError: It would wait for itself, or repeat what was tried; it was cancelled or is done; the item has
            ended, or was edited meanwhile.
    """
    item, row = find_measure(session, reference, revision)
    _refuse_cancelled(reference, row)
    if row.state is MeasureState.DONE:
        raise RefusedError(f"{reference} is done", cure="what was done stays on record; plan another one")
    told = field.write(session, row, changes, MEASURE_FIELDS)
    if not told:
        return Saved(reference, item.revision, _oddities(session, policy, item))
    _check(session, item, row)
    return _kept(session, policy, clock, (item, row, "measure_edited"), by, told)


def _check(session: Session, item: Item, row: Measure) -> None:
    """Refuse what cannot be planned."""
    for cause_id in row.cause_ids:
        cause = session.get(Cause, cause_id)
        if cause is None or cause.item_id != item.id:
            raise UsageError(f"{item.number} has no cause {cause_id}",
                             cure=f"see `bihuan improvement show {item.number}`")  # fmt: skip
    if row.start_on and row.due_on and row.due_on < row.start_on:
        raise UsageError("it is due before it starts", cure="correct start_on or due_on")
    refuse_tried(session, item, row.what)
    waits = {one.place: one.depends_on for one in dossier(session, item).measures} | {row.place: row.depends_on}
    if missing := [place for place in row.depends_on if place not in waits]:
        raise UsageError(f"{item.number} has no measure {missing[0]}", cure="plan that one first")
    if _waits_for(row.place, row.place, waits, set()):
        raise RefusedError(f"measure {row.place} would wait for itself", cure="leave one of depends_on out")


def _waits_for(place: int, goal: int, waits: Mapping[int, list[int]], seen: set[int]) -> bool:
    """Whether a measure waits for another, also by way of others."""
    fresh = [one for one in waits[place] if one in waits and one not in seen]
    seen.update(fresh)
    return goal in waits[place] or any(_waits_for(one, goal, waits, seen) for one in fresh)


def _refuse_cancelled(reference: str, row: Measure) -> None:
    if row.state is MeasureState.CANCELLED:
        raise RefusedError(f"{reference} was cancelled", cure="plan another one")


def _kept(
    session: Session, policy: Policy, clock: Clock, what: tuple[Item, Measure, str], by: str, told: dict[str, Any],
    reason: str = "",
) -> Saved:  # fmt: skip
    item, row, kind = what
    session.add(row)
    session.flush()
    data = {f"measure {row.place} {name}": pair for name, pair in told.items()} | renew_ready(session, item)
    note(session, clock, item, kind, by, reason=reason, data=data)
    return Saved(f"{item.number}.{row.place}", item.revision, _oddities(session, policy, item))


def _oddities(session: Session, policy: Policy, item: Item) -> tuple[Oddity, ...]:
    costs = [Cost(one.kind, one.state, one.budget) for one in dossier(session, item).measures]
    return budget_warnings(item.budget, costs, policy.improvement.cycle.budget)


def record_progress(
    session: Session, policy: Policy, clock: Clock, reference: str, by: str, **said: Unpack[Progress]
) -> Saved:  # fmt: skip
    """Say how far a measure is. The first work on an approved plan sets its item to doing.

    Raises:
        UsageError: No such measure, or a value out of range.
        RefusedError: The plan is not agreed to (containment may begin before), or the measure was cancelled or is done.
    """
    item, row = find_measure(session, reference)
    _refuse_unplanned(item, row, reference)
    if row.state is MeasureState.DONE:
        raise RefusedError(f"{reference} is done", cure="plan another one for what is left")
    told = field.write(session, row, said, WORK_FIELDS)
    before = row.state
    if row.progress_ratio > 0:
        row.state = MeasureState.DOING
    return _worked(session, policy, clock, (item, row, "progressed"), by, (told, before))


def implement_measure(
    session: Session, policy: Policy, clock: Clock, reference: str, by: str, **said: Unpack[Implemented]
) -> Saved:  # fmt: skip
    """Say that a measure is done: when, how much of the slice it reached, and what shows it. Corrected the same way.

    Raises:
        UsageError: No such measure, no day or evidence, or a day that has not come.
        RefusedError: The plan is not agreed to, the measure was cancelled, or one that it waits for is not done.
    """
    item, row = find_measure(session, reference)
    _refuse_unplanned(item, row, reference)
    told = field.write(session, row, {"implemented_on": None} | dict(said), WORK_FIELDS)
    if row.implemented_on is None or row.implemented_on > today_of(policy, clock()):
        raise UsageError(f"{row.implemented_on} has not come", cure="give the day on which it was done")
    if not row.evidence.strip():
        raise UsageError("the evidence is missing", cure="say what shows that it is done")
    _refuse_early(session, item, row)
    before, row.state, row.progress_ratio = row.state, MeasureState.DONE, 1.0
    return _worked(session, policy, clock, (item, row, "implemented"), by, (told, before))


def _refuse_unplanned(item: Item, row: Measure, reference: str) -> None:
    _refuse_cancelled(reference, row)
    is_contained = row.kind is MeasureKind.CONTAINMENT and position(item.state) < position(ItemState.OBSERVING)
    if item.state not in _WORKED and not is_contained:
        raise RefusedError(f"{item.number} is {item.state}: its plan is not being worked on",
                           cure="let the plan be approved first; only containment begins before")  # fmt: skip


def _refuse_early(session: Session, item: Item, row: Measure) -> None:
    over = {MeasureState.DONE, MeasureState.CANCELLED}
    for one in dossier(session, item).measures:
        if one.place in row.depends_on and one.state not in over:
            raise RefusedError(f"it waits for measure {one.place}", cure="do that one first, or edit depends_on")


def _worked(
    session: Session, policy: Policy, clock: Clock, what: tuple[Item, Measure, str], by: str,
    changed: tuple[dict[str, Any], MeasureState],
) -> Saved:  # fmt: skip
    item, row, _ = what
    told, before = changed
    if row.state is not before:
        told = told | {"state": [before.value, row.state.value]}
    if not told:
        return Saved(f"{item.number}.{row.place}", item.revision, _oddities(session, policy, item))
    session.add(row)
    if item.state is ItemState.APPROVED and row.state is not MeasureState.PLANNED:
        advance(session, policy, clock, dossier(session, item), ItemState.DOING, by)
    return _kept(session, policy, clock, what, by, told)


def cancel_measure(session: Session, policy: Policy, clock: Clock, reference: str, reason: str, by: str) -> Saved:
    """Drop a measure, with the reason. The plan is another by that: where it was agreed to, that is voided.

    Raises:
        UsageError: No such measure, or no reason.
        RefusedError: It is done, or the item has ended.
    """
    item, row = find_measure(session, reference)
    why = needed(reason)
    if row.state is MeasureState.CANCELLED:
        return Saved(reference, item.revision, _oddities(session, policy, item))
    if row.state is MeasureState.DONE:
        raise RefusedError(f"{reference} is done", cure="what was done stays on record")
    before, row.state = row.state, MeasureState.CANCELLED
    told = {"state": [before.value, row.state.value]}
    return _kept(session, policy, clock, (item, row, "measure_cancelled"), by, told, why)
