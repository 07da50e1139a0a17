"""The sending ledger: a listing, and the audit that proves nothing was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, func, not_, or_, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice

_M = table_of(Message).c
_D = table_of(Deadline).c
_A = table_of(DeliveryAttempt).c
_C = table_of(Complaint).c
_WORDS = ("sent", "suppressed", "failed", "unknown", "pending")
_PENDING = frozenset({MessageState.PLANNED, MessageState.CLAIMED, MessageState.SENDING})


@dataclass
class Audit:
    """Conservation: every decision that owed a notice is a row, and every row stands in one known state.

    ``due`` counts from the decisions' side (rows, plus decisions without a row); it holds when nothing is missing and
    every message called sent has an attempt that says so, and no complainant's message has two.
    """

    due: int = 0
    sent: int = 0
    suppressed: int = 0
    failed: int = 0
    unknown: int = 0
    pending: int = 0
    missing: int = 0
    """Warnings and breaches decided without a message row."""
    unproved: int = 0
    """Messages called sent without a successful attempt."""
    doubled: int = 0
    """Messages to complainants with more than one successful attempt."""
    repeated: int = 0
    """Staff messages sent again because the first sending was cut off."""
    days: list[dict[str, Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing was lost and nothing is claimed that did not happen."""
        told = self.sent + self.suppressed + self.failed + self.unknown + self.pending
        return self.due == told and not (self.missing or self.unproved or self.doubled)


def audit(session: Session, here: ZoneInfo) -> Audit:
    """Compare decisions, messages and attempts; by day of planning in zone ``here``."""
    total, by_day = Counter[str](), dict[str, Counter[str]]()
    by_state = select(_M.planned_at, _M.state, func.count()).group_by(_M.planned_at, _M.state)
    for planned_at, state, count in session.execute(by_state):
        word = "pending" if state in _PENDING else state.value
        total[word] += count
        by_day.setdefault(planned_at.astimezone(here).date().isoformat(), Counter())[word] += count
    missing = _missing(session, Notice.WARNING) + _missing(session, Notice.BREACH)
    repeated = session.execute(select(func.count()).where(_M.is_repeated)).scalar_one()
    return Audit(
        due=total.total() + missing, missing=missing, unproved=_unproved(session), doubled=_doubled(session),
        repeated=repeated,
        days=[{"day": day, "due": counts.total(), **{word: counts[word] for word in _WORDS}}
              for day, counts in sorted(by_day.items())],
        **{word: total[word] for word in _WORDS},
    )  # fmt: skip


def _missing(session: Session, notice: Notice) -> int:
    """Decided deadlines without the row of their notice."""
    fact = _D.warned_at if notice is Notice.WARNING else _D.breached_at
    has_row = select(_M.id).where(_M.deadline_id == _D.id, _M.notice == notice).exists()
    untold = select(func.count()).select_from(table_of(Deadline)).where(fact.is_not(None), not_(has_row))
    return int(session.execute(untold).scalar_one())


def _unproved(session: Session) -> int:
    """Messages called sent of which no attempt, nor one of their bundle, succeeded."""
    other = table_of(Message).alias("other")
    proof = (
        select(_A.id).join(other, other.c.id == _A.message_id)
        .where(_A.outcome == AttemptOutcome.SENT, or_(other.c.id == _M.id, other.c.bundle == _M.bundle)).exists()
    )  # fmt: skip
    claimed = select(func.count()).select_from(table_of(Message)).where(_M.state == MessageState.SENT, not_(proof))
    return int(session.execute(claimed).scalar_one())


def _doubled(session: Session) -> int:
    """Messages to complainants that were sent more than once."""
    twice = (
        select(_A.message_id).join(table_of(Message), _M.id == _A.message_id)
        .where(_A.outcome == AttemptOutcome.SENT, _M.audience == Audience.CUSTOMER)
        .group_by(_A.message_id).having(func.count() > 1).subquery()
    )  # fmt: skip
    return int(session.execute(select(func.count()).select_from(twice)).scalar_one())


def listing(
    session: Session, *, state: MessageState | None = None, limit: int = 50, offset: int = 0
) -> Sequence[Row[Any]]:
    """Messages, newest first, with the complaint and milestone they are about."""
    statement = (
        select(_M.id, _M.key, _C.number, _D.milestone, _M.notice, _M.audience, _M.recipient, _M.state, _M.reason,
               _M.bundle, _M.is_late, _M.is_repeated, _M.planned_at, _M.next_at, _M.attempts, _M.sent_at)
        .select_from(table_of(Message).outerjoin(table_of(Deadline), _M.deadline_id == _D.id)
                     .outerjoin(table_of(Complaint), and_(_M.subject_kind == "complaint", _M.subject_id == _C.id)))
        .order_by(_M.id.desc()).limit(limit).offset(offset)
    )  # fmt: skip
    if state is not None:
        statement = statement.where(_M.state == state)
    return session.execute(statement).all()


def counts(session: Session) -> dict[str, int]:
    """Messages by state."""
    rows = session.execute(select(_M.state, func.count()).group_by(_M.state)).all()
    return {state.value: count for state, count in rows}
