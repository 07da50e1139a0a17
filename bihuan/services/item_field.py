"""The fields of a plan that people write: what each may hold, from a form, a sheet or a command line alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from math import isfinite
from typing import Any, NamedTuple

from sqlalchemy import Table, select
from sqlmodel import Session, SQLModel

from bihuan.errors import UsageError
from bihuan.policy.flaw import nearest, shown
from bihuan.services.item_people import code_of, staff_by_code
from bihuan.services.people import department_by_code
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Department

_C = table_of(Complaint).c
Value = Any
Read = Callable[[Session, Value], Value]


class Writable(NamedTuple):
    """One field: the column behind it, and how what people write becomes its value."""

    column: str
    read: Read


def text(_session: Session, value: Value) -> str:
    """A text; nothing is an empty one."""
    return "" if value is None else str(value).strip()


def needed_text(session: Session, value: Value) -> str:
    """A text that is not empty.

    Raises:
        UsageError: It is.
    """
    if not (written := text(session, value)):
        raise UsageError("it is empty", cure="write a text")
    return written


def number(least: float | None = None, most: float | None = None) -> Read:
    """A number within bounds, also as a percentage; nothing is None."""

    def read(_session: Session, value: Value) -> float | None:
        if _is_nothing(value):
            return None
        written = str(value).strip()
        try:
            found = float(written[:-1]) / 100 if written.endswith("%") else float(written)
        except ValueError as error:
            raise UsageError(f"{shown(value)} is no number", cure="write it as 0.9, 90% or 12") from error
        if isinstance(value, bool) or not isfinite(found) or not _is_within(found, least, most):
            raise UsageError(f"{shown(value)} is out of range", cure=_range(least, most))
        return found

    return read


def whole(least: int = 0, most: int | None = None) -> Read:
    """A whole number within bounds; nothing is None."""
    read_number = number(least, most)

    def read(session: Session, value: Value) -> int | None:
        found = read_number(session, value)
        if found is not None and not float(found).is_integer():
            raise UsageError(f"{shown(value)} is no whole number", cure="write it without a fraction")
        return None if found is None else int(found)

    return read


def _is_nothing(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return "write a number" if least is None else f"write a number from {least:g} on"
    return f"write a number from {least:g} to {most:g}" if least is not None else f"write a number up to {most:g}"


def day(_session: Session, value: Value) -> date | None:
    """A day; nothing is None."""
    if _is_nothing(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError as error:
        raise UsageError(f"{shown(value)} is no day", cure="write it as 2026-11-30") from error


def needed_day(session: Session, value: Value) -> date:
    """A day that has to be there."""
    found = day(session, value)
    if found is None:
        raise UsageError("the day is missing", cure="write it as 2026-11-30")
    return found


def listed(_session: Session, value: Value) -> list[str]:
    """Several words: a list, or a text with commas; each once, in their order."""
    parts = value if isinstance(value, list | tuple) else re.split("[,，、;；]", str(value or ""))
    return list(dict.fromkeys(word for one in parts if (word := str(one).strip())))


def numbers(session: Session, value: Value) -> list[int]:
    """Several whole numbers, as ``listed``, ascending."""
    parts = [value] if isinstance(value, int) else listed(session, value)
    read = whole(1)
    return sorted({read(session, one) for one in parts})


def days(session: Session, value: Value) -> list[str]:
    """Several days, as ``listed``; kept as they are written in ISO 8601."""
    return sorted({needed_day(session, one).isoformat() for one in listed(session, value)})


def complaints(session: Session, value: Value) -> list[str]:
    """Numbers of complaints that there are, as ``listed``.

    Raises:
        UsageError: There is none of one of them.
    """
    found = listed(session, value)
    known = set(session.execute(select(_C.number).where(_C.number.in_(found))).scalars())
    if missing := [one for one in found if one not in known]:
        raise UsageError(f"no complaint {missing[0]!r}", cure="see `bihuan complaint list`")
    return found


def staff(session: Session, value: Value) -> int | None:
    """An active member of staff, by code; nothing is None."""
    return None if _is_nothing(value) else staff_by_code(session, str(value).strip()).id


def several_staff(session: Session, value: Value) -> list[str]:
    """Codes of active staff, as ``listed``."""
    return [staff_by_code(session, code).code for code in listed(session, value)]


def department(session: Session, value: Value) -> int | None:
    """A department, by code; nothing is None."""
    return None if _is_nothing(value) else department_by_code(session, str(value).strip()).id


def one_of(enum: type[Enum]) -> Read:
    """A word of an enumeration; nothing is None."""

    def read(_session: Session, value: Value) -> Enum | None:
        if _is_nothing(value):
            return None
        try:
            return enum(value.value if isinstance(value, Enum) else str(value).strip().lower())
        except ValueError as error:
            cure = nearest(value, [one.value for one in enum])
            raise UsageError(f"{shown(value)} is none of its words", cure=cure) from error

    return read


def needed_one_of(enum: type[Enum]) -> Read:
    """A word of an enumeration that has to be there."""
    read_word = one_of(enum)

    def read(session: Session, value: Value) -> Enum:
        found: Enum | None = read_word(session, value)
        if found is None:
            raise UsageError("it is empty", cure=f"write one of {', '.join(one.value for one in enum)}")
        return found

    return read


def same(name: str, read: Read) -> tuple[str, Writable]:
    """A field whose column has its name."""
    return name, Writable(name, read)


def write(
    session: Session, row: SQLModel, changes: Mapping[str, Value], fields: Mapping[str, Writable]
) -> dict[str, Any]:
    """Write what people changed onto a row.

    Args:
        session: Where people and departments are looked up.
        row: Of any table.
        changes: By the name of the field, as a form, a sheet or a command line gives it.
        fields: Those that people may write.

    Returns:
        What is different now, by field: before and after, as JSON has it; empty where nothing is.

    Raises:
        UsageError: A field that nobody writes, or that there is none of, or a value that it cannot hold.
    """
    table = table_of(type(row))
    read = {name: _value(session, table, name, value, fields) for name, value in changes.items()}
    told: dict[str, Any] = {}
    for name, value in read.items():
        column = fields[name].column
        before = getattr(row, column)
        if before != value:
            told[name] = [plain(session, column, before), plain(session, column, value)]
            setattr(row, column, value)
    return told


def _value(session: Session, table: Table, name: str, value: Value, fields: Mapping[str, Writable]) -> Value:
    if name not in fields:
        if name in table.c:
            raise UsageError(f"{name} is computed: nobody writes it", cure=f"write any of {', '.join(fields)}")
        raise UsageError(f"no field {name!r}", cure=nearest(name, fields))
    try:
        found = fields[name].read(session, value)
    except UsageError as error:
        raise UsageError(f"{name}: {error.what}", cure=error.cure) from error
    longest = getattr(table.c[fields[name].column].type, "length", None)
    if isinstance(found, str) and not isinstance(found, Enum) and longest and len(found) > longest:
        raise UsageError(f"{name}: longer than {longest} characters", cure="say it more briefly")
    return found


def plain(session: Session, column: str, value: Value) -> Value:
    """A value as an event keeps it: people and departments by code."""
    if value is None:
        return None
    if column == "department_id":
        return session.get_one(Department, value).code
    if column.endswith("owner_id"):
        return code_of(session, value)
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
