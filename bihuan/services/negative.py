"""What a bad answer 负面反馈 sets in motion: the work it opens, once, and what staff do about it with one form.

Where it is not solved the complaint is reopened, else the department has to take it on, with a plan, and then to tell
the complainant what was done. Whoever answers for it is told at once, by when what is to be done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import UsageError
from bihuan.policy.models import Policy
from bihuan.rules.negative import PHONE, PLAN, RESULT, WAY, answers_waiting, is_taken_on
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.rules.score import Why
from bihuan.services.acknowledgement import EndedError
from bihuan.services.complaint import find, is_known, record
from bihuan.services.escalation import planned
from bihuan.services.people import roster
from bihuan.services.projection import logs_of
from bihuan.store.queries.acknowledgement import told
from bihuan.store.rows import insert_new_alike, table_of
from schemas.complaint import Complaint, ComplaintState, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import OF_A_MATTER, Message, Notice, Urgency

COMPLAINANT = "complainant"
"""Who says so, where a complainant does."""
_REOPENS = frozenset({ComplaintState.HANDLED, ComplaintState.CLOSED})
_C, _D = table_of(Complaint).c, table_of(Deadline).c
_SUBJECT = (
    select(_C.number, _C.state, _C.handler_id, _C.department_id).where(_C.id == bindparam("id")).with_for_update()
)  # two bad answers about one complaint at once: the second finds what the first has opened
_FIRST_RUNNING = (
    select(_D.id)
    .where(_D.subject_kind == "complaint", _D.subject_id == bindparam("id"), _D.leg == 0,
           _D.milestone.in_(bindparam("names", expanding=True)), _D.met_at.is_(None), _D.cancelled_at.is_(None))
    .order_by(_D.round.desc(), _D.due_at).limit(1)
)  # fmt: skip


def open_work(
    session: Session, policy: Policy, clock: Clock, it: Row[Any], why: Sequence[Why], csat: int | None, nps: int | None
) -> None:  # fmt: skip
    """Record a bad answer in the complaint's log, once, and tell whoever answers for it at once.

    Nothing is opened where the complaint is being handled anyway, or was dropped.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        it: The invitation it answers, of a complaint.
        why: What makes it a bad one.
        csat: Satisfaction, if it was answered.
        nps: Recommendation, if it was answered.
    """
    at = clock()
    row = session.execute(_SUBJECT, {"id": it.subject_id}).one()
    if row.state not in _REOPENS:
        return
    kind = EventKind.REOPENED if Why.UNSOLVED in why else EventKind.ANSWERED_NEGATIVE
    data = {"why": [one.value for one in why], "csat": csat, "nps": nps, "invitation": it.key}
    key = opening_key(kind, it.key)
    record(
        session, policy, clock, row.number, EventIn(kind=kind, occurred_at=at, actor=COMPLAINANT, key=key, data=data)
    )
    recipient = roster(session, policy, at).for_complaint(row.handler_id, row.department_id)
    message = {
        "key": message_key(f"complaint:{it.subject_id}", it.duty, recipient, PREFERRED, f"{it.round}.0 negative"),
        "subject_id": it.subject_id, "deadline_id": _deadline_of(session, policy, it.subject_id, kind),
        "escalation_id": None, "rung": 0, "recipient": recipient, "channel": PREFERRED, "bundle": None,
        "invitation_id": it.id,
    }  # fmt: skip
    insert_new_alike(session, Message, [message], ["key"], planned(Notice.NEGATIVE, Urgency.USUAL, False, at))


def opening_key(kind: EventKind, invitation_key: str) -> str:
    """The identity of the event by which the answer to an invitation opened work."""
    return f"{kind} by {invitation_key}"[:120]


def _deadline_of(session: Session, policy: Policy, complaint_id: int, kind: EventKind) -> int | None:
    """The running deadline that comes first of those that such an event starts; None where policy sets none."""
    names = [name for name, one in policy.deadline.milestones.items() if kind in one.starts]
    found: int | None = session.execute(_FIRST_RUNNING, {"id": complaint_id, "names": names}).scalar()
    return found


def take_on(session: Session, policy: Policy, clock: Clock, message_id: int, plan: str, who: str) -> None:
    """Take on the negative answer that a message speaks of, with a plan.

    Raises:
        UsageError: No such message about a matter, or no plan.
        EndedError: Somebody has taken it on already, or the complaint goes on otherwise.
    """
    _say(session, policy, clock, message_id, EventKind.NEGATIVE_TAKEN_ON, {PLAN: plan.strip()}, who)


def answer(
    session: Session, policy: Policy, clock: Clock, message_id: int, result: str, who: str, *, by_phone: bool
) -> None:  # fmt: skip
    """Say what was done about the negative answer that a message speaks of: told by telephone, or to be told by letter.

    Raises:
        UsageError: No such message about a matter, or nothing is said.
        EndedError: The complainant has been told already, or the complaint goes on otherwise.
    """
    said = {RESULT: result.strip()}
    if not said[RESULT]:
        raise UsageError("nothing is said", cure="write what was done, in words for the complainant")
    kind, data = (EventKind.NEGATIVE_TOLD, said | {WAY: PHONE}) if by_phone else (EventKind.NEGATIVE_RESOLVED, said)
    _say(session, policy, clock, message_id, kind, data, who)


def _say(
    session: Session, policy: Policy, clock: Clock, message_id: int, kind: EventKind, data: dict[str, Any], who: str
) -> None:
    """Record what the reader of a message says of its matter; said twice it counts once."""
    it, at = told(session, message_id), clock()
    if it is None or it.notice not in OF_A_MATTER:
        raise UsageError(f"message {message_id} is about no matter", cure="see `bihuan outbox list`")
    digest = hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:12]
    event = EventIn(kind=kind, occurred_at=at, actor=who, key=f"{kind} by {message_id} {digest}", data=data)
    find(session, it.number)  # locks it, or two would both take it on
    if is_known(session, it.subject_id, event):
        return
    log = logs_of(session, [it.subject_id])[it.subject_id]
    is_late = kind is EventKind.NEGATIVE_TAKEN_ON and is_taken_on(log)
    if is_late or not answers_waiting(log):
        raise EndedError(f"{it.number}: the matter has ended", cure="nothing is left to do")
    record(session, policy, clock, it.number, event)
