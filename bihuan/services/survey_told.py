"""The duty of a follow-up is met once its letter was sent: the complaint's log says so, whoever sent it and when.

The sending marks the invitation in the transaction that records it; the log follows right after the batch, or with the
next sweep where the process died between the two. What is unknown meets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, case, select, update
from sqlmodel import Session

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine, possible, standing
from bihuan.rules.negative import LETTER, WAY
from bihuan.services.intake import event_row, next_moment
from bihuan.services.policy import known_book
from bihuan.services.projection import logs_of, rederive
from bihuan.store.engine import Database
from bihuan.store.rows import id_in, insert_new_rows, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import Message, Notice
from schemas.survey import Invitation, InvitationState

ACTOR = "bihuan"
"""Who told the complainant, where a letter did."""

_I = table_of(Invitation)
_C = table_of(Complaint).c
_D = table_of(Deadline).c
_M = table_of(Message).c


def note_delivery(session: Session, message_ids: Sequence[int], at: datetime, *, is_sent: bool) -> None:
    """Note on the invitations of these messages that they were sent, or will not be; a sweep looks at them next.

    What was done about a bad answer stands in the log at once as told. Call it in the transaction that records how
    the messages ended.
    """
    of_them = select(_M.invitation_id).where(id_in(_M.id, message_ids), _M.invitation_id.is_not(None))
    waiting = _I.c.id.in_(of_them) & _I.c.invited_at.is_(None) & (_I.c.state == InvitationState.INVITED)
    sent = {"invited_at": at} if is_sent else {}
    next_at = case((_I.c.next_at > at, at), else_=_I.c.next_at)
    session.execute(update(_I).where(waiting).values(next_at=next_at, **sent))
    if is_sent:
        _note_answers(session, message_ids, at)


def _note_answers(session: Session, message_ids: Sequence[int], at: datetime) -> None:
    """Write into the logs what the letters about bad answers told; there are few of them, so it is done at once."""
    is_answer = (_M.notice == Notice.NEGATIVE_TOLD) & (_M.subject_kind == "complaint")
    rows = session.execute(select(_M.id, _M.subject_id).where(id_in(_M.id, message_ids), is_answer)).all()
    book = known_book(session) if rows else None
    if book:
        _record(session, book, [(row.subject_id, _answer_told(row.id, at)) for row in rows], at)


def _answer_told(message_id: int, at: datetime) -> EventIn:
    key, kind = f"letter {message_id}", EventKind.NEGATIVE_TOLD
    return EventIn(kind=kind, occurred_at=at, actor=ACTOR, key=key, data={WAY: LETTER})


def record_delivered(db: Database, message_ids: Sequence[int], at: datetime) -> int:
    """Write into the logs what the letters of these messages told; how many duties that met."""
    with db.write() as session:
        of_them = select(_M.invitation_id).where(id_in(_M.id, message_ids), _M.invitation_id.is_not(None))
        rows = session.execute(_unrecorded().where(_I.c.id.in_(of_them))).all()
        book = known_book(session) if rows else None
        return record_told(session, book, rows, at) if book else 0


def _unrecorded() -> Any:
    is_its = (_D.subject_kind == "complaint") & (_D.subject_id == _I.c.subject_id) & (_D.milestone == _I.c.duty)
    return (
        select(_I.c.id, _I.c.subject_id, _I.c.duty, _I.c.round, _I.c.invited_at)
        .join(table_of(Deadline), is_its & (_D.round == _I.c.round) & (_D.leg == 0))
        .where(_I.c.subject_kind == "complaint", _I.c.invited_at.is_not(None), _D.met_at.is_(None),
               _D.cancelled_at.is_(None))
    )  # fmt: skip


def record_told(session: Session, book: PolicyBook, rows: Sequence[Row[Any]], at: datetime) -> int:
    """Write into the logs that the complainants of these sent invitations were told, and bring the deadlines in line.

    Args:
        session: Inside ``Database.write``.
        book: The editions of the policy.
        rows: Invitations with ``id``, ``subject_id``, ``duty`` and ``invited_at``, none of them recorded yet.
        at: Now.

    Returns:
        How many of them made sense of their complaint.
    """
    return _record(session, book, [(row.subject_id, event) for row in rows if (event := _event(book, row))], at)


def _record(session: Session, book: PolicyBook, news: Sequence[tuple[int, EventIn]], at: datetime) -> int:
    """Write those of the news, by complaint, that made sense then; how many."""
    ids = sorted({complaint_id for complaint_id, _ in news})
    if not ids:
        return 0
    session.execute(select(_C.id).where(id_in(_C.id, ids)).order_by(_C.id).with_for_update())
    logs, events = logs_of(session, ids), []
    changed: set[int] = set()
    for complaint_id, event in news:
        log = logs[complaint_id]
        if event.kind in possible(_state_at(log, event.occurred_at)):
            recorded_at = next_moment(log, at)
            events.append(event_row(complaint_id, event, recorded_at))
            log.append(LogLine(event.kind, event.occurred_at.astimezone(UTC), recorded_at, event.data))
            changed.add(complaint_id)
    insert_new_rows(session, ComplaintEvent, events, ["complaint_id", "key"])
    rederive(session, book, {row_id: logs[row_id] for row_id in sorted(changed)})
    return len(events)


def _event(book: PolicyBook, row: Row[Any]) -> EventIn | None:
    """The event that meets the milestone of the invitation."""
    milestone = book.deadline_at(row.invited_at).policy.milestones.get(row.duty)
    if milestone is None:
        return None
    key = f"invitation {row.id}"
    return EventIn(kind=milestone.ends[0], occurred_at=row.invited_at, actor=ACTOR, key=key, data={WAY: LETTER})


def _state_at(log: Sequence[LogLine], at: datetime) -> Any:
    return standing([line for line in log if line.occurred_at <= at or line.kind is EventKind.REGISTERED]).state
