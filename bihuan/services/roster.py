"""Keep a staff book 名册: departments, staff, duty rotas and absences, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session, select

from bihuan.errors import UsageError
from bihuan.policy.models import Policy
from bihuan.services.contact import resealed
from bihuan.services.duty import Tally, person_of, refuse_repeats, save_absences, save_duty
from bihuan.services.people import put, put_staff, save_department
from schemas.people import Department, Line, Staff, StaffIn
from schemas.roster import DepartmentIn, StaffBook


def save_book(session: Session, policy: Policy, book: StaffBook, secret: str, now: datetime) -> dict[str, Tally]:
    """Save everything the book states; call it inside a transaction, which an error has to end.

    Whoever the book does not name stays, and so does what a line does not state. A rota named in ``duty`` has the
    shifts stated and no others. A person named in ``absence`` has the absences stated and, from ``now`` on, no
    others. A department that only a person names is added, with the names that policy knows it by.

    Returns:
        What became of each sheet, by its name.

    Raises:
        UsageError: A line names a person there is not, says again what another says, makes no sense, or masks a
            contact that is not known.
    """
    departments = _save_departments(session, book.departments, secret)
    departments.added += _add_departments(session, policy, book.staff)
    staff = _save_staff(session, book.staff, secret)
    people = {person.code: person for person in session.exec(select(Staff))}
    duty = save_duty(session, book.duty, people)
    absence = save_absences(session, book.absence, people, now)
    return {"staff": staff, "departments": departments, "duty": duty, "absence": absence}


def _save_departments(session: Session, lines: Sequence[DepartmentIn], secret: str) -> Tally:
    refuse_repeats((line, line.code) for line in lines)
    known = {row.code: row for row in session.exec(select(Department))}
    new, changed = {line.code for line in lines} - known.keys(), set()
    for line in lines:
        row = known.setdefault(line.code, Department(code=line.code, name=line.name))
        put(row, line, ("name", "name_en", "language"))
        with _placed(line):
            row.sealed_contact = resealed(row.sealed_contact, line.contact_url, secret)
        if session.is_modified(row):
            changed.add(line.code)
        session.add(row)
    session.flush()
    return Tally(len(new), len(changed - new), len(lines) - len(changed | new))


def _add_departments(session: Session, policy: Policy, staff: Iterable[StaffIn]) -> int:
    """Add departments that nobody knows but the people who work there; how many."""
    known = set(session.exec(select(Department.code)))
    new = dict.fromkeys(person.department for person in staff if person.department not in known)
    for code in new:
        names = policy.routing.departments.get(code)
        save_department(session, code, names.zh if names else code, name_en=names.en if names else "")
    return len(new)


def _save_staff(session: Session, lines: Sequence[StaffIn], secret: str) -> Tally:
    """Save them without their substitutes, who may stand further down, and then those."""
    refuse_repeats((line, line.code) for line in lines)
    departments = {row.code: row.id for row in session.exec(select(Department))}
    known = {row.code: row for row in session.exec(select(Staff))}
    new, changed = {line.code for line in lines} - known.keys(), set()
    for line in lines:
        department_id = departments[line.department]
        assert department_id is not None
        row = known.setdefault(line.code, Staff(code=line.code, name=line.name, department_id=department_id))
        row.department_id = department_id
        with _placed(line):
            put_staff(row, line, secret)
        if session.is_modified(row):
            changed.add(line.code)
        session.add(row)
    session.flush()
    changed |= _save_substitutes(lines, known)
    session.flush()
    return Tally(len(new), len(changed - new), len(lines) - len(changed | new))


def _save_substitutes(lines: Iterable[StaffIn], people: Mapping[str, Staff]) -> set[str]:
    """Codes of those who got another substitute, or none any more."""
    changed = set()
    for line in lines:
        if "substitute" not in line.model_fields_set:
            continue
        if line.substitute == line.code:
            cure = "name somebody else, or leave it empty"
            raise UsageError(f"{line.place}: substitute {line.code!r} is the same person", cure=cure)
        found = person_of(people, line.substitute, line, "substitute").id if line.substitute else None
        if people[line.code].substitute_id != found:
            people[line.code].substitute_id = found
            changed.add(line.code)
    return changed


@contextmanager
def _placed(line: Line) -> Iterator[None]:
    """Says of an error where in the file it comes from."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{line.place}: {error.what}".removeprefix(": "), cure=error.cure) from error
