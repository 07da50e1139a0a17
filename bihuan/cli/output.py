"""Data goes to standard output, words to standard error; ``--json`` everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import typer

from bihuan.clock import zone
from bihuan.log import line
from bihuan.settings import settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", help="An instant: 2026-11-22T09:30+08:00, or local time and zone: '2026-11-22T09:30 Asia/Shanghai'."
    ),
]


_STEERS = {sign: "\ufffd" for sign in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
           if sign not in {0x09, 0x0A}}  # fmt: skip
"""Control characters but for tabulators and the ends of lines, and what turns the direction of writing."""
Columns = Sequence[str] | Mapping[str, Sequence[str]] | None
"""What people see of a table, or of each table in a record; None: everything. JSON always has everything."""


def emit(value: Any, is_json: bool, columns: Columns = None) -> None:
    """Print a record or a table: whole as JSON, or what matters of it for reading, times in the installation's zone."""
    if is_json:
        typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))
    elif isinstance(value, list):
        _table([_fields(row) for row in value], columns if isinstance(columns, Sequence) else None)
    else:
        _record(_fields(value), columns if isinstance(columns, Mapping) else {})


def say(words: str) -> None:
    """Tell the person something that is not data; where the log is JSON, as one of its lines."""
    typer.echo(line(words) if settings().log_format == "json" else words, err=True)


def _fields(value: Any) -> Mapping[str, Any]:
    """A dataclass, a database row or a mapping as a mapping."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(getattr(value, "_mapping", value))


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, Mapping) or hasattr(value, "_mapping") or is_dataclass(value):
        return {str(key): _plain(item) for key, item in _fields(value).items()}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _record(record: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> None:
    tables = {key: item for key, item in record.items() if _is_table(item)}
    width = max((len(key) for key in record if key not in tables), default=0)
    for key, item in record.items():
        if key not in tables:
            typer.echo(f"{key:<{width}}  {_cell(item)}")
    for key, rows in tables.items():
        typer.echo(f"\n{key}")
        _table([_fields(row) for row in rows], columns.get(key))


def _is_table(item: Any) -> bool:
    return isinstance(item, Sequence) and bool(item) and (isinstance(item[0], dict) or hasattr(item[0], "_mapping"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        say("nothing")
        return
    table = Table(box=None, pad_edge=False)
    names = [name for name in columns or rows[0] if not _is_table(rows[0][name])]
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in names))
    Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)


def harmless(text: str) -> str:
    """The text as a terminal may show it: what steers a terminal is shown as a sign that stands for nothing.

    Complainants write what staff read here; a sequence in it could write over what stands above.
    """
    return text.translate(_STEERS)


def _cell(item: Any) -> str:
    if item is None or item in ("", [], {}, ()):
        return "-"
    match item:
        case bool():
            return "yes" if item else "no"
        case float():
            return f"{item:.6g}"
        case datetime():
            return f"{item.astimezone(zone(settings().timezone)):%Y-%m-%d %H:%M}"
        case dict():
            return ", ".join(f"{key} {_cell(value)}" for key, value in item.items())
        case list() | tuple():
            return ", ".join(map(_cell, item))
    return harmless(str(item))
