"""Bad input to the real commands: one line that says what and the cure, exit code 2 or 3, and nothing half done."""

from __future__ import annotations

import csv
import gzip
import resource
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, func, select, text

from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline

ROOT = Path(__file__).resolve().parents[2]
MAPPING = """
source: letters
dates: {formats: iso, timezone: Asia/Shanghai}
fields: {external_id: id, registered_at: opened, title: title, matter: matter}
events: [{kind: handled, at: done}]
"""
HEADER = "id,opened,done,title,matter"
GOOD = ["1,2026-11-16T09:00,,送货太晚,", "2,2026-11-16T10:00,2026-11-17T10:00,Wrong size,", "3,2026-11-17T09:00,,Rude,"]
BATCH = 2000


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a mapping and a file of three complaints."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("mapping.yaml").write_text(MAPPING, encoding="utf-8")
    Path("good.csv").write_text("\n".join([HEADER, *GOOD]), encoding="utf-8")
    return folder


@pytest.fixture
def small(monkeypatch, sqlite_url):
    """An embedded database, by URL, where it is not the database that is tried."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    return sqlite_url


@pytest.fixture
def bring_in(run, here):
    """Import a file of the working folder."""
    return lambda file, *words, mapping="mapping.yaml": run("complaint", "import", file, "--mapping", mapping, *words)


def count(url, table=Complaint):
    """Rows of a table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(select(func.count()).select_from(table)).scalar_one()
    engine.dispose()
    return found


# --- a bad row -------------------------------------------------------------------------------------------------------


def test_a_bad_row_goes_to_the_rejects_file_and_the_others_are_imported(bring_in, here, installed):
    rows = [*GOOD, "4,next Tuesday,,Late,", ",2026-11-17T09:00,,Nameless,", "6,2026-11-17T09:00,,Short", "7,,,Undated,"]
    (here / "mixed.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    done = bring_in("mixed.csv", "--json")
    assert (done.code, done.err) == (1, "4 rows refused, see mixed.rejects.csv\n")
    assert done.data == {"read": 7, "created": 3, "updated": 0, "unchanged": 0, "rejected": 4, "clock_skew": 0}
    with (here / "mixed.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        refused = list(csv.DictReader(file))
    assert [(row["line"], row["reason"].split()[0]) for row in refused] == [
        ("5", "opened:"), ("6", "id"), ("7", "has"), ("8", "opened"),
    ]  # fmt: skip
    assert refused[0]["title"] == "Late"
    assert count(installed) == 3


def test_a_file_mended_and_imported_again_brings_what_was_missing(bring_in, here, installed):
    file = here / "mixed.csv"
    file.write_text("\n".join([HEADER, *GOOD, "4,next Tuesday,,Late,"]), encoding="utf-8")
    bring_in(file)
    file.write_text("\n".join([HEADER, *GOOD, "4,2026-11-17T09:00,,Late,"]), encoding="utf-8")
    done = bring_in(file, "--json")
    assert (done.code, done.data["created"], done.data["unchanged"]) == (0, 1, 3)


# --- files -----------------------------------------------------------------------------------------------------------


def gb18030(file):
    """A file as a Chinese spreadsheet program may save it."""
    file.write_bytes("\n".join([HEADER, *GOOD]).encode("gb18030"))


def cut_short(file):
    """Half a compressed file."""
    whole = gzip.compress("\n".join([HEADER, *GOOD * 50]).encode())
    file.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("none.csv", lambda _: None, ["no file none.csv", "check the path"]),
        ("folder.csv", lambda file: file.mkdir(), ["folder.csv is a folder", "name a file"]),
        ("letter.pdf", lambda file: file.touch(), ["letter.pdf", ".csv", ".xlsx"]),
        ("empty.csv", lambda file: file.touch(), ["empty.csv is empty"]),
        ("chinese.csv", gb18030, ["chinese.csv is not utf-8", "`encoding:`", "gb18030"]),
        ("half.csv.gz", cut_short, ["half.csv.gz is cut short"]),
        ("sheet.xlsx", lambda file: file.write_text("no workbook"), ["sheet.xlsx is not an XLSX workbook"]),
        ("other.csv", lambda file: file.write_text("id,opened,title\n"), ["no column", "'matter'", "id, opened"]),
        ("twice.csv", lambda file: file.write_text(f"{HEADER},id\n"), ["2 columns 'id'", "rename"]),
        ("lines.jsonl", lambda file: file.write_text("id: 1\n"), ["lines.jsonl:1", "is not JSON"]),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read(bring_in, here, small, name, make, words):
    make(here / name)
    assert bring_in(name).refuses(2, *words)
    assert count(small) == 0
    assert not list(here.glob("*.rejects.csv"))


NAIVE = MAPPING.replace(", timezone: Asia/Shanghai", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["cannot read the mapping", "examples/mappings"]),
        (NAIVE, ["mapping.yaml:3", "no time zone", "Asia/Shanghai"]),
        (MAPPING.replace("Asia/Shanghai", "Mars/Base"), ["mapping.yaml:3", "Mars/Base"]),
        (MAPPING.replace("title: title", "titel: title"), ["mapping.yaml:4", "titel", "title"]),
        (MAPPING.replace("matter: matter", "matter: Beschreibung"), ["no column 'Beschreibung'", "fields.matter"]),
        (MAPPING + "encoding: klingon\n", ["mapping.yaml:6", "klingon"]),
        ("{", ["mapping.yaml:", "not YAML"]),
    ],
)
def test_a_mapping_that_cannot_be_meant(bring_in, here, small, content, words):
    (here / "mapping.yaml").unlink()
    if content:
        (here / "mapping.yaml").write_text(content, encoding="utf-8")
    assert bring_in("good.csv").refuses(2, *words)
    assert count(small) == 0


def test_a_rejects_file_that_cannot_be_written_keeps_nothing_of_its_batch(bring_in, here, small):
    (here / "bad.csv").write_text("\n".join([HEADER, *GOOD, "4,,,,"]), encoding="utf-8")
    assert bring_in("bad.csv", "--rejects", here / "none" / "x.csv").refuses(3, "cannot write", "name another file")
    assert count(small) == 0


def test_a_roster_with_a_wrong_row_changes_nobody(run, here, installed):
    from schemas.people import Staff

    (here / "staff.csv").write_text("code,name,department,is_head\nli,Li,service,yes\nwu,Wu,service,perhaps\n")
    assert run("staff", "import", "staff.csv").refuses(2, "line 3", "is_head", "yes or no")
    assert count(installed, Staff) == 0


# --- words of the command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["sla", "status", "--at", "2015-04-01T00:00"],
        ["run", "sla-check", "--at", "2015-04-01"],
        ["kpi", "show", "--from", "2015-04-01"],
        ["complaint", "add", "--title", "x", "--at", "2015-04-01T00:00"],
        ["complaint", "import", "good.csv", "--mapping", "mapping.yaml", "--as-of", "2015-04-01T00:00"],
    ],
)
@pytest.mark.usefixtures("small", "here")
def test_a_date_without_a_zone(run, words):
    assert run(*words).refuses(2, "2015-04-01T00:00:00 has no time zone", "add an offset")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sla", "status", "--at", "yesterday"], ["'yesterday' is not a date", "2026-11-22T09:30+08:00"]),
        (["sla", "status", "--at", "2026-11-22T09:30 Mars/Base"], ["unknown time zone 'Mars/Base'", "IANA"]),
        (["complaint", "show", "20260101-000001"], ["no complaint '20260101-000001'", "`bihuan complaint list`"]),
        (["complaint", "record", "20260101-000001", "handled"], ["no complaint", "`bihuan complaint list`"]),
        (["complaint", "add", "--title", "x", "--at", "2100-01-01T00:00Z"], ["lies in the future", "--at"]),
        (["complaint", "add", "--title", "x" * 301], ["title", "300 characters"]),
        (["complaint", "add", "--title", "\udcff"], ["title", "unicode"]),
        (["complaint", "list", "--department", "\udcff"], ["not UTF-8", "type it again"]),
        (["kpi", "show", "--by", "moon"], ["no dimension 'moon'", "department"]),
        (["complaint", "record", "x", "sung"], ["'sung' is not one of", "'handled'", "complaint record --help"]),
        (["complaint", "add"], ["Missing option", "--title", "complaint add --help"]),
        (["complaint", "list", "--limit", "0"], ["--limit", "greater than or equal to 1"]),
        (["complaint", "list", "--size", "3"], ["No such option: --size", "complaint list --help"]),
        (["complaints"], ["No such command 'complaints'", "--help"]),
        (["policy", "check", "none"], ["none: cannot be read", "directory"]),
        (["calendar", "due", "none.jsonl"], ["none.jsonl cannot be read"]),
    ],
)
@pytest.mark.usefixtures("small", "here")
def test_a_word_that_cannot_be_used(run, words, said):
    assert run(*words).refuses(2, *said)


@pytest.fixture
def number(run, installed):
    """A complaint that has just been registered."""
    return run("complaint", "add", "--title", "Late", "--json").data["number"]


def test_an_event_in_the_future_is_not_recorded(run, number, installed):
    done = run("complaint", "record", number, "handled", "--at", "2100-01-01T00:00Z")
    assert done.refuses(2, "lies in the future", "the instant at which it happened")
    assert count(installed, ComplaintEvent) == 1


def test_an_event_that_makes_no_sense_is_refused_with_those_that_do(run, number, installed):
    assert run("complaint", "record", number, "reopened").refuses(3, "was registered then", "possible: assigned")
    assert count(installed, ComplaintEvent) == 1


def test_a_handler_nobody_knows(run, number, installed):
    assert run("complaint", "record", number, "assigned", "--handler", "nobody").refuses(2, "'nobody'", "staff list")
    assert count(installed, ComplaintEvent) == 1


@pytest.mark.usefixtures("small")
def test_the_clock_is_not_stepped_in_production(run, monkeypatch):
    monkeypatch.setenv("BIHUAN_ENVIRONMENT", "production")
    assert run("run", "sla-check", "--at", "2026-11-22T00:00Z").refuses(3, "--at steps the clock", "leave --at out")
    assert run("run", "sla-check").code == 0


# --- settings, databases and ports -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("BIHUAN_WEB_PORT", "99999"),
        ("BIHUAN_PREFECT_PORT", "http"),
        ("BIHUAN_LANGUAGE", "fr"),
        ("BIHUAN_ENVIRONMENT", "prod"),
        ("BIHUAN_ALLOW_PRIVATE_TARGETS", "perhaps"),
        ("BIHUAN_SEND_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_setting_with_a_value_it_cannot_have(run, monkeypatch, setting, value):
    monkeypatch.setenv(setting, value)
    assert run("sla", "status").refuses(2, setting, "docs/operate.md")


def test_a_zone_of_the_installation_that_is_none(run, small, monkeypatch):
    monkeypatch.setenv("BIHUAN_TIMEZONE", "Mars/Base")
    assert run("complaint", "add", "--title", "x").refuses(2, "Mars/Base", "Asia/Shanghai")
    assert count(small) == 0


def test_a_policy_file_with_a_slip(run, small, monkeypatch, here):
    (here / "policy").mkdir()
    (here / "policy" / "deadline.yaml").write_text("warn: [80%]\nlate_after: soon\nmilestones: {}\n")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", "policy")
    assert run("complaint", "add", "--title", "x").refuses(2, "policy/deadline.yaml:2 late_after", "30min")
    assert count(small) == 0


def a_text_file(folder):
    """Something else under the name of a database."""
    (folder / "notes.db").write_text("not a database, and long enough to be looked at " * 100)
    return f"sqlite:///{folder / 'notes.db'}"


def in_a_file(folder):
    """A folder that cannot be made."""
    (folder / "file").touch()
    return f"sqlite:///{folder / 'file' / 'bihuan.db'}"


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (lambda _: "postgresql://clerk:geheim@127.0.0.1:1/x", 3, ["Connection refused", "that the server runs"]),
        (lambda _: "postgresql+asyncpg://clerk:geheim@127.0.0.1:1/x", 3, ["Connection refused"]),
        (lambda _: "postgresql://clerk:geheim@127.0.0.1:1/x?colour=red", 3, ["colour", "what follows the ?"]),
        (lambda folder: f"sqlite:///{folder}", 3, ["unable to open", "folder exists and may be written"]),
        (a_text_file, 3, ["file is not a database", "no SQLite database"]),
        (in_a_file, 3, ["cannot make", "BIHUAN_DATA_DIR"]),
        (lambda _: "mysql://clerk:geheim@example.com/x", 2, ["BIHUAN_DATABASE_URL", "sqlite:///FILE"]),
        (lambda _: "postgresql://clerk:geheim@example.com:port/x", 2, ["BIHUAN_DATABASE_URL"]),
        (lambda _: "nonsense", 2, ["BIHUAN_DATABASE_URL", "postgresql://USER"]),
    ],
)
def test_a_database_that_cannot_be_reached(run, here, monkeypatch, url, code, words):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", url(here))
    for command in (["sla", "status"], ["db", "upgrade"]):
        done = run(*command)
        assert done.refuses(code, *words)
        assert "geheim" not in done.err


def test_a_database_that_does_not_exist(run, postgresql_server, monkeypatch):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", postgresql_server("nowhere"))
    assert run("sla", "status").refuses(3, "does not exist", "`bihuan db upgrade`")


def test_a_database_that_was_not_upgraded(run, tmp_path, monkeypatch):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert run("complaint", "list").refuses(3, "stands at nothing", "`bihuan db upgrade`")


def test_a_database_of_a_newer_version(run, installed):
    engine = create_engine(installed)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'next year'"))
    engine.dispose()
    assert run("complaint", "list").refuses(3, "stands at next year")
    assert run("db", "upgrade").refuses(3, "newer version", "git pull")


@pytest.mark.usefixtures("here")
def test_a_back_up_that_cannot_be_written_leaves_no_half_of_one(run, sqlite_url, monkeypatch, here):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    assert run("db", "backup", "none/copy.db").refuses(3, "unable to open", "folder exists")
    assert run("db", "backup", "good.csv").refuses(3, "good.csv exists", "name a new file")
    assert {file.name for file in here.iterdir()} == {"good.csv", "mapping.yaml"}


def test_a_back_up_of_postgresql_is_left_to_its_own_tool(run, postgresql_url, monkeypatch, here):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", postgresql_url)
    assert run("db", "backup", "copy.db").refuses(3, "PostgreSQL", "pg_dump")


@pytest.mark.parametrize("option", ["--port", "--prefect-port"])
def test_up_on_a_port_that_is_in_use(tmp_path, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = shell("up", option, port, "--data", tmp_path / "data")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"bihuan: port {port} is in use - stop what uses it, or choose another with {option}\n"
    assert not list(tmp_path.glob("data/*.db"))


# --- a full disk -----------------------------------------------------------------------------------------------------


def shell(*words, **how):
    """The command as a process of its own."""
    command = [sys.executable, "-m", "bihuan.cli.main", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **how)


@pytest.fixture
def long_file(here):
    """Two and a half batches of complaints."""
    rows = [f"{n},2026-11-16T09:00,,Late {n},{'what happened ' * 20}" for n in range(BATCH * 5 // 2)]
    (here / "long.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return here / "long.csv"


@contextmanager
def full_sqlite(url):
    """A database file that may not grow by more than a batch and a half: SQLite's own word for a full disk."""
    file = Path(url.removeprefix("sqlite:///"))

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count = {(file.stat().st_size + 5_000_000) // 4096}")

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


@contextmanager
def full_postgresql(url):
    """A server that says of the second batch that its disk is full."""
    say = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM complaint) > 2000 THEN
            RAISE EXCEPTION 'could not extend file "base/1": No space left on device' USING ERRCODE = 'disk_full';
        END IF; RETURN NULL; END $$;
    CREATE TRIGGER full_disk AFTER INSERT ON deadline FOR EACH STATEMENT EXECUTE FUNCTION full_disk();
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(say))
    yield
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION full_disk CASCADE"))
    engine.dispose()


def test_a_full_disk_ends_the_import_after_whole_batches_and_it_completes_later(run, bring_in, long_file, installed):
    with (full_sqlite if installed.startswith("sqlite") else full_postgresql)(installed):
        done = bring_in(long_file)
    assert done.refuses(3, "free space on its disk; nothing of this step was kept")
    assert count(installed) == BATCH
    assert count(installed, ComplaintEvent) == BATCH
    assert run("db", "check", "--json").data["deadlines_differing"] == 0
    assert bring_in(long_file, "--json").data["created"] == BATCH * 3 // 2
    assert count(installed, Deadline) == count(installed) * (count(installed, Deadline) // count(installed))


def test_a_file_that_may_not_grow_does_no_harm_either(run, bring_in, long_file, sqlite_url, monkeypatch, here):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    done = shell(
        "complaint", "import", long_file, "--mapping", here / "mapping.yaml",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_500_000, 5_500_000)),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert "nothing of this step was kept" in done.stderr
    kept = count(sqlite_url)
    assert kept in {BATCH, 2 * BATCH}  # whole batches, however many went into the file before it was full
    assert bring_in(long_file, "--json").data["created"] == BATCH * 5 // 2 - kept
    assert run("db", "check").code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written(small):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bihuan.cli.main", "sla", "status", "--json"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "No space left on device - check free space" in done.stderr
