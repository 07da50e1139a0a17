"""People: keep departments and staff, and say who answers for a complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.errors import UsageError
from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.store.queries.people import open_load
from bihuan.store.rows import table_of
from schemas.people import Department, Staff, StaffIn

OPERATOR = "operator"
"""The recipient when a complaint has no department: whoever ``BIHUAN_OPERATOR_URL`` reaches."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """Who is there to be told: active staff, and the head of each department."""

    staff: frozenset[int]
    head_of: Mapping[int, int]

    def for_complaint(self, handler_id: int | None, department_id: int | None) -> str:
        """The recipient of a complaint's notices: handler, else department head, else the department, else operator."""
        if handler_id in self.staff:
            return f"staff:{handler_id}"
        if department_id is None:
            return OPERATOR
        head_id = self.head_of.get(department_id)
        return f"staff:{head_id}" if head_id else f"department:{department_id}"


def reachable(session: Session) -> Reachable:
    """Who is there to be told now."""
    people = session.execute(
        select(col(Staff.id), col(Staff.department_id), col(Staff.is_head))
        .where(col(Staff.is_active))
        .order_by(col(Staff.id).desc())
    ).all()
    return Reachable(
        staff=frozenset(person.id for person in people),
        head_of={person.department_id: person.id for person in people if person.is_head},
    )


def least_loaded(session: Session, department_id: int) -> int | None:
    """The active handler of the department with the fewest open complaints; ties go to the lowest id.

    Returns:
        None where the department has nobody; its head is asked only when no one else is there.
    """
    load, staff = open_load(department_id), table_of(Staff)
    found: int | None = session.execute(
        select(staff.c.id)
        .select_from(staff.outerjoin(load, load.c.handler_id == staff.c.id))
        .where(staff.c.department_id == department_id, staff.c.is_active)
        .order_by(staff.c.is_head, func.coalesce(load.c.open, 0), staff.c.id)
        .limit(1)
    ).scalar()
    return found


def department_by_code(session: Session, code: str) -> Department:
    """The department of that code.

    Raises:
        UsageError: There is none.
    """
    department = session.exec(select_rows(Department).where(Department.code == code)).first()
    if department is None:
        raise UsageError(
            f"no department {code!r}", cure="see `bihuan staff list`, or add it with `bihuan staff import`"
        )
    return department


def save_department(
    session: Session, code: str, name: str, *, name_en: str = "", contact_url: str | None = None, secret: str = "",
    is_simulated: bool = False,
) -> int:  # fmt: skip
    """Add the department, or bring the one of that code up to date; a contact is kept sealed.

    Returns:
        Its id.
    """
    department = session.exec(select_rows(Department).where(Department.code == code)).first()
    department = department or Department(code=code, name=name, is_simulated=is_simulated)
    department.name, department.name_en = name, name_en or department.name_en
    if contact_url:
        department.sealed_contact = seal(contact_url, secret)
    session.add(department)
    session.flush()
    assert department.id is not None
    return department.id


def save_staff(session: Session, person: StaffIn, secret: str) -> int:
    """Add the person, or bring the one of that code up to date; the department must exist.

    Returns:
        The person's id.

    Raises:
        UsageError: No such department.
    """
    department = department_by_code(session, person.department)
    assert department.id is not None
    staff = session.exec(select_rows(Staff).where(Staff.code == person.code)).first()
    staff = staff or Staff(code=person.code, name=person.name, department_id=department.id)
    staff.name, staff.department_id, staff.is_head = person.name, department.id, person.is_head
    staff.is_active, staff.language, staff.timezone = person.is_active, person.language, person.timezone
    staff.is_simulated = person.is_simulated
    if person.contact_url:
        staff.sealed_contact = seal(person.contact_url, secret)
    session.add(staff)
    session.flush()
    assert staff.id is not None
    return staff.id


def save_roster(session: Session, policy: Policy, roster: Sequence[StaffIn], secret: str) -> int:
    """Save everyone on the roster; departments that are new are added, with the names policy knows them by.

    Returns:
        How many people were saved.
    """
    known = set(session.exec(select_rows(Department.code)))
    for code in dict.fromkeys(person.department for person in roster):
        if code not in known:
            names = policy.routing.departments.get(code)
            save_department(session, code, names.zh if names else code, name_en=names.en if names else "")
    for person in roster:
        save_staff(session, person, secret)
    return len(roster)
