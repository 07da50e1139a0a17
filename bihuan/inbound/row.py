"""From the cells of one row to a complaint, by a mapping that was fitted to a file's header once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from bihuan.inbound.instant import instant_reader
from bihuan.inbound.mapping import CODES, Mapping, Value
from bihuan.inbound.table import Row
from schemas.complaint import ComplaintIn, EventKind

_SHOWN = 80
"""Characters of a value that a reason quotes."""
_IDENTIFIES = {"external_id", "name", "contact_url"}

Cells = Sequence[str]
_Reader = Callable[[Cells], str | None]


class Reject(NamedTuple):
    """A row that was not taken: where it stands, why, and what it holds by column."""

    line: int
    reason: str
    row: dict[str, str]


class BadRowError(ValueError):
    """A row cannot be taken; the message is the reason, on one line."""


class Happening(NamedTuple):
    """Something the file says has happened."""

    kind: EventKind
    at: datetime
    data: dict[str, Any]
    """What the file says with it."""


class RowReader:
    """A mapping fitted to a header: positions instead of names, codes looked up instead of checked.

    Args:
        mapping: How to read; its columns are all in ``header``.
        header: The file's columns.
    """

    def __init__(self, mapping: Mapping, header: Sequence[str]) -> None:
        self._mapping = mapping
        self._header = header
        self._place = {column: place for place, column in enumerate(header)}
        self._missing = mapping.missing | {""}
        self._instant = instant_reader(mapping.dates)
        self._fields = self._readers(mapping.fields.origins())
        self._customer = self._readers(mapping.fields.customer.origins())
        self._attributes = [(a.column, self._place[a.column], a.since) for a in mapping.attributes]

    def identity(self, row: Row) -> str:
        """The source's own number of the complaint.

        Raises:
            BadRowError: The row cannot be read, or has none.
        """
        if row.fault:
            raise BadRowError(row.fault)
        if (found := self.word(row.cells, self._mapping.fields.external_id)) is None:
            raise BadRowError(f"{self._mapping.fields.external_id} is empty")
        return found

    def word(self, cells: Cells, column: str) -> str | None:
        """What the column holds; None where it is missing."""
        found = cells[self._place[column]]
        return None if found in self._missing else found

    def instant(self, cells: Cells, column: str) -> datetime | None:
        """The instant that the column holds; None where it is missing.

        Raises:
            BadRowError: It holds something else.
        """
        if (found := self.word(cells, column)) is None:
            return None
        try:
            return self._instant(found)
        except ValueError as error:
            raise BadRowError(f"{column}: {_shown(found)} {error}") from error

    def required_instant(self, cells: Cells, column: str) -> datetime:
        """The instant that the column holds.

        Raises:
            BadRowError: It is missing, or no date.
        """
        if (at := self.instant(cells, column)) is None:
            raise BadRowError(f"{column} is empty")
        return at

    def happenings(self, cells: Cells) -> Iterator[Happening]:
        """The events that the row's columns date, in the mapping's order.

        Raises:
            BadRowError: A date is none, or a verdict no word that the mapping knows.
        """
        for event in self._mapping.events:
            if all(cells[self._place[column]] in words for column, words in event.when.items()):
                at = self.instant(cells, event.at)
                if at is not None:
                    yield Happening(event.kind, at, self.said(cells, event.kind))

    def said(self, cells: Cells, kind: EventKind) -> dict[str, Any]:
        """What the row says with an event of this kind: ``on_time``, where that brings the source's verdict.

        Raises:
            BadRowError: The verdict is no word that the mapping knows.
        """
        verdict = self._mapping.verdict
        if verdict is None or verdict.since is not kind or (found := self.word(cells, verdict.column)) is None:
            return {}
        if found not in verdict.on_time | verdict.late:
            raise BadRowError(f"{verdict.column}: {_shown(found)} is neither on time nor late in the mapping")
        return {"on_time": found in verdict.on_time}

    def complaint(
        self, external_id: str, cells: Cells, happenings: Iterable[Happening], as_of: datetime | None
    ) -> ComplaintIn | None:
        """The complaint that a row describes, with the happenings as its events.

        Args:
            external_id: The source's own number of it.
            cells: The row.
            happenings: What is known to have happened after registration.
            as_of: Whatever happened after this instant is left out; None: nothing is.

        Returns:
            The complaint, or None when it was registered after ``as_of``.

        Raises:
            BadRowError: A value is not one that the field can have.
        """
        registered_at = self.required_instant(cells, self._mapping.fields.registered_at)
        if as_of is not None and registered_at > as_of:
            return None
        events = [event for event in happenings if as_of is None or event.at <= as_of]
        known = None if as_of is None else {event.kind for event in events}
        payload = {
            "source": self._mapping.source,
            "external_id": external_id,
            "registered_at": registered_at,
            "customer": self._complainant(cells),
            "deadlines": self._deadlines(cells),
            "attributes": self._kept(cells, known),
            "events": [{"kind": kind, "occurred_at": at, "data": data} for kind, at, data in events],
            **_filled(self._fields, cells),
        }
        try:
            return ComplaintIn.model_validate(payload)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BadRowError(f"{place}: {_shown(first['input'])}: {first['msg']}") from error

    def reject(self, row: Row, reason: object) -> Reject:
        """The row as a rejected one."""
        cells = [*row.cells, *[""] * (len(self._header) - len(row.cells))]
        return Reject(row.line, str(reason), dict(zip(self._header, cells, strict=False)))

    def _complainant(self, cells: Cells) -> dict[str, Any] | None:
        """What is known of the person; None where nothing tells one from another."""
        known = _filled(self._customer, cells)
        return known if known.keys() & _IDENTIFIES else None

    def _deadlines(self, cells: Cells) -> dict[str, datetime | None] | None:
        if self._mapping.deadlines is None:
            return None
        promised: dict[str, datetime | None] = {}
        for milestone, column in self._mapping.deadlines.items():
            if column is None:
                promised[milestone] = None
            elif due := self.instant(cells, column):
                promised[milestone] = due
        return promised

    def _kept(self, cells: Cells, known: set[EventKind] | None) -> dict[str, Any]:
        """The attributes that have a value, without those whose event is not yet known to have happened."""
        return {
            column: cells[place]
            for column, place, since in self._attributes
            if cells[place] not in self._missing and (known is None or since is None or since in known)
        }

    def _readers(self, values: dict[str, Value]) -> list[tuple[str, _Reader]]:
        return [(field, self._reader(value, CODES.get(field))) for field, value in values.items()]

    def _reader(self, value: Value, codes: Any) -> _Reader:
        if value.column is None:
            return lambda _: value.constant
        table = value.values if value.values is not None or codes is None else {code: code for code in codes}
        return _column_reader(value.column, self._place[value.column], self._missing, table, value.default)


def _column_reader(
    column: str, place: int, missing: frozenset[str], table: dict[str, str] | None, default: str | None
) -> _Reader:
    def read(cells: Cells) -> str | None:
        raw = cells[place]
        if raw in missing:
            return default
        if table is None:
            return raw
        code = table.get(raw, default)
        if code is None:
            raise BadRowError(f"{column}: {_shown(raw)} is not one of the mapping's values")
        return code

    return read


def _filled(readers: list[tuple[str, _Reader]], cells: Cells) -> dict[str, Any]:
    return {field: found for field, read in readers if (found := read(cells)) is not None}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
