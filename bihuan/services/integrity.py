"""Is the database sound: its own checks, its shape, and every deadline rebuilt from the log and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session

from bihuan.policy.book import PolicyBook
from bihuan.policy.models import Policy
from bihuan.rules.complaint import LogLine
from bihuan.rules.projection import rebuilt
from bihuan.rules.track import Key
from bihuan.services.policy import book_with
from bihuan.services.projection import log_lines
from bihuan.store.engine import Database
from bihuan.store.migrations import differences
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline

_PAGE = 2000
_LISTED = 50
_DECIDED = ("met_at", "cancelled_at")
"""What no due instant has a say in: whether a lasting wait pauses a deadline depends on when it is due."""
_COMPARED = (*_DECIDED, "state", "started_at", "due_at", "target_seconds", "policy_version", "calendar_version",
             "department")  # fmt: skip
_C, _D = table_of(Complaint).c, table_of(Deadline).c
_STRAYED = (
    select(_D.subject_id, _D.milestone, _D.complaint_department_id.label("stored"), _C.department_id.label("theirs"))
    .where(_D.subject_kind == "complaint", _D.subject_id == _C.id, _C.id.between(bindparam("first"), bindparam("last")),
           _D.complaint_department_id.is_distinct_from(_C.department_id))
    .order_by(_D.id)
)  # fmt: skip
"""Deadlines that are with another department than their complaint."""


@dataclass
class Report:
    """What was looked at and what differs."""

    engine_problems: list[str] = field(default_factory=list)
    shape_differences: list[str] = field(default_factory=list)
    complaints: int = 0
    deadlines: int = 0
    deadlines_differing: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    """The first fifty, with stored and rebuilt values."""

    @property
    def is_sound(self) -> bool:
        """Nothing differs."""
        return not (self.engine_problems or self.shape_differences or self.deadlines_differing)


def inspect_database(db: Database, policy: Policy) -> Report:
    """Look at everything once, a page of complaints at a time; nothing is changed."""
    report = Report()
    with db.read() as session:
        book = book_with(session, policy)
        if db.is_sqlite:
            said = session.connection().exec_driver_sql("PRAGMA integrity_check").scalars().all()
            orphans = session.connection().exec_driver_sql("PRAGMA foreign_key_check").all()
            report.engine_problems = [str(row) for row in said if row != "ok"] + [
                f"foreign key: {row}" for row in orphans
            ]
        report.shape_differences = [str(difference) for difference in differences(session.connection())]
        last = 0
        while page := _page(session, last):
            _compare(session, book, page, report)
            last = page[-1]
    return report


def _page(session: Session, after: int) -> list[int]:
    ids = table_of(Complaint).c.id
    return list(session.execute(select(ids).where(ids > after).order_by(ids).limit(_PAGE)).scalars())


def _compare(session: Session, book: PolicyBook, ids: list[int], report: Report) -> None:
    event, deadline = table_of(ComplaintEvent), table_of(Deadline)
    logs = log_lines(session.execute(select(event).where(event.c.complaint_id.between(ids[0], ids[-1]))).all())
    is_theirs = (deadline.c.subject_kind == "complaint") & deadline.c.subject_id.between(ids[0], ids[-1])
    stored: dict[int, dict[Key, Row[Any]]] = {complaint_id: {} for complaint_id in ids}
    for row in session.execute(select(deadline).where(is_theirs)):
        stored[row.subject_id][row.milestone, row.round, row.leg] = row
    report.complaints += len(ids)
    report.deadlines += sum(map(len, stored.values()))
    known = {edition.policy.version for edition in book.deadlines}
    for complaint_id in ids:
        log, held = logs.get(complaint_id, []), stored[complaint_id]
        breaches = {key: row.breached_at for key, row in held.items() if row.breached_at}
        for key, made in rebuilt(log, book, breaches).items():
            found = held.pop(key, None)
            _look(report, complaint_id, key, found, made, _is_free(found, log, known))
        for left in held.values():
            if not (left.breached_at or left.met_at or left.cancelled_at):
                _note(report, complaint_id, left.milestone, {"row": ("stored", "not in the log")})
    for row in session.execute(_STRAYED, {"first": ids[0], "last": ids[-1]}):
        _note(report, row.subject_id, row.milestone, {"complaint_department_id": (row.stored, row.theirs)})


def _is_free(found: Row[Any] | None, log: Sequence[LogLine], known: AbstractSet[str]) -> bool:
    """Whether something beside the log had a say: an edition from before editions were kept, or a stepped clock.

    A breach that was decided at an instant before the first news, or at one that had not come yet, stands as decided.
    """
    if found is None:
        return False
    recorded = [line.recorded_at for line in log]
    is_stepped = found.breached_at and (found.breached_at <= min(recorded) or found.due_at > max(recorded))
    return bool(is_stepped) or found.policy_version not in known


def _look(
    report: Report, complaint_id: int, key: Key, found: Row[Any] | None, row: Mapping[str, Any], is_free: bool
) -> None:
    names = _DECIDED if is_free else _COMPARED
    said = {name: getattr(found, name, None) for name in names}
    if moved := {name: (said[name], row[name]) for name in names if said[name] != row[name]}:
        _note(report, complaint_id, key[0], moved)


def _note(report: Report, complaint_id: int, milestone: str, moved: dict[str, tuple[Any, Any]]) -> None:
    report.deadlines_differing += 1
    if len(report.differences) < _LISTED:
        report.differences.append(
            {
                "complaint_id": complaint_id,
                "milestone": milestone,
                **{name: f"{stored} -> {rebuilt}" for name, (stored, rebuilt) in moved.items()},
            }
        )
