"""People: keep departments and staff, and say who answers for a complaint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, func, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from bihuan.errors import UsageError
from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.rules.roster import PREFERRED, Person, Roster, Unit
from bihuan.services.contact import resealed
from bihuan.services.duty import shift_of
from bihuan.store.queries.people import open_load
from bihuan.store.rows import table_of
from schemas.access import Role
from schemas.people import Absence, Department, DutyShift, Line, Staff, StaffIn

_S = table_of(Staff).c
_D = table_of(Department).c
_A = table_of(Absence).c
_T = table_of(DutyShift).c
_PERSON = (
    _S.id, _S.code, _S.department_id, _S.is_head, _S.is_liaison, _S.roles, _S.substitute_id, _S.is_active,
    _S.sealed_contact.is_not(None).label("has_contact"), _S.sealed_contacts,
)  # fmt: skip
_PEOPLE = select(*_PERSON).order_by(_S.id)
_UNITS = select(_D.id, _D.code, _D.sealed_contact.is_not(None).label("has_contact"))
_AWAY = select(_A.staff_id).where(_A.starts_at <= bindparam("at"), _A.ends_at > bindparam("at"))
_SHIFTS = select(table_of(DutyShift)).order_by(_T.id)
_PLAIN = ("name", "is_head", "is_active", "is_liaison", "language", "timezone", "is_simulated")


def roster(session: Session, policy: Policy, at: datetime) -> Roster:
    """Everybody there is and who is away or on duty at an instant.

    Whoever is not active stays in it: their complaints may still name them, and their substitutes.
    """
    away = _away(session, at)
    people = {row.id: _person(row, row.id in away) for row in session.execute(_PEOPLE)}
    units = {row.id: Unit(row.id, row.code, row.has_contact) for row in session.execute(_UNITS)}
    return Roster(people, units, on_duty(session, at), policy.routing.special_group)


def _person(row: Row[Any], is_away: bool) -> Person:
    usual = {PREFERRED} if row.has_contact else set()
    return Person(
        row.id, row.code, row.department_id, row.is_head, row.is_liaison, frozenset(map(Role, row.roles or ())),
        row.substitute_id, row.is_active, is_away, frozenset({*usual, *(row.sealed_contacts or ())}),
    )  # fmt: skip


def _away(session: Session, at: datetime) -> set[int]:
    return set(session.execute(_AWAY, {"at": at}).scalars())


def on_duty(session: Session, at: datetime) -> dict[str, list[int]]:
    """Ids of those whose shift it is, by rota, in the order in which the rota names them."""
    found: dict[str, list[int]] = defaultdict(list)
    for row in session.execute(_SHIFTS):
        if shift_of(row).is_on(at) and row.staff_id not in found[row.rota]:
            found[row.rota].append(row.staff_id)
    return found


def least_loaded(session: Session, department_id: int, at: datetime) -> int | None:
    """The active handler of the department with the fewest open complaints; ties go to the lowest id.

    Returns:
        None where the department has nobody; its head is asked only when no one else is there, whoever is away only
        when everybody is.
    """
    load, staff = open_load(department_id), table_of(Staff)
    is_away = case((staff.c.id.in_(_away(session, at)), 1), else_=0)
    found: int | None = session.execute(
        select(staff.c.id)
        .select_from(staff.outerjoin(load, load.c.handler_id == staff.c.id))
        .where(staff.c.department_id == department_id, staff.c.is_active)
        .order_by(is_away, staff.c.is_head, func.coalesce(load.c.open, 0), staff.c.id)
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
    """Add the person, or bring the one of that code up to date; department and substitute must exist.

    Returns:
        The person's id.

    Raises:
        UsageError: No such department or substitute; or a contact is masked, and none is known.
    """
    department = department_by_code(session, person.department)
    assert department.id is not None
    staff = session.exec(select_rows(Staff).where(Staff.code == person.code)).first()
    staff = staff or Staff(code=person.code, name=person.name, department_id=department.id)
    staff.department_id = department.id
    put_staff(staff, person, secret)
    if "substitute" in person.model_fields_set:
        staff.substitute_id = _id_of(session, person.substitute) if person.substitute else None
    session.add(staff)
    session.flush()
    assert staff.id is not None
    return staff.id


def put_staff(staff: Staff, person: StaffIn, secret: str) -> None:
    """Write onto the row what ``person`` states; the rest stays, and so do department and substitute.

    Raises:
        UsageError: A contact is masked, and none is known.
    """
    put(staff, person, _PLAIN)
    if "roles" in person.model_fields_set:
        staff.roles = list(person.roles) or None
    if "quiet" in person.model_fields_set:
        staff.quiet_from, staff.quiet_until = person.quiet or (None, None)
    staff.sealed_contact = resealed(staff.sealed_contact, person.contact_url, secret)
    further = dict(staff.sealed_contacts or {})
    for channel, contact in person.contacts.items():
        further[channel] = resealed(further.get(channel), contact, secret) or ""
    staff.sealed_contacts = {channel: sealed for channel, sealed in further.items() if sealed} or None


def put(row: Department | Staff, line: Line, fields: Iterable[str]) -> None:
    """Write onto the row those of the fields that ``line`` states."""
    for field in fields:
        if field in line.model_fields_set:
            setattr(row, field, getattr(line, field))


def _id_of(session: Session, code: str) -> int:
    found: int | None = session.execute(select(_S.id).where(_S.code == code)).scalar()
    if found is None:
        raise UsageError(f"nobody has the code {code!r}", cure="see `bihuan staff list`")
    return found
