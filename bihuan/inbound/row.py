"""From the cells of one row to a complaint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from bihuan.inbound.cell import BadRowError, CellReader, Cells, filled, refused, shown
from bihuan.inbound.mapping import CODES, Mapping
from bihuan.inbound.table import Row
from schemas.complaint import ComplaintIn, EventKind

_IDENTIFIES = {"external_id", "name", "contact_url"}


class Happening(NamedTuple):
    """Something the file says has happened."""

    kind: EventKind
    at: datetime
    data: dict[str, Any]
    """What the file says with it."""


class RowReader(CellReader):
    """Rows of complaints by their mapping.

    Args:
        mapping: How to read; its columns are all in ``header``.
        header: The file's columns.
    """

    def __init__(self, mapping: Mapping, header: Sequence[str]) -> None:
        super().__init__(mapping, header)
        self._mapping = mapping
        self._fields = self.readers(mapping.fields.origins(), CODES)
        self._customer = self.readers(mapping.fields.customer.origins(), CODES)
        self._attributes = [(a.column, self._place[a.column], a.since) for a in mapping.attributes]

    def identity(self, row: Row) -> str:
        """The source's own number of the complaint.

        Raises:
            BadRowError: The row cannot be read, or has none.
        """
        return self.named(row, self._mapping.fields.external_id)

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
            raise BadRowError(f"{verdict.column}: {shown(found)} is neither on time nor late in the mapping")
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
            **filled(self._fields, cells),
        }
        try:
            return ComplaintIn.model_validate(payload)
        except ValidationError as error:
            raise refused(error) from error

    def _complainant(self, cells: Cells) -> dict[str, Any] | None:
        """What is known of the person; None where nothing tells one from another."""
        known = filled(self._customer, cells)
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
