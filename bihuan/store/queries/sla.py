"""How the deadlines stand at an instant: blind to whatever happened after it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, literal, or_, select, union_all
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Department

_D = table_of(Deadline).c
_C = table_of(Complaint).c
SOON = timedelta(hours=24)
_ENDS = (EventKind.HANDLED, EventKind.CLOSED, EventKind.WITHDRAWN, EventKind.MERGED)


@dataclass(frozen=True, slots=True)
class SlaStatus:
    """Open complaints, and the promises made to complainants by how they stand; ``breached``: decided by then."""

    at: datetime
    open: int
    overdue: int
    due_within_24h: int
    breached: int
    by_milestone: list[dict[str, Any]]
    by_department: list[dict[str, Any]]


def _is_literally(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    """Written into the statement: a planner finds a partial index by what it can read, not by what is bound."""
    return column == bindparam(None, value, literal_execute=True)


PROMISED = and_(_is_literally(_D.subject_kind, "complaint"), _is_literally(_D.leg, 0))
"""What was promised to complainants; spelled as in the indexes ``ix_deadline_promise_running`` and ``_broken``."""
_HAS_NOT_ENDED = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None))
_STANDING = ("running", "overdue", "due_within_24h", "breached")


def _ended_for_good(at: datetime) -> ColumnElement[bool]:
    """By the log, an end by ``at`` that no reopening followed by then."""
    event, later = table_of(ComplaintEvent).alias("ended"), table_of(ComplaintEvent).alias("again")
    return exists().where(
        event.c.complaint_id == _C.id, event.c.kind.in_(_ENDS),
        event.c.occurred_at <= at,
        ~exists().where(later.c.complaint_id == event.c.complaint_id, later.c.kind == EventKind.REOPENED,
                        later.c.occurred_at >= event.c.occurred_at, later.c.occurred_at <= at),
    )  # fmt: skip


def _opened(session: Session, at: datetime) -> Counter[int | None]:
    """Open complaints by department: registered by ``at`` and not handled, or reopened since.

    Of a reopened one ``handled_at`` knows the last end only; where that lies after ``at`` or is still to come, the log
    says how it stood. Each statement reads an index of what is not handled, or of what was handled later.
    """
    count = select(_C.department_id, func.count()).where(_C.registered_at <= at).group_by(_C.department_id)
    found: Counter[int | None] = Counter()
    for has_not_ended in (_C.handled_at.is_(None), _C.handled_at > at):
        for by_round in (_C.round == 1, and_(_C.round > 1, ~_ended_for_good(at))):
            found.update(dict(session.execute(count.where(has_not_ended, by_round)).tuples().all()))
    return found


def _standing(session: Session, at: datetime) -> dict[tuple[int | None, str], Counter[str]]:
    """Promises by department and milestone: those running at ``at``, late and soon due ones, and those ever broken."""
    found: dict[tuple[int | None, str], Counter[str]] = defaultdict(Counter)
    for statement in (_running(at, _HAS_NOT_ENDED), _running(at, _ended_later(at)), _broken(at)):
        for department_id, milestone, *counts in session.execute(statement):
            found[department_id, milestone].update(dict(zip(_STANDING, map(int, counts), strict=True)))
    return found


def _ended_later(at: datetime) -> ColumnElement[bool]:
    """It ran until after ``at``: both ways to end are found by index, and at the present there is none."""
    later = union_all(*(select(_D.id).where(fact > at) for fact in (_D.met_at, _D.cancelled_at)))
    neither_by_then = (or_(fact.is_(None), fact > at) for fact in (_D.met_at, _D.cancelled_at))
    return and_(_D.id.in_(later), *neither_by_then)


def _running(at: datetime, facts: ColumnElement[bool]) -> Select[Any]:
    is_overdue = and_(_D.due_at < at, _D.state != DeadlineState.PAUSED)  # nothing is late while it is paused
    is_soon = and_(_D.due_at >= at, _D.due_at < at + SOON)
    sums = (func.sum(case((fact, 1), else_=0)) for fact in (is_overdue, is_soon))
    return _by_department([func.count(), *sums, literal(0)], and_(facts, _D.started_at <= at))


def _broken(at: datetime) -> Select[Any]:
    return _by_department([literal(0), literal(0), literal(0), func.count()], _D.breached_at <= at)


def _by_department(columns: Sequence[ColumnElement[Any]], facts: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_D.complaint_department_id, _D.milestone, *columns)
        .where(PROMISED, facts)
        .group_by(_D.complaint_department_id, _D.milestone)
    )


def status(session: Session, at: datetime) -> SlaStatus:
    """How things stood at ``at``, in all, by milestone and by department."""
    opened, standing = _opened(session, at), _standing(session, at)
    milestones: dict[str, Counter[str]] = defaultdict(Counter)
    departments: dict[int | None, Counter[str]] = defaultdict(Counter)
    for (department_id, milestone), counts in standing.items():
        milestones[milestone] += counts
        departments[department_id] += counts
    total = sum(milestones.values(), Counter[str]())
    names = {row.id: row for row in session.execute(select(table_of(Department)))}
    return SlaStatus(
        at=at,
        open=opened.total(),
        overdue=total["overdue"],
        due_within_24h=total["due_within_24h"],
        breached=total["breached"],
        by_milestone=[{"milestone": name, **_figures(milestones[name])} for name in sorted(milestones)],
        by_department=_departments(opened, departments, names),
    )


def _figures(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in _STANDING}


def _departments(
    opened: Counter[int | None], standing: dict[int | None, Counter[str]], names: dict[Any, Any]
) -> list[dict[str, Any]]:
    table = [
        {"department": names[key].code if key else None, "name": names[key].name if key else None,
         "name_en": names[key].name_en if key else None, "open": opened[key], **_figures(standing[key])}
        for key in opened.keys() | standing.keys()
    ]  # fmt: skip
    return sorted(table, key=lambda row: (-row["overdue"], -row["open"], row["department"] or ""))
