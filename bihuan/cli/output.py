"""Data goes to standard output, words to standard error; ``--json`` everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", help="An instant: 2026-11-22T09:30+08:00, or local time and zone: '2026-11-22T09:30 Asia/Shanghai'."
    ),
]


def emit(value: Any, is_json: bool) -> None:
    """Print a record or a table: as JSON, or for reading."""
    plain = _plain(value)
    if is_json:
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    elif isinstance(plain, list):
        _table(plain)
    else:
        _record(plain)


def say(words: str) -> None:
    """Tell the person something that is not data."""
    typer.echo(words, err=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if hasattr(value, "_mapping"):
        return _plain(dict(value._mapping))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _record(record: Mapping[str, Any]) -> None:
    width = max((len(key) for key, item in record.items() if not _is_table(item)), default=0)
    for key, item in record.items():
        if not _is_table(item):
            typer.echo(f"{key:<{width}}  {_cell(item)}")
    for key, item in record.items():
        if _is_table(item):
            typer.echo(f"\n{key}")
            _table(item)


def _is_table(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and isinstance(item[0], dict)


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        say("nothing")
        return
    table = Table(box=None, pad_edge=False)
    names = [name for name in rows[0] if not _is_table(rows[0][name])]
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)


def _cell(item: Any) -> str:
    if item is None:
        return "-"
    if isinstance(item, float):
        return f"{item:.6g}"
    if isinstance(item, dict | list):
        return json.dumps(item, ensure_ascii=False) if item else "-"
    return str(item)
