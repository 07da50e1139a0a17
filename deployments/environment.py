"""How Prefect runs on this machine: everything in the data folder, nothing but loopback, no telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bihuan.settings import Settings

HOST = "127.0.0.1"
LOGGING = Path(__file__).resolve().with_name("logging.yaml")
"""How Prefect logs where BIHUAN_LOG_FORMAT is json; workers name it in their environment."""
_RUNS_KEPT = timedelta(days=14)


def prefect_environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """The environment for a Prefect of this installation's own, to be in place before Prefect is imported.

    Args:
        settings: Where its data lies and which port it has.
        given: The environment as found. Its own values for housekeeping win; a profile or address of another Prefect
            does not: it would take this installation's runs elsewhere.
    """
    usual = {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # what the automation of bootstrap.py listens for
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(int(_RUNS_KEPT.total_seconds())),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P3D",  # a plain number keeps the server from starting
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # As shipped it is laid out in the packages, where a service's user may not write: then there is no page.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str((settings.data_dir / "prefect" / "page").resolve()),
    }
    own = {
        "PREFECT_HOME": str((settings.data_dir / "prefect").resolve()),
        "PREFECT_API_URL": f"http://{HOST}:{settings.prefect_port}/api",
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(settings.prefect_port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    usual |= _json_logs(settings) if settings.log_format == "json" else {}
    kept = {name: value for name, value in given.items() if name != "PREFECT_PROFILE"}
    return {**usual, **kept, **own}


def _json_logs(settings: Settings) -> dict[str, str]:
    """Prefect's own lines and those of its runs in the form of ours."""
    return {
        "PREFECT_LOGGING_SETTINGS_PATH": str(LOGGING),
        "PREFECT_LOGGING_LOGGERS_BIHUAN_LEVEL": settings.log_level,
    }
