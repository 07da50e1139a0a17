"""A roster of staff as a spreadsheet gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bihuan.errors import UsageError
from bihuan.inbound.table import open_table
from schemas.people import StaffIn

_NEEDED = ("code", "name", "department")
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
    for name in _NEEDED:
        if not row.get(name):
            raise UsageError(f"line {line}: {name} is empty", cure="fill it in; nothing of the file was kept")
    return StaffIn(
        code=row["code"], name=row["name"], department=row["department"],
        is_head=_flag(line, row, "is_head", default=False), is_active=_flag(line, row, "is_active", default=True),
        contact_url=row.get("contact_url") or None, language=row.get("language") or "zh",
        timezone=row.get("timezone") or "Asia/Shanghai",
    )  # fmt: skip


def _flag(line: int, row: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = (row.get(name) or "").strip().lower()
    if text == "" and name not in row:
        return default
    if text not in _YES | _NO:
        raise UsageError(f"line {line}: {name} is {text!r}", cure="write yes or no")
    return text in _YES or (text == "" and default)
