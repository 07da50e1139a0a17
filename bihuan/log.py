"""Log lines on standard error, as text or as one JSON object a line.

Personal data and secrets stay out by not being passed in. What gets in all the same, in the words of a library or of an
exception, is masked where its form gives it away: addresses, telephone numbers, URLs with secrets. A traceback says
where and of which kind an error is, not its words: those may be a person's. A line of a flow carries the id of its run,
and one that concerns a complaint its number, as ``extra={"complaint": number}``.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, TextIO

from bihuan.errors import BihuanError
from bihuan.settings import Settings, settings

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_RUN = "flow_run_id"
"""What Prefect calls the run in its records."""
_IN_FLOW = "PREFECT__FLOW_RUN_ID"
"""The run that this process is for, as Prefect's runner and workers say it."""
_MASKS = (
    (re.compile(r"(?i)(?<![\w+.-])(?!https?://|sqlite|postgres)[a-z][a-z0-9+.-]*://\S+"), "***"),
    (re.compile(r"(?i)\b(https?://[^/\s?#]*)\S*"), r"\1/***"),
    (re.compile(r"(?i)\b(postgres(?:ql)?(?:\+\w+)?://)[^@/\s]+@"), r"\1***@"),
    (re.compile(r"[^\s<>\"'(),;:=/*]+@[\w-]+(?:\.[\w-]+)+"), "***"),
    (re.compile(r"(?<![\w-])(?:\+\d[\d ()-]{6,17}\d|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}-\d{7,8})(?![\w-])"), "***"),
)
"""Apprise addresses; what follows a host, where webhooks keep their key; passwords; mail addresses; numbers."""


class TextLines(logging.Formatter):
    """Lines for people: instant, level, logger, words, and what stands beside them as ``name=value``."""

    def __init__(self) -> None:
        """Say what a line begins with."""
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked."""
        extra = " ".join(f"{key}={value}" for key, value in beside(record).items())
        return masked(f"{super().format(record)} {extra}".rstrip())

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name that logging calls
        """Where it was raised and of which kind it is."""
        return _whence(ei)


class JsonLines(logging.Formatter):
    """One object a line: ``at`` (UTC), ``level``, ``logger``, ``message``, and what stands beside it by its name."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked; valid whatever stands in it."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        said |= {key: _plain(value) for key, value in beside(record).items()}
        if record.exc_info and record.exc_info[0]:
            said["trace"] = _whence(record.exc_info)
        return json.dumps(said, ensure_ascii=False, allow_nan=False)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what standard error is when a line comes, not when it was set up."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _value: TextIO) -> None:
        return


def configure(here: Settings) -> None:
    """Send log lines to standard error in the form the settings ask for: our own, and as JSON every library's too."""
    handler = _Stderr()
    is_json = here.log_format == "json"
    handler.setFormatter(JsonLines() if is_json else TextLines())
    for name in ("bihuan", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger("bihuan").setLevel(here.log_level)
    logging.getLogger("uvicorn").setLevel("WARNING")
    if is_json:
        root = logging.getLogger()
        root.handlers = [each for each in root.handlers if not isinstance(each, _Stderr)] + [handler]
        logging.captureWarnings(capture=True)


def line(words: str, level: int = logging.INFO) -> str:
    """What a command tells a person, as a line of the JSON log."""
    return JsonLines().format(logging.LogRecord("bihuan.cli", level, "", 0, words, None, None))


def ended(words: str) -> str:
    """What a process says of the error that ends it: a line of the log where that is JSON, else a line for people."""
    try:
        is_json = settings().log_format == "json"
    except BihuanError:  # the settings themselves are what is wrong
        is_json = False
    return line(words, logging.ERROR) if is_json else f"bihuan: {words}"


def masked(text: str) -> str:
    """The text without addresses, numbers and secrets that can be told by their form."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def beside(record: logging.LogRecord) -> dict[str, Any]:
    """What stands beside a record's words, the run of the flow as ``run``."""
    extra = {key: value for key, value in record.__dict__.items() if key not in _PLAIN}
    run = extra.pop(_RUN, None) or os.environ.get(_IN_FLOW)
    return ({"run": str(run)} if run and run != "<unknown>" else {}) | extra


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, Mapping):
        return {masked(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return masked(str(value))


def _whence(info: tuple[type[BaseException], BaseException, TracebackType | None] | Any) -> str:
    """The way to an error and its kind, cause first, as Python writes it but without the words of the error."""
    chain = list(_causes(info[1]))
    return "\n".join(part for error in reversed(chain) for part in _frames(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
    said = _said(error)
    yield f"{type(error).__module__}.{type(error).__qualname__}" + (f": {said}" if said else "")


def _said(error: BaseException) -> str:
    """The words of the system, and of a database driver about its work; what others say may be somebody's words."""
    if isinstance(error, OSError):
        return error.strerror or ""
    is_driver = type(error).__name__ == "OperationalError" and type(error).__module__ in {"sqlite3", "psycopg"}
    return masked(str(error).partition("\n")[0]) if is_driver else ""


@cache
def _short(file: str) -> str:
    """A file as it is imported: a path of this machine tells nobody anything."""
    places = sorted((place for place in sys.path if place and file.startswith(place)), key=len, reverse=True)
    return file[len(places[0]) :].lstrip("/") if places else file
