"""Checks of this machine: folders, secret, zone, policy, import names, port."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import datetime
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import bihuan
from bihuan.clock import zone
from bihuan.policy.loader import load_policy, policy_files
from bihuan.report.month_pdf import PACKAGES, lacking
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.checkup.server import ask

_KEY_FILE = "secret.key"
_NAMES = ("schemas", "tasks", "flows")
_LEAST_FREE, _LITTLE_FREE = 100_000_000, 1_000_000_000
_SHORTEST_SECRET = 16
_NOTICE_MONTH = 10


def data_folder(visit: Visit) -> Answer:
    """The data folder (or where it will be made) takes a file, and its disk has room."""
    folder = visit.settings.data_dir
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        with TemporaryFile(dir=existing) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        return problem(
            f"{existing} takes no file: {error.strerror}",
            "make it a folder that may be written, or choose another with BIHUAN_DATA_DIR",
        )
    free = shutil.disk_usage(existing).free
    says = f"{folder} can be written, {free / 1e9:.1f} GB free"
    if free < _LEAST_FREE:
        return problem(says, "free space on its disk before it is full")
    return note(says, "free space on its disk soon") if free < _LITTLE_FREE else ok(says)


def secret(visit: Visit) -> Answer:
    """There is a secret, and only its owner may read it."""
    if value := visit.settings.secret.get_secret_value():
        if len(value) < _SHORTEST_SECRET:
            return note(
                "BIHUAN_SECRET is short", f"use at least {_SHORTEST_SECRET} characters, before contacts are entered"
            )
        return ok("set by BIHUAN_SECRET")
    file = visit.settings.data_dir / _KEY_FILE
    if not file.exists():
        return note("none yet: it is made at first use", f"keep a copy of {file} once it is there")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return problem(f"{file} may be read by others (mode {mode:04o})", f"run `chmod 600 {file}`")
    if not file.read_text(encoding="ascii").strip():
        return problem(
            f"{file} is empty", "put the earlier one back; without one, delete it and enter all contacts again"
        )
    return ok(f"{file}, read by its owner only")


def time_zone(visit: Visit) -> Answer:
    """The installation's zone is one."""
    return ok(zone(visit.settings.timezone).key)


def import_names(_visit: Visit) -> Answer:
    """The generic top-level names ``flows``, ``tasks`` and ``schemas`` are ours and nobody else's."""
    home = Path(bihuan.__file__).parents[1]
    owners = {name: _origin(name) for name in _NAMES}
    if foreign := [f"{name} is {owner or 'missing'}" for name, owner in owners.items() if owner != home / name]:
        return problem(
            f"another package owns an import name: {', '.join(foreign)}",
            "use an environment of its own (`make install`), and take foreign folders out of PYTHONPATH",
        )
    return ok(f"{', '.join(_NAMES)} belong to bihuan {bihuan.__version__}")


def _origin(name: str) -> Path | None:
    found = find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def policy(visit: Visit) -> Answer:
    """The policy loads."""
    folder = visit.settings.policy_dir
    version = load_policy(folder).version
    own = [Path(file.name).name for file in policy_files(folder).values() if not file.is_default]
    return ok(f"version {version}, " + (f"with {', '.join(own)} of {folder}" if own else "as shipped"))


def calendar(visit: Visit) -> Answer:
    """The official days off of this year are known; from October on also those of the next."""
    calendars = load_policy(visit.settings.policy_dir).calendars
    estimated = [
        f"{name} {year}"
        for name, each in calendars.items()
        for year in _years(visit.clock().astimezone(each.zone))
        if not each.is_official(year)
    ]
    if estimated:
        return note(
            f"estimated: {', '.join(estimated)}",
            "once the official notice is out, take it in with `bihuan calendar update FILE` (docs/policy.md)",
        )
    return ok("the days off that count now are official")


def _years(now: datetime) -> tuple[int, ...]:
    """The present year; once the notice for the next is usually out, that too."""
    return (now.year, now.year + 1) if now.month >= _NOTICE_MONTH else (now.year,)


def pdf_reports(_visit: Visit) -> Answer:
    """Reports can be made as PDF: WeasyPrint finds pango, which no Python package brings."""
    if lack := lacking():
        return note(lack, f"`apt-get install {PACKAGES}`; until then reports are HTML and Excel only")
    return ok("pango is there")


def web_page(visit: Visit) -> Answer:
    """The port of the page is free, or our own page answers on it."""
    port = visit.settings.web_port
    foreign = problem(f"port {port} is held by something else", "stop it, or set BIHUAN_WEB_PORT")
    try:
        status, body = ask(port, "GET", "/healthz", host=visit.settings.reached_at())
        is_ours = "heartbeats" in json.loads(body)
    except ConnectionRefusedError:
        return note(f"port {port} is free, the page is not running", "start it with `bihuan up`")
    except (OSError, HTTPException, ValueError, TypeError):
        return foreign
    if not is_ours:
        return foreign
    if status != 200:  # noqa: PLR2004 - HTTP's word for OK
        return problem(f"the page on port {port} does not reach the database", "restart `bihuan up`")
    return ok(f"answers on port {port}")
