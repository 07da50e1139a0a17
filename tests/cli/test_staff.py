"""``bihuan staff``: a staff book in, out and in again, and what is found wrong with it."""

from __future__ import annotations

import stat
from pathlib import Path

import openpyxl
import pytest

SECRET_URL, SMS_URL = "wecombot://s3cret-key", "json://sms.example/s3cret"
SHEETS = {
    "staff": [
        ("code", "name", "department", "is_head", "roles", "substitute", "contact_url", "contact_sms", "quiet"),
        ("li", "李娜", "service", "yes", "executive,quality_manager", "wu", SECRET_URL, SMS_URL, None),
        ("wu", "=吴", "service", "no", None, "li", "mailto:wu@s3cret.example", None, "none"),
        ("he", "何", "quality", "no", None, None, None, None, "21:00-07:00"),
    ],
    "departments": [("code", "name", "name_en", "contact_url"), ("service", "服务部", "Service", "json://a.example/s3cret")],
    "duty": [
        ("rota", "staff", "weekdays", "begins", "ends", "from", "until"),
        ("night", "li", "mon-fri", "22:00", "06:00", None, None),
        ("night", "wu", "周六,周日", "00:00", "24:00", "2026-12-01", "2099-12-31"),
    ],
    "absence": [
        ("staff", "from", "until"), ("he", "2098-12-24", "2099-01-05"), ("wu", "2099-02-01 13:00", "2099-02-02"),
    ],
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder with a staff book."""
    monkeypatch.chdir(tmp_path)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in SHEETS.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
            for cell in sheet[sheet.max_row]:
                cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type  # "=吴" is a name
    book.save("book.xlsx")
    return tmp_path


def cells(file: Path, sheet: str = "staff") -> list[dict[str, object]]:
    head, *rows = openpyxl.load_workbook(file)[sheet].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.usefixtures("installed")
def test_what_is_exported_is_brought_in_again_without_a_change(run, here):
    added = run("staff", "import", "book.xlsx", "--json").data
    assert {name: tally["added"] for name, tally in added.items()} == {
        "staff": 3, "departments": 2, "duty": 2, "absence": 2,
    }  # fmt: skip
    assert run("staff", "export", "out.xlsx", "--json").data == {
        "file": "out.xlsx", "staff": 3, "departments": 2, "duty": 2, "absence": 2,
    }  # fmt: skip
    for file in ("out.xlsx", "book.xlsx"):
        again = run("staff", "import", file, "--json").data
        assert {name: (tally["unchanged"], sum(tally.values())) for name, tally in again.items()} == {
            "staff": (3, 3), "departments": (2, 2) if file == "out.xlsx" else (1, 1), "duty": (2, 2), "absence": (2, 2),
        }  # fmt: skip


@pytest.mark.usefixtures("installed")
def test_an_export_shows_no_contact_unless_it_is_asked_to(run, here):
    run("staff", "import", "book.xlsx")
    done = run("staff", "export", "masked.xlsx")
    assert (done.code, done.err) == (0, "")
    (li,) = (row for row in cells(here / "masked.xlsx") if row["code"] == "li")
    told = [str(cell) for sheet in SHEETS for row in cells(here / "masked.xlsx", sheet) for cell in row.values()]
    assert not [cell for cell in told if "s3cret" in cell]
    assert (li["contact_url"], li["contact_sms"]) == ("wecombot://***", "json://sms.example/***")


@pytest.mark.usefixtures("installed")
def test_contacts_in_clear_come_with_a_warning_and_for_the_owner_only(run, here):
    run("staff", "import", "book.xlsx")
    done = run("staff", "export", "clear.csv", "--with-contacts")
    assert (done.code, "keep it as you keep a password" in done.err) == (0, True)
    assert SECRET_URL in (here / "clear.csv").read_text(encoding="utf-8-sig")
    assert stat.S_IMODE((here / "clear.csv").stat().st_mode) == 0o600
    assert "s3cret" not in done.out + done.err


def test_a_book_moved_to_another_installation_needs_its_contacts(run, here, installed, tmp_path, monkeypatch):
    run("staff", "import", "book.xlsx")
    run("staff", "export", "masked.xlsx")
    run("staff", "export", "clear.xlsx", "--with-contacts")
    monkeypatch.setenv("BIHUAN_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert run("db", "upgrade").code == 0
    assert run("staff", "import", "masked.xlsx").refuses(2, "sheet departments line 3", "masked", "write it in full")
    assert run("staff", "import", "clear.xlsx", "--json").data["staff"]["added"] == 3
    run("staff", "export", "again.xlsx", "--with-contacts")
    for sheet in SHEETS:
        assert cells(here / "again.xlsx", sheet) == cells(here / "clear.xlsx", sheet)


@pytest.mark.usefixtures("installed")
def test_a_file_that_is_there_is_written_over_only_when_told_to(run, here):
    (here / "out.csv").write_text("mine")
    assert run("staff", "export", "out.csv").refuses(3, "out.csv exists", "--force")
    assert (here / "out.csv").read_text() == "mine"
    assert run("staff", "export", "out.csv", "--force").code == 0
    assert (here / "out.csv").read_text(encoding="utf-8-sig").startswith("code,name")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("file", "code", "words"), [
    ("staff.ods", 2, ["staff.ods is neither .xlsx nor .csv", "staff.xlsx"]),
    ("nowhere/staff.csv", 3, ["cannot write nowhere/staff.csv"]),
])  # fmt: skip
def test_a_place_that_takes_no_export(run, here, file, code, words):
    assert run("staff", "export", file).refuses(code, *words)


@pytest.mark.usefixtures("installed")
def test_a_wrong_line_in_one_sheet_keeps_nothing_of_any(run, here):
    book = openpyxl.load_workbook("book.xlsx")
    book["duty"].append(("night", "zoe", "daily", "08:00", "20:00"))
    book.save("book.xlsx")
    assert run("staff", "import", "book.xlsx").refuses(2, "sheet duty line 4: staff 'zoe' is nobody's code")
    assert run("staff", "list", "--json").data == []


@pytest.mark.usefixtures("installed")
def test_sheets_that_are_not_read_are_named(run, here):
    book = openpyxl.load_workbook("book.xlsx")
    book.create_sheet("Abscence")
    book.save("book.xlsx")
    assert "sheets left out: Abscence\n" in run("staff", "import", "book.xlsx").err


# --- list and check --------------------------------------------------------------------------------------------------

FINE = """code,name,department,is_head,roles,substitute,contact_url
li,李娜,service,yes,executive,,json://hooks.example.com/s3cret
wu,吴,service,no,,li,json://hooks.example.com/s3cret
"""


@pytest.fixture
def fine(run, installed, tmp_path, monkeypatch) -> Path:
    """A company in which every rung reaches somebody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "staff.csv").write_text(FINE, encoding="utf-8")
    assert run("staff", "import", "staff.csv").err == "next: bihuan staff check\n"
    return tmp_path


def test_a_list_shows_what_people_are_and_where_they_are_now(run, here, installed):
    book = openpyxl.load_workbook("book.xlsx")
    book["duty"].append(("always", "li", "daily", "00:00", "24:00"))
    book["absence"].append(("li", "2020-01-01", "2099-06-30"))
    book.save("book.xlsx")
    run("staff", "import", "book.xlsx")
    done = run("staff", "list", "--json")
    (li,) = (row for row in done.data if row["code"] == "li")
    assert {name: li[name] for name in ("roles", "substitute", "away_until", "has_contact", "channels")} == {
        "roles": ["executive", "quality_manager"], "substitute": "wu", "away_until": "2099-06-30T16:00:00+00:00",
        "has_contact": True, "channels": ["sms"],
    }  # fmt: skip
    assert "always" in li["on_duty"]
    assert "s3cret" not in done.out
    assert "2099-07-01 00:00" in run("staff", "list").out


def test_a_company_in_which_everybody_is_heard_is_fine(run, fine):
    done = run("staff", "check")
    assert (done.code, done.out, done.err) == (0, "", "all 10 rungs reach somebody\n")
    told = run("staff", "check", "--json").data
    assert (told["is_fine"], told["faults"]) == (True, [])
    assert told["rungs"][1] == {
        "department": "service", "ladder": "general", "rung": 2, "tell": ["department_head"], "told": ["li"],
    }  # fmt: skip
    assert "department_head" in run("staff", "check", "--all").out


def test_a_rung_that_reaches_nobody_is_found_with_the_cure_and_exits_1(run, fine):
    (fine / "less.csv").write_text("code,name,department,roles,is_head\nli,李娜,service,,no\n", encoding="utf-8")
    run("staff", "import", "less.csv")
    done = run("staff", "check")
    assert done.code == 1
    for word in ("department_head", "there is none", "mark somebody there as is_head", "role executive"):
        assert word in done.out
    assert {fault["weight"] for fault in run("staff", "check", "--json").data["faults"]} == {"problem"}


def test_a_check_can_be_made_for_another_instant(run, fine):
    book = openpyxl.Workbook()
    book.active.title = "absence"
    for row in (("staff", "from", "until"), ("li", "2098-12-24", "2098-12-31")):
        book.active.append(row)
    book.save(fine / "away.xlsx")
    run("staff", "import", "away.xlsx")
    assert run("staff", "check").code == 0
    assert run("staff", "check", "--at", "2098-12-26T09:00+08:00").code == 1
    assert run("staff", "check", "--at", "2099-01-01T09:00+08:00").code == 0


@pytest.mark.usefixtures("installed")
def test_a_register_with_nobody_in_it_is_one_fault(run):
    done = run("staff", "check", "--json")
    assert (done.code, [fault["target"] for fault in done.data["faults"]]) == (1, ["everybody"])
