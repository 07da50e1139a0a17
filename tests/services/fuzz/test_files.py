"""Spoilt files: each is taken or refused with a line and a cure, none breaks anything, nothing is kept.

``make fuzz`` sends tens of thousands, the usual run a few hundred of the same. What an import would write is written
and taken back, so that what only a database refuses is found as well.
"""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bihuan.inbound.mapping import Mapping
from bihuan.inbound.roster import read_book
from bihuan.inbound.spreadsheet import read_complaints
from bihuan.inbound.survey import read_answers
from bihuan.inbound.survey_mapping import load_survey_mapping
from bihuan.notify.words import words
from bihuan.report.plan_workbook import xlsx
from bihuan.services.answer import write_answers
from bihuan.services.intake import take_in
from bihuan.services.plan_book import plan_book
from bihuan.services.plan_import import import_plan
from bihuan.services.roster import save_book
from schemas.complaint import ComplaintIn

DESK = {
    "source": "desk",
    "dates": {"formats": "iso", "timezone": "Asia/Shanghai"},
    "fields": {"external_id": "Number", "registered_at": "Received", "title": "Subject", "matter": "Said",
               "severity": {"column": "Grave", "values": {"urgent": "urgent"}, "default": "general"},
               "customer": {"external_id": "Who", "name": "Who"}, "region": "Town", "product": "What"},
    "attributes": ["Branch"],
    "events": [{"kind": "handled", "at": "Done"}],
    "deadlines": {"handled": {"column": "Due"}},
}  # fmt: skip
ROWS = [["Number", "Received", "Subject", "Said", "Grave", "Who", "Town", "What", "Branch", "Done", "Due"],
        ["1001", "2026-11-03T09:12", "Charged twice", "两次扣款", "urgent", "Li Na", "北京", "卡", "East",
         "2026-11-04T16:40", "2026-11-05T09:12"],
        ["1002", "2026-11-03T10:05", "Late, again", "", "", "", "", "", "", "", ""]]  # fmt: skip
LOG = {
    "source": "log", "dates": {"formats": "iso", "timezone": "UTC"},
    "fields": {"external_id": "Number", "registered_at": "Received", "title": "Subject"},
    "event_log": {"at": "Done", "state": "Grave", "states": {"urgent": "registered", "": "handled"}},
}  # fmt: skip
ANSWERS = [["Number", "Day", "Overall", "Again"], ["1", "2026-11-03", "5", "0"], ["2", "2026-11-04", "9", "11"]]
SURVEY = """\
source: mall
dates: {timezone: Asia/Shanghai}
fields:
  external_id: Number
  answered_at: Day
  csat: {column: Overall, valid: [1, 2, 3, 4, 5], blank: 9}
  nps: {column: Again, valid: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], blank: [11, "-"]}
"""
STAFF = [["code", "name", "department", "is_head", "roles", "substitute", "contact_url", "quiet", "language"],
         ["li", "李", "service", "yes", "operator", "", "mailto:li@example.com", "22:00-07:00", "zh"],
         ["wang", "Wang", "product", "no", "", "li", "json://hooks.example.com/x", "none", "en"]]  # fmt: skip


def sizes(short: int, long: int) -> Any:
    return pytest.mark.parametrize("count", [short, pytest.param(long, marks=pytest.mark.fuzz)])


@sizes(60, 16_000)
def test_spoilt_files_of_complaints(office: Any, spoiler: Any, outcomes: Any, undone: Any, count: int) -> None:
    office.department("service")
    mappings = [Mapping.model_validate(it) for it in (DESK, DESK, LOG)]

    def act() -> None:
        found = list(read_complaints(spoiler.text_file(ROWS), spoiler.dice.choice(mappings)))
        good = [one for one in found if isinstance(one, ComplaintIn)]
        undone(lambda session: take_in(session, office.policy, office.settings, office.clock, good))

    assert outcomes(count, act) == {"taken", "refused"}


@sizes(60, 10_000)
def test_spoilt_files_of_answers(
    office: Any, spoiler: Any, outcomes: Any, undone: Any, count: int, tmp_path: Path
) -> None:
    mapping = load_survey_mapping(spoiler.file("yaml", SURVEY.encode()))

    def act() -> None:
        found = [row.answer for row in read_answers(spoiler.text_file(ANSWERS), mapping) if row.answer]
        undone(lambda session: write_answers(session, office.clock, found))

    assert outcomes(count, act) == {"taken", "refused"}


@sizes(40, 6_000)
def test_spoilt_staff_books(office: Any, spoiler: Any, outcomes: Any, undone: Any, count: int) -> None:
    def act() -> None:
        book = read_book(spoiler.text_file(STAFF))
        undone(lambda session: save_book(session, office.policy, book, "secret", office.at))

    assert outcomes(count, act) == {"taken", "refused"}


@sizes(10, 400)
def test_spoilt_plan_tables(works: Any, spoiler: Any, outcomes: Any, undone: Any, count: int) -> None:
    works.approved()
    with works.office.db.read() as session:
        told = plan_book(session, works.office.policy, works.office.clock, "PDCA-2026-11")
    whole = xlsx(told, words("en"))

    def act() -> None:
        file = spoiler.parcel(whole) if spoiler.dice.random() < 0.5 else spoiler.parcel(_edited(whole, spoiler))
        undone(lambda session: import_plan(
            session, works.office.policy, works.office.clock, file, "li", is_dry_run=spoiler.dice.random() < 0.3,
        ))  # fmt: skip

    assert outcomes(count, act) == {"taken", "refused"}


def _edited(whole: bytes, spoiler: Any) -> bytes:
    """The workbook with some cells that nobody expects."""
    book, made = openpyxl.load_workbook(BytesIO(whole)), BytesIO()
    for _ in range(spoiler.dice.randint(1, 8)):
        page = spoiler.dice.choice(book.worksheets)
        row, column = spoiler.dice.randint(1, page.max_row + 2), spoiler.dice.randint(1, page.max_column + 1)
        with suppress(AttributeError):  # part of a merged cell
            page.cell(row, column).value = spoiler.cell()
    book.save(made)
    return made.getvalue()
