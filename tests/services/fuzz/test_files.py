"""Spoilt files and policies: each is taken or refused with a line and a cure, none breaks anything, nothing is kept.

``make fuzz`` sends tens of thousands, the usual run a few hundred of the same. What an import would write is written
and taken back, so that what only a database refuses is found as well.
"""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from sqlalchemy import select

from bihuan.errors import BihuanError, UnavailableError
from bihuan.inbound.mapping import Mapping, load_mapping
from bihuan.inbound.roster import read_book
from bihuan.inbound.spreadsheet import read_complaints
from bihuan.inbound.survey import read_answers
from bihuan.inbound.survey_mapping import load_survey_mapping
from bihuan.notify.words import words
from bihuan.policy.document import read_document
from bihuan.policy.loader import DEFAULTS, SECTIONS, PolicyFile, parse
from bihuan.report.plan_workbook import xlsx
from bihuan.services.answer import write_answers
from bihuan.services.intake import take_in
from bihuan.services.plan_book import plan_book
from bihuan.services.plan_import import import_plan
from bihuan.services.roster import save_book
from schemas.complaint import ComplaintIn
from schemas.tables import METADATA

SEED = 20261126
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "mappings"
TOKENS = ("", "=1+1", "'", '"', '""', ",", "\n", "\r", "\t", "\0", "\ud800", "\ufeff", "\u202e", "😀" * 40, "９", "٣",
          "-1", "1e309", "NaN", "0001-01-01", "9999-12-31T23:59:59+14:00", "2026-02-30", "2026-11-16T25:00",
          "2026-03-29T02:30", "x" * 5000, "' OR 1=1 --", "<script>", "{{7*7}}", "%s%n", "null", "true", "[]", "{}",
          "?", "&a", "*a", "!!python/object:os.system", "../../etc/passwd", "mailto:", "tel:",
          "json://127.0.0.1")  # fmt: skip
VALUES = (None, True, -1, 0, 1, 2**63, 10**30, 1.5, -0.0, 1e308, "", "x", "yes", "2026-11-16", "24:00", "25:99", "P1D",
          [], {}, [None], [[]], {"": None}, {"x": {}}, ["x"] * 50)  # fmt: skip
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


class Spoiler:
    """Spoils bytes, tables, documents and workbooks, always the same from one seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice, self.folder = random.Random(seed), folder

    def raw(self, raw: bytes) -> bytes:
        """Bytes in which a few were turned, cut out, repeated or put in."""
        made = bytearray(raw)
        for _ in range(self.dice.choice((1, 1, 2, 5))):
            at = self.dice.randint(0, len(made))
            until = min(len(made), at + self.dice.choice((0, 1, 1, 4, 60)))
            match self.dice.randrange(5):
                case 0:
                    made[at:until] = self.dice.randbytes(self.dice.randint(0, 8))
                case 1:
                    del made[at:until]
                case 2:
                    made[at:at] = made[at:until] * self.dice.choice((1, 2, 50))
                case 3:
                    made[at:until] = self.token().encode("utf-8", "surrogatepass")
                case _:
                    made = made[: max(1, until)] if self.dice.random() < 0.3 else made
        return bytes(made)

    def token(self) -> str:
        return self.dice.choice(TOKENS)

    def table(self, rows: list[list[str]]) -> list[list[Any]]:
        """The rows with some cells that nobody expects."""
        made = [list(row) for row in rows]
        for _ in range(self.dice.randint(1, 6)):
            row = self.dice.choice(made[0 if self.dice.random() < 0.1 else 1 :])
            row[self.dice.randrange(len(row))] = self.token()
        return made if self.dice.random() < 0.9 else [row[: self.dice.randint(0, 5)] for row in made]

    def tree(self, node: Any, depth: int = 0) -> Any:
        """The document with a node or two that mean something else."""
        if depth and self.dice.random() < 0.04:
            return self.dice.choice(VALUES) if self.dice.random() < 0.7 else self.token()
        if isinstance(node, dict):
            made = {key: self.tree(value, depth + 1) for key, value in node.items() if self.dice.random() > 0.01}
            return made | ({self.token(): self.dice.choice(VALUES)} if self.dice.random() < 0.02 else {})
        if isinstance(node, list):
            return [self.tree(one, depth + 1) for one in node] * (2 if self.dice.random() < 0.01 else 1)
        return node

    def text_file(self, rows: list[list[str]]) -> Path:
        """A CSV, compressed or not, a file of JSON lines or a workbook."""
        kind = self.dice.choice(("csv", "csv", "raw", "csv.gz", "jsonl", "xlsx"))
        made = self.table(rows)
        if kind == "xlsx":
            return self.workbook(made)
        if kind == "jsonl":
            lines = [self.tree(dict(zip(rows[0], row, strict=False))) for row in made[1:]]
            content = "\n".join(json.dumps(line) for line in lines).encode()
            return self.file("jsonl", content if self.dice.random() < 0.7 else self.raw(content))
        content = "\n".join(",".join(map(self._cell, row)) for row in made).encode("utf-8", "surrogatepass")
        if kind == "csv.gz":
            packed = gzip.compress(content)
            return self.file(kind, packed if self.dice.random() < 0.5 else self.raw(packed))
        return self.file("csv", self.raw(content) if kind == "raw" else content)

    def _cell(self, cell: str) -> str:
        quoted = cell.replace('"', '""')
        return f'"{quoted}"' if self.dice.random() < 0.7 else cell

    def workbook(self, rows: list[list[Any]]) -> Path:
        """A workbook of these rows, or with one of its parts spoilt."""
        book, made = openpyxl.Workbook(), BytesIO()
        for row in rows:
            book.active.append([_bearable(cell) for cell in row])
        book.save(made)
        return self.parcel(made.getvalue())

    def parcel(self, content: bytes) -> Path:
        """A ZIP in which a part was spoilt, or the whole of it."""
        how = self.dice.random()
        if how < 0.2:
            return self.file("xlsx", self.raw(content))
        if how < 0.5:
            return self.file("xlsx", content)
        made = BytesIO()
        with zipfile.ZipFile(BytesIO(content)) as was, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as now:
            names = was.namelist()
            wrong = self.dice.choice(names)
            for name in names:
                if name != wrong or self.dice.random() < 0.9:
                    now.writestr(name, self.raw(was.read(name)) if name == wrong else was.read(name))
        return self.file("xlsx", made.getvalue())

    def file(self, suffix: str, content: bytes) -> Path:
        file = self.folder / f"spoilt.{suffix}"
        file.write_bytes(content)
        return file

    def yaml(self, text: str) -> bytes:
        """A YAML document spoilt as a text, or in what it says."""
        if self.dice.random() < 0.4:
            return self.raw(text.encode())
        said = self.tree(read_document("x.yaml", text.encode()).content)
        return yaml.safe_dump(said, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _bearable(cell: Any) -> Any:
    """What openpyxl itself writes; it refuses some characters."""
    text = str(cell).encode("utf-8", "replace").decode()
    return "".join(sign for sign in text if sign >= " ")


# --- what is done with them ---


class UndoneError(Exception):
    """Takes back what was written."""


def everything(db: Any) -> dict[str, list[str]]:
    with db.read() as session:
        return {name: sorted(map(repr, session.execute(select(table)))) for name, table in METADATA.tables.items()}


def undone(office: Any, act: Callable[[Any], Any]) -> None:
    """Do it in a transaction that is taken back."""
    with suppress(UndoneError), office.db.write() as session:
        act(session)
        raise UndoneError


@pytest.fixture
def spoiler(tmp_path: Path) -> Spoiler:
    return Spoiler(SEED, tmp_path)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What only PostgreSQL refuses, the pages are tried with."""
    return sqlite_url


@pytest.fixture
def survive(office: Any) -> Callable[[int, Callable[[], Any]], None]:
    """Does something so many times: it is taken or refused, and afterwards every row is as it was."""

    def often(count: int, act: Callable[[], Any]) -> None:
        before, seen = everything(office.db), Counter[str]()
        for number in range(count):
            try:
                act()
                seen["taken"] += 1
            except UnavailableError as error:
                pytest.fail(f"number {number}: {error}")
            except BihuanError:
                seen["refused"] += 1
            except Exception as error:
                error.add_note(f"number {number}")
                raise
        assert everything(office.db) == before
        assert seen.keys() == {"taken", "refused"}

    return often


def sizes(short: int, long: int) -> Any:
    return pytest.mark.parametrize("count", [short, pytest.param(long, marks=pytest.mark.fuzz)])


@sizes(60, 16_000)
def test_spoilt_files_of_complaints(office: Any, spoiler: Spoiler, survive: Any, count: int) -> None:
    office.department("service")
    mappings = [Mapping.model_validate(it) for it in (DESK, DESK, LOG)]

    def act() -> None:
        found = list(read_complaints(spoiler.text_file(ROWS), spoiler.dice.choice(mappings)))
        good = [one for one in found if isinstance(one, ComplaintIn)]
        undone(office, lambda session: take_in(session, office.policy, office.settings, office.clock, good))

    survive(count, act)


@sizes(60, 10_000)
def test_spoilt_files_of_answers(office: Any, spoiler: Spoiler, survive: Any, count: int, tmp_path: Path) -> None:
    (tmp_path / "survey.yaml").write_text(SURVEY, encoding="utf-8")
    mapping = load_survey_mapping(tmp_path / "survey.yaml")

    def act() -> None:
        found = [row.answer for row in read_answers(spoiler.text_file(ANSWERS), mapping) if row.answer]
        undone(office, lambda session: write_answers(session, office.clock, found))

    survive(count, act)


@sizes(40, 6_000)
def test_spoilt_staff_books(office: Any, spoiler: Spoiler, survive: Any, count: int) -> None:
    def act() -> None:
        book = read_book(spoiler.text_file(STAFF))
        undone(office, lambda session: save_book(session, office.policy, book, "secret", office.at))

    survive(count, act)


@sizes(10, 400)
def test_spoilt_plan_tables(works: Any, spoiler: Spoiler, survive: Any, count: int) -> None:
    works.approved()
    with works.office.db.read() as session:
        told = plan_book(session, works.office.policy, works.office.clock, "PDCA-2026-11")
    whole = xlsx(told, words("en"))

    def act() -> None:
        file = spoiler.parcel(whole) if spoiler.dice.random() < 0.5 else spoiler.parcel(_edited(whole, spoiler))
        undone(works.office, lambda session: import_plan(
            session, works.office.policy, works.office.clock, file, "li", is_dry_run=spoiler.dice.random() < 0.3,
        ))  # fmt: skip

    survive(count, act)


def _edited(whole: bytes, spoiler: Spoiler) -> bytes:
    """The workbook with some cells that nobody expects."""
    book, made = openpyxl.load_workbook(BytesIO(whole)), BytesIO()
    for _ in range(spoiler.dice.randint(1, 8)):
        page = spoiler.dice.choice(book.worksheets)
        row, column = spoiler.dice.randint(1, page.max_row + 2), spoiler.dice.randint(1, page.max_column + 1)
        with suppress(AttributeError):  # part of a merged cell
            page.cell(row, column).value = _bearable(spoiler.token())
    book.save(made)
    return made.getvalue()


@sizes(60, 8_000)
def test_spoilt_mappings(office: Any, spoiler: Spoiler, survive: Any, count: int) -> None:
    texts = [(file, file.read_text(encoding="utf-8")) for file in sorted(EXAMPLES.glob("*.yaml"))]

    def act() -> None:
        file, text = spoiler.dice.choice(texts)
        load = load_survey_mapping if "survey" in file.name else load_mapping
        load(spoiler.file("yaml", spoiler.yaml(text)))

    survive(count, act)


@sizes(60, 14_000)
def test_spoilt_policies(office: Any, spoiler: Spoiler, survive: Any, count: int) -> None:
    texts = {section: (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8") for section in SECTIONS}

    def act() -> None:
        section = spoiler.dice.choice(SECTIONS)
        parse(section, PolicyFile(f"{section}.yaml", spoiler.yaml(texts[section])))

    survive(count, act)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{", "a:\n ", "&a [", "!x ["])
def test_a_document_that_nests_without_end_is_refused(opening: str) -> None:
    with pytest.raises(BihuanError):
        parse("kpi", PolicyFile("kpi.yaml", opening.encode() * 20_000))
