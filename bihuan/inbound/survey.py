"""Answers out of a foreign survey's file: one row each, blanks left blank, unreadable codes told and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from bihuan.inbound.cell import BadRowError, CellReader, Cells, Reject, filled, refused, shown
from bihuan.inbound.source import open_source
from bihuan.inbound.survey_mapping import SurveyMapping
from bihuan.inbound.table import Row
from bihuan.rules.satisfaction import is_negative, satisfaction_index
from schemas.answer import AnswerIn


class AnswerRow(NamedTuple):
    """What became of one row of the file."""

    answer: AnswerIn | None
    """None: the row was not taken."""
    faults: tuple[Reject, ...]
    """Why it was not taken; or the codes that could not be read, without which it was."""


def read_answers(file: Path, mapping: SurveyMapping) -> Iterator[AnswerRow]:
    """The answers in ``file``, in its order, as a stream.

    A code that is neither valid nor blank leaves its question unanswered and is a fault; the rest of the row is taken.
    A row without an id, a date that can be read, or a weight of 0 or more is not taken: nobody could tell whose it is,
    where it belongs, or how much it counts. The same external id twice comes out twice.

    Args:
        file: CSV, CSV.gz, XLSX or JSON lines, told apart by suffix.
        mapping: How to read it.

    Raises:
        UsageError: The file cannot be read to its end, lacks a column that the mapping names, or the mapping's own
            instant is none.
    """
    table = open_source(file, mapping)
    reader = AnswerReader(mapping, table.header)
    return (reader.read(row) for row in table.rows)


class AnswerReader(CellReader):
    """Rows of answers by their mapping.

    Args:
        mapping: How to read; its columns are all in ``header``.
        header: The file's columns.
    """

    def __init__(self, mapping: SurveyMapping, header: Sequence[str]) -> None:
        super().__init__(mapping, header)
        self._mapping = mapping
        said = {"comment": mapping.fields.comment, "language": mapping.fields.language}
        self._texts = self.readers({name: value for name, value in said.items() if value}, {})
        self._questions = [
            (name, question.column, self._place[question.column], question.codes(), question.blank | self._missing)
            for _, name, question in mapping.questions()
        ]
        self._dimensions = {name: aspect.dimension() for name, aspect in mapping.dimensions.items()}

    def read(self, row: Row) -> AnswerRow:
        """The answer of a row, or why there is none."""
        try:
            external_id = self.named(row, self._mapping.fields.external_id)
            values, unread = self._values(row.cells)
            answer = AnswerIn.model_validate(self._payload(external_id, row.cells, values))
        except ValidationError as error:
            return AnswerRow(None, (self.reject(row, refused(error)),))
        except BadRowError as reason:
            return AnswerRow(None, (self.reject(row, reason),))
        return AnswerRow(answer, tuple(self.reject(row, reason) for reason in unread))

    def _values(self, cells: Cells) -> tuple[dict[str, Any], list[str]]:
        """What was answered, by question, and what is wrong with the codes that could not be read."""
        values: dict[str, Any] = {}
        unread: list[str] = []
        for name, column, place, codes, blank in self._questions:
            raw = cells[place]
            if raw in codes:
                values[name] = codes[raw]
            elif raw not in blank:
                unread.append(f"{column}: {shown(raw)} is neither a valid code nor blank; taken without {name}")
        return values, unread

    def _payload(self, external_id: str, cells: Cells, values: Mapping[str, Any]) -> dict[str, Any]:
        csat, nps, is_solved = (values.get(name) for name in ("csat", "nps", "solved"))
        scores = {name: values[name] for name in self._dimensions if name in values}
        index = satisfaction_index(scores, self._dimensions)
        return {
            "source": self._mapping.source,
            "external_id": external_id,
            "answered_at": self._answered_at(cells),
            "csat": csat,
            "nps": nps,
            "is_solved": is_solved,
            "index": index and index.value,
            "index_weight": index and index.answered_ratio,
            "weight": self._weight(cells),
            "is_negative": is_negative(csat, nps, is_solved, **self._mapping.negative.model_dump()),
            "values": values,
            **filled(self._texts, cells),
        }

    def _answered_at(self, cells: Cells) -> datetime:
        moment = self._mapping.fields.answered_at
        if moment.column is None:
            return self._instant(str(moment.constant))
        return self.required_instant(cells, moment.column, moment.before)

    def _weight(self, cells: Cells) -> float:
        column = self._mapping.fields.weight
        if column is None:
            return 1.0
        if (found := self.word(cells, column)) is None:
            raise BadRowError(f"{column} is empty")
        try:
            weight = float(found)
        except ValueError:
            weight = -1.0
        if not isfinite(weight) or weight < 0:
            raise BadRowError(f"{column}: {shown(found)} is no weight of 0 or more")
        return weight
