"""The cells of one row, read by the columns of a mapping that was fitted to a file's header once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from bihuan.inbound.instant import instant_reader
from bihuan.inbound.source import SourceFile, Value
from bihuan.inbound.table import Row

_SHOWN = 80
"""Characters of a value that a reason quotes."""

Cells = Sequence[str]
Reader = Callable[[Cells], str | None]
Readers = Sequence[tuple[str, Reader]]


class Reject(NamedTuple):
    """A row that was not taken: where it stands, why, and what it holds by column."""

    line: int
    reason: str
    row: dict[str, str]


class BadRowError(ValueError):
    """A row cannot be taken; the message is the reason, on one line."""


class CellReader:
    """A mapping fitted to a header: positions instead of names, codes looked up instead of checked.

    Args:
        mapping: How the file is written; its columns are all in ``header``.
        header: The file's columns.
    """

    def __init__(self, mapping: SourceFile, header: Sequence[str]) -> None:
        self._header = header
        self._place = {column: place for place, column in enumerate(header)}
        self._missing = mapping.missing | {""}
        self._instant = instant_reader(mapping.dates)

    def named(self, row: Row, column: str) -> str:
        """What the column that tells rows apart holds.

        Raises:
            BadRowError: The row cannot be read, or holds nothing there.
        """
        if row.fault:
            raise BadRowError(row.fault)
        if (found := self.word(row.cells, column)) is None:
            raise BadRowError(f"{column} is empty")
        return found

    def word(self, cells: Cells, column: str) -> str | None:
        """What the column holds; None where it is missing."""
        found = cells[self._place[column]]
        return None if found in self._missing else found

    def instant(self, cells: Cells, column: str, before: str = "") -> datetime | None:
        """The instant that the column holds, read with ``before`` in front of it; None where it is missing.

        Raises:
            BadRowError: It holds something else.
        """
        if (found := self.word(cells, column)) is None:
            return None
        try:
            return self._instant(before + found)
        except ValueError as error:
            raise BadRowError(f"{column}: {shown(before + found)} {error}") from error

    def required_instant(self, cells: Cells, column: str, before: str = "") -> datetime:
        """The instant that the column holds, as ``instant`` has it.

        Raises:
            BadRowError: It is missing, or no date.
        """
        if (at := self.instant(cells, column, before)) is None:
            raise BadRowError(f"{column} is empty")
        return at

    def reject(self, row: Row, reason: object) -> Reject:
        """The row as a rejected one."""
        cells = [*row.cells, *[""] * (len(self._header) - len(row.cells))]
        return Reject(row.line, str(reason), dict(zip(self._header, cells, strict=False)))

    def readers(self, values: Mapping[str, Value], codes: Mapping[str, Iterable[str]]) -> Readers:
        """A reader for each field; ``codes`` are what a field takes where the mapping has no table of words for it."""
        return [(field, self._reader(value, codes.get(field))) for field, value in values.items()]

    def _reader(self, value: Value, codes: Iterable[str] | None) -> Reader:
        if value.column is None:
            return lambda _: value.constant
        table = value.values if value.values is not None or codes is None else {code: code for code in codes}
        return _column_reader(value.column, self._place[value.column], self._missing, table, value.default)


def _column_reader(
    column: str, place: int, missing: frozenset[str], table: dict[str, str] | None, default: str | None
) -> Reader:
    def read(cells: Cells) -> str | None:
        raw = cells[place]
        if raw in missing:
            return default
        if table is None:
            return raw
        code = table.get(raw, default)
        if code is None:
            raise BadRowError(f"{column}: {shown(raw)} is not one of the mapping's values")
        return code

    return read


def filled(readers: Readers, cells: Cells) -> dict[str, Any]:
    """The values of a row, without those that are missing.

    Raises:
        BadRowError: A word is not one of the mapping's.
    """
    return {field: found for field, read in readers if (found := read(cells)) is not None}


def shown(value: object) -> str:
    """A value as a reason quotes it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def refused(error: ValidationError) -> BadRowError:
    """Why a payload does not take a row's value."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return BadRowError(f"{place}: {shown(first['input'])}: {first['msg']}")
