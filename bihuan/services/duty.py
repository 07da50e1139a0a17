"""Duty rotas 值班表 and absences 外出 as a staff book states them: each rota and each person whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row
from sqlmodel import Session, col, select

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.rules.absence import stretch
from bihuan.rules.duty import Shift
from schemas.people import Absence, DutyShift, Line, Staff
from schemas.roster import AbsenceIn, ShiftIn

RowT = TypeVar("RowT", DutyShift, Absence)
Stated = tuple[Line, dict[str, Any]]
"""A line, and the values of its row."""


@dataclass(slots=True)
class Tally:
    """What became of the lines of one sheet, and how many rows it did away with."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def save_duty(session: Session, lines: Sequence[ShiftIn], people: Mapping[str, Staff]) -> Tally:
    """Make each rota named consist of the shifts stated; ``people`` by code.

    Raises:
        UsageError: A line names nobody there is, says again what another says, or ends before it begins.
    """
    stated = [_shift(line, people) for line in lines if line.staff]
    rows = session.exec(select(DutyShift).where(col(DutyShift.rota).in_({line.rota for line in lines})))
    return _replace(session, DutyShift, rows.all(), stated, ("rota", "staff_id", "weekdays", "begins", "from_on"))


def save_absences(
    session: Session, lines: Sequence[AbsenceIn], people: Mapping[str, Staff], now: datetime
) -> Tally:  # fmt: skip
    """Make the absences of each person named, as far as they are not over by ``now``, those stated.

    Raises:
        UsageError: A line names nobody there is, says again what another says, or ends no later than it begins.
    """
    named = {person_of(people, line.staff, line).id for line in lines}
    stated = [_absence(line, people[line.staff]) for line in lines if line.begins]
    rows = session.exec(select(Absence).where(col(Absence.staff_id).in_(named)))
    return _replace(session, Absence, rows.all(), stated, ("staff_id", "starts_at"), lambda row: row.ends_at <= now)


def shift_of(row: DutyShift | Row[Any]) -> Shift:
    """The shift that a row holds."""
    days = tuple(row.weekdays.split(","))
    return Shift(days, row.begins, row.ends, zone(row.timezone), row.from_on, row.until_on)


def person_of(people: Mapping[str, Staff], code: str, line: Line, column: str = "staff") -> Staff:
    """The person of that code.

    Raises:
        UsageError: There is none; names the place of the line.
    """
    if found := people.get(code):
        return found
    cure = "add them to the sheet of staff, or correct the code"
    raise UsageError(f"{line.place}: {column} {code[:60]!r} is nobody's code".removeprefix(": "), cure=cure)


def refuse_repeats(lines: Iterable[tuple[Line, Hashable]]) -> None:
    """Make sure that no two lines are about the same.

    Raises:
        UsageError: Two are.
    """
    found: dict[Hashable, Line] = {}
    for line, key in lines:
        if key in found:
            raise UsageError(f"{line.place}: is about the same as {found[key].place}", cure="keep one of them")
        found[key] = line


def _shift(line: ShiftIn, people: Mapping[str, Staff]) -> Stated:
    person = person_of(people, line.staff, line)
    if line.until_on and line.until_on < line.from_on:
        cure = "write in until the last day on which the shift begins"
        raise UsageError(f"{line.place}: until lies before from", cure=cure)
    return line, {
        "rota": line.rota, "staff_id": person.id, "weekdays": ",".join(line.weekdays), "begins": line.begins,
        "ends": line.ends, "timezone": line.timezone or person.timezone, "from_on": line.from_on,
        "until_on": line.until_on,
    }  # fmt: skip


def _absence(line: AbsenceIn, person: Staff) -> Stated:
    starts_at, ends_at = stretch(line.begins, line.ends, zone(person.timezone))
    if ends_at <= starts_at:
        raise UsageError(f"{line.place}: until is no later than from", cure="a day as until counts to its end")
    return line, {"staff_id": person.id, "starts_at": starts_at, "ends_at": ends_at}


def _replace(
    session: Session, table: type[RowT], rows: Collection[RowT], stated: Sequence[Stated], key: Sequence[str],
    stays: Callable[[RowT], bool] = lambda _: False,
) -> Tally:  # fmt: skip
    """Make ``rows`` those stated, told apart by ``key``, without those that stay although nobody states them."""
    wanted = {tuple(values[name] for name in key): values for _, values in stated}
    refuse_repeats((line, tuple(values[name] for name in key)) for line, values in stated)
    known = {tuple(getattr(row, name) for name in key): row for row in rows}
    gone = [row for at, row in known.items() if at not in wanted and not stays(row)]
    changed = [at for at, row in known.items() if at in wanted and _differs(row, wanted[at])]
    for row in gone:
        session.delete(row)
    session.flush()
    for at in changed:
        known[at].sqlmodel_update(wanted[at])
    session.add_all(table(**values) for at, values in wanted.items() if at not in known)
    session.flush()
    added = len(wanted.keys() - known.keys())
    return Tally(added, len(changed), len(wanted) - added - len(changed), len(gone))


def _differs(row: DutyShift | Absence, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())
