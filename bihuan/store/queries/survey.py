"""What the follow-up looks at: deadlines with news, invitations that are due, and what is known of their people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlmodel import Session

from bihuan.rules.complaint import UNDOES
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice
from schemas.people import TELEPHONE, Customer
from schemas.survey import Invitation, InvitationState, OptOut

_I = table_of(Invitation).c
_D = table_of(Deadline).c
_C = table_of(Complaint).c
_P = table_of(Customer).c
_O = table_of(OptOut).c
_M = table_of(Message).c
_V = table_of(ComplaintEvent).c
_UNASKED = (Notice.NEGATIVE_TOLD, Notice.IMPROVED)
"""Letters to complainants that ask nothing."""


def news(session: Session, at: datetime, limit: int) -> Sequence[Row[Any]]:
    """At most ``limit`` deadlines that the follow-up has to look at by ``at``, with their complaint, locked."""
    return session.execute(news_by(at, limit)).all()


def news_by(at: datetime, limit: int) -> Select[Any]:
    """The statement of ``news``: its plan is what planning costs."""
    return (
        select(_D.id, _D.subject_id, _D.milestone, _D.round, _D.started_at, _D.due_at, _D.met_at, _D.cancelled_at,
               _C.customer_id, _C.state, _C.attributes, _P.timezone)
        .select_from(table_of(Deadline).join(table_of(Complaint), _C.id == _D.subject_id)
                     .outerjoin(table_of(Customer), _P.id == _C.customer_id))
        .where(_D.survey_at <= at)
        .order_by(_D.survey_at, _D.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=table_of(Deadline))
    )  # fmt: skip


def by_key(session: Session, keys: Collection[str]) -> dict[str, Row[Any]]:
    """The invitations of these keys that there are."""
    return {row.key: row for row in session.execute(select(table_of(Invitation)).where(_I.key.in_(keys)))}


def handlings(session: Session, complaint_ids: Sequence[int]) -> dict[tuple[int, datetime], dict[str, Any]]:
    """What was said of each handling, by complaint and instant."""
    said = select(_V.complaint_id, _V.occurred_at, _V.data).where(
        id_in(_V.complaint_id, complaint_ids), _V.kind == EventKind.HANDLED
    )
    return {(row.complaint_id, row.occurred_at): row.data for row in session.execute(said.order_by(_V.id))}


def undoings(session: Session, complaint_ids: Sequence[int]) -> set[int]:
    """Those of the complaints that were reopened, withdrawn or merged at any time."""
    if not complaint_ids:
        return set()
    turned = select(_V.complaint_id).where(id_in(_V.complaint_id, complaint_ids), _V.kind.in_(list(UNDOES)))
    return set(session.execute(turned).scalars())


def due_invitations(session: Session, at: datetime, limit: int) -> list[Row[Any]]:
    """At most ``limit`` invitations to be looked at by ``at``, with their person, complaint and deadline, locked.

    One on the telephone worklist is looked at once it expires: until then its calls are somebody else's.
    """
    return list(session.execute(invitations_due_by(at, limit)).all())


def invitations_due_by(at: datetime, limit: int) -> Select[Any]:
    """The statement of ``due_invitations``: its plan is what a sweep costs."""
    is_waiting = _I.state.in_([InvitationState.PLANNED, InvitationState.INVITED])
    is_open = is_waiting | ((_I.state == InvitationState.PHONE) & (_I.expires_at <= at))
    return _facts(at).where(_I.next_at <= at, is_open).order_by(_I.next_at, _I.id).limit(limit)


def planned_of(
    session: Session, customer_ids: Collection[int], at: datetime, until: datetime, but: Collection[int]
) -> list[Row[Any]]:
    """Planned invitations of these people that are to go out by ``until``, but for those ids."""
    theirs = _I.customer_id.in_(customer_ids) & (_I.state == InvitationState.PLANNED)
    soon = _facts(at).where(theirs, _I.started_at <= at, _I.send_at <= until)
    return [row for row in session.execute(soon.order_by(_I.id)) if row.id not in but]


def _facts(at: datetime) -> Select[Any]:
    has_opted_out = select(_O.id).where(_O.customer_id == _I.customer_id, opted_out(at)).exists()
    deadline = and_(
        _I.subject_kind == "complaint", _D.subject_kind == "complaint", _D.subject_id == _I.subject_id,
        _D.milestone == _I.duty, _D.round == _I.round, _D.leg == 0,
    )  # fmt: skip
    return (
        select(table_of(Invitation), can_be_written_to().label("has_contact"), _P.timezone,
               has_opted_out.label("is_opted_out"), _D.id.label("deadline_id"), _D.met_at, _D.cancelled_at)
        .select_from(table_of(Invitation).outerjoin(table_of(Customer), _P.id == _I.customer_id)
                     .outerjoin(table_of(Deadline), deadline))
        .with_for_update(skip_locked=True, of=table_of(Invitation))
    )  # fmt: skip


def can_be_written_to() -> ColumnElement[bool]:
    """Whether a row of ``customer`` has a contact, and more of one than a telephone number."""
    return _P.sealed_contact.is_not(None) & _P.sealed_contact.not_like(f"{TELEPHONE}%")


def opted_out(at: datetime) -> ColumnElement[bool]:
    """Whether a row of ``opt_out`` counts at an instant."""
    return (_O.since <= at) & or_(_O.until.is_(None), _O.until > at)


def zones_of(session: Session, recipients: Collection[str]) -> dict[str, str]:
    """The time zones of complainants, by recipient ``customer:ID``, where they are known."""
    ids = [int(to.partition(":")[2]) for to in recipients]
    known = select(_P.id, _P.timezone).where(id_in(_P.id, ids), _P.timezone.is_not(None))
    return {f"customer:{row.id}": row.timezone for row in session.execute(known)}


def last_letters(session: Session, customer_ids: Collection[int], at: datetime) -> dict[int, datetime]:
    """When each of these people was last written to, up to ``at``: asked, or told what was done about their answer."""
    theirs = _I.customer_id.in_(customer_ids) & (_I.contacted_at <= at)
    last = select(_I.customer_id, func.max(_I.contacted_at)).where(theirs).group_by(_I.customer_id)
    found = dict(session.execute(last).tuples().all())
    to = {f"customer:{one}": one for one in customer_ids}
    answered = _M.recipient.in_(to) & (_M.sent_at <= at) & _M.notice.in_(_UNASKED)
    told = select(_M.recipient, func.max(_M.sent_at)).where(answered).group_by(_M.recipient)
    for recipient, sent_at in session.execute(told):
        found[to[recipient]] = max(sent_at, found.get(to[recipient], sent_at))
    return found


def last_letters_about(session: Session, subject_ids: Collection[int], at: datetime) -> dict[tuple[str, int], datetime]:
    """When a letter about each of these matters was last planned, up to ``at``."""
    theirs = _I.subject_id.in_(subject_ids) & (_I.contacted_at <= at)
    last = select(_I.subject_kind, _I.subject_id, func.max(_I.contacted_at)).where(theirs)
    rows = session.execute(last.group_by(_I.subject_kind, _I.subject_id)).tuples()
    return {(kind, subject_id): when for kind, subject_id, when in rows}


def last_messages(session: Session, invitation_ids: Collection[int]) -> dict[int, Row[Any]]:
    """The newest message of each of these invitations: its state and reason."""
    theirs = select(_M.invitation_id, _M.state, _M.reason).where(_M.invitation_id.in_(invitation_ids))
    return {row.invitation_id: row for row in session.execute(theirs.order_by(_M.id))}


def invitations_of(session: Session, message_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The invitation that each of these messages brings, by message."""
    theirs = select(table_of(Invitation), _M.id.label("message_id")).join(table_of(Message), _M.invitation_id == _I.id)
    return {row.message_id: row for row in session.execute(theirs.where(id_in(_M.id, message_ids)))}
