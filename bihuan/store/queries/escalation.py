"""Escalations whose next rung is due, and what is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, case, cast, func, select
from sqlmodel import Session

from bihuan.policy.scope import DIMENSIONS, Facts
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline
from schemas.escalation import OVERSIGHT, Escalation, EscalationState, EscalationStep, Trigger
from schemas.people import Department

_E = table_of(Escalation).c
_S = table_of(EscalationStep).c
_D = table_of(Deadline).c
_C = table_of(Complaint).c
_V = table_of(ComplaintEvent).c
_P = table_of(Department).c


class DueEscalation(NamedTuple):
    """What climbing takes, with how the matter stands; the columns of ``_facts``."""

    id: int
    subject_kind: str
    subject_id: int
    deadline_id: int | None
    duty: str
    occasion: str
    ladder: str
    policy_version: str
    cycle: int
    rung: int
    next_at: datetime
    """Not None of what is due."""
    state: EscalationState
    trigger: Trigger
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    met_at: datetime | None
    cancelled_at: datetime | None
    handled_at: datetime | None
    reopened_at: datetime | None
    handler_id: int | None
    department_id: int | None

    @property
    def is_complaint(self) -> bool:
        """Whether it is of a complaint; else of improvement work."""
        return self.subject_kind == "complaint"

    @property
    def complaint_id(self) -> int:
        """Of its complaint; 0, which none has, where it is of none."""
        return self.subject_id if self.is_complaint else 0


def due_escalations(session: Session, at: datetime, limit: int) -> list[DueEscalation]:
    """At most ``limit`` escalations whose next rung is due by ``at``, with how their matter stands.

    The rows stay locked until the transaction ends; rows another worker holds are skipped. Call it inside
    ``Database.write``.
    """
    return list(map(DueEscalation._make, session.execute(escalations_due_by(at, limit))))


def escalations_due_by(at: datetime, limit: int) -> Select[Any]:
    """The statement of ``due_escalations``: its plan is what a sweep costs."""
    return (
        _facts().where(_E.next_at <= at).order_by(_E.next_at, _E.id).limit(limit)
        .with_for_update(skip_locked=True, of=table_of(Escalation))
    )  # fmt: skip


def escalation(session: Session, escalation_id: int) -> DueEscalation | None:
    """One escalation with how its matter stands, locked, whether or not it is due."""
    row = session.execute(_facts().where(_E.id == escalation_id).with_for_update(of=table_of(Escalation))).first()
    return DueEscalation._make(row) if row else None


def _facts() -> Select[Any]:
    return select(
        _E.id, _E.subject_kind, _E.subject_id, _E.deadline_id, _E.duty, _E.occasion, _E.ladder, _E.policy_version,
        _E.cycle, _E.rung, _E.next_at, _E.state, _E.trigger, _E.acknowledged_at, _E.acknowledged_by,
        _D.met_at, _D.cancelled_at, _C.handled_at, _reopened().label("reopened_at"), _C.handler_id, _C.department_id,
    ).select_from(
        table_of(Escalation).outerjoin(table_of(Deadline), _D.id == _E.deadline_id)
        .outerjoin(table_of(Complaint), (_E.subject_kind == "complaint") & (_C.id == _E.subject_id))
    )  # fmt: skip


def _reopened() -> ColumnElement[datetime | None]:
    """Since when a complaint that is watched is in a later round than the one it was watched in; None: it is not."""
    since = (
        select(func.max(_V.occurred_at)).where(_V.complaint_id == _E.subject_id, _V.kind == EventKind.REOPENED)
        .scalar_subquery()
    )  # fmt: skip
    is_of_this_round = _E.occasion == cast(_C.round, String) + ".0"
    return case(((_E.duty == OVERSIGHT) & ~is_of_this_round, since))


def escalated(session: Session, deadline_ids: Sequence[int]) -> set[int]:
    """Those of the deadlines that have an escalation already."""
    return set(session.execute(select(_E.deadline_id).where(id_in(_E.deadline_id, deadline_ids))).scalars())


def told_by(session: Session, escalation_ids: Sequence[int]) -> dict[tuple[int, int], list[str]]:
    """Whom the steps of each escalation and cycle told."""
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for row in session.execute(
        select(_S.escalation_id, _S.cycle, _S.told).where(id_in(_S.escalation_id, escalation_ids)).order_by(_S.id)
    ):
        found[row.escalation_id, row.cycle] += row.told
    return found


def last_work(
    session: Session, complaint_ids: Collection[int], at: datetime, is_no_work: Iterable[EventKind]
) -> dict[int, datetime]:
    """The latest news of each complaint, by ``at``, that are not of the kinds named."""
    rows = session.execute(
        select(_V.complaint_id, func.max(_V.occurred_at))
        .where(id_in(_V.complaint_id, list(complaint_ids)), _V.occurred_at <= at, _V.kind.not_in(list(is_no_work)))
        .group_by(_V.complaint_id)
    )  # fmt: skip
    return dict(rows.tuples().all())


def facts_of(session: Session, complaint_ids: Collection[int]) -> dict[int, Facts]:
    """What scopes look at, by complaint."""
    columns = {name: getattr(_C, name) for name in DIMENSIONS if name != "department"} | {"department": _P.code}
    rows = session.execute(
        select(_C.id, *(columns[name].label(name) for name in DIMENSIONS))
        .select_from(table_of(Complaint).outerjoin(table_of(Department), _P.id == _C.department_id))
        .where(id_in(_C.id, list(complaint_ids)))
    )  # fmt: skip
    return {row.id: Facts(*(getattr(row, name) for name in DIMENSIONS)) for row in rows}
