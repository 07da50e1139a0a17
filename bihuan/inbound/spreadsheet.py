"""Complaints out of a file: one row each, or an event log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bihuan.clock import as_utc
from bihuan.inbound.cell import BadRowError, Reject
from bihuan.inbound.event_log import read_log
from bihuan.inbound.mapping import Mapping
from bihuan.inbound.row import RowReader
from bihuan.inbound.source import open_source
from bihuan.inbound.table import Row, count_rows
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
    table = open_source(file, mapping)
    reader = RowReader(mapping, table.header)
    instant = None if as_of is None else as_utc(as_of)
    if mapping.event_log is None:
        return _one_a_row(table.rows, reader, instant)
    return read_log(lambda: open_source(file, mapping).rows, reader, mapping.event_log, as_of=instant)


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
