"""A roster of staff as a spreadsheet gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.inbound.table import open_table
from schemas.people import StaffIn

_NEEDED = ("code", "name", "department")
_OPTIONAL = ("contact_url", "language", "timezone")
_YES = frozenset({"1", "true", "yes", "y", "是"})
_NO = frozenset({"", "0", "false", "no", "n", "否"})


def read_roster(file: Path) -> list[StaffIn]:
    """Every member of staff in the file.

    Columns code, name and department are needed; is_head, is_active, contact_url (an Apprise URL), language and
    timezone are not.

    Raises:
        UsageError: The file cannot be read, lacks a column, or a row lacks a value; names the line.
    """
    table = open_table(file)
    if absent := [name for name in _NEEDED if name not in table.header]:
        raise UsageError(f"{file.name} has no column {', '.join(absent)}", cure=f"it has: {', '.join(table.header)}")
    people = []
    for row in table.rows:
        if row.fault:
            raise UsageError(f"{file.name} line {row.line}: {row.fault}", cure="mend it; nothing of the file was kept")
        people.append(_person(row.line, dict(zip(table.header, row.cells, strict=True))))
    return people


def _person(line: int, row: Mapping[str, str]) -> StaffIn:
    told = {name: row[name] for name in (*_NEEDED, *_OPTIONAL) if row.get(name)}
    try:
        zone(told.get("timezone", "UTC"))
        flags = {"is_head": _flag(row, "is_head", default=False), "is_active": _flag(row, "is_active", default=True)}
        return StaffIn.model_validate({**told, **flags})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        what = f"line {line}: {name} {_shown(name, told)}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise UsageError(what, cure="mend it; nothing of the file was kept") from error
    except UsageError as error:
        raise UsageError(f"line {line}: {error.what}", cure=error.cure) from error


def _shown(name: str, told: Mapping[str, str]) -> str:
    """The value, but never a contact: it may hold a secret."""
    return "is empty" if name not in told else "is not usable" if name == "contact_url" else f"is {told[name][:40]!r}"


def _flag(row: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = (row.get(name) or "").strip().lower()
    if text == "" and name not in row:
        return default
    if text not in _YES | _NO:
        raise UsageError(f"{name} is {text!r}", cure="write yes or no")
    return text in _YES or (text == "" and default)
