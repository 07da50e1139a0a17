"""In-depth interviews 深度访谈: offered by policy, planned with a date and a person, held with a summary, or cancelled.

Whoever is to hold one is told through the ledger in the transaction that plans it. A customer has one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.contact import called_at, unseal, written_to
from bihuan.policy.models import Policy
from bihuan.rules.interview import Why, why
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.services.deadline import ENDED
from bihuan.settings import Settings
from bihuan.store.lock import hold as hold_lock
from bihuan.store.queries import interview as queries
from bihuan.store.queries.access import person_by_code
from bihuan.store.rows import insert_rows, table_of
from schemas.outbox import INTERVIEW, Audience, Message, MessageState, Notice
from schemas.people import Customer
from schemas.survey import Interview

CANDIDATES = 12
"""Customers offered at once; the others come up as these were interviewed."""
REASON_CHARACTERS = 500
SUMMARY_CHARACTERS = 10_000
_T = table_of(Interview)
_M = table_of(Message)


class OverError(RefusedError):
    """The interview was held, or cancelled."""


class HasOneError(RefusedError):
    """The customer has one planned already."""


class UnknownInterviewError(UsageError):
    """There is no such interview."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer who is offered: the row of ``candidates``, and why."""

    row: Row[Any]
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom to interview, who does it, when and why; ``by`` says who planned it."""

    customer_id: int
    interviewer: str
    """Staff code."""
    planned_at: datetime
    """When it is to take place."""
    reason: str = ""
    by: str = ""


def candidates(session: Session, policy: Policy, at: datetime) -> list[Candidate]:
    """Customers whom today's policy finds worth an interview, at most ``CANDIDATES``, high-value ones first."""
    of = policy.survey.interviews
    rows = queries.candidates(session, of, at, CANDIDATES)
    return [Candidate(row, why(row.tier, row.complaints, of)) for row in rows]


def reached_at(row: Row[Any], settings: Settings) -> tuple[str, str]:
    """Telephone number and plain address of the customer of an interview that is to take place; else nothing."""
    if not row.sealed_contact or row.held_at or row.cancelled_at:
        return "", ""
    try:
        contact = unseal(row.sealed_contact, settings.secret_value())
    except RefusedError:  # sealed with another secret: `bihuan doctor` says so
        return "", ""
    address = written_to(contact)
    is_plain = address.startswith("mailto:") and not address.startswith("mailto://")
    return called_at(contact), address.removeprefix("mailto:") if is_plain else ""


def plan(session: Session, clock: Clock, it: Plan) -> int:
    """Plan an interview and tell whoever is to hold it; the same plan again is the one there is.

    Args:
        session: Inside ``Database.write``.
        clock: Tells the present.
        it: The plan.

    Returns:
        Id of the interview.

    Raises:
        UsageError: No such customer or active member of staff, the instant is past, or the reason too long.
        HasOneError: The customer has another one planned.
    """
    at = clock()
    hold_lock(session, "interview")
    staff = person_by_code(session, it.interviewer)
    _refuse(session, it, staff, at)
    known = queries.open_one(session, it.customer_id)
    if known is not None:
        if (known.interviewer, known.planned_at) == (it.interviewer, it.planned_at):
            return int(known.id)
        raise HasOneError("the customer has an interview planned", cure="hold or cancel that one first")
    row = Interview(
        customer_id=it.customer_id, complaint_id=queries.last_complaint(session, it.customer_id),
        interviewer=it.interviewer, reason=it.reason, planned_at=it.planned_at, planned_by=it.by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    assert row.id is not None
    assert staff is not None
    _tell(session, row.id, f"staff:{staff.id}", at)
    return row.id


def _refuse(session: Session, it: Plan, staff: Row[Any] | None, at: datetime) -> None:
    customer = select(table_of(Customer).c.id).where(table_of(Customer).c.id == it.customer_id)
    if session.execute(customer).first() is None:
        raise UsageError("no such customer", cure="see `bihuan survey interviews`")
    if staff is None:
        raise UsageError(f"no active staff {it.interviewer!r}", cure="see `bihuan staff list`")
    if it.planned_at <= at:
        raise UsageError(f"{it.planned_at.isoformat()} is past", cure="give an instant that lies ahead")
    if len(it.reason) > REASON_CHARACTERS:
        raise UsageError("the reason is too long", cure=f"at most {REASON_CHARACTERS} characters")


def _tell(session: Session, interview_id: int, recipient: str, at: datetime) -> None:
    insert_rows(session, Message, [{
        "key": message_key(f"{INTERVIEW}:{interview_id}", INTERVIEW, recipient, PREFERRED, "planned"),
        "subject_kind": INTERVIEW, "subject_id": interview_id, "notice": Notice.INTERVIEW, "audience": Audience.STAFF,
        "recipient": recipient, "channel": PREFERRED, "is_late": False, "is_repeated": False,
        "state": MessageState.PLANNED, "planned_at": at, "next_at": at, "attempts": 0,
    }])  # fmt: skip


def hold(session: Session, clock: Clock, interview_id: int, summary: str) -> None:
    """Say what came of an interview; said again it corrects the summary, and the instant stays the first.

    Raises:
        UsageError: There is no such interview, or the summary is empty or too long.
        OverError: It was cancelled.
    """
    row = _locked(session, interview_id)
    if not summary.strip() or len(summary) > SUMMARY_CHARACTERS:
        raise UsageError("no summary, or too long a one", cure=f"at most {SUMMARY_CHARACTERS} characters")
    if row.cancelled_at is not None:
        raise OverError("the interview was cancelled", cure="plan another one")
    values = {"summary": summary.strip(), "held_at": row.held_at or clock()}
    session.execute(update(_T).where(_T.c.id == interview_id).values(values))
    _untell(session, interview_id)


def cancel(session: Session, clock: Clock, interview_id: int) -> None:
    """Cancel an interview; one that was cancelled stays as it is, and what was not told yet is not told any more.

    Raises:
        UnknownInterviewError: There is no such interview.
        OverError: It was held.
    """
    row = _locked(session, interview_id)
    if row.held_at is not None:
        raise OverError("the interview was held", cure="its summary can be corrected")
    if row.cancelled_at is None:
        session.execute(update(_T).where(_T.c.id == interview_id).values(cancelled_at=clock()))
        _untell(session, interview_id)


def _locked(session: Session, interview_id: int) -> Row[Any]:
    row = session.execute(select(_T).where(_T.c.id == interview_id).with_for_update()).first()
    if row is None:
        raise UnknownInterviewError("no such interview", cure="see `bihuan survey interviews`")
    return row


def _untell(session: Session, interview_id: int) -> None:
    """Do not send what still waits to be sent about it."""
    waits = (_M.c.subject_kind == INTERVIEW) & (_M.c.subject_id == interview_id) & (_M.c.state == MessageState.PLANNED)
    over = {"state": MessageState.SUPPRESSED, "reason": ENDED, "next_at": None}
    session.execute(update(_M).where(waits).values(over))
