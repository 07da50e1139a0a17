"""What people write of an improvement item, and its priority, which follows the matrix unless a reason is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.rules.priority import priority
from bihuan.services import item_field as field
from bihuan.services.item_log import EDITED, find_open, note
from bihuan.services.verification_ready import forget_required
from schemas.item import Item, Priority

_GRADES = ("importance", "urgency", "feasibility")
_ASSUMED = 3
"""What a feasibility that nobody said counts as."""
_COMPUTED_FROM = frozenset({"indicator", "baseline_x", "baseline_n", "target_value"})
"""What the number of cases of the verification plan follows from; it has to be written again."""
ITEM_FIELDS: Mapping[str, field.Writable] = dict([
    field.same("name", field.needed_text),
    *(field.same(name, field.text) for name in (
        "problem", "indicator", "dimension", "element", "stage", "kind", "target_text", "target_reason",
        "priority_reason", "remarks",
    )),
    *(field.same(name, field.number()) for name in ("baseline_x", "target_value")),
    field.same("baseline_n", field.whole(1)),
    field.same("share_ratio", field.number(0, 1)),
    field.same("budget", field.number(0)),
    *(field.same(name, field.day) for name in ("baseline_on", "baseline_until_on", "target_on", "start_on", "due_on")),
    *(field.same(name, field.whole(1, 5)) for name in _GRADES),
    field.same("priority", field.one_of(Priority)),
    field.same("evidence", field.complaints),
    ("owner", field.Writable("owner_id", field.staff)),
    ("department", field.Writable("department_id", field.department)),
])  # fmt: skip
"""What people may write; everything else of an item is computed."""


def amend(
    session: Session, policy: Policy, clock: Clock, number: str, changes: Mapping[str, Any], by: str,
    revision: int | None = None,
) -> int:  # fmt: skip
    """Edit an item. What was agreed to about a field that is different now is voided, and the item goes back there.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: The item's.
        changes: By the names of ``ITEM_FIELDS``; owner and department by code, days as 2026-11-30, shares also as 90%.
        by: Who.
        revision: That which the person saw; None: whatever there is.

    Returns:
        Its revision now; the same where nothing is different.

    Raises:
        UsageError: No such item, a field that nobody writes, or a value that it cannot hold.
        StaleError: It was edited after that revision.
        RefusedError: It has ended; or a priority is another than the data or the matrix say, without a reason.
    """
    del policy
    item = find_open(session, number, revision)
    told = field.write(session, item, changes, ITEM_FIELDS)
    settle_priority(item, told)
    if _COMPUTED_FROM & told.keys():
        told |= forget_required(session, item)
    if told:
        note(session, clock, item, EDITED, by, data=told)
    return item.revision


def settle_priority(item: Item, told: dict[str, Any]) -> None:
    """Let the priority follow the matrix where nobody gave a reason for another; what it does is added to ``told``.

    Raises:
        RefusedError: Importance or urgency is another than the data suggest, or the priority another than the matrix
            says, without a reason.
    """
    if not {*_GRADES, "priority", "priority_reason"} & told.keys():
        return
    has_reason = bool(item.priority_reason.strip())
    for name in ("importance", "urgency"):
        suggested = item.suggested.get(name)
        if name in told and suggested is not None and getattr(item, name) != suggested and not has_reason:
            raise RefusedError(f"the data suggest {name} {suggested}", cure="give priority_reason for another")
    said = matrix(item)
    if "priority" in told and item.priority is not said and not has_reason:
        raise RefusedError(f"the matrix says {said or 'nothing yet'}", cure="give priority_reason for another")
    if "priority" not in told and said is not None and item.priority is not said and not _is_overridden(item, told):
        told["priority"] = [item.priority.value if item.priority else None, said.value]
        item.priority = said


def _is_overridden(item: Item, told: Mapping[str, Any]) -> bool:
    """Whether somebody set the priority against the matrix before, for the reason that still stands."""
    before = {name: told[name][0] if name in told else getattr(item, name) for name in _GRADES}
    return bool(item.priority_reason.strip()) and item.priority is not None and item.priority is not _said(before)


def matrix(item: Item) -> Priority | None:
    """What the matrix says of an item; None while importance or urgency is not known. Feasibility counts as 3 then."""
    return _said({name: getattr(item, name) for name in _GRADES})


def _said(grades: Mapping[str, int | None]) -> Priority | None:
    importance, urgency = grades["importance"], grades["urgency"]
    if importance is None or urgency is None:
        return None
    return priority(importance, urgency, grades["feasibility"] or _ASSUMED)
