"""Is the database sound: its own checks, its shape, and every deadline rebuilt from the log and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.services.deadline import derived_rows, log_lines
from bihuan.store.engine import Database
from bihuan.store.migrations import differences
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline

_PAGE = 2000
_LISTED = 50
_COMPARED = ("started_at", "due_at", "met_at", "cancelled_at", "state")
_DECIDED = ("met_at", "cancelled_at")
"""What no due instant has a say in: whether a lasting wait pauses a deadline depends on when it is due."""
_VERSIONS = ("policy_version", "calendar_version")


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
    clock = BusinessClock(policy.calendars.default)
    with db.read() as session:
        if db.is_sqlite:
            said = session.connection().exec_driver_sql("PRAGMA integrity_check").scalars().all()
            orphans = session.connection().exec_driver_sql("PRAGMA foreign_key_check").all()
            report.engine_problems = [str(row) for row in said if row != "ok"] + [
                f"foreign key: {row}" for row in orphans
            ]
        report.shape_differences = [str(difference) for difference in differences(session.connection())]
        last = 0
        while page := _page(session, last):
            _compare(session, policy, clock, page, report)
            last = page[-1]
    return report


def _page(session: Session, after: int) -> list[int]:
    ids = table_of(Complaint).c.id
    return list(session.execute(select(ids).where(ids > after).order_by(ids).limit(_PAGE)).scalars())


def _compare(session: Session, policy: Policy, clock: BusinessClock, ids: list[int], report: Report) -> None:
    event, deadline = table_of(ComplaintEvent), table_of(Deadline)
    logs = log_lines(session.execute(select(event).where(event.c.complaint_id.between(ids[0], ids[-1]))).all())
    is_theirs = (deadline.c.subject_kind == "complaint") & deadline.c.subject_id.between(ids[0], ids[-1])
    stored = {
        (row.subject_id, row.milestone, row.round): row for row in session.execute(select(deadline).where(is_theirs))
    }
    report.complaints += len(ids)
    report.deadlines += len(stored)
    for complaint_id in ids:
        for row in derived_rows(policy, clock, complaint_id, logs[complaint_id]):
            found = stored.pop((complaint_id, row["milestone"], row["round"]), None)
            is_free = found is not None and not _is_of_today(found, row)
            names = _DECIDED if is_free else _COMPARED
            moved = {
                name: (getattr(found, name, None), row[name])
                for name in names
                if getattr(found, name, None) != row[name]
            }
            if moved:
                _note(report, complaint_id, row["milestone"], moved)
    for left in stored.values():
        if not (left.breached_at or left.met_at or left.cancelled_at):
            _note(report, left.subject_id, left.milestone, {"row": ("stored", "not in the log")})


def _is_of_today(found: Row[Any], row: dict[str, Any]) -> bool:
    """Whether the present policy says when it is due: what is settled or was set by another keeps its instant."""
    is_settled = found.breached_at or found.met_at or found.cancelled_at
    return not is_settled and all(getattr(found, name) == row[name] for name in _VERSIONS)


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
