"""The letter that tells a complainant what was done about their bad answer: planned with the words, once an answer.

It answers what they said, so whoever wants no surveys gets it too; whoever cannot be written to is called.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.rules.complaint import UNDOES
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.store.queries.survey import can_be_written_to
from bihuan.store.rows import insert_new_rows, table_of
from schemas.complaint import Complaint, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency
from schemas.people import Customer

TOLD_ALREADY = "told"
"""Why the letter is not sent: a person told the complainant first, or what comes next will."""
STOPS_LETTER = UNDOES | {EventKind.NEGATIVE_TOLD}
"""News after which a letter that has not gone out yet would say too much."""
_DUTY = "negative_told"
_D, _M, _P = table_of(Deadline).c, table_of(Message).c, table_of(Customer).c
_STOP = (
    update(table_of(Message))
    .where(_M.subject_kind == "complaint", _M.subject_id == bindparam("of_id"), _M.notice == Notice.NEGATIVE_TOLD,
           _M.state == MessageState.PLANNED)
    .values(state=MessageState.SUPPRESSED, reason=TOLD_ALREADY, next_at=None)
)  # fmt: skip


def plan_letter(session: Session, policy: Policy, row: Complaint, number: int, at: datetime) -> None:
    """Plan the letter about the negative answer of that number in the present round, where somebody can get it.

    Its words are those that were recorded last when it goes out; it waits in the outbox for the contact window.
    """
    if row.customer_id is None or not _has_contact(session, row.customer_id):
        return
    deadline, recipient = _deadline(session, policy, row), f"customer:{row.customer_id}"
    slot = f"{row.round}.0 answer {number}"
    insert_new_rows(session, Message, [{
        "key": message_key(f"complaint:{row.id}", _DUTY, recipient, PREFERRED, slot),
        "subject_kind": "complaint", "subject_id": row.id, "deadline_id": deadline.id if deadline else None,
        "notice": Notice.NEGATIVE_TOLD, "audience": Audience.CUSTOMER, "recipient": recipient, "channel": PREFERRED,
        "urgency": Urgency.USUAL, "is_late": bool(deadline and at > deadline.due_at),
        "state": MessageState.PLANNED, "planned_at": at, "next_at": at,
    }], ["key"])  # fmt: skip


def stop_letter(session: Session, complaint_id: int) -> None:
    """Do not send what has not gone out yet: the complainant was told otherwise, or hears the result again."""
    session.connection().execute(_STOP, {"of_id": complaint_id})


def _has_contact(session: Session, customer_id: int) -> bool:
    known = select(_P.id).where(_P.id == customer_id, can_be_written_to())
    return session.execute(known).first() is not None


def _deadline(session: Session, policy: Policy, row: Complaint) -> Row[tuple[int, datetime]] | None:
    """The deadline that telling meets, where policy sets one."""
    names = policy.deadline.met_by(EventKind.NEGATIVE_TOLD, but=EventKind.NEGATIVE_TAKEN_ON)
    running = (_D.subject_kind == "complaint") & (_D.subject_id == row.id) & (_D.leg == 0) & (_D.round == row.round)
    is_its = _D.milestone.in_(names) & _D.met_at.is_(None) & _D.cancelled_at.is_(None)
    return session.execute(select(_D.id, _D.due_at).where(running, is_its).order_by(_D.due_at).limit(1)).first()
