"""A staff book: its sheets, what each needs and may leave out, and how one wrong line stops all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bihuan.errors import UsageError
from bihuan.inbound.roster import read_book
from schemas.access import Role
from schemas.people import MASK, NO_CONTACT, NO_QUIET, StaffIn
from schemas.roster import ALWAYS, AbsenceIn, DepartmentIn, ShiftIn

HEADER = "code,name,department,is_head,contact_url,language,timezone\n"
DUTY = ("rota", "staff", "weekdays", "begins", "ends", "timezone", "from", "until")
WEEK = "mon,tue,wed,thu,fri,sat,sun"
Sheets = Mapping[str, Sequence[Sequence[Any]]]


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "staff.csv"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[[Sheets], Path]:
    """A workbook as a person makes one; cells keep the types of the values."""

    def write(sheets: Sheets) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(list(row))
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write


def cell(iso: str) -> datetime:
    """What a cell of a workbook holds: a time without a zone."""
    return datetime.fromisoformat(iso)


def said(line: Any) -> dict[str, Any]:
    """What a line states, without its place."""
    return {name: getattr(line, name) for name in line.model_fields_set - {"place"}}


# --- staff -----------------------------------------------------------------------------------------------------------


def test_what_has_no_column_is_not_stated(csv):
    (person,) = read_book(csv("code,name,department\nli,李,service\n")).staff
    assert said(person) == {"code": "li", "name": "李", "department": "service"}


def test_an_empty_cell_states_the_usual_value_but_a_contact_stays(csv):
    header = "code,name,department,is_head,is_active,roles,substitute,quiet,language,timezone,contact_url,contact_sms\n"
    (person,) = read_book(csv(header + "li,李,service,,,,,,,,,\n")).staff
    assert said(person) == {
        "code": "li", "name": "李", "department": "service", "is_head": False, "is_active": True, "roles": (),
        "substitute": None, "quiet": None, "language": "zh", "timezone": "Asia/Shanghai",
    }  # fmt: skip


def test_every_column_of_a_person_is_read(csv):
    header = ("code,name,department,is_head,is_active,is_liaison,roles,substitute,contact_url,contact_sms,"
              "contact_wecom,quiet,language,timezone,#note\n")  # fmt: skip
    row = ('li,李,service,是,no,yes,"quality_manager, 高管",wu,mailto:li@a.example,json://sms.example/li,none,'
           "21:30-7:00,en,Europe/Berlin,whatever\n")  # fmt: skip
    (person,) = read_book(csv(header + row)).staff
    assert person.model_copy(update={"place": ""}) == StaffIn(
        code="li", name="李", department="service", is_head=True, is_active=False, is_liaison=True,
        roles=(Role.EXECUTIVE, Role.QUALITY_MANAGER), substitute="wu", contact_url="mailto:li@a.example",
        contacts={"sms": "json://sms.example/li", "wecom": NO_CONTACT}, quiet=("21:30", "07:00"), language="en",
        timezone="Europe/Berlin",
    )  # fmt: skip


def test_chinese_heads_and_words_are_read_alike(csv):
    header = "工号,姓名,部门,是否负责人,联络人,角色,替代人,联系地址,联系地址_sms,免打扰,语言,时区\n"
    (person,) = read_book(csv(header + "li,李,service,否,是,运维、高管,wu,无,json://a.example,无,英文,\n")).staff
    assert said(person) == {
        "code": "li", "name": "李", "department": "service", "is_head": False, "is_liaison": True,
        "roles": (Role.EXECUTIVE, Role.OPERATOR), "substitute": "wu", "contact_url": NO_CONTACT,
        "contacts": {"sms": "json://a.example"}, "quiet": NO_QUIET, "language": "en", "timezone": "Asia/Shanghai",
    }  # fmt: skip


@pytest.mark.parametrize("cell", ["***", "json://hooks.example.com/***", "wecombot://***"])
def test_a_masked_contact_is_one_that_stays(csv, cell):
    (person,) = read_book(csv(HEADER + f"li,李,service,no,{cell},,\n")).staff
    assert person.contact_url == MASK


@pytest.mark.parametrize(("cell", "name"), [("'=1+1", "=1+1"), ("'-", "-"), ("''=a", "'=a"), ("'Abe", "'Abe")])
def test_the_guard_against_formulas_in_a_csv_is_taken_off(csv, cell, name):
    (person,) = read_book(csv(f"code,name,department\nli,{cell},service\n")).staff
    assert person.name == name


def test_in_a_workbook_text_is_as_it_stands(workbook):
    file = workbook({"staff": [("code", "name", "department"), ("li", "'=a", "service")]})
    assert read_book(file).staff[0].name == "'=a"


@pytest.mark.parametrize(("row", "words"), [
    (",李,service,no,,,", "line 2: code is empty"),
    ("li,,service,no,,,", "line 2: name is empty"),
    ("li,李,,no,,,", "line 2: department is empty"),
    ("li,李,service,perhaps,,,", "line 2: is_head is 'perhaps' - write yes or no"),
    ("li,李,service,no,somewhere,,", "line 2: contact_url is not usable"),
    ("li,李,service,no,,fr,", "line 2: language is 'fr'"),
    ("li,李,service,no,,,Mars/Olympus", "line 2: timezone is 'Mars/Olympus' - use an IANA name"),
    ("x" * 61 + ",李,service,no,,,", "line 2: code is 'xxx"),
])  # fmt: skip
def test_a_wrong_row_names_line_and_column(csv, row, words):
    with pytest.raises(UsageError, match=words):
        read_book(csv(HEADER + row + "\n"))


@pytest.mark.parametrize(("column", "cell", "words"), [
    ("roles", "boss", "line 2: roles has 'boss', which is no role to give - write one of executive, quality_manager"),
    ("roles", "department_head", "no role to give - is_head says it"),
    ("quiet", "22:00", "line 2: quiet is '22:00' - write 22:00-08:00"),
    ("quiet", "22:00-25:00", "line 2: quiet is '25:00' - write a time of day like 22:00"),
    ("contact_sms", "s3cret", "line 2: contact_sms is not usable"),
    ("角色", "经理", "line 2: 角色 has '经理'"),
])  # fmt: skip
def test_a_wrong_cell_is_named_by_its_head_in_the_file(csv, column, cell, words):
    with pytest.raises(UsageError, match=words):
        read_book(csv(f"code,name,department,{column}\nli,李,service,{cell}\n"))


@pytest.mark.parametrize("column", ["contact_url", "contact_sms", "联系地址"])
def test_a_contact_that_cannot_be_used_is_not_shown(csv, column):
    with pytest.raises(UsageError) as refused:
        read_book(csv(f"code,name,department,{column}\nli,李,service,s3cret-token\n"))
    assert "s3cret" not in str(refused.value)


def test_a_missing_column_is_named_with_those_there_are(csv):
    with pytest.raises(UsageError, match=r"staff.csv has no column department - it has: code, name"):
        read_book(csv("code,name\nli,李\n"))


@pytest.mark.parametrize(("column", "words"), [
    ("substitude", "has a column 'substitude' that nothing reads - did you mean substitute?"),
    ("contact_preferred", "has a column 'contact_preferred' that nothing reads"),
    ("contact_SMS", "has a column 'contact_SMS' that nothing reads"),
    ("姓名", "has two columns name"),
])  # fmt: skip
def test_a_column_that_would_be_read_by_nobody_or_twice_is_refused(csv, column, words):
    with pytest.raises(UsageError) as refused:
        read_book(csv(f"code,name,department,{column}\nli,李,service,wu\n"))
    assert words in str(refused.value)


# --- a workbook ------------------------------------------------------------------------------------------------------


def test_a_workbook_without_a_sheet_of_ours_is_staff_as_ever(workbook):
    book = read_book(workbook({"Sheet1": [("code", "name", "department"), (7, "李", "service")]}))
    assert (book.staff[0].code, book.left_out) == ("7", ())


def test_sheets_are_known_by_both_names_and_others_left_out(workbook):
    book = read_book(workbook({
        "说明": [("先看这里",)],
        "部门": [("代码", "名称", "英文名"), ("service", "服务部", "Service")],
        "Absence": [("staff", "from", "until")],
    }))  # fmt: skip
    assert [said(one) for one in book.departments] == [{"code": "service", "name": "服务部", "name_en": "Service"}]
    assert (book.staff, book.absence, book.left_out) == ((), (), ("说明",))


def test_the_same_sheet_under_two_names_is_refused(workbook):
    with pytest.raises(UsageError, match="a sheet twice: 部门, departments"):
        read_book(workbook({name: [("code", "name")] for name in ("部门", "departments")}))


def test_a_sheet_without_a_head_is_named(workbook):
    with pytest.raises(UsageError, match=r"book.xlsx, sheet duty, is empty"):
        read_book(workbook({"staff": [("code", "name", "department")], "duty": []}))


def test_a_department_has_all_its_columns(workbook):
    head = ("code", "name", "name_en", "contact_url", "language")
    book = read_book(workbook({"departments": [head, ("p", "产品部", None, "mailto:p@a.example", "en")]}))
    assert book.departments[0] == DepartmentIn(
        place="sheet departments line 2", code="p", name="产品部", name_en="", contact_url="mailto:p@a.example",
        language="en",
    )  # fmt: skip


def test_a_shift_reads_cells_of_text_and_cells_of_times_and_days_alike(workbook):
    as_text = ("night", "li", "mon-fri", "22:00", "06:00", "Europe/Berlin", "2026-12-01", "2027/1/31")
    as_cells = ("night", "li", "mon-fri", time(22), time(6), "Europe/Berlin", cell("2026-12-01"), date(2027, 1, 31))
    book = read_book(workbook({"duty": [DUTY, as_text, as_cells]}))
    for line in book.duty:
        assert line.model_copy(update={"place": ""}) == ShiftIn(
            rota="night", staff="li", weekdays=("mon", "tue", "wed", "thu", "fri"), begins="22:00", ends="06:00",
            timezone="Europe/Berlin", from_on=date(2026, 12, 1), until_on=date(2027, 1, 31),
        )  # fmt: skip


def test_a_shift_may_leave_out_its_zone_and_its_days(workbook):
    (shift,) = read_book(workbook({"duty": [DUTY[:5], ("night", "li", "daily", "8:00", "24:00")]})).duty
    assert (shift.begins, shift.ends, shift.timezone, shift.from_on, shift.until_on) == (
        "08:00", "00:00", None, ALWAYS, None,
    )  # fmt: skip


def test_a_rota_or_a_person_alone_in_a_line_is_stated_as_nothing(workbook):
    book = read_book(workbook({
        "duty": [DUTY, ("night",)],
        "absence": [("staff", "from", "until"), ("li", None, None)],
    }))  # fmt: skip
    assert (book.duty[0].rota, book.duty[0].staff) == ("night", "")
    assert (book.absence[0].staff, book.absence[0].begins) == ("li", "")


@pytest.mark.parametrize(("begins", "ends", "expected"), [
    ("2026-12-24", "2026-12-31", ("2026-12-24", "2026-12-31")),
    (date(2026, 12, 24), cell("2026-12-31"), ("2026-12-24", "2026-12-31")),
    (cell("2026-12-24T13:00"), "2026-12-31 00:00", ("2026-12-24T13:00:00", "2026-12-31T00:00:00")),
    ("2026/12/24 9:30", "2026-12-24T13:00+01:00", ("2026-12-24T09:30:00", "2026-12-24T13:00:00+01:00")),
])  # fmt: skip
def test_an_absence_is_days_or_times(workbook, begins, ends, expected):
    (absence,) = read_book(workbook({"absence": [("staff", "from", "until"), ("li", begins, ends)]})).absence
    assert absence == AbsenceIn(place="sheet absence line 2", staff="li", begins=expected[0], ends=expected[1])


@pytest.mark.parametrize(("row", "words"), [
    (("night", None, "daily", "08:00", "20:00"), "sheet duty line 2: staff is empty"),
    (("night", "li", None, "08:00", "20:00"), "sheet duty line 2: weekdays is empty"),
    (("night", "li", "mon-frei", "08:00", "20:00"), "sheet duty line 2: weekdays has 'frei' - write days like mon-fri"),
    (("night", "li", "daily", "8", "20:00"), "sheet duty line 2: begins is '8' - write a time of day"),
    (("night", "li", "daily", "08:00", "24:30"), "sheet duty line 2: ends is '24:30'"),
    (("the night", "li", "daily", "08:00", "20:00"), "sheet duty line 2: rota is 'the night'"),
    (("night", "li", "daily", "08:00", "20:00", None, "soon"), "sheet duty line 2: from is 'soon' - write a day"),
    (("night", "li", "daily", "08:00", "20:00", None, "2026-12-24 13:00"), "sheet duty line 2: from is"),
    (("night", "li", "daily", "08:00", "20:00", None, "2026-02-30"), "sheet duty line 2: from is '2026-02-30'"),
])  # fmt: skip
def test_a_wrong_line_of_a_workbook_names_its_sheet(workbook, row, words):
    with pytest.raises(UsageError, match=words):
        read_book(workbook({"duty": [DUTY, row]}))


@pytest.mark.parametrize("cell", ["", "tomorrow", "24.12.2026", "9999-12-31", "2026-12-24 25:00", "2026-13-01"])
def test_an_absence_without_a_day_is_refused(workbook, cell):
    with pytest.raises(UsageError, match="sheet absence line 2: until is"):
        read_book(workbook({"absence": [("staff", "from", "until"), ("li", "2026-12-24", cell)]}))


# --- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "days"), [
    ("mon,wed", "mon,wed"), ("wed mon", "mon,wed"), ("Monday; Sat.", "mon,sat"), ("daily", WEEK), ("每天", WEEK),
    ("fri-mon", "mon,fri,sat,sun"), ("mon - wed, sun", "mon,tue,wed,sun"), ("sun-sun", "sun"),
    ("周一至周五", "mon,tue,wed,thu,fri"), ("周一、周三", "mon,wed"), ("星期六，星期天", "sat,sun"),
    ("周六到日", "sat,sun"),
])  # fmt: skip
def test_weekdays_as_people_write_them(workbook, text, days):
    (shift,) = read_book(workbook({"duty": [DUTY[:5], ("r", "li", text, "08:00", "20:00")]})).duty
    assert ",".join(shift.weekdays) == days


@pytest.mark.parametrize("text", ["m", "mo", "1", "workdays", "mon-fri-", "工作日", "周八"])
def test_what_is_no_weekday_is_refused(workbook, text):
    with pytest.raises(UsageError, match="weekdays has"):
        read_book(workbook({"duty": [DUTY[:5], ("r", "li", text, "08:00", "20:00")]}))
