"""Files made to hurt: what unpacks or grows beyond measure is refused in a moment, whatever reads it."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from bihuan.errors import UsageError
from bihuan.inbound import table
from bihuan.inbound.plan_cell import Vocabulary
from bihuan.inbound.plan_table import read_plan
from bihuan.inbound.roster import read_book
from bihuan.inbound.table import open_table

SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


READERS = {
    "import": open_table,
    "staff": read_book,
    "plan": lambda file: read_plan(file, Vocabulary({}, {}), {}),
}
"""Whatever opens a workbook: rows of an import, a staff book, a plan table."""
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


def workbook(file: Path, **parts: bytes | None) -> Path:
    """A real workbook with some parts written over; ``sheet`` is its first sheet."""
    made, names = BytesIO(), {"sheet": SHEET, "strings": "xl/sharedStrings.xml", "more": "xl/more.xml"}
    book = openpyxl.Workbook()
    book.active.append(["code", "name", "department"])
    book.active.append(["li", "李", "service"])
    book.save(made)
    over = {names[name]: content for name, content in parts.items()}
    with zipfile.ZipFile(made) as was, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as now:
        for name in dict.fromkeys([*was.namelist(), *over]):
            now.writestr(name, over.get(name) or was.read(name))
    return file


@every_reader
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_grow(tmp_path, read, encoding):
    root = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    evil = f'<?xml version="1.0" encoding="{encoding}"?><!--{"x" * 9000}--><!DOCTYPE lolz [{LAUGHS}]>{root}'
    file = workbook(tmp_path / "evil.xlsx", sheet=evil.encode(encoding))
    with pytest.raises(UsageError, match="document type"):
        read(file)


@every_reader
def test_an_entity_that_names_a_file_of_this_machine_is_refused(tmp_path, read):
    evil = b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><sst><si><t>&y;</t></si></sst>'
    with pytest.raises(UsageError, match="document type"):
        read(workbook(tmp_path / "evil.xlsx", strings=evil))


@every_reader
def test_a_workbook_that_unpacks_beyond_measure_is_refused_without_unpacking_it(tmp_path, read, monkeypatch):
    monkeypatch.setattr(table, "_LARGEST_WORKBOOK", 40 << 20)
    file = workbook(tmp_path / "bomb.xlsx", more=b"<x>" + b" " * (64 << 20) + b"</x>")
    assert file.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(UsageError, match="unpacks to more than"):
        read(file)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_a_zip_that_says_less_than_it_holds_gives_no_more_than_it_says(tmp_path):
    file = workbook(tmp_path / "lie.xlsx", sheet=b"<worksheet>" + b" " * (40 << 20))
    size = (40 << 20) + len(b"<worksheet>")
    raw = file.read_bytes()
    file.write_bytes(raw.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(UsageError):
        list(open_table(file).rows)


def test_thousands_of_parts_are_refused(tmp_path):
    file = tmp_path / "many.xlsx"
    with zipfile.ZipFile(file, "w") as parcel:
        for number in range(6000):
            parcel.writestr(f"xl/{number}.xml", b"")
    with pytest.raises(UsageError, match="too many parts"):
        open_table(file)


def test_an_endless_line_is_refused_before_it_is_held(tmp_path):
    file = tmp_path / "line.csv.gz"
    with gzip.open(file, "wb", compresslevel=9) as handle:
        handle.write(b"code,name\n")
        for _ in range(100):
            handle.write(b"x" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"line\.csv\.gz:2 is a line of more than 8,388,608 characters"):
        open_table(file)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_a_staff_book_of_endless_lines_is_refused(tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text("code,name,department\n" + "li,Li,service\n" * 50_001, encoding="utf-8")
    with pytest.raises(UsageError, match="more than 50,000 lines"):
        read_book(file)


def test_a_large_workbook_of_a_real_desk_still_passes(tmp_path, monkeypatch):
    """The measure is what it unpacks to: one byte more is too much."""
    file = workbook(tmp_path / "desk.xlsx")
    with zipfile.ZipFile(file) as parcel:
        size = sum(part.file_size for part in parcel.infolist())
    monkeypatch.setattr(table, "_LARGEST_WORKBOOK", size)
    assert [row.cells for row in open_table(file).rows] == [["li", "李", "service"]]
    monkeypatch.setattr(table, "_LARGEST_WORKBOOK", size - 1)
    with pytest.raises(UsageError, match="unpacks"):
        open_table(file)
