"""Log lines on standard error, as text or JSON; personal data and secrets stay out by not being passed in."""

from __future__ import annotations

import logging
import sys

from bihuan.settings import Settings

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        extra = " ".join(f"{key}={value}" for key, value in record.__dict__.items() if key not in _PLAIN)
        return f"{super().format(record)} {extra}".rstrip()


def configure(settings: Settings) -> None:
    """Send bihuan's own log lines to standard error in the form the settings ask for."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 - only where asked for

        handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    else:
        handler.setFormatter(_TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("bihuan")
    logger.handlers = [handler]
    logger.setLevel(settings.log_level)
    logger.propagate = False
