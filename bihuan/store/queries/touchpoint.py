"""Touchpoints: which are known, how they stand, and the bad answers about them that are no complaint yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal_column, select, tuple_
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Customer
from schemas.survey import Answer, Invitation, Touchpoint

SUBJECT = "touchpoint"
"""``subject_kind`` of an invitation, and of its messages and answer, about a touchpoint."""
BORN_OF_ANSWERS = "survey"
"""``source`` of the complaints that bad answers about touchpoints became; their id is the invitation's key."""
_CHANGEABLE = timedelta(days=90)
"""An invitation has expired long before; older answers are not looked at again."""

_T = table_of(Touchpoint).c
_I = table_of(Invitation).c
_A = table_of(Answer).c
_C = table_of(Complaint).c
_P = table_of(Customer).c


def known(session: Session, identities: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the touchpoints, by source and its id, that are there."""
    if not identities:
        return set()
    found = select(_T.source, _T.external_id).where(tuple_(_T.source, _T.external_id).in_(list(identities)))
    return set(session.execute(found).tuples())


def listing(session: Session, limit: int) -> Sequence[Row[Any]]:
    """The touchpoints told last, newest first, each with how its invitation stands and why."""
    its = (_I.subject_kind == SUBJECT) & (_I.subject_id == _T.id)
    return session.execute(
        select(_T.id, _T.source, _T.external_id, _T.kind, _T.occurred_at, _T.received_at, _I.state, _I.reason,
               _I.send_at, _I.invited_at, _I.answered_at, _C.number.label("complaint"))
        .select_from(table_of(Touchpoint).outerjoin(table_of(Invitation), its)
                     .outerjoin(table_of(Complaint), (_C.source == BORN_OF_ANSWERS) & (_C.external_id == _I.key)))
        .order_by(_T.id.desc()).limit(limit)
    ).all()  # fmt: skip


def of_invitations(session: Session, touchpoint_ids: Collection[int]) -> dict[int, Row[Any]]:
    """These touchpoints, by id."""
    rows = session.execute(select(_T.id, _T.kind, _T.occurred_at, _T.facts).where(_T.id.in_(touchpoint_ids)))
    return {row.id: row for row in rows}


def answered(session: Session, invitation_id: int) -> Row[Any] | None:
    """The answer to an invitation about a touchpoint, as ``owed`` has it, whatever it says."""
    return session.execute(_answers().where(_I.id == invitation_id)).first()


def owed(session: Session, at: datetime, limit: int) -> Sequence[Row[Any]]:
    """At most ``limit`` bad answers about touchpoints that are no complaint yet, oldest first."""
    return session.execute(owed_by(at, limit)).all()


def owed_by(at: datetime, limit: int) -> Select[Any]:
    """The statement of ``owed``: its plan is what looking for them costs."""
    is_bad: ColumnElement[bool] = literal_column("answer.is_negative")  # as its partial index has it, not "= 1"
    lately = (_A.answered_at > at - _CHANGEABLE) & (_A.answered_at <= at)
    return _answers().where(is_bad, lately, _C.id.is_(None)).order_by(_A.answered_at, _A.id).limit(limit)


def _answers() -> Select[Any]:
    return (
        select(_I.id, _I.key, _I.duty, _I.round, _I.policy_version, _I.subject_id, _T.kind, _T.occurred_at, _T.facts,
               _A.is_negative, _A.csat, _A.nps, _A.is_solved, _A.comment, _A.revision,
               _P.source, _P.external_id, _P.language, _P.is_simulated,
               _C.id.label("complaint_id"), _C.number, _C.matter)
        .select_from(table_of(Answer).join(table_of(Invitation), _A.invitation_id == _I.id)
                     .join(table_of(Touchpoint), (_A.subject_kind == SUBJECT) & (_A.subject_id == _T.id))
                     .join(table_of(Customer), _P.id == _I.customer_id)
                     .outerjoin(table_of(Complaint), (_C.source == BORN_OF_ANSWERS) & (_C.external_id == _I.key)))
    )  # fmt: skip
