"""``bihuan improvement export | import``: the plan table out of one command and into the other."""

from __future__ import annotations

import stat

import openpyxl
import pytest


@pytest.fixture
def database_url(sqlite_url):
    """A command speaks to either database alike."""
    return sqlite_url


@pytest.fixture
def item(run, installed):
    """An item of a special cycle with a goal and one measure."""
    from bihuan.services.people import save_department, save_staff
    from bihuan.store.engine import Database
    from schemas.people import StaffIn

    database = Database(installed)
    with database.write() as session:
        save_department(session, "service", "service")
        for code in ("li", "wang"):
            save_staff(session, StaffIn(code=code, name=code.title(), department="service"), "s")
    database.close()
    cycle = run("improvement", "open", "--special", "退款太慢", "--json").data["number"]
    number = run(
        "improvement", "draft", cycle, "name=refunds are late", "problem=40 of 200", "indicator=on_time_handled",
        "baseline_x=160", "baseline_n=200", "baseline_on=2026-07-01", "baseline_until_on=2026-10-01",
        "target_value=95%", "owner=li", "start_on=2026-11-02", "due_on=2027-03-31", "--json",
    ).data["number"]  # fmt: skip
    run("improvement", "measure", "add", number, "what=check forms by machine", "kind=corrective", "strength=strong")
    return number


def place(book, sheet, key):
    """The page of a sheet, and the column of a key."""
    page = next(one for one in book.worksheets if str(one["A1"].value).startswith(f"{sheet}."))
    return page, next(cell.column for cell in page[1] if cell.value == f"{sheet}.{key}")


def test_a_plan_table_goes_out_is_edited_and_comes_back(run, item, tmp_path):
    file, cycle = tmp_path / "plan.xlsx", item.rpartition("-")[0]
    out = run("improvement", "export", cycle, file, "--language", "en", "--json")
    assert out.data == {"cycle": cycle, "file": str(file), "items": 1, "measures": 1}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("improvement", "export", cycle, file).refuses(3, "exists", "--force")
    book = openpyxl.load_workbook(file)
    page, owner = place(book, "measures", "owner")
    page.cell(3, owner).value = "Wang (wang)"
    page, target = place(book, "plan", "target_value")
    page.cell(4, target).value = 0.5
    book.save(file)
    dry = run("improvement", "import", file, "--dry-run", "--as", "li", "--json")
    assert (dry.code, dry.data["dry_run"]) == (1, True)
    assert "nothing was written" in dry.err
    done = run("improvement", "import", file, "--as", "li", "--json")
    assert done.code == 1
    assert {key: done.data[key] for key in ("cycle", "changed", "conflicts", "refused", "added", "missing")} == {
        "cycle": cycle, "changed": 1, "conflicts": 0, "refused": 1, "added": [], "missing": [],
    }  # fmt: skip
    assert done.data["read"] == sum(done.data[key] for key in ("changed", "unchanged", "conflicts", "refused"))
    refused = next(row for row in done.data["rows"] if row["became"] == "refused")
    assert (refused["address"], refused["why"]) == (
        f"Plan!{page.cell(4, target).coordinate}", "the target is worse than the baseline",
    )  # fmt: skip
    assert "at least" in refused["cure"]
    shown = run("improvement", "show", item, "--json").data
    assert (shown["measures"][0]["owner"], shown["target_value"]) == ("wang", 0.95)
    page.cell(4, target).value = 0.95
    book.save(file)
    again = run("improvement", "import", file, "--as", "li", "--json")
    assert (again.code, again.data["changed"], again.data["rows"]) == (0, 0, [])


def test_wrong_use_is_told_in_one_line(run, item, tmp_path):
    cycle = item.rpartition("-")[0]
    assert run("improvement", "export", cycle, tmp_path / "plan.csv").refuses(2, "no .xlsx")
    assert run("improvement", "export", "PDCA-1999-01", tmp_path / "a.xlsx").refuses(2, "no improvement cycle")
    assert run("improvement", "import", tmp_path / "a.xlsx", "--as", "li").refuses(2, "there is no file")
    run("improvement", "export", cycle, tmp_path / "a.xlsx")
    assert run("improvement", "import", tmp_path / "a.xlsx", "--as", "nobody").refuses(2, "no active staff")


def test_the_pack_of_a_week_is_one_file_that_only_its_owner_reads(run, item, tmp_path):
    cycle, file = item.rpartition("-")[0], tmp_path / "review.html"
    done = run("improvement", "review", cycle, "--output", file, "--language", "en", "--json")
    assert (done.code, done.data["cycle"], stat.S_IMODE(file.stat().st_mode)) == (0, cycle, 0o600)
    assert "refunds are late" in file.read_text(encoding="utf-8")
    (noted,) = run("access", "list", "--json").data
    assert (noted["what"], noted["subject"], noted["page"]) == (
        "export", f"{cycle}/review.html", "bihuan improvement review",
    )  # fmt: skip
    assert run("improvement", "review", cycle, "--output", file, "--week", "2020-02-30").refuses(2, "is no day")
    assert run("improvement", "review", cycle, "--output", file, "--week", "2999-01-01").refuses(2, "has not come")
    assert run("improvement", "review", "PDCA-1", "--output", file).refuses(2, "no improvement cycle")
