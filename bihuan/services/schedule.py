"""What ``prefect.yaml`` says is to run and how often; a plain installation without a checkout does not have it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import bihuan

FILE = Path(bihuan.__file__).parents[1] / "prefect.yaml"
_USUAL = {
    "sla-check": timedelta(minutes=2), "escalation-sweep": timedelta(minutes=10),
    "survey-follow-up": timedelta(minutes=15), "outbox-delivery": timedelta(minutes=2),
    "improvement-month": timedelta(days=1),
    "kpi-snapshot": timedelta(days=1),
    "improvement-verification": timedelta(days=1), "improvement-progress": timedelta(days=1),
    "retention": timedelta(days=1),
}  # fmt: skip
_UNKNOWN = timedelta(days=1)
_EVERY_MINUTES = re.compile(r"(?:\*|\d+-\d+)/(?P<minutes>\d+)(?: \*){4}")


class Schedule(NamedTuple):
    """When something runs, as both the file and the server write it."""

    slug: str
    kind: str
    """``cron``, ``interval`` or ``rrule``."""
    value: str
    timezone: str
    is_active: bool

    @property
    def interval(self) -> timedelta:
        """The time between two runs, where that is easily told, else a day."""
        if self.kind == "interval":
            return timedelta(seconds=float(self.value))
        found = _EVERY_MINUTES.fullmatch(self.value)
        return timedelta(minutes=int(found["minutes"])) if found else _UNKNOWN


def schedule_of(entry: Mapping[str, Any]) -> Schedule:
    """A schedule from an entry of the file; the server's are written alike once its ``schedule`` is laid over them."""
    kind = next((kind for kind in ("cron", "interval", "rrule") if entry.get(kind)), "")
    value = str(float(entry[kind])) if kind == "interval" else str(entry.get(kind, ""))
    return Schedule(entry.get("slug") or "", kind, value, entry.get("timezone") or "UTC", entry.get("active", True))


def planned() -> dict[str, set[Schedule]] | None:
    """The schedules of every deployment by name; None where there is no ``prefect.yaml``."""
    if (entries := _entries()) is None:
        return None
    return {entry["name"]: {schedule_of(schedule) for schedule in entry.get("schedules") or []} for entry in entries}


def intervals() -> dict[str, timedelta]:
    """How often each sweep is to run."""
    if (entries := _entries()) is None:
        return _USUAL
    return {
        entry["name"]: min(
            (schedule_of(schedule).interval for schedule in entry.get("schedules") or []), default=_UNKNOWN
        )
        for entry in entries
        if "sweep" in (entry.get("tags") or [])
    }


def _entries() -> Sequence[Mapping[str, Any]] | None:
    if not FILE.exists():
        return None
    return list(yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"])
