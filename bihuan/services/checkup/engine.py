"""Checks of the Prefect server, asked over HTTP: importing Prefect would take seconds.

On this machine's port, else where PREFECT_API_URL says: on a host of workers, or in a container, it is another's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from bihuan.errors import UnavailableError
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.checkup.server import ask_prefect
from bihuan.services.schedule import Schedule, planned, schedule_of


def prefect_server(visit: Visit) -> Answer:
    """Prefect's server answers."""
    port = visit.settings.prefect_port
    try:
        where, status, body = ask_prefect(port, os.environ, "GET", "/health")
    except ConnectionRefusedError:
        return note(
            f"not running on port {port}: nothing is checked or sent",
            "start it with `bihuan up`; where it runs on another host, ask with PREFECT_API_URL set",
        )
    except (OSError, HTTPException):
        where, status, body = f"port {port}", 0, b""
    if status != HTTPStatus.OK or body.strip() != b"true":
        return problem(
            f"what listens on {where} does not answer as Prefect",
            "look at what it is, or set BIHUAN_PREFECT_PORT to a free port",
        )
    return ok(f"answers on {where}")


def deployments(visit: Visit) -> Answer:
    """The server runs every deployment of ``prefect.yaml``, on its schedules and no others."""
    if (wanted := planned()) is None:
        return ok("no prefect.yaml beside the package to compare with")
    served = {row["name"]: row for row in _served(visit.settings.prefect_port)}
    wrong = [f"{name} {fault}" for name, schedules in wanted.items() if (fault := _fault(served.get(name), schedules))]
    if wrong:
        return problem(
            "; ".join(wrong),
            "restart `bihuan up`, or with workers run `prefect deploy --all`; "
            "a schedule that is still there is deleted in Prefect's page",
        )
    return ok(f"{', '.join(wanted)} as in prefect.yaml")


def _fault(row: Mapping[str, Any] | None, wanted: set[Schedule]) -> str:
    """What is wrong with one deployment of the server; "" where nothing is."""
    if row is None:
        return "is not served"
    if row.get("paused"):
        return "is paused"
    runs = {schedule_of({**entry, **entry["schedule"]}) for entry in row["schedules"]}
    if runs == wanted:
        return ""
    said = ", ".join(sorted(f"{each.value}{'' if each.is_active else ' (off)'}" for each in runs)) or "no schedule"
    return f"runs on other schedules than in prefect.yaml ({said})"


def _served(port: int) -> list[dict[str, Any]]:
    _, status, body = ask_prefect(port, os.environ, "POST", "/deployments/filter", {"limit": 200})
    if status == HTTPStatus.UNAUTHORIZED:
        raise UnavailableError(
            "Prefect's server wants its user, and PREFECT_API_AUTH_STRING does not name it",
            cure="take the environment of the workers: `set -a; . /etc/bihuan/environment`",
        )
    if status != HTTPStatus.OK:
        raise UnavailableError(
            f"Prefect's server answers {status} when asked for its deployments", cure="look at the lines of `bihuan up`"
        )
    rows: list[dict[str, Any]] = json.loads(body)
    return rows
