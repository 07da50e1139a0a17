"""Improvement items 改进项: moved through their states, held, contained, cancelled. The rules say what may follow what.

Everything here is done inside one ``Database.write``, and is one event of the item with who, when and why.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.cycle import Approver
from bihuan.policy.models import Policy
from bihuan.rules.item import ENDED, is_back, refusals
from bihuan.services.dossier import SPENT, Dossier, dossier, facts_of, is_held, today_of
from bihuan.services.item_child import child, recur
from bihuan.services.item_draft import dispose, draft, draft_from_finding
from bihuan.services.item_edit import amend
from bihuan.services.item_log import MOVED, EndedItemError, LackingError, Told, find, find_open, needed, note
from bihuan.services.item_people import acts_as, staff_by_code
from bihuan.services.item_show import items, show
from bihuan.services.verification_ready import renew_ready
from schemas.item import Item, ItemState
from schemas.people import Staff

__all__ = [
    "amend", "cancel", "child", "contain", "dispose", "draft", "draft_from_finding", "hold", "items", "move", "recur",
    "resume", "show",
]  # fmt: skip

HELD, RESUMED, CONTAINED = "held", "resumed", "contained"
_LEAVES_CHECK = {(ItemState.VERDICT, ItemState.OBSERVING), (ItemState.CHECKING, ItemState.DOING)}
_ELSEWHERE = {
    ItemState.CANCELLED: "cancel it with its approver",
    ItemState.SUPERSEDED: "let a child go on with what is different",
    ItemState.RECURRED: "say that it came back, which begins a new item",
}
"""States that have an act of their own."""


def move(
    session: Session, policy: Policy, clock: Clock, number: str, to: ItemState, by: str, reason: str = ""
) -> ItemState:  # fmt: skip
    """Move an item to another state, where nothing speaks against it. Where it is there already nothing changes.

    Gates are not passed by moving: who agrees last moves it (``bihuan.services.approval``).

    Returns:
        Where it stands now.

    Raises:
        UsageError: No such item.
        LackingError: Something is missing; its ``refusals`` say what.
        RefusedError: It has ended, or that state has an act of its own.
    """
    if to in _ELSEWHERE:
        raise RefusedError(f"{number} is not moved to {to}", cure=_ELSEWHERE[to])
    item = find(session, number)
    if item.state is to:
        return item.state
    if item.state in ENDED:
        raise EndedItemError(f"{number} has ended ({item.state})", cure="open a new item, or let a child go on")
    advance(session, policy, clock, dossier(session, item), to, by, reason)
    return item.state


def advance(
    session: Session, policy: Policy, clock: Clock, file: Dossier, to: ItemState, by: str, reason: str = ""
) -> Dossier:  # fmt: skip
    """Move an item whose dossier was read, and keep what that brings with it.

    Returns:
        The dossier as it is now.

    Raises:
        LackingError: Something is missing.
    """
    item = file.item
    if found := refusals(facts_of(session, policy, file, today_of(policy, clock())), to, reason):
        raise LackingError(item.number, to.value, found)
    told = Told(reason=reason, to=to)
    if (item.state, to) in _LEAVES_CHECK and file.check:
        told["data"] = {SPENT: file.check.id}
    if to is ItemState.OBSERVING:
        told["data"] = told.get("data", {}) | renew_ready(session, item)
    _mark(item, file, to)
    if to in ENDED:
        item.closed_at = clock()
    return note(session, clock, item, MOVED, by, **told)


def _mark(item: Item, file: Dossier, to: ItemState) -> None:
    if to is ItemState.VERDICT and file.check:
        item.verdict = file.check.verdict
    if (item.state, to) == (ItemState.VERDICT, ItemState.OBSERVING):
        item.extensions += 1
    if is_back(item.state, to) and to in {ItemState.OBSERVING, ItemState.DOING}:
        item.verdict = None


def hold(
    session: Session, policy: Policy, clock: Clock, number: str, until_on: date, by: str, reason: str
) -> None:  # fmt: skip
    """Hold an item 挂起 until a day, on which it goes on by itself; held until the same day nothing changes.

    Raises:
        UsageError: No such item, no reason, or the day has come.
        RefusedError: It has ended.
    """
    item = find_open(session, number)
    if until_on <= today_of(policy, clock()):
        raise UsageError(f"{until_on} has come", cure="hold it until a later day")
    if item.held_until_on == until_on:
        return
    why, before = needed(reason), item.held_until_on
    item.held_until_on = until_on
    pair = [before.isoformat() if before else None, until_on.isoformat()]
    note(session, clock, item, HELD, by, reason=why, data={"held_until_on": pair})


def resume(session: Session, policy: Policy, clock: Clock, number: str, by: str, reason: str = "") -> None:
    """Let a held item go on before its day; one that is not held stays as it is.

    Raises:
        UsageError: No such item.
        RefusedError: It has ended.
    """
    item = find_open(session, number)
    if not is_held(item, today_of(policy, clock())) or item.held_until_on is None:
        return
    pair = [item.held_until_on.isoformat(), None]
    item.held_until_on = None
    note(session, clock, item, RESUMED, by, reason=reason, data={"held_until_on": pair})


def contain(session: Session, policy: Policy, clock: Clock, number: str, by: str, reason: str) -> None:
    """Say that what stops the harm was done 已遏制, whatever the analysis will find; said again nothing changes.

    Raises:
        UsageError: No such item, or it is not said what was done.
        RefusedError: It has ended.
    """
    del policy
    item = find_open(session, number)
    why = needed(reason, "what was done")
    if not item.is_contained:
        item.is_contained = True
        note(session, clock, item, CONTAINED, by, reason=why, data={"is_contained": [False, True]})


def cancel(
    session: Session, policy: Policy, clock: Clock, number: str, by: str, reason: str, approver: str
) -> None:  # fmt: skip
    """Cancel an item 取消: with a reason, and somebody who answers for it. Cancelled again nothing changes.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: The item's.
        by: Who says so.
        reason: Why.
        approver: Code of a quality manager, an executive, or the head of the item's department.

    Raises:
        UsageError: No such item or person, or no reason.
        RefusedError: It has ended otherwise, or that person may not approve it.
    """
    item = find(session, number)
    if item.state is ItemState.CANCELLED:
        return
    find_open(session, number)
    file, person, why = dossier(session, item), staff_by_code(session, approver), needed(reason)
    if not _may_cancel(person, file):
        raise RefusedError(f"{approver} may not cancel {number}",
                           cure="name a quality manager, an executive, or the head of its department")  # fmt: skip
    if found := refusals(facts_of(session, policy, file, today_of(policy, clock())), ItemState.CANCELLED, why):
        raise LackingError(number, ItemState.CANCELLED.value, found)
    item.closed_at = clock()
    note(session, clock, item, MOVED, by, reason=why, to=ItemState.CANCELLED, data={"approver": person.code})


def _may_cancel(person: Staff, file: Dossier) -> bool:
    roles = (Approver.QUALITY_MANAGER, Approver.EXECUTIVE, Approver.DEPARTMENT_HEAD)
    return any(acts_as(person, role, file.department_id, file.doers) for role in roles)
