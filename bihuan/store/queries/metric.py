"""What a machine that watches asks: each answer by an index, none at a cost that grows with what is stored.

Counts end at ``MOST``: to count a million running deadlines takes a tenth of a second, at every look.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, text

from bihuan.store.engine import Look
from bihuan.store.rows import table_of
from schemas.deadline import Deadline
from schemas.installation import Heartbeat
from schemas.outbox import Message, MessageState

MOST = 50_000
"""Where counting ends: whoever has more knows that there are too many."""
PENDING = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.SENDING)
TROUBLE = (MessageState.FAILED, MessageState.UNKNOWN)

_D = table_of(Deadline).c
_M = table_of(Message).c
_H = table_of(Heartbeat).c
_ONE: ColumnElement[int] = literal_column("1")
_RUNNING = _D.met_at.is_(None) & _D.cancelled_at.is_(None)
IN_TROUBLE = text("message.state IN ('failed', 'unknown')")
"""In the words of the partial index: SQLite sees that it holds only where they are the same."""


def overdue(at: datetime) -> Select[Any]:
    """How many deadlines are past due and neither met nor cancelled."""
    return _counted(select(_ONE).where(_RUNNING, _D.due_at < at), MOST)


def ahead(at: datetime, most: int) -> Select[Any]:
    """How many deadlines run and are not due yet, counted to ``most``."""
    return _counted(select(_ONE).where(_RUNNING, _D.due_at >= at), most)


def oldest_undecided(at: datetime) -> Select[Any]:
    """The instant of the oldest step of a deadline that has come and is not decided; None where there is none."""
    return select(func.min(_D.next_at)).where(_D.next_at.is_not(None), _D.next_at <= at)


def waiting(at: datetime) -> Select[Any]:
    """Of messages on their way: state, how many, the earliest planning, and the earliest of those that may go now."""
    inside = select(_M.state, _M.planned_at, _M.next_at).where(_M.next_at.is_not(None)).limit(MOST).subquery().c
    may_go = func.min(inside.next_at).filter(inside.next_at <= at)
    return select(inside.state, func.count(), func.min(inside.planned_at), may_go).group_by(inside.state)


def troubled(state: MessageState) -> Select[Any]:
    """Of messages that failed, or whose fate is unknown: how many, and the earliest planning."""
    inside = select(_M.planned_at).where(IN_TROUBLE, _M.state == state).order_by(_M.planned_at)
    found = inside.limit(MOST).subquery().c
    return select(func.count(), func.min(found.planned_at))


def beats() -> Select[Any]:
    """Of each sweep: when it last completed, how many rows it took, how long it took."""
    return select(_H.sweep, _H.beat_at, _H.done, _H.seconds).order_by(_H.sweep)


def answered(session: Look, statement: Select[Any]) -> Any:
    """The one value that a statement gives."""
    return session.execute(statement).scalar()


def _counted(statement: Select[Any], most: int) -> Select[Any]:
    return select(func.count()).select_from(statement.limit(most).subquery())
