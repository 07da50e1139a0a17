"""What is due: rows whose ``next_at`` lies in the past, found by its partial index and locked for their taker."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, case, cast, func, literal, select, true
from sqlmodel import Session

from bihuan.store.queries.survey import opted_out
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, Severity
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import SURVEYS, SWEEP, Audience, Message, MessageState, Notice, Urgency
from schemas.people import Customer
from schemas.survey import Invitation, InvitationState, OptOut


class DueMessage(NamedTuple):
    """What claiming a message takes; the columns of ``_FACTS``."""

    id: int
    state: MessageState
    audience: Audience
    recipient: str
    channel: str
    urgency: Urgency
    notice: Notice
    bundle: str | None
    reason: str | None
    attempts: int
    is_repeated: bool
    planned_at: datetime
    due_at: datetime | None
    """Of its deadline; None where it speaks of none."""
    met_at: datetime | None
    cancelled_at: datetime | None
    handled_at: datetime | None
    """Of its complaint."""
    timezone: str | None
    """Of the complainant; None where it is not known."""
    withdrawn: str | None
    """Why its invitation is not to be sent any more; None where it is, or it brings none."""


_M, _D, _C = table_of(Message).c, table_of(Deadline).c, table_of(Complaint).c
_I, _O, _P = table_of(Invitation).c, table_of(OptOut).c, table_of(Customer).c
_FACTS = select(
    _M.id, _M.state, _M.audience, _M.recipient, _M.channel, _M.urgency, _M.notice, _M.bundle, _M.reason, _M.attempts,
    _M.is_repeated, _M.planned_at, _D.due_at, _D.met_at, _D.cancelled_at, _C.handled_at, _P.timezone,
).select_from(
    table_of(Message).outerjoin(table_of(Deadline), _M.deadline_id == _D.id)
    .outerjoin(table_of(Complaint), (_M.subject_kind == "complaint") & (_M.subject_id == _C.id))
    .outerjoin(table_of(Invitation), _M.invitation_id == _I.id)
    .outerjoin(table_of(Customer), _P.id == func.coalesce(_I.customer_id, _C.customer_id))
)  # fmt: skip


def _withdrawn(at: datetime) -> ColumnElement[str | None]:
    """Why a complainant is not to get the letter any more: asked no more, ended, or answered before the reminder."""
    has_opted_out = select(_O.id).where(_O.customer_id == _I.customer_id, opted_out(at)).exists()
    is_over = _I.state.in_([InvitationState.CANCELLED, InvitationState.SUPPRESSED, InvitationState.EXPIRED])
    is_answered = (_M.notice == Notice.SURVEY_REMINDER) & (_I.state == InvitationState.ANSWERED)
    # What tells the staff of an answer comes of an invitation too, and does not end with it.
    is_other = _I.id.is_(None) | _M.notice.not_in(list(SURVEYS))
    # What tells of a change is not owed, and comes of no invitation.
    has_asked_out = select(_O.id).where(literal("customer:") + cast(_O.customer_id, String) == _M.recipient,
                                        opted_out(at)).exists()  # fmt: skip
    is_refused = (_M.notice == Notice.IMPROVED) & has_asked_out
    return case(
        (is_refused, "opted_out"),
        (is_other, None),
        (has_opted_out, "opted_out"),
        (is_over | is_answered, "ended"),
        else_=None,
    )


def due_messages(
    session: Session, at: datetime, limit: int, *, is_whole: bool = False, only: int | None = None
) -> list[DueMessage]:
    """At most ``limit`` messages to be tried by ``at`` or whose lease has run out, with the others of their bundles.

    With ``is_whole`` everything else that is due to the same staff and not urgent comes along: so it can be one letter.
    ``only`` the message of that id, where one is named. What is said about the sweeps themselves is not theirs to send
    and stays out. The rows stay locked until the transaction ends; rows another worker holds are skipped. Call it
    inside ``Database.write``.
    """
    due = session.execute(
        select(_M.id, _M.bundle, _M.recipient, _M.audience)
        .where(_M.next_at <= at, _M.subject_kind != SWEEP, true() if only is None else _M.id == only)
        .order_by(_M.next_at, _M.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return []
    is_due: ColumnElement[bool] = _M.id.in_([row.id for row in due])
    if bundles := sorted({row.bundle for row in due if row.bundle}):
        is_due |= _M.bundle.in_(bundles) & (_M.next_at <= at)
    if is_whole and (staff := sorted({row.recipient for row in due if row.audience is Audience.STAFF})):
        theirs = _M.recipient.in_(staff) & (_M.urgency != Urgency.URGENT) & (_M.subject_kind != SWEEP)
        is_due |= theirs & (_M.next_at <= at)
    whole = (
        _FACTS.add_columns(_withdrawn(at))
        .where(is_due)
        .order_by(_M.id)
        .with_for_update(skip_locked=True, of=table_of(Message))
    )
    return list(map(DueMessage._make, session.execute(whole)))


class DueDeadline(NamedTuple):
    """What deciding a deadline takes, with whom its complaint stands; the columns of ``deadlines_due_before``."""

    id: int
    subject_kind: str
    subject_id: int
    milestone: str
    round: int
    leg: int
    state: DeadlineState
    due_at: datetime
    step: int
    warn_at: list[str] | None
    met_at: datetime | None
    cancelled_at: datetime | None
    handler_id: int | None
    department_id: int | None
    severity: Severity | None

    @property
    def is_complaint(self) -> bool:
        """Whether it is a promise of a complaint; else of improvement work."""
        return self.subject_kind == "complaint"

    @property
    def duty(self) -> str:
        """What is owed."""
        return self.milestone


def due_deadlines(session: Session, at: datetime, limit: int) -> list[DueDeadline]:
    """Facts of at most ``limit`` deadlines due before ``at``, with whom their complaint stands; locked likewise.

    ``warn_at`` is None where the step is the due instant itself: no warning is left to be read.
    """
    return list(map(DueDeadline._make, session.execute(deadlines_due_before(at, limit))))


def deadlines_due_before(at: datetime, limit: int) -> Select[Any]:
    """The statement of ``due_deadlines``: its plan is what a sweep costs."""
    d, c = table_of(Deadline).c, table_of(Complaint).c
    return (
        select(d.id, d.subject_kind, d.subject_id, d.milestone, d.round, d.leg, d.state, d.due_at, d.step,
               case((d.next_at != d.due_at, d.warn_at)).label("warn_at"),
               d.met_at, d.cancelled_at, c.handler_id, c.department_id, c.severity)
        .select_from(
            table_of(Deadline).outerjoin(table_of(Complaint), (d.subject_kind == "complaint") & (c.id == d.subject_id)))
        .where(d.next_at < at)
        .order_by(d.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=table_of(Deadline))
    )  # fmt: skip
