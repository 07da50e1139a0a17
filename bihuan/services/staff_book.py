"""The staff book 名册 as it stands: for a file that ``bihuan staff import`` reads, and for people to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bihuan.clock import zone
from bihuan.errors import RefusedError
from bihuan.notify.contact import masked, unseal
from bihuan.rules.absence import stretch_words
from bihuan.services.people import on_duty
from bihuan.store.queries.people import staff_listing
from schemas.access import Role
from schemas.people import MASK, Absence, Department, DutyShift, Staff, StaffIn
from schemas.roster import AbsenceIn, DepartmentIn, ShiftIn, StaffBook

Shown = Callable[[str | None], str | None]
"""From a sealed contact to what is shown of it."""


def staff_book(session: Session, secret: str, now: datetime, *, has_contacts: bool = False) -> StaffBook:
    """Everybody there is, every rota, and every absence that is not over.

    Args:
        session: To read.
        secret: What contacts are sealed with.
        now: The present.
        has_contacts: With contacts in clear; else masked, as those that stay when they are read again.

    Raises:
        RefusedError: A contact is wanted in clear and was sealed with another secret.
    """
    shown: Shown = (lambda sealed: sealed and unseal(sealed, secret)) if has_contacts else _masking(secret)
    people = {row.id: row for row in session.exec(select(Staff).order_by(Staff.code))}
    departments = {row.id: row for row in session.exec(select(Department).order_by(Department.code))}
    shifts = session.exec(select(DutyShift).order_by(DutyShift.rota, col(DutyShift.id)))
    absences = session.exec(select(Absence).where(Absence.ends_at > now).order_by(col(Absence.starts_at)))
    return StaffBook(
        departments=tuple(_department(row, shown) for row in departments.values()),
        staff=tuple(_person(row, departments[row.department_id].code, people, shown) for row in people.values()),
        duty=tuple(_shift(row, people[row.staff_id].code) for row in shifts),
        absence=tuple(_absence(row, people[row.staff_id]) for row in absences),
    )


def staff_now(session: Session, at: datetime) -> list[dict[str, Any]]:
    """Everybody as ``bihuan staff list`` shows them: of contacts no more than by which channels there are some."""
    rotas = on_duty(session, at)
    return [
        {
            **{name: value for name, value in row._mapping.items() if name not in {"id", "sealed_contacts"}},
            "channels": sorted(row.sealed_contacts or ()),
            "on_duty": sorted(rota for rota, ids in rotas.items() if row.id in ids),
        }
        for row in staff_listing(session, at)
    ]


def _masking(secret: str) -> Shown:
    def shown(sealed: str | None) -> str | None:
        try:
            return sealed and masked(unseal(sealed, secret))
        except RefusedError:
            return MASK

    return shown


def _department(row: Department, shown: Shown) -> DepartmentIn:
    return DepartmentIn.model_validate({
        "code": row.code, "name": row.name, "name_en": row.name_en, "contact_url": shown(row.sealed_contact),
        "language": row.language,
    })  # fmt: skip


def _person(row: Staff, department: str, people: Mapping[int | None, Staff], shown: Shown) -> StaffIn:
    substitute = people.get(row.substitute_id)
    return StaffIn.model_validate({
        "code": row.code, "name": row.name, "department": department, "is_head": row.is_head,
        "is_active": row.is_active, "is_liaison": row.is_liaison, "roles": tuple(map(Role, row.roles or ())),
        "substitute": substitute.code if substitute else None, "contact_url": shown(row.sealed_contact),
        "contacts": {channel: shown(sealed) for channel, sealed in sorted((row.sealed_contacts or {}).items())},
        "quiet": (row.quiet_from, row.quiet_until) if row.quiet_from and row.quiet_until else None,
        "language": row.language, "timezone": row.timezone,
    })  # fmt: skip


def _shift(row: DutyShift, staff: str) -> ShiftIn:
    return ShiftIn(
        rota=row.rota, staff=staff, weekdays=tuple(row.weekdays.split(",")), begins=row.begins, ends=row.ends,
        timezone=row.timezone, from_on=row.from_on, until_on=row.until_on,
    )  # fmt: skip


def _absence(row: Absence, person: Staff) -> AbsenceIn:
    begins, ends = stretch_words(row.starts_at, row.ends_at, zone(person.timezone))
    return AbsenceIn(staff=person.code, begins=begins, ends=ends)
