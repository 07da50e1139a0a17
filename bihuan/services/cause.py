"""Causes 原因 of an improvement item: the fishbone 鱼骨图 and the whys 五个为什么, confirmed or excluded by people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.rules.plan_lack import LEVELS, CauseFacts, ends_at_people
from bihuan.services import item_field as field
from bihuan.services.dossier import cause_facts, dossier
from bihuan.services.item_log import find_open, needed, note
from schemas.improvement import Bone
from schemas.item import Item
from schemas.plan import Cause, CauseKind, CauseMethod, CauseState

CAUSE_FIELDS: Mapping[str, field.Writable] = dict([
    field.same("statement", field.needed_text),
    field.same("bone", field.needed_one_of(Bone)),
    field.same("kind", field.needed_one_of(CauseKind)),
    ("parent", field.Writable("parent_id", field.whole(1))),
    field.same("evidence", field.text),
    field.same("method", field.one_of(CauseMethod)),
])  # fmt: skip
"""What people may write; ``parent`` is the id of the cause that this one explains."""


def add_cause(
    session: Session, policy: Policy, clock: Clock, number: str, changes: Mapping[str, Any], by: str
) -> int:  # fmt: skip
    """Add a candidate: on a bone, or as the why of another.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: The item's.
        changes: By the names of ``CAUSE_FIELDS``; ``statement`` has to be there, and ``bone`` where it is no why of
            another, whose bone it takes otherwise.
        by: Who.

    Returns:
        Its id; that of the candidate with the same words in the same place where there is one.

    Raises:
        UsageError: No such item, a field that nobody writes, or no statement, bone or parent.
        RefusedError: It would be the sixth why, or the item has ended.
    """
    del policy
    item = find_open(session, number)
    given = dict(changes)
    above = _above(session, item, given.get("parent"))
    given.setdefault("bone", above.bone.value if above else None)
    given.setdefault("statement", "")
    row = Cause(item_id=item.id or 0, bone=Bone.PROCESS, statement="")
    told = field.write(session, row, given, CAUSE_FIELDS)
    row.level = _level(above)
    same = (one for one in dossier(session, item).causes if _place(one) == _place(row))
    if (known := next(same, None)) is not None:
        return known.id or 0
    session.add(row)
    session.flush()
    note(session, clock, item, "cause_added", by, data={f"cause {row.id}": [None, row.statement]} | {
        f"cause {row.id} {name}": pair for name, pair in told.items() if name != "statement"
    })  # fmt: skip
    return row.id or 0


def _place(cause: Cause) -> tuple[int | None, Bone, str]:
    return cause.parent_id, cause.bone, cause.statement.strip()


def _above(session: Session, item: Item, parent: Any) -> Cause | None:
    if parent in {None, ""}:
        return None
    found = session.get(Cause, field.whole(1)(session, parent))
    if found is None or found.item_id != item.id:
        raise UsageError(f"{item.number} has no cause {parent}", cure=f"see `bihuan improvement show {item.number}`")
    return found


def _level(above: Cause | None) -> int:
    level = above.level + 1 if above else 1
    if level > LEVELS:
        raise RefusedError(f"it would be why number {level}", cure=f"stop at the {LEVELS}th: act on what is known")
    return level


def find_cause(session: Session, cause_id: int, revision: int | None = None) -> tuple[Item, Cause]:
    """A cause and its item, locked, which has not ended.

    Raises:
        UsageError: There is none.
        RefusedError: The item has ended, or is not at that revision any more.
    """
    cause = session.get(Cause, cause_id)
    if cause is None:
        raise UsageError(f"no cause {cause_id}", cure="see `bihuan improvement show NUMBER`")
    item = find_open(session, session.get_one(Item, cause.item_id).number, revision)
    session.refresh(cause)
    return item, cause


def edit_cause(
    session: Session, policy: Policy, clock: Clock, cause_id: int, changes: Mapping[str, Any], by: str,
    revision: int | None = None,
) -> int:  # fmt: skip
    """Edit a cause. Where it was agreed to, that is voided.

    Returns:
        The item's revision now.

    Raises:
        UsageError: No such cause, a field that nobody writes, or a value that it cannot hold.
        RefusedError: It would explain itself, or be a sixth why; or what is confirmed would not be proved, or would
            end at a person; or the item has ended or was edited meanwhile.
    """
    del policy
    item, cause = find_cause(session, cause_id, revision)
    above = _above(session, item, changes.get("parent")) if "parent" in changes else None
    told = field.write(session, cause, changes, CAUSE_FIELDS)
    if not told:
        return item.revision
    session.flush()
    causes = list(dossier(session, item).causes)
    if "parent" in told:
        _refuse_circle(cause, causes)
        _lower(session, cause, causes, _level(above))
    _refuse_unproved(cause)
    _refuse_people(session, item)
    note(
        session, clock, item, "cause_edited", by, data={f"cause {cause.id} {name}": pair for name, pair in told.items()}
    )
    return item.revision


def _refuse_circle(cause: Cause, causes: list[Cause]) -> None:
    above, by_id = cause.parent_id, {one.id: one for one in causes}
    for _ in causes:
        if above is None:
            return
        if above == cause.id:
            break
        above = by_id[above].parent_id
    raise RefusedError("a cause cannot explain itself", cure="choose another parent")


def _lower(session: Session, cause: Cause, causes: list[Cause], level: int) -> None:
    """Let a cause and those below it be the whys that they are now."""
    if level > LEVELS:
        raise RefusedError(f"one below it would be why number {level}", cure="choose a parent higher up")
    cause.level = level
    session.add(cause)
    for one in causes:
        if one.parent_id == cause.id:
            _lower(session, one, causes, level + 1)


def _refuse_unproved(cause: Cause) -> None:
    if cause.state is CauseState.CONFIRMED and (cause.method is None or not cause.evidence.strip()):
        raise RefusedError("a confirmed cause keeps its method and evidence", cure="write both")


def _refuse_people(session: Session, item: Item) -> None:
    """Let no confirmed cause end at a person's fault."""
    facts: list[CauseFacts] = cause_facts(dossier(session, item))
    if found := ends_at_people(facts):
        raise RefusedError(
            f"cause {found[0]} ends at a person: why could it happen?",
            cure="add a why below it in process, technology or environment, or of kind system",
        )


def confirm_cause(
    session: Session, policy: Policy, clock: Clock, cause_id: int, method: CauseMethod | str, evidence: str, by: str
) -> None:  # fmt: skip
    """Confirm a cause, with how and by what it is known. Confirmed again alike nothing changes.

    Raises:
        UsageError: No such cause or method, or no evidence.
        RefusedError: It is a person's fault, and no why below it leads anywhere else; or the item has ended.
    """
    del policy
    item, cause = find_cause(session, cause_id)
    if not evidence.strip():
        raise UsageError("the evidence is missing", cure="say what shows it: figures, a photograph, who said so")
    before = cause.state
    given = {"method": method, "evidence": evidence}
    told = field.write(session, cause, given, CAUSE_FIELDS)
    cause.state = CauseState.CONFIRMED
    if before is CauseState.CONFIRMED and not told:
        return
    _refuse_people(session, item)
    _decided(session, clock, item, cause, before, by)


def exclude_cause(session: Session, policy: Policy, clock: Clock, cause_id: int, reason: str, by: str) -> None:
    """Exclude a cause, with the reason. Excluded again nothing changes.

    Raises:
        UsageError: No such cause, or no reason.
        RefusedError: A confirmed cause would end at a person's fault without it; or the item has ended.
    """
    del policy
    item, cause = find_cause(session, cause_id)
    why = needed(reason)
    if cause.state is CauseState.EXCLUDED:
        return
    before, cause.state = cause.state, CauseState.EXCLUDED
    _refuse_people(session, item)
    _decided(session, clock, item, cause, before, by, why)


def _decided(
    session: Session, clock: Clock, item: Item, cause: Cause, before: CauseState, by: str, reason: str = ""
) -> None:
    cause.decided_by, cause.decided_at = by[:120], clock()
    session.add(cause)
    pair = [before.value, cause.state.value]
    note(session, clock, item, f"cause_{cause.state}", by, reason=reason, data={f"cause {cause.id} state": pair})
