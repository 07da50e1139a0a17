"""A staff book as a file says what it said, to the import and to a spreadsheet program."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bihuan.inbound.roster import read_book
from bihuan.policy.frame import DAYS
from bihuan.report.roster import staff_csv, xlsx
from schemas.access import Role
from schemas.people import NO_QUIET, StaffIn
from schemas.roster import ALWAYS, AbsenceIn, DepartmentIn, ShiftIn, StaffBook

TRICKY = (
    "=1+1",
    "+49",
    "-",
    "@x",
    "'=1",
    "''",
    "00123",
    "1e5",
    "true",
    "2026-12-24",
    "none",
    '"',
    "a,b",
    "#1",
    "_x000B_",
)
ROLES = (Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR)

words = st.one_of(
    st.sampled_from(TRICKY),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufeff"), min_size=1, max_size=20),
)  # what a cell keeps: a space at its end, and what no key types, is lost on the way in
codes = st.one_of(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), words.filter(lambda text: len(text) <= 60))
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"])
contacts = st.sampled_from(["mailto:li@a.example", "json://hooks.example.com/x?y=1", "wecombot://KEY"])
languages = st.sampled_from(["zh", "en"])
days = st.dates(date(2026, 1, 1), date(2030, 1, 1))
people = st.builds(
    StaffIn, code=codes, name=words, department=codes, is_head=st.booleans(), is_active=st.booleans(),
    is_liaison=st.booleans(), roles=st.sets(st.sampled_from(ROLES)).map(lambda found: tuple(sorted(found))),
    substitute=st.none() | codes, contact_url=st.none() | contacts,
    contacts=st.dictionaries(st.sampled_from(["sms", "wecom", "x_1"]), contacts),
    quiet=st.none() | st.just(NO_QUIET) | st.tuples(times, times).filter(lambda both: both[0] != both[1]),
    language=languages, timezone=zones,
)  # fmt: skip
departments = st.builds(DepartmentIn, code=codes, name=words, name_en=st.just("") | words,
                        contact_url=st.none() | contacts, language=languages)  # fmt: skip
shifts = st.builds(
    ShiftIn, rota=codes, staff=codes,
    weekdays=st.sets(st.sampled_from(DAYS), min_size=1).map(lambda found: tuple(sorted(found, key=DAYS.index))),
    begins=times, ends=times, timezone=zones, from_on=st.just(ALWAYS) | days, until_on=st.none() | days,
)  # fmt: skip
absences = st.builds(
    lambda staff, day, length, is_timed: AbsenceIn(
        staff=staff, begins=f"{day}T09:30:00" if is_timed else f"{day}", ends=f"{day + timedelta(length)}"
    ),
    codes, days, st.integers(0, 40), st.booleans(),
)  # fmt: skip
books = st.builds(StaffBook, departments=st.tuples(departments), staff=st.tuples(people, people),
                  duty=st.tuples(shifts), absence=st.tuples(absences))  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("books")


def stated(book: StaffBook) -> dict:
    """What a book says, without the places of its lines."""
    return book.model_dump()


@given(books)
@hypothesis_settings(max_examples=60)
def test_a_workbook_read_back_states_the_same(folder, book):
    (folder / "book.xlsx").write_bytes(xlsx(book))
    assert stated(read_book(folder / "book.xlsx")) == stated(book)


@given(st.tuples(people, people))
def test_a_csv_read_back_states_the_same_staff(folder, staff):
    (folder / "staff.csv").write_bytes(staff_csv(StaffBook(staff=staff)))
    assert stated(read_book(folder / "staff.csv")) == stated(StaffBook(staff=staff))


@pytest.mark.parametrize("name", ["=1+1", "+49", "-2", "@x", "'=x", "＝1"])
def test_no_cell_of_a_csv_begins_like_a_formula(name):
    text = staff_csv(StaffBook(staff=(StaffIn(code="li", name=name, department="service"),))).decode("utf-8-sig")
    assert text.splitlines()[1].startswith(f"li,'{name},service,")


def test_a_workbook_holds_text_and_no_formula_or_link():
    person = StaffIn(code="00123", name="=HYPERLINK(1)", department="service", contact_url="json://a.example/x")
    made = xlsx(StaffBook(staff=(person,)))
    row = openpyxl.load_workbook(BytesIO(made))["staff"][2]
    assert [(cell.value, cell.data_type) for cell in row[:2]] == [("00123", "s"), ("=HYPERLINK(1)", "s")]
    parts = ZipFile(BytesIO(made))
    assert not [name for name in parts.namelist() if "hyperlink" in parts.read(name).decode("utf-8", "ignore")]


def test_every_sheet_is_there_with_its_heads_and_a_further_contact_beside_the_first():
    person = StaffIn(code="li", name="李", department="service", contacts={"sms": "json://a.example"})
    book = openpyxl.load_workbook(BytesIO(xlsx(StaffBook(staff=(person,)))))
    heads = {sheet.title: [cell.value for cell in sheet[1]] for sheet in book}
    assert list(heads) == ["staff", "departments", "duty", "absence"]
    assert heads["staff"][8:10] == ["contact_url", "contact_sms"]
    assert heads["duty"][-2:] == ["from", "until"]


def test_a_csv_is_marked_so_that_chinese_shows():
    assert staff_csv(StaffBook()).startswith(b"\xef\xbb\xbfcode,name,")
