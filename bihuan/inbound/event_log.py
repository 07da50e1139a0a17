"""Event logs: files with several rows a complaint, each saying how it stood from an instant on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from bihuan.inbound.cell import BadRowError, Reject
from bihuan.inbound.history import STAGES, EventLog
from bihuan.inbound.row import Happening, RowReader
from bihuan.inbound.table import Row
from schemas.complaint import ComplaintIn, EventKind

_RANK = {kind: rank for rank, kind in enumerate(STAGES)}
_DONE = _RANK[EventKind.HANDLED]


class LogRow(NamedTuple):
    """One row of a log, as far as it moves a complaint on."""

    at: datetime
    stage: EventKind
    reopenings: int | None
    """How often the source says it was reopened; None where it does not count."""
    said: dict[str, Any]
    """What the row says with the event of its stage."""
    waits_for: str
    """The state, where it is one of waiting; else empty."""
    row: Row


def happenings(log: Sequence[LogRow]) -> list[Happening]:
    """What the changes of state mean.

    Args:
        log: The rows of one complaint, in the order of time.

    Returns:
        In the order of time: one event each time a stage is reached that lies further than any before it, one
        ``reopened`` where work goes on after handling, and the waits until handling. A step back that is none of
        these says nothing new.
    """
    found: list[Happening] = []
    reached, counted, waits_for = 0, log[0].reopenings, ""
    for entry, is_settled in zip(log, _settled(log), strict=True):
        rank = _RANK[entry.stage]
        if rank > reached:
            found.append(Happening(entry.stage, entry.at, entry.said))
            reached = rank
        elif rank < _DONE <= reached and (counted is None or (entry.reopenings or 0) > counted):
            found.append(Happening(EventKind.REOPENED, entry.at, {}))
            reached, counted = rank, entry.reopenings
        elif entry.said and found[-1][:2] == (entry.stage, entry.at):
            found[-1] = Happening(entry.stage, entry.at, entry.said)
        if reached >= _DONE:
            waits_for = ""
        elif is_settled and entry.waits_for != waits_for:
            found.append(_turn(entry))
            waits_for = entry.waits_for
    return found


def _settled(log: Sequence[LogRow]) -> Iterator[bool]:
    """Which rows are the last of their instant: waits that end when they begin are none."""
    for entry, following in pairwise(log):
        yield entry.at < following.at
    yield True


def _turn(entry: LogRow) -> Happening:
    """The wait that the row begins, or the end of the one before it."""
    if entry.waits_for:
        return Happening(EventKind.WAITING, entry.at, {"reason": entry.waits_for})
    return Happening(EventKind.RESUMED, entry.at, {})


def read_log(
    walk: Callable[[], Iterator[Row]], reader: RowReader, log: EventLog, *, as_of: datetime | None
) -> Iterator[ComplaintIn | Reject]:
    """Each complaint as its last row describes it, given when that row has been read.

    The file is walked twice: the first time only counts each complaint's rows. So memory holds no more than the
    complaints whose rows are spread out over what is being read.

    Args:
        walk: Starts a walk over the file's rows.
        reader: The mapping, fitted to the file.
        log: Which columns hold the instant and the state.
        as_of: Rows from after this instant are not looked at; None: all are.
    """
    left = Counter(_identity(reader, row) for row in walk())
    open_logs: defaultdict[str, list[LogRow]] = defaultdict(list)
    for row in walk():
        try:
            number = reader.identity(row)
        except BadRowError as reason:
            yield reader.reject(row, reason)
            continue
        try:
            if (entry := _entry(reader, log, row, as_of)) is not None:
                open_logs[number].append(entry)
        except BadRowError as reason:
            yield reader.reject(row, reason)
        left[number] -= 1
        if not left[number] and (entries := open_logs.pop(number, None)):
            yield from _complaint(reader, number, entries, as_of)


def _identity(reader: RowReader, row: Row) -> str:
    try:
        return reader.identity(row)
    except BadRowError:
        return ""


def _entry(reader: RowReader, log: EventLog, row: Row, as_of: datetime | None) -> LogRow | None:
    at = reader.required_instant(row.cells, log.at)
    if as_of is not None and at > as_of:
        return None
    state = reader.word(row.cells, log.state) or ""
    if state not in log.states:
        raise BadRowError(f"{log.state}: {state[:80]!r} is not one of the mapping's states")
    stage = log.states[state]
    said = reader.said(row.cells, stage)
    return LogRow(at, stage, _count(reader, log.reopen_count, row), said, state if state in log.waiting else "", row)


def _count(reader: RowReader, column: str | None, row: Row) -> int | None:
    if column is None:
        return None
    found = reader.word(row.cells, column) or "0"
    if not (found.isascii() and found.isdigit() and len(found) < 10):  # noqa: PLR2004 - no source reopens so often
        raise BadRowError(f"{column}: {found[:80]!r} is not a count")
    return int(found)


def _complaint(
    reader: RowReader, number: str, entries: list[LogRow], as_of: datetime | None
) -> Iterator[ComplaintIn | Reject]:
    entries.sort(key=lambda entry: entry.at)  # stable: rows of one instant stay in the file's order
    last = entries[-1].row
    try:
        complaint = reader.complaint(number, last.cells, happenings(entries), as_of)
    except BadRowError as reason:
        yield reader.reject(last, reason)
    else:
        if complaint is not None:
            yield complaint
