"""What complainants hear of a standard that their feedback led to: once, whatever version comes later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import String, cast, literal, select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.render import PASSAGE_BYTES
from bihuan.policy.models import Policy
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.services.dossier import today_of
from bihuan.services.item_log import find, needed, note
from bihuan.services.letter_improved import TOLD, WORDS
from bihuan.services.standard import newest
from bihuan.store.queries.survey import can_be_written_to, opted_out
from bihuan.store.rows import insert_new_rows, table_of
from schemas.complaint import Complaint, ComplaintState
from schemas.effect import STANDARD, Standard
from schemas.item import Item
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency
from schemas.people import Customer
from schemas.survey import OptOut

_C, _P, _O, _M = table_of(Complaint).c, table_of(Customer).c, table_of(OptOut).c, table_of(Message).c


class Told(NamedTuple):
    """What became of telling the complainants."""

    complaints: int
    """That the improvement came from."""
    planned: int
    """Letters planned now."""
    before: int
    """People who had one planned before."""
    opted_out: int
    unreachable: int
    """People without an address, and complaints of nobody known."""


def tell_complainants(session: Session, policy: Policy, clock: Clock, number: str, words: str, by: str) -> Told:
    """Plan a letter to each complainant whose feedback led to a standard: what it changed 您的反馈带来了什么改变.

    One letter a person and standard, whatever version; who wants no letters gets none. They wait in the outbox for the
    hours in which complainants are written to.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: Of the standard, in force.
        words: What is different now, for people who do not work here.
        by: Who.

    Raises:
        UsageError: No such standard, no words, or too many for a letter.
        RefusedError: It is not in force yet.
    """
    row = newest(session, number)
    item, at = find(session, session.get_one(Item, row.item_id).number), clock()
    text = needed(words, "what changed")
    if len(text.encode()) > PASSAGE_BYTES:
        raise UsageError("what changed is too long for a letter", cure=f"say it in {PASSAGE_BYTES // 3} characters")
    if row.effective_on is None or row.effective_on > today_of(policy, at):
        raise RefusedError(f"{number} is not in force yet", cure="tell people of what is so already")
    people, counts = _readers(session, item, row, at)
    rows = [_letter(row, customer_id, complaint_id, clock) for customer_id, complaint_id in people]
    insert_new_rows(session, Message, rows, ["key"])
    if rows or row.told_at is None:
        row.told_at = row.told_at or at
        session.add(row)
        data = {"standard": row.number, WORDS: text, "planned": len(rows)}
        note(session, clock, item, TOLD, by, data=data)
    return counts._replace(planned=len(rows))


def _letter(row: Standard, customer_id: int, complaint_id: int, clock: Clock) -> dict[str, Any]:
    recipient = f"customer:{customer_id}"
    return {
        "key": message_key(f"{STANDARD}:{row.number}", Notice.IMPROVED.value, recipient, PREFERRED,
                           f"complaint {complaint_id}"),
        "subject_kind": STANDARD, "subject_id": row.id, "notice": Notice.IMPROVED, "audience": Audience.CUSTOMER,
        "recipient": recipient, "channel": PREFERRED, "urgency": Urgency.USUAL, "state": MessageState.PLANNED,
        "planned_at": clock(), "next_at": clock(),
    }  # fmt: skip


def _readers(session: Session, item: Item, row: Standard, at: datetime) -> tuple[Sequence[tuple[int, int]], Told]:
    """Each person to be told with the first of their complaints, and the counts of the others."""
    is_out = select(_O.id).where(_O.customer_id == _P.id, opted_out(at)).exists()
    before = select(_M.id).where(
        _M.recipient == literal("customer:") + cast(_P.id, String), _M.notice == Notice.IMPROVED,
        _M.key.like(f"{STANDARD}:{row.number}|%"),
    ).exists()  # fmt: skip
    found = session.execute(
        select(_C.id, _C.customer_id, can_be_written_to().label("is_reachable"), is_out.label("is_out"),
               before.label("is_told"))
        .select_from(table_of(Complaint).outerjoin(table_of(Customer), _P.id == _C.customer_id))
        .where(_C.number.in_(item.evidence), _C.state.not_in([ComplaintState.WITHDRAWN, ComplaintState.MERGED]))
        .order_by(_C.id)
    ).all()  # fmt: skip
    people = {one.customer_id: one for one in reversed(found) if one.customer_id is not None}
    counts = Told(
        len(found), 0, sum(bool(one.is_told) for one in people.values()),
        sum(bool(one.is_out) and not one.is_told for one in people.values()),
        sum(one.customer_id is None for one in found)
        + sum(not (one.is_reachable or one.is_out or one.is_told) for one in people.values()),
    )  # fmt: skip
    wanted = [(key, one.id) for key, one in people.items() if one.is_reachable and not one.is_out and not one.is_told]
    return sorted(wanted, key=lambda one: one[1]), counts
