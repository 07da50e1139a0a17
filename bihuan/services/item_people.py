"""People around an improvement item, by the codes that others write: owners, and who may agree as what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.errors import UsageError
from bihuan.policy.cycle import Approver
from bihuan.rules.access import roles_of
from bihuan.store.rows import table_of
from schemas.access import Role
from schemas.people import Staff

_S = table_of(Staff).c
_ROLES = {Approver.QUALITY_MANAGER: Role.QUALITY_MANAGER, Approver.EXECUTIVE: Role.EXECUTIVE}


def staff_by_code(session: Session, code: str) -> Staff:
    """The active member of staff of that code.

    Raises:
        UsageError: There is none.
    """
    found = session.exec(select_rows(Staff).where(Staff.code == code, col(Staff.is_active))).first()
    if found is None:
        raise UsageError(f"no active staff {code!r}", cure="see `bihuan staff list`")
    return found


def staff_by_id(session: Session, staff_id: int) -> Staff:
    """The active member of staff of that id.

    Raises:
        UsageError: There is none.
    """
    found = session.get(Staff, staff_id)
    if found is None or not found.is_active:
        raise UsageError(f"no active staff with id {staff_id}", cure="see `bihuan staff list`")
    return found


def code_of(session: Session, staff_id: int | None) -> str:
    """The code behind an id; empty where nobody is."""
    found: str | None = session.execute(select(_S.code).where(_S.id == staff_id)).scalar() if staff_id else None
    return found or ""


def active_staff(session: Session) -> Sequence[Staff]:
    """Everybody active, by code."""
    return session.exec(select_rows(Staff).where(col(Staff.is_active)).order_by(Staff.code)).all()


def acts_as(staff: Staff, role: Approver, department_id: int | None, doers: Iterable[int]) -> bool:
    """Whether somebody may agree in a role.

    Args:
        staff: Who.
        role: As what.
        department_id: The item's department; None: no head answers for it.
        doers: Ids of those who own the item or one of its measures: they verify nothing.
    """
    roles = roles_of(staff.is_head, staff.roles)
    match role:
        case Approver.DEPARTMENT_HEAD:
            return staff.is_head and staff.department_id == department_id
        case Approver.VERIFIER:
            return staff.id not in set(doers)
    return _ROLES[role] in roles


def is_asked_to_verify(staff: Staff) -> bool:
    """Whether a verification waits on this person's list: anybody may, those who answer for something are asked."""
    return bool(roles_of(staff.is_head, staff.roles) & {Role.DEPARTMENT_HEAD, Role.QUALITY_MANAGER, Role.EXECUTIVE})
