"""Answers whose text speaks against their high score, and that wait for a person to say what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, true
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Department, Staff
from schemas.survey import Answer, Review

_A, _C = table_of(Answer).c, table_of(Complaint).c
_P, _S = table_of(Department).c, table_of(Staff).c
_TABLE = (
    table_of(Answer)
    .outerjoin(table_of(Complaint), and_(_A.subject_kind == "complaint", _C.id == _A.subject_id))
    .outerjoin(table_of(Department), _P.id == _C.department_id)
    .outerjoin(table_of(Staff), _S.id == _C.handler_id)
)


def pending(session: Session, department_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """At most ``limit`` of them, the oldest first; those of one department, where one is named."""
    line = (
        _A.id, _A.revision, _A.csat, _A.nps, _A.comment, _A.answered_at, _C.number, _C.title, _C.severity,
        _C.department_id, _P.name.label("department"), _P.name_en.label("department_en"), _S.name.label("handler"),
    )  # fmt: skip
    waiting = select(*line).select_from(_TABLE).where(_is_pending(department_id))
    return session.execute(waiting.order_by(_A.answered_at, _A.id).limit(limit)).all()


def count(session: Session, department_id: int | None) -> int:
    """How many wait; of one department, where one is named."""
    waiting = select(func.count()).select_from(_TABLE).where(_is_pending(department_id))
    return int(session.execute(waiting).scalar_one())


def department_of(session: Session, answer_id: int) -> int | None:
    """The department whose complaint an answer is about; None where it has none."""
    found: int | None = session.execute(select(_C.department_id).select_from(_TABLE).where(_A.id == answer_id)).scalar()
    return found


def _is_pending(department_id: int | None) -> ColumnElement[bool]:
    mine = true() if department_id is None else _C.department_id == department_id
    return (_A.review == Review.PENDING) & mine
