"""Approvals 审批: who has to agree to what until when, and what they decide. An edit of what was agreed to voids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError
from bihuan.policy.cycle import Approver
from bihuan.policy.models import Policy
from bihuan.rules.content import hash_of, verification_content
from bihuan.rules.item import AWAITED, GATED, WORKED_FOR, position, refusals, unready
from bihuan.rules.working_day import working_days_after
from bihuan.services.dossier import (
    Dossier,
    dossier,
    dossiers,
    facts_of,
    hashes,
    missing_roles,
    open_items,
    today_of,
    wanted_roles,
)
from bihuan.services.item import advance
from bihuan.services.item_log import VOIDED, LackingError, find, needed, note, refuse_ended, said
from bihuan.services.item_people import active_staff, acts_as, is_asked_to_verify, staff_by_id
from schemas.item import Approval, Gate, Item, ItemState
from schemas.people import Staff

APPROVED, REJECTED = "approved", "rejected"
_RESUMED = (ItemState.DOING, ItemState.IMPLEMENTED, ItemState.OBSERVING)
"""Where an item goes on once its plan is agreed to again, as far as nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision that somebody owes."""

    number: str
    name: str
    gate: Gate
    role: Approver
    since_at: datetime
    until_on: date
    """The last day of its term, in the zone of the usual calendar."""
    is_overdue: bool
    staff: tuple[str, ...]
    """Codes of those who may decide it; empty: nobody can."""


class Decided(NamedTuple):
    """What became of a decision."""

    role: Approver
    missing: tuple[Approver, ...]
    """As what somebody still has to agree."""
    state: ItemState
    """Of the item now."""
    is_new: bool
    """False: it had been decided so before, and nothing changed."""


def waiting(session: Session, policy: Policy, clock: Clock, staff_id: int | None = None) -> list[Waiting]:
    """What has to be decided now, the earliest term first; of one person, or of everybody.

    A gate waits once its item lacks nothing for it. Anybody independent may verify; on a person's own list it stands
    where that person heads a department or looks after quality, or is an executive.
    """
    everybody = active_staff(session)
    asked = [item for item in open_items(session) if _gate_of(item)]
    found = [
        one for file in dossiers(session, asked) for one in _owed(session, policy, clock, file, everybody, staff_id)
    ]
    return sorted(found, key=lambda one: (one.until_on, one.number, one.role))


def waiting_on(session: Session, policy: Policy, clock: Clock, file: Dossier) -> list[Waiting]:
    """What has to be decided now about one item, in the order of policy."""
    return list(_owed(session, policy, clock, file, active_staff(session), None))


def _gate_of(item: Item) -> Gate | None:
    """The gate that an item may wait at."""
    return next((gate for gate, state in AWAITED.items() if state is item.state), None)


def _owed(
    session: Session, policy: Policy, clock: Clock, file: Dossier, everybody: Sequence[Staff],
    staff_id: int | None,
) -> Iterator[Waiting]:  # fmt: skip
    item, gate, today = file.item, _gate_of(file.item), today_of(policy, clock())
    if gate is None:
        return
    if unready(facts_of(session, policy, file, today), gate):
        return
    since = _since(file, gate)
    term = policy.improvement.cycle.gates[gate].days
    until = working_days_after(today_of(policy, since), term, policy.calendars.default)
    for role in missing_roles(file, policy, gate):
        may = [one for one in everybody if _may(file, gate, role, one) and _is_asked(role, one)]
        if staff_id is None or any(one.id == staff_id for one in may):
            codes = tuple(one.code for one in may)
            yield Waiting(item.number, item.name, gate, role, since, until, today > until, codes)


def _since(file: Dossier, gate: Gate) -> datetime:
    """Since when a gate waits: the check was made, or the item came to where it is decided."""
    if gate is Gate.G4 and file.check:
        return file.check.checked_at
    came = [event.occurred_at for event in file.events if event.to_state == file.item.state.value]
    return came[-1] if came else file.item.opened_at


def _is_asked(role: Approver, staff: Staff) -> bool:
    return role is not Approver.VERIFIER or is_asked_to_verify(staff)


def _may(file: Dossier, gate: Gate, role: Approver, staff: Staff) -> bool:
    """Whether somebody may decide in a role: at G4 nobody who did the work, and nobody in both roles."""
    if not acts_as(staff, role, file.department_id, file.doers):
        return False
    if gate is not Gate.G4:
        return True
    now = hashes(file)[gate]
    as_other = any(
        one.gate is gate and one.staff_id == staff.id and one.role != role.value and one.content_hash == now
        and one.is_approved
        for one in file.approvals
    )  # fmt: skip
    return staff.id not in file.doers and not as_other


def decide(  # noqa: PLR0913, PLR0917 - the seven that others call it by, and the comment
    session: Session, policy: Policy, clock: Clock, number: str, gate: Gate, staff_id: int, is_approved: bool,
    comment: str = "",
) -> Decided:  # fmt: skip
    """Decide at a gate, in every role of that gate that the person has and that is still missing; at G4 in one only.

    Whoever agrees last moves the item on. A refusal needs a comment, voids what the others agreed to there, and moves
    the item back. Deciding the same again changes nothing.

    Args:
        session: Inside ``Database.write``.
        policy: Says who has to agree.
        clock: Tells the present.
        number: The item's.
        gate: Which.
        staff_id: Who.
        is_approved: Whether the person agrees.
        comment: Needed for a refusal.

    Raises:
        UsageError: No such item or person, or a refusal without a comment.
        LackingError: The item is not there yet, or lacks something for that gate.
        RefusedError: That person may not decide there: has no role, did the work, or verified it.
    """
    item, staff = find(session, number), staff_by_id(session, staff_id)
    file = dossier(session, item)
    words = said(comment, "the comment") if is_approved else needed(comment, "a comment")
    if known := _known(policy, file, gate, staff, is_approved):
        return known
    refuse_ended(item)
    if found := unready(facts_of(session, policy, file, today_of(policy, clock())), gate):
        raise LackingError(number, GATED[gate].value, found)
    roles = _roles(policy, file, gate, staff)
    if not is_approved:
        return _reject(session, clock, (file, gate, staff), roles[0], words)
    for role in roles:
        _add(session, clock, file, Approval(gate=gate, role=role.value, staff_id=staff_id, is_approved=True,
                                            item_id=item.id or 0, comment=words, content_hash=hashes(file)[gate],
                                            decided_at=clock()))  # fmt: skip
    return _agreed(session, policy, clock, (file, gate, staff), roles)


def _add(session: Session, clock: Clock, file: Dossier, approval: Approval) -> None:
    if approval.role == Approver.VERIFIER.value and file.check:
        file.check.checked_by, file.check.signed_at = file_code(session, approval.staff_id), clock()
        session.add(file.check)
    session.add(approval)
    session.flush()


def file_code(session: Session, staff_id: int) -> str:
    """The code by which a check names who verified it."""
    return staff_by_id(session, staff_id).code


def _known(policy: Policy, file: Dossier, gate: Gate, staff: Staff, is_approved: bool) -> Decided | None:
    """What the person decided before, where it was the same, about the same."""
    now = hashes(file)[gate]
    mine = [one for one in file.approvals if one.gate is gate and one.staff_id == staff.id and one.content_hash == now]
    if not mine or mine[-1].is_approved is not is_approved or (is_approved and _left(policy, file, gate, staff)):
        return None
    if not is_approved and file.item.state is AWAITED[gate] and file.item.state is not WORKED_FOR[gate]:
        return None  # it was handed in again unchanged: that is a new question
    return Decided(Approver(mine[-1].role), missing_roles(file, policy, gate), file.item.state, is_new=False)


def _left(policy: Policy, file: Dossier, gate: Gate, staff: Staff) -> list[Approver]:
    return [role for role in missing_roles(file, policy, gate) if _may(file, gate, role, staff)]


def _roles(policy: Policy, file: Dossier, gate: Gate, staff: Staff) -> list[Approver]:
    """The roles in which the person decides now; whoever can only verify does so, others keep to their office at G4."""
    found = _left(policy, file, gate, staff)
    if not found:
        wanted = " and ".join(wanted_roles(file, policy, gate)).replace("_", " ")
        why = "did the work" if gate is Gate.G4 and staff.id in file.doers else f"is not the one to agree at {gate}"
        raise RefusedError(f"{staff.code} {why}", cure=f"{gate} of {file.item.number} is for: {wanted}")
    return found[-1:] if gate is Gate.G4 else found


def _reject(
    session: Session, clock: Clock, what: tuple[Dossier, Gate, Staff], role: Approver, comment: str
) -> Decided:  # fmt: skip
    file, gate, staff = what
    item, now = file.item, hashes(file)[gate]
    for one in file.approvals:
        if one.gate is gate:
            one.voided_at = clock()
            session.add(one)
    session.add(Approval(item_id=item.id or 0, gate=gate, role=role.value, staff_id=staff.id or 0, is_approved=False,
                         comment=comment, content_hash=now, decided_at=clock()))  # fmt: skip
    data = {"gate": gate.value, "role": role.value}
    if position(item.state) > position(WORKED_FOR[gate]):
        note(session, clock, item, REJECTED, staff.code, reason=comment, to=WORKED_FOR[gate], data=data)
    else:
        note(session, clock, item, REJECTED, staff.code, reason=comment, data=data)
    return Decided(role, (), item.state, is_new=True)


def _agreed(
    session: Session, policy: Policy, clock: Clock, what: tuple[Dossier, Gate, Staff], roles: list[Approver]
) -> Decided:  # fmt: skip
    file, gate, staff = what
    data = {"gate": gate.value, "roles": [role.value for role in roles]}
    file = note(session, clock, file.item, APPROVED, staff.code, data=data)
    missing = missing_roles(file, policy, gate)
    if not missing:
        if gate is Gate.G3:
            _freeze(session, clock, file)
        file = advance(session, policy, clock, file, GATED[gate], staff.code)
        if gate is Gate.G3:
            _go_on(session, policy, clock, file, staff.code)
    return Decided(roles[0], missing, file.item.state, is_new=True)


def _freeze(session: Session, clock: Clock, file: Dossier) -> None:
    plan = file.verification
    if plan is not None:
        plan.frozen_at, plan.frozen_hash = clock(), hash_of(verification_content(plan.model_dump()))
        session.add(plan)
        session.flush()


def _go_on(session: Session, policy: Policy, clock: Clock, file: Dossier, by: str) -> None:
    """Take up the work where the plan was voided, if it was."""
    voided = [event for event in file.events if event.kind == VOIDED]
    last = voided[-1].data if voided else {}
    if last.get("gate") != Gate.G3 or last.get("was") not in _RESUMED:
        return
    for state in _RESUMED[: _RESUMED.index(ItemState(last["was"])) + 1]:
        if refusals(facts_of(session, policy, file, today_of(policy, clock())), state):
            return
        file = advance(session, policy, clock, file, state, by, "its plan was agreed to again")
