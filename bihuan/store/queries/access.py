"""Who signed in: the person behind a session, or behind a code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.rows import table_of
from schemas.access import SignInSession
from schemas.outbox import Message, Notice
from schemas.people import Staff

STAFF = "staff"
"""``subject_kind`` of a message about its reader."""

_S = table_of(Staff).c
_I = table_of(SignInSession).c
_M = table_of(Message).c
_PERSON = (_S.id, _S.code, _S.name, _S.department_id, _S.is_head, _S.roles, _S.language, _S.timezone)


def person_of_session(session: Session, token_hash: str, at: datetime) -> Row[Any] | None:
    """The active member of staff whose session has that token, with its ``expires_at``; None where it is over."""
    return session.execute(
        select(*_PERSON, _I.expires_at)
        .select_from(table_of(SignInSession).join(table_of(Staff), _S.id == _I.staff_id))
        .where(_I.token_hash == token_hash, _I.ended_at.is_(None), _I.expires_at > at, _S.is_active)
    ).one_or_none()  # fmt: skip


def person_by_code(session: Session, code: str) -> Row[Any] | None:
    """The active member of staff of that code, with whether there is a contact of their own."""
    has_contact = _S.sealed_contact.is_not(None).label("has_contact")
    return session.execute(select(*_PERSON, has_contact).where(_S.code == code, _S.is_active)).one_or_none()


def person_by_id(session: Session, staff_id: int) -> Row[Any] | None:
    """The active member of staff of that id."""
    return session.execute(select(*_PERSON).where(_S.id == staff_id, _S.is_active)).one_or_none()


def links_asked(session: Session, staff_id: int, since: datetime) -> int:
    """How many links to sign in the person was sent, or is about to be, after ``since``."""
    counted = select(func.count()).where(
        _M.subject_kind == STAFF, _M.subject_id == staff_id, _M.notice == Notice.SIGN_IN, _M.planned_at > since
    )
    found: int = session.execute(counted).scalar_one()
    return found
