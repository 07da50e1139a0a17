"""The sending ledger: a listing, and the audit that proves nothing was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal_column, not_, or_, select, union_all
from sqlmodel import Session

from bihuan.store.queries.metric import IN_TROUBLE
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.escalation import Escalation, EscalationStep, Trigger
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice

_M = table_of(Message).c
_D = table_of(Deadline).c
_A = table_of(DeliveryAttempt).c
_C = table_of(Complaint).c
_E = table_of(Escalation).c
_S = table_of(EscalationStep).c
_ONE: ColumnElement[int] = literal_column("1")
_OF_RUNGS = (Notice.BREACH, Notice.ESCALATION, Notice.OVERSIGHT, Notice.WORK_LATE)
_OF_WORK = {Notice.WARNING: Notice.WORK_DUE, Notice.BREACH: Notice.WORK_LATE}
_WORDS = ("sent", "suppressed", "failed", "unknown", "pending")
_FAULTS = ("missing", "unproved", "doubled")
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
    """Warnings and breaches decided without a message row, and those a rung told of whom there is none."""
    unproved: int = 0
    """Messages called sent without a successful attempt."""
    doubled: int = 0
    """Messages to complainants with more than one successful attempt."""
    repeated: int = 0
    """Messages sent again because the first sending was cut off, or because a person had them sent again."""
    days: list[dict[str, Any]] = field(default_factory=list)
    """The same by day, oldest first, each with ``day`` and ``holds``; days of which there is nothing are left out."""

    @property
    def holds(self) -> bool:
        """Nothing was lost and nothing is claimed that did not happen."""
        told = self.sent + self.suppressed + self.failed + self.unknown + self.pending
        return self.due == told and not (self.missing or self.unproved or self.doubled)


def audit(session: Session, here: ZoneInfo) -> Audit:
    """Compare decisions, messages and attempts; by day of planning (where that is missing, of decision) in ``here``."""
    total, by_day = Counter[str](), dict[str, Counter[str]]()

    def add(word: str, at: datetime, count: int = 1) -> None:
        total[word] += count
        by_day.setdefault(at.astimezone(here).date().isoformat(), Counter())[word] += count

    by_state = select(_M.planned_at, _M.state, func.count()).group_by(_M.planned_at, _M.state)
    for planned_at, state, count in session.execute(by_state):
        add("pending" if state in _PENDING else state.value, planned_at, count)
    for word, statement in _faults():
        for at, count in session.execute(statement):
            add(word, at, count)
    repeated = session.execute(select(func.count()).where(_M.is_repeated)).scalar_one()
    return Audit(
        due=_due(total), repeated=repeated, days=[_day(day, counts) for day, counts in sorted(by_day.items())],
        **{word: total[word] for word in (*_WORDS, *_FAULTS)},
    )  # fmt: skip


def _due(counts: Counter[str]) -> int:
    """From the decisions' side: rows, and decisions without a row."""
    return sum(counts[word] for word in (*_WORDS, "missing"))


def _day(day: str, counts: Counter[str]) -> dict[str, Any]:
    """One day of the ledger, as its own conservation."""
    parts = {word: counts[word] for word in (*_WORDS, *_FAULTS)}
    return {"day": day, "due": _due(counts), **parts, "holds": not any(counts[word] for word in _FAULTS)}


def _faults() -> Iterator[tuple[str, Select[Any]]]:
    """What is wrong, with the instants under which messages that do not hold are counted, and how many."""
    yield "missing", _missing(Notice.WARNING)
    yield "missing", _missing(Notice.BREACH)
    yield "missing", _unwritten()
    yield "unproved", _unproved()
    yield "doubled", _doubled()


def _missing(notice: Notice) -> Select[Any]:
    """When deadlines were decided of which there is no row of the notice; of a ladder begun its steps say more."""
    fact = _D.warned_at if notice is Notice.WARNING else _D.breached_at
    has_row = select(_M.id).where(_M.deadline_id == _D.id, _M.notice.in_([notice, _OF_WORK[notice]])).exists()
    has_ladder = select(_E.id).where(_E.deadline_id == _D.id).exists()
    is_lost = not_(has_row) if notice is Notice.WARNING else not_(has_row) & not_(has_ladder)
    return select(fact, _ONE).where(fact.is_not(None), is_lost)


def _unwritten() -> Select[Any]:
    """When rungs were told of which there are fewer rows than people told; a breach is told to one at least."""
    rows = (
        select(_M.escalation_id, _M.rung, _M.planned_at, func.count().label("count"))
        .where(_M.escalation_id.is_not(None), _M.notice.in_(_OF_RUNGS))
        .group_by(_M.escalation_id, _M.rung, _M.planned_at)
    ).subquery()  # fmt: skip
    named = func.json_array_length(_S.told)
    told = case(((named == 0) & (_S.trigger == Trigger.BREACH), 1), else_=named)
    written = func.coalesce(rows.c.count, 0)
    is_its = (rows.c.escalation_id == _S.escalation_id) & (rows.c.rung == _S.rung) & (rows.c.planned_at == _S.told_at)
    return (
        select(_S.told_at, told - written)
        .select_from(table_of(EscalationStep).outerjoin(rows, is_its)).where(told > written)
    )  # fmt: skip


def _unproved() -> Select[Any]:
    """When messages called sent were planned of which no attempt, nor one of their bundle, succeeded."""
    other = table_of(Message).alias("other")
    proof = (
        select(_A.id).join(other, other.c.id == _A.message_id)
        .where(_A.outcome == AttemptOutcome.SENT, or_(other.c.id == _M.id, other.c.bundle == _M.bundle)).exists()
    )  # fmt: skip
    return select(_M.planned_at, _ONE).where(_M.state == MessageState.SENT, not_(proof))


def _doubled() -> Select[Any]:
    """When messages to complainants were planned that were sent more than once; a person may say of a sending again."""
    return (
        select(_M.planned_at, _ONE).join(table_of(DeliveryAttempt), _M.id == _A.message_id)
        .where(_A.outcome == AttemptOutcome.SENT, _M.audience == Audience.CUSTOMER)
        .group_by(_M.id, _M.planned_at).having(func.count(_A.number.distinct()) > 1)
    )  # fmt: skip


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


def attempts_at(session: Session, message_ids: Iterable[int]) -> dict[int, list[Row[Any]]]:
    """Every attempt to deliver each of these messages, or the letter it went in, oldest first; by message id."""
    ids = list(message_ids)
    other = table_of(Message).alias("other")
    rows = session.execute(
        select(_M.id.label("of"), _A.number, _A.target, _A.target_key, _A.started_at, _A.ended_at, _A.outcome, _A.error)
        .select_from(
            table_of(Message).join(other, or_(other.c.id == _M.id, other.c.bundle == _M.bundle))
            .join(table_of(DeliveryAttempt), _A.message_id == other.c.id))
        .where(id_in(_M.id, ids)).order_by(_A.id)
    )  # fmt: skip
    found: dict[int, list[Row[Any]]] = {message_id: [] for message_id in ids}
    for row in rows:
        found[row.of].append(row)
    return found


def counts(session: Session, since: datetime) -> dict[str, int]:
    """Messages by state: all that wait or are in trouble, and of the settled ones those planned since an instant.

    What was ever sent is never counted: it would cost more every year.
    """
    is_settled = _M.state.in_([MessageState.SENT, MessageState.SUPPRESSED])
    parts = (_M.next_at.is_not(None), IN_TROUBLE, and_(_M.planned_at >= since, is_settled))
    each = union_all(*(select(_M.state).where(part) for part in parts)).subquery().c
    rows = session.execute(select(each.state, func.count()).group_by(each.state)).all()
    return {state.value: count for state, count in rows}
