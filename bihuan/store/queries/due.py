"""What is due: rows whose ``next_at`` lies in the past, found by its partial index and locked for their taker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, case, select, true
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint, Severity
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import SWEEP, Message


def due_messages(session: Session, at: datetime, limit: int, only: int | None = None) -> Sequence[Row[Any]]:
    """At most ``limit`` messages to be tried by ``at`` or whose lease has run out, with the others of their bundles.

    ``only`` the message of that id, where one is named. What is said about the sweeps themselves is not theirs to send
    and stays out. The rows stay locked until the transaction ends; rows another worker holds are skipped. Call it
    inside ``Database.write``.
    """
    m, d = table_of(Message).c, table_of(Deadline).c
    due = session.execute(
        select(m.id, m.bundle)
        .where(m.next_at <= at, m.subject_kind != SWEEP, true() if only is None else m.id == only)
        .order_by(m.next_at, m.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return []
    ids, bundles = [row.id for row in due], sorted({row.bundle for row in due if row.bundle})
    is_due = m.id.in_(ids) | (m.bundle.in_(bundles) & (m.next_at <= at)) if bundles else m.id.in_(ids)
    whole = (
        select(m.id, m.bundle, m.state, m.audience, m.recipient, m.attempts, m.notice, m.planned_at, d.met_at,
               d.cancelled_at)
        .select_from(table_of(Message).outerjoin(table_of(Deadline), m.deadline_id == d.id))
        .where(is_due)
        .order_by(m.id)
    )  # fmt: skip
    return session.execute(whole.with_for_update(skip_locked=True, of=table_of(Message))).all()


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
        .select_from(table_of(Deadline).outerjoin(table_of(Complaint), c.id == d.subject_id))
        .where(d.next_at < at)
        .order_by(d.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=table_of(Deadline))
    )  # fmt: skip
