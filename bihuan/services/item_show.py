"""One improvement item with its whole chain, and the list of them, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, SQLModel
from sqlmodel import select as select_rows

from bihuan.errors import UsageError
from bihuan.rules.item import phase_of
from bihuan.rules.plan_progress import Part, progress
from bihuan.services.dossier import Dossier, dossier, dossiers
from bihuan.services.item_people import code_of
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.effect import Lesson
from schemas.improvement import Finding
from schemas.item import Approval, Cycle, Item
from schemas.people import Department, Staff
from schemas.plan import Checkpoint, Measure

_C = table_of(Complaint).c
_HIDDEN = {"id", "item_id"}


def show(session: Session, number: str) -> dict[str, Any]:
    """Everything about an item, from the complaints it came from to the standard it left behind.

    Returns:
        Its own fields, people and departments by code, with ``cycle``, ``finding``, ``parent``, ``recurrence_of``,
        ``children``, ``phase`` and ``progress_ratio``; and as lists ``complaints`` (number, title, severity, state),
        ``causes``, ``measures``, ``approvals`` (also voided ones), ``checks``, ``checkpoints`` and ``events``;
        ``verification``, ``standard``, ``watch`` and ``lesson`` are records or None.

    Raises:
        UsageError: No such item.
    """
    item = session.exec(select_rows(Item).where(Item.number == number)).first()
    if item is None:
        raise UsageError(f"no improvement item {number!r}", cure="see `bihuan improvement list`")
    file = dossier(session, item)
    return _own(session, file) | {
        "complaints": _complaints(session, item.evidence),
        "causes": [one.model_dump(exclude={"item_id"}) for one in file.causes],
        "measures": [_measure(session, item, one) for one in file.measures],
        "verification": _record(file.verification),
        "approvals": _approvals(session, item),
        "checks": [one.model_dump(exclude={"item_id"}) for one in file.checks],
        "checkpoints": [_record(one) for one in _rows(session, Checkpoint, item)],
        "standard": _record(file.standard),
        "watch": _record(file.watch),
        "lesson": _record(next(iter(_rows(session, Lesson, item)), None)),
        "events": [_record(one) for one in file.events],
    }


def _own(session: Session, file: Dossier) -> dict[str, Any]:
    item = file.item
    department = session.get(Department, item.department_id) if item.department_id else None
    finding = session.get(Finding, item.finding_id) if item.finding_id else None
    fields = {name: value for name, value in item.model_dump().items() if not name.endswith("_id") and name != "id"}
    return {"number": item.number, "cycle": file.cycle.number} | fields | {
        "phase": phase_of([item.state]), "progress_ratio": progress_of(file), "owner": code_of(session, item.owner_id),
        "department": department.code if department else "", "finding": finding.number if finding else "",
        "parent": _number(session, item.parent_id), "recurrence_of": _number(session, item.recurrence_of_id),
        "children": list(session.exec(select_rows(Item.number).where(Item.parent_id == item.id).order_by(Item.number))),
    }  # fmt: skip


def progress_of(file: Dossier) -> float:
    """How far an item is, 0 to 1."""
    return progress([part(one) for one in file.measures], is_verified=file.item.verdict is not None)


def part(one: Measure) -> Part:
    """A measure as progress sees it."""
    return Part(one.state, one.progress_ratio, one.effort, one.start_on, one.due_on)


def _number(session: Session, item_id: int | None) -> str:
    found = session.get(Item, item_id) if item_id else None
    return found.number if found else ""


def _complaints(session: Session, numbers: Sequence[str]) -> list[dict[str, Any]]:
    told = select(_C.number, _C.title, _C.severity, _C.state).where(_C.number.in_(numbers)).order_by(_C.number)
    return [dict(row) for row in session.execute(told).mappings()]


def _measure(session: Session, item: Item, one: Measure) -> dict[str, Any]:
    fields = {name: value for name, value in one.model_dump().items() if name not in {*_HIDDEN, "owner_id"}}
    return {"reference": f"{item.number}.{one.place}", "owner": code_of(session, one.owner_id)} | fields


def _approvals(session: Session, item: Item) -> list[dict[str, Any]]:
    return [
        {"staff": code_of(session, one.staff_id)} | one.model_dump(exclude={*_HIDDEN, "staff_id"})
        for one in _rows(session, Approval, item)
    ]


def _rows(session: Session, model: type[SQLModel], item: Item) -> Sequence[Any]:
    table = table_of(model).c
    return session.exec(select_rows(model).where(table.item_id == item.id).order_by(table.id)).all()


def _record(row: SQLModel | None) -> dict[str, Any] | None:
    return row.model_dump(exclude=_HIDDEN) if row else None


def items(session: Session, cycle_number: str | None = None) -> list[dict[str, Any]]:
    """The items, by number, or those that are worked on in one cycle.

    Returns:
        Of each: number, cycle, name, state, priority, owner, due_on, progress_ratio, verdict, carry_count, revision.
    """
    wanted = select_rows(Item, Cycle).where(Item.cycle_id == Cycle.id).order_by(Item.number)
    if cycle_number is not None:
        wanted = wanted.where(Cycle.number == cycle_number)
    found = session.exec(wanted).all()
    codes = dict(session.exec(select_rows(Staff.id, Staff.code)).all())
    files = dossiers(session, [item for item, _ in found])
    return [
        {
            "number": item.number, "cycle": cycle.number, "name": item.name, "state": item.state,
            "priority": item.priority, "owner": codes.get(item.owner_id, ""), "due_on": item.due_on,
            "progress_ratio": progress_of(file), "verdict": item.verdict,
            "carry_count": item.carry_count, "revision": item.revision,
        }
        for (item, cycle), file in zip(found, files, strict=True)
    ]  # fmt: skip
