"""Answers 答卷 of foreign surveys become rows, in batches, and the same file twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.store.lock import hold
from bihuan.store.rows import insert_rows, table_of, update_rows
from schemas.answer import AnswerIn
from schemas.survey import Answer, AnswerSource

_ANSWER = table_of(Answer)
_FOREIGN = "survey"
"""The subject of an answer that came with a foreign survey: neither a complaint nor a touchpoint of ours."""


class Written(NamedTuple):
    """What became of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


def write_answers(session: Session, clock: Clock, batch: Sequence[AnswerIn]) -> Written:
    """Write the answers of foreign surveys: new ones, and what known ones now say otherwise.

    An answer is known by source and external id; of two mentions in one batch the later one holds, as it would in the
    next. A changed answer is overwritten and counts a revision; it keeps its own instant and was changed now. Nothing
    else follows: no complaint is touched and nobody is called.
    """
    hold(session, "answers")  # or two that come in at once would both make the same answer
    counts = [_write_once(session, clock(), turn) for turn in _turns(batch)]
    return Written(*map(sum, zip(*counts, strict=True))) if counts else Written()


def _turns(batch: Sequence[AnswerIn]) -> list[list[AnswerIn]]:
    """The batch, cut so that nobody is mentioned twice in one turn."""
    turns: list[dict[tuple[str, str], AnswerIn]] = []
    for answer in batch:
        identity = (answer.source, answer.external_id)
        free = next((turn for turn in turns if identity not in turn), None)
        if free is None:
            turns.append(free := {})
        free[identity] = answer
    return [list(turn.values()) for turn in turns]


def _write_once(session: Session, now: datetime, batch: Sequence[AnswerIn]) -> Written:
    known = _known(session, batch)
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for answer in batch:
        columns = _columns(answer)
        row = known.get((answer.source, answer.external_id))
        if row is None:
            fresh.append({**columns, "changed_at": now, "revision": 1, "invitation_id": None, "subject_id": None})
        elif any(getattr(row, name) != value for name, value in columns.items()):
            changed.append({"id": row.id, **columns, "changed_at": now, "revision": row.revision + 1})
    insert_rows(session, Answer, fresh)
    update_rows(session, Answer, changed)
    return Written(len(fresh), len(changed), len(batch) - len(fresh) - len(changed))


def _known(session: Session, batch: Sequence[AnswerIn]) -> dict[tuple[str, str], Row[Any]]:
    """The answers of the batch that are there."""
    found: dict[tuple[str, str], Row[Any]] = {}
    for source in {answer.source for answer in batch}:
        ids = [answer.external_id for answer in batch if answer.source == source]
        is_named = (_ANSWER.c.source == source) & _ANSWER.c.external_id.in_(ids)
        found |= {(source, row.external_id): row for row in session.execute(select(_ANSWER).where(is_named))}
    return found


def _columns(answer: AnswerIn) -> dict[str, Any]:
    return answer.model_dump() | {
        "answered_at": answer.answered_at.astimezone(UTC),
        "subject_kind": _FOREIGN,
        "channel": AnswerSource.IMPORT,
    }
