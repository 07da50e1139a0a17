"""Complaints out of a file: one row each, or an event log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bihuan.clock import as_utc
from bihuan.errors import UsageError
from bihuan.inbound.event_log import read_log
from bihuan.inbound.mapping import Mapping
from bihuan.inbound.row import BadRowError, Reject, RowReader
from bihuan.inbound.table import Row, Table, count_rows, open_table
from schemas.complaint import ComplaintIn

__all__ = ["Reject", "count_rows", "read_complaints"]


def read_complaints(file: Path, mapping: Mapping, *, as_of: datetime | None = None) -> Iterator[ComplaintIn | Reject]:
    """The complaints in ``file``, in its order, as a stream.

    What is wrong with the file as a whole is raised by the call itself; once the stream runs, a row that cannot be
    taken comes out as a ``Reject`` and the others go on. A file with rows of an event log gives a complaint when its
    last row has been read. The same external id twice comes out twice. An event dated before registration stays so.

    Args:
        file: CSV, CSV.gz, XLSX or JSON lines, told apart by suffix.
        mapping: How to read it.
        as_of: Takes nothing that happened after this instant: neither complaints registered later nor later events.
            A due instant counts as known at registration.

    Raises:
        UsageError: The file cannot be read to its end, or lacks a column that the mapping names.
    """
    table = _open(file, mapping)
    reader = RowReader(mapping, table.header)
    instant = None if as_of is None else as_utc(as_of)
    if mapping.event_log is None:
        return _one_a_row(table.rows, reader, instant)
    return read_log(lambda: _open(file, mapping).rows, reader, mapping.event_log, as_of=instant)


def _one_a_row(rows: Iterator[Row], reader: RowReader, as_of: datetime | None) -> Iterator[ComplaintIn | Reject]:
    for row in rows:
        try:
            number = reader.identity(row)
            complaint = reader.complaint(number, row.cells, reader.happenings(row.cells), as_of)
        except BadRowError as reason:
            yield reader.reject(row, reason)
        else:
            if complaint is not None:
                yield complaint


def _open(file: Path, mapping: Mapping) -> Table:
    """The table in ``file``, with every column that the mapping reads exactly once."""
    table = open_table(file, encoding=mapping.encoding, delimiter=mapping.delimiter, sheet=mapping.sheet)
    for at, column in mapping.columns():
        if column not in table.header:
            raise UsageError(
                f"{file} has no column {column!r}, which the mapping reads as {'.'.join(map(str, at))}",
                cure=f"correct the mapping; the file's columns are: {', '.join(table.header)}",
            )
        if table.header.count(column) > 1:
            raise UsageError(
                f"{file} has {table.header.count(column)} columns {column!r}",
                cure="rename all but one of them in the file",
            )
    return table
