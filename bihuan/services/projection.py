"""The stored deadlines brought in line with their logs, in the transaction that wrote what is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine, undone_at
from bihuan.rules.deadline import derive
from bihuan.rules.due import Cause
from bihuan.rules.projection import brought_up, fresh
from bihuan.rules.track import Key, Track, tracks
from bihuan.store.rows import id_in, insert_rows, table_of, update_rows
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline

_TABLE = table_of(Deadline)
_EVENT = table_of(ComplaintEvent)
_THEIR_EVENTS = select(_EVENT).where(id_in(_EVENT.c.complaint_id, "ids")).order_by(_EVENT.c.id)
_THEIR_DEADLINES = (
    select(_TABLE).where(_TABLE.c.subject_kind == "complaint", id_in(_TABLE.c.subject_id, "ids"))
    .order_by(_TABLE.c.id).with_for_update()
)  # fmt: skip
_COMPLAINT = table_of(Complaint).c
_THEIR_DEPARTMENT = select(_COMPLAINT.department_id).where(_COMPLAINT.id == _TABLE.c.subject_id).scalar_subquery()
_KEEP_DEPARTMENT = (
    update(_TABLE)
    .where(_TABLE.c.subject_kind == "complaint", id_in(_TABLE.c.subject_id, "ids"),
           _TABLE.c.complaint_department_id.is_distinct_from(_THEIR_DEPARTMENT))
    .values(complaint_department_id=_THEIR_DEPARTMENT)
)  # fmt: skip
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Moved:
    """An open deadline whose due instant moved; None: there is no such deadline any more."""

    complaint_id: int
    milestone: str
    round: int
    leg: int
    old_due_at: datetime
    new_due_at: datetime | None


def fresh_rows(
    book: PolicyBook, complaint_id: int, department_id: int | None, log: Sequence[LogLine]
) -> list[dict[str, Any]]:
    """The deadlines of one complaint's log, which is with that department, as rows that were never looked at."""
    theirs = {"complaint_department_id": department_id}
    return [theirs | _owned(book, complaint_id, fresh(one)) for one in derive(log, book)]


def _owned(book: PolicyBook, complaint_id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    is_followed = row["milestone"] in book.followed and row["leg"] == 0
    survey_at = row["started_at"] if is_followed else None
    return {"subject_kind": "complaint", "subject_id": complaint_id, "survey_at": survey_at, **row}


def _survey_at(old: Mapping[str, Any], new: Mapping[str, Any], log: Sequence[LogLine]) -> datetime | None:
    """When the follow-up has to look at a deadline again: what it has not looked at yet comes first."""
    unseen_since: datetime | None = old["survey_at"]
    if unseen_since is not None:
        return unseen_since
    started_at: datetime = new["started_at"]
    gone_at: datetime | None = new["cancelled_at"] or undone_at(log, old["round"])
    if gone_at:
        return max(gone_at, started_at)
    has_moved = any(new[name] != old[name] for name in ("started_at", "due_at", "cancelled_at"))
    return started_at if has_moved else None


def _is_followed(book: PolicyBook, key: Key) -> bool:
    return key[0] in book.followed and key[2] == 0


def rederive(
    session: Session, book: PolicyBook, logs: Mapping[int, Sequence[LogLine]], at: datetime | None = None
) -> list[Moved]:
    """Bring the stored deadlines of these complaints in line with their logs, and with whose the complaints are.

    Args:
        session: Inside a transaction; the complaints' logs must not grow in another one meanwhile.
        book: The editions of the policy.
        logs: Whole logs by complaint.
        at: The instant at which they are looked at; None: for each log, that of its latest news.

    Returns:
        The open deadlines whose due instant moved.
    """
    stored = _stored(session, list(logs))
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    undone: list[dict[str, Any]] = []
    moved: list[Moved] = []
    for complaint_id, log in logs.items():
        held = stored.get(complaint_id, {})
        new, over = brought_up(held, log, book, at or max(line.recorded_at for line in log))
        added += [_owned(book, complaint_id, row) for row in new.values()]
        changed += [
            {"id": held[key]["id"], **change,
             "survey_at": _survey_at(held[key], change, log) if _is_followed(book, key) else None}
            for key, change in over.items()
        ]  # fmt: skip
        undone += [
            {"id": row["id"], "survey_at": undone_at(log, row["round"])} for key, row in held.items()
            if key not in over and _is_followed(book, key) and row["survey_at"] is None and not row["cancelled_at"]
        ]  # fmt: skip
        moved += [
            _moved(complaint_id, key, held[key], change)
            for key, change in over.items()
            if change["due_at"] != held[key]["due_at"] or (change["cancelled_at"] and not held[key]["cancelled_at"])
        ]
    insert_rows(session, Deadline, added)
    update_rows(session, Deadline, changed)
    update_rows(session, Deadline, [row for row in undone if row["survey_at"]])
    session.execute(_KEEP_DEPARTMENT, {"ids": list(logs)})
    return moved


def _moved(complaint_id: int, key: Key, old: Mapping[str, Any], new: Mapping[str, Any]) -> Moved:
    return Moved(complaint_id, *key, old["due_at"], None if new["cancelled_at"] else new["due_at"])


def _stored(session: Session, complaint_ids: Sequence[int]) -> dict[int, dict[Key, Mapping[str, Any]]]:
    rows = session.execute(_THEIR_DEADLINES, {"ids": complaint_ids})
    found: dict[int, dict[Key, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows.mappings():
        found[row["subject_id"]][row["milestone"], row["round"], row["leg"]] = dict(row)
    return found


def rederive_open(session: Session, book: PolicyBook, stale: Any, at: datetime) -> Iterator[Moved]:
    """Bring the open deadlines that ``stale`` picks in line with the book as it stands at ``at``, page by page.

    Args:
        session: Inside a transaction.
        book: With the edition that reaches what is open.
        stale: Condition on the deadline's columns, such as another calendar version.
        at: When that edition was applied.
    """
    is_open = (
        (_TABLE.c.subject_kind == "complaint") & _TABLE.c.met_at.is_(None) & _TABLE.c.cancelled_at.is_(None)
        & _TABLE.c.breached_at.is_(None)
    )  # fmt: skip
    for page in _pages(session, is_open & stale):
        yield from rederive(session, book, logs_of(session, page), at)


def moves_at(
    session: Session, book: PolicyBook, at: datetime, cause: Cause, versions: Sequence[str]
) -> Iterator[Moved]:
    """The open deadlines that the policy or calendar applied at ``at`` moved, read off the logs again.

    Args:
        session: Where to look.
        book: With that edition.
        at: When it was applied.
        cause: Whether it was the policy or the calendar.
        versions: Those it brought: what moved has one of them, or has been cancelled.
    """
    version = _TABLE.c.policy_version if cause is Cause.POLICY else _TABLE.c.calendar_version
    is_theirs = version.in_(versions) | (_TABLE.c.cancelled_at == at)
    started_before = (_TABLE.c.subject_kind == "complaint") & (_TABLE.c.started_at < at) & is_theirs
    for page in _pages(session, started_before):
        for complaint_id, log in logs_of(session, page).items():
            for track in tracks(log, book):
                yield from _moves(complaint_id, track, at, cause)


def _moves(complaint_id: int, track: Track, at: datetime, cause: Cause) -> Iterator[Moved]:
    for before, now in pairwise(track.counts):
        if (now.at, now.cause) == (at, cause) and before.due and before.due.due_at != (now.due and now.due.due_at):
            key = (track.course.milestone, track.round, track.leg)
            yield Moved(complaint_id, *key, before.due.due_at, now.due.due_at if now.due else None)


def _pages(session: Session, condition: Any) -> Iterator[list[int]]:
    """The complaints that have such a deadline, page by page."""
    ids, last = _TABLE.c.subject_id, 0
    chosen = select(ids).where(condition).distinct().order_by(ids).limit(_PAGE)
    while page := list(session.execute(chosen.where(ids > last)).scalars()):
        yield page
        last = page[-1]


def logs_of(session: Session, complaint_ids: Sequence[int]) -> dict[int, list[LogLine]]:
    """Whole logs by complaint, in the order in which they were written down."""
    return log_lines(session.execute(_THEIR_EVENTS, {"ids": complaint_ids}).all()) if complaint_ids else {}


def log_lines(events: Sequence[Row[Any]]) -> dict[int, list[LogLine]]:
    """Stored events as the rules read them, by complaint."""
    logs: dict[int, list[LogLine]] = defaultdict(list)
    for event in events:
        line = LogLine(event.kind, event.occurred_at.astimezone(UTC), event.recorded_at.astimezone(UTC), event.data)
        logs[event.complaint_id].append(line)
    return logs
