"""What spoils files and documents, always the same from one seed, and what shows that they broke nothing."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
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
from bihuan.policy.document import read_document
from schemas.tables import METADATA

SEED = 20261126
TOKENS = ("", "=1+1", "'", '"', '""', ",", "\n", "\r", "\t", "\0", "\ud800", "\ufeff", "\u202e", "😀" * 40, "９", "٣",
          "-1", "1e309", "NaN", "0001-01-01", "9999-12-31T23:59:59+14:00", "2026-02-30", "2026-11-16T25:00",
          "2026-03-29T02:30", "x" * 5000, "' OR 1=1 --", "<script>", "{{7*7}}", "%s%n", "null", "true", "[]", "{}",
          "?", "&a", "*a", "!!python/object:os.system", "../../etc/passwd", "mailto:", "tel:",
          "json://127.0.0.1")  # fmt: skip
VALUES = (None, True, -1, 0, 1, 2**63, 10**30, 1.5, -0.0, 1e308, "", "x", "yes", "2026-11-16", "24:00", "25:99", "P1D",
          [], {}, [None], [[]], {"": None}, {"x": {}}, ["x"] * 50)  # fmt: skip


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

    def cell(self) -> str:
        """A token as far as a workbook bears it."""
        return bearable(self.token())

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
            book.active.append([bearable(cell) for cell in row])
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


def bearable(cell: Any) -> str:
    """What openpyxl itself writes; it refuses some characters."""
    text = str(cell).encode("utf-8", "replace").decode()
    return "".join(sign for sign in text if sign >= " ")


class UndoneError(Exception):
    """Takes back what was written."""


def everything(db: Any) -> dict[str, list[str]]:
    with db.read() as session:
        return {name: sorted(map(repr, session.execute(select(table)))) for name, table in METADATA.tables.items()}


@pytest.fixture
def undone(office: Any) -> Callable[[Callable[[Any], Any]], None]:
    """Does it in a transaction that is taken back."""

    def done(act: Callable[[Any], Any]) -> None:
        with suppress(UndoneError), office.db.write() as session:
            act(session)
            raise UndoneError

    return done


@pytest.fixture
def spoiler(tmp_path: Path) -> Spoiler:
    return Spoiler(SEED, tmp_path)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What only PostgreSQL refuses, the pages are tried with."""
    return sqlite_url


@pytest.fixture
def outcomes(office: Any) -> Callable[[int, Callable[[], Any]], set[str]]:
    """Does something so many times, and gives what became of it; fails where a row is not as it was."""

    def often(count: int, act: Callable[[], Any]) -> set[str]:
        before, seen = everything(office.db), set[str]()
        for number in range(count):
            try:
                act()
                seen.add("taken")
            except UnavailableError as error:
                pytest.fail(f"number {number}: {error}")
            except BihuanError:
                seen.add("refused")
            except Exception as error:
                error.add_note(f"number {number}")
                raise
        assert everything(office.db) == before
        return seen

    return often
