"""What goes on from an item: a child with what is different, or a new item where the matter came back."""

from __future__ import annotations

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.flaw import nearest
from bihuan.policy.models import Policy
from bihuan.rules.item import CHILD_OF, MOVES
from bihuan.services.dossier import dossier
from bihuan.services.item_draft import DRAFTED, new_item
from bihuan.services.item_log import MOVED, find, needed, note, said
from schemas.item import Cycle, CycleKind, Item, ItemState
from schemas.plan import Cause, CauseState, Measure
from schemas.verification import Verdict

CHANGES = ("new_cause", "new_measure", "wider_scope", "new_target")
"""What can be different in a child."""
_COPIED = (
    "finding_id", "name", "problem", "indicator", "dimension", "element", "baseline_x", "baseline_n", "baseline_on",
    "baseline_until_on", "share_ratio", "stage", "kind", "target_text", "target_value", "target_reason", "owner_id",
    "department_id", "importance", "urgency", "feasibility", "suggested", "priority", "priority_reason", "evidence",
)  # fmt: skip


def child(
    session: Session, policy: Policy, clock: Clock, number: str, what_changed: str, by: str, reason: str = ""
) -> str:  # fmt: skip
    """Let a child go on from an item that did not work 转下一循环, which is superseded by that.

    It takes over the problem, the goal without its dates, and the causes; none of the measures. Asked again it gives
    the child that there is.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: Of an item with a verdict other than effective.
        what_changed: One of ``CHANGES``.
        by: Who.
        reason: Needed where it got worse: what becomes of what was done, whether it is taken back.

    Returns:
        The child's number, in the newest open cycle of the same kind and scope.

    Raises:
        UsageError: No such item, nothing of ``CHANGES``, or no reason where one is needed.
        RefusedError: Nothing leads from where it stands to a child.
    """
    if what_changed not in CHANGES:
        raise UsageError(f"{what_changed!r} is nothing that can be different", cure=nearest(what_changed, CHANGES))
    parent = find(session, number)
    if parent.state is ItemState.SUPERSEDED:
        return session.exec(select_rows(Item.number).where(Item.parent_id == parent.id)).one()
    if parent.state is not ItemState.VERDICT or parent.verdict not in CHILD_OF:
        stands = f"{parent.state}, {parent.verdict}" if parent.verdict else parent.state
        raise RefusedError(f"{number} has no verdict that a child goes on from ({stands})",
                           cure="judge its effect first, or edit the item itself")  # fmt: skip
    why = needed(reason, "what becomes of what was done") if parent.verdict is Verdict.WORSE else said(reason)
    born = _born(session, policy, clock, parent)
    born.parent_id, born.what_changed = parent.id, what_changed
    _keep(session, clock, born, by, {"parent": parent.number, "what_changed": what_changed})
    _take_causes(session, parent, born, what_changed)
    parent.closed_at = clock()
    note(session, clock, parent, MOVED, by, reason=why, to=ItemState.SUPERSEDED, data={"child": born.number})
    return born.number


def recur(session: Session, policy: Policy, clock: Clock, number: str, reason: str, by: str) -> str:
    """Say that the matter of a closed item came back 复发, and begin a new item on it. Said again it gives that one.

    Returns:
        The new item's number, in the newest open cycle of the same kind and scope.

    Raises:
        UsageError: No such item, or no reason.
        RefusedError: It is not closed.
    """
    item = find(session, number)
    if item.state is ItemState.RECURRED:
        return session.exec(select_rows(Item.number).where(Item.recurrence_of_id == item.id)).one()
    why = needed(reason)
    if ItemState.RECURRED not in MOVES[item.state]:
        raise RefusedError(f"{number} is not closed ({item.state})", cure="it is being worked on anyway")
    born = _born(session, policy, clock, item)
    born.recurrence_of_id = item.id
    _keep(session, clock, born, by, {"recurrence_of": item.number})
    _take_causes(session, item, born, "new_cause")
    note(session, clock, item, MOVED, by, reason=why, to=ItemState.RECURRED, data={"again": born.number})
    return born.number


def _born(session: Session, policy: Policy, clock: Clock, of: Item) -> Item:
    born = new_item(session, policy, clock, _newest(session, of), of.name)
    for name in _COPIED:
        setattr(born, name, getattr(of, name))
    return born


def _newest(session: Session, of: Item) -> Cycle:
    """The open cycle in which work on an item goes on: its own special one, else the newest month of its scope."""
    cycle = session.get_one(Cycle, of.cycle_id)
    if cycle.kind is CycleKind.SPECIAL and cycle.closed_at is None:
        return cycle
    scope = cycle.scope if cycle.kind is CycleKind.MONTHLY else ""
    months = select_rows(Cycle).where(
        Cycle.kind == CycleKind.MONTHLY, Cycle.scope == scope, col(Cycle.closed_at).is_(None)
    )
    found = session.exec(months.order_by(col(Cycle.period_on).desc())).first()
    if found is None:
        raise RefusedError("no cycle is open", cure="open one with `bihuan improvement open`")
    return found


def _keep(session: Session, clock: Clock, born: Item, by: str, data: dict[str, str]) -> None:
    session.add(born)
    session.flush()
    note(session, clock, born, DRAFTED, by, data=data)


def _take_causes(session: Session, of: Item, born: Item, what_changed: str) -> None:
    """Copy the causes; where those were wrong nothing counts as confirmed any more."""
    ids: dict[int | None, int | None] = {None: None}
    for one in sorted(dossier(session, of).causes, key=lambda cause: (cause.level, cause.id or 0)):
        facts = one.model_dump(exclude={"id", "item_id", "parent_id"})
        if what_changed == "new_cause" and one.state is CauseState.CONFIRMED:
            facts |= {"state": CauseState.CANDIDATE, "decided_by": "", "decided_at": None}
        copy = Cause(item_id=born.id or 0, parent_id=ids[one.parent_id], **facts)
        session.add(copy)
        session.flush()
        ids[one.id] = copy.id


def refuse_tried(session: Session, item: Item, what: str) -> None:
    """Let nobody do again what did not help: a measure that one of the items it goes on from had, in the same words.

    Raises:
        RefusedError: One had.
    """
    above = item.parent_id or item.recurrence_of_id
    while above is not None:
        before = session.get_one(Item, above)
        for one in session.exec(select_rows(Measure).where(Measure.item_id == above)):
            if _words(one.what) == _words(what):
                raise RefusedError(f"{before.number}.{one.place} was the same measure, and it did not hold",
                                   cure="do something else, or say what is different about it")  # fmt: skip
        above = before.parent_id or before.recurrence_of_id


def _words(text: str) -> str:
    """A text without what makes no difference: case, space and punctuation."""
    return "".join(one for one in text.casefold() if one.isalnum())
