"""Log lines: valid JSON whatever is in them, a flow's run and a complaint's number beside them, nobody named."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bihuan.errors import UsageError
from bihuan.log import JsonLines, TextLines, configure, ended, masked
from bihuan.services.complaint import register
from bihuan.settings import Settings, settings
from deployments.environment import LOGGING, prefect_environment
from schemas.complaint import ComplaintIn, CustomerIn

ROOT = Path(__file__).resolve().parents[1]
NAME, PHONE, MAIL, PLACE = "张三丰", "13812345678", "sanfeng@mail.example.com", "武当山紫霄宫 8 号"
PERSONAL = (NAME, PHONE, MAIL, PLACE)


def record(words: str, *, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("bihuan.test", logging.ERROR, "", 0, words, None, info)
    made.__dict__.update(extra)
    return made


def lines(text: str) -> list[dict[str, object]]:
    """Every line of a stream, each an object."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) and {"at", "level", "message"} <= line.keys() for line in found), text
    return found


@pytest.fixture
def _loggers_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("", "bihuan", "uvicorn")]
    before = [(logger, [*logger.handlers], logger.level, logger.propagate) for logger in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.level, logger.propagate = handlers, level, propagate


@pytest.mark.parametrize("value", [
    "two\nlines", '"quoted" \\ back', "\x00\x1b[31m", float("nan"), float("inf"), {"a": {1, 2}}, [b"bytes"], object(),
    datetime(2026, 11, 26, tzinfo=UTC), Path("x"), None, "\ud800",
])  # fmt: skip
def test_a_line_is_one_json_object_whatever_stands_in_it(value: object) -> None:
    text = JsonLines().format(record(f"said {value!r}", beside=value))
    assert "\n" not in text
    [read] = lines(text)
    assert {"level": "ERROR", "logger": "bihuan.test"}.items() <= read.items()
    assert datetime.fromisoformat(str(read["at"])).tzinfo is not None


def test_a_traceback_says_where_and_what_kind_and_not_the_words_of_the_error() -> None:
    try:
        try:
            raise KeyError(NAME)
        except KeyError as error:
            raise ValueError(f"{PLACE} {PHONE}") from error
    except ValueError as error:
        for form in (JsonLines(), TextLines()):
            text = form.format(record("broken", error=error))
            assert [word for word in PERSONAL if word in text] == []
            assert "builtins.KeyError" in text
            assert "builtins.ValueError" in text
            assert "test_log.py" in text


def test_what_the_system_or_the_database_says_of_itself_stays_readable() -> None:
    for error, said in (
        (sqlite3.OperationalError("database is locked"), "sqlite3.OperationalError: database is locked"),
        (FileNotFoundError(2, "No such file or directory", f"/data/{NAME}"), "No such file or directory"),
    ):
        try:
            raise error
        except (OSError, sqlite3.Error) as raised:
            text = json.loads(JsonLines().format(record("broken", error=raised)))["trace"]
        assert said in text
        assert NAME not in text


@pytest.mark.parametrize("said", [
    f"no such user <{MAIL}>", f"to={MAIL},", f"call {PHONE} now", "call +86 138 1234 5678", "tel:+8613812345678",
    "010-12345678", "mailtos://user:secret@smtp.example.com/?to=x", "wecombot://s3cret", "tgram://12:s3cret/9",
    "https://hooks.example.com/services/s3cret?x=s3cret", "postgresql+psycopg://bihuan:s3cret@db/bihuan",
])  # fmt: skip
def test_what_gives_itself_away_by_its_form_is_masked(said: str) -> None:
    for form in (JsonLines(), TextLines()):
        text = form.format(record(said, target=said))
        assert [word for word in (*PERSONAL, "s3cret", "secret", "1234", "12345678") if word in text] == []


@pytest.mark.parametrize("said", [
    "20261116-000001", "2026-11-26T05:06:07.123456+00:00", "PDCA-2026-11-01", "sla-check took 1500 of 100000 rows",
    "database postgresql+psycopg://***@db.example.com/bihuan", "sqlite:////var/lib/bihuan/bihuan.db",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
])  # fmt: skip
def test_numbers_of_ours_stay_readable(said: str) -> None:
    assert masked(said) == said


def test_a_line_of_a_flow_carries_the_id_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = "0f8fad5b-d9cb-469f-a165-70867728950e"
    of_prefect = json.loads(
        JsonLines().format(record("deadlines: decided 3", flow_run_id=run, flow_run_name="calm-bee"))
    )
    assert (of_prefect["run"], "flow_run_id" in of_prefect) == (run, False)
    assert "run" not in json.loads(JsonLines().format(record("outside")))
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", run)
    assert json.loads(JsonLines().format(record("ours, in the process of a run")))["run"] == run


@pytest.mark.usefixtures("_loggers_as_before")
def test_a_line_about_a_complaint_carries_its_number_and_nobodys_name(
    sqlite_url: str, policy: object, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from bihuan.store.engine import Database

    here = Settings(data_dir=tmp_path, log_format="json", log_level="DEBUG")
    configure(here)
    complaint = ComplaintIn(
        source="desk", registered_at=datetime(2026, 11, 16, tzinfo=UTC), title=f"{NAME} 在 {PLACE}", matter=PHONE,
        customer=CustomerIn(name=NAME, contact_url=f"mailto:{MAIL}"),
    )  # fmt: skip
    db = Database(sqlite_url)
    with db.write() as session:
        number = register(session, policy, here, lambda: datetime(2026, 11, 16, 1, tzinfo=UTC), complaint)  # type: ignore[arg-type]
    db.close()
    said = capsys.readouterr().err
    assert number in [line.get("complaint") for line in lines(said)]
    assert [word for word in PERSONAL if word in said] == []


@pytest.mark.usefixtures("_loggers_as_before")
def test_as_json_the_lines_of_libraries_and_warnings_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    configure(Settings(log_format="json"))
    logging.getLogger("apprise").warning("Failed to send to %s", MAIL)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("odd", stacklevel=1)
    said = capsys.readouterr().err
    assert [line["logger"] for line in lines(said)] == ["apprise", "uvicorn.error", "py.warnings"]
    assert MAIL not in said


def test_an_error_that_ends_a_process_is_a_line_of_the_same_form(monkeypatch: pytest.MonkeyPatch) -> None:
    error = UsageError("no such file", cure="name another")
    assert ended(str(error)) == "bihuan: no such file - name another"
    monkeypatch.setenv("BIHUAN_LOG_FORMAT", "json")
    settings.cache_clear()
    [read] = lines(ended(str(error)))
    assert (read["level"], read["message"]) == ("ERROR", "no such file - name another")
    monkeypatch.setenv("BIHUAN_LOG_FORMAT", "xml")
    settings.cache_clear()
    assert ended("what is wrong") == "bihuan: what is wrong"


def bihuan(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "BIHUAN_LOG_FORMAT": "json", "BIHUAN_LOG_LEVEL": "DEBUG", **environment}
    return subprocess.run(
        [sys.executable, "-m", "bihuan.cli.main", *words],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_commands_say_on_standard_error_is_json_and_names_nobody(sqlite_url: str) -> None:
    added = bihuan(
        "complaint", "add", "--title", f"{NAME} {PLACE}", "--matter", PHONE, "--customer", NAME,
        "--contact", f"mailto:{MAIL}", BIHUAN_DATABASE_URL=sqlite_url,
    )  # fmt: skip
    assert added.returncode == 0
    said = lines(added.stderr)
    assert {line["logger"] for line in said} == {"bihuan.services.complaint", "bihuan.cli"}
    refused = bihuan("complaint", "show", PHONE, BIHUAN_DATABASE_URL=sqlite_url)
    assert (refused.returncode, len(lines(refused.stderr))) == (2, 1)
    both = added.stderr + refused.stderr
    assert [word for word in PERSONAL if word in both] == []


def test_a_flow_run_of_its_own_process_logs_json_with_its_id(sqlite_url: str, tmp_path: Path) -> None:
    """As `bihuan up` and workers have it: Prefect's own lines, the tasks' and ours, in one form."""
    run = "0f8fad5b-d9cb-469f-a165-70867728950e"
    own = prefect_environment(settings().model_copy(update={"log_format": "json"}), os.environ)
    code = (
        "import logging; from prefect import flow\n"
        "from prefect.logging import get_logger\n"
        "import flows.sla_check\n"
        f"get_logger('prefect.flow_runs').info('a task says', extra=dict(flow_run_id={run!r}))\n"
        f"logging.getLogger('bihuan.services').info('ours says'); logging.getLogger('other').warning({MAIL!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**own, "PREFECT__FLOW_RUN_ID": run, "BIHUAN_DATABASE_URL": sqlite_url, "PREFECT_HOME": str(tmp_path),
             "PREFECT_LOGGING_TO_API_ENABLED": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = lines(done.stderr)
    assert [line["message"] for line in said] == ["a task says", "ours says", "***"]
    assert {line["run"] for line in said} == {run}


def test_prefect_logs_as_json_only_where_that_is_asked_for() -> None:
    here = settings()
    assert "PREFECT_LOGGING_SETTINGS_PATH" not in prefect_environment(here, {})
    asked = prefect_environment(here.model_copy(update={"log_format": "json"}), {})
    assert asked["PREFECT_LOGGING_SETTINGS_PATH"] == str(LOGGING)
    assert LOGGING.is_file()
