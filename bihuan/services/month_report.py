"""The report of a month on disk: made from the review, in its folder before the database says that it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlmodel import Session

from bihuan.analysis.review import Period
from bihuan.errors import UnavailableError
from bihuan.notify.words import LANGUAGES, words
from bihuan.policy.models import Policy
from bihuan.report.month_files import PACK, files
from bihuan.report.month_wording import Imprint
from bihuan.report.pack import sha256_of
from bihuan.services.month import Due, due, keep, review
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries import names
from bihuan.store.queries.board import is_simulated

FOLDER = "months"


def analyse_due(db: Database, policy: Policy, settings: Settings, at: datetime) -> list[str]:
    """Analyse every month that is to be and has not been, oldest first; running it again finds nothing.

    Returns:
        The numbers of the analyses that were kept.

    Raises:
        UnavailableError: The data folder cannot be written.
    """
    with db.read() as session:
        wanted = due(session, policy, settings, at)
    kept = (analyse(db, policy, settings, one, at) for one in wanted)
    return [number for number in kept if number]


def analyse(db: Database, policy: Policy, settings: Settings, wanted: Due, at: datetime) -> str | None:
    """Analyse one month and keep it with its report; None where it had been kept meanwhile.

    Raises:
        UnavailableError: The data folder cannot be written.
    """
    made = review(db, policy, settings, wanted.month_on, wanted.scope)
    with db.read() as session:
        imprint = replace(_imprint(session, policy, settings, made.period), **_called(session))
    report = files(made, {language: words(language) for language in LANGUAGES}, imprint)
    paths = _write(settings.data_dir, folder_of(made.period), report)
    with db.write() as session:
        return keep(session, policy, made, sha256_of(report[PACK]), paths, at)


def _imprint(session: Session, policy: Policy, settings: Settings, period: Period) -> Imprint:
    """What the report says beside its figures."""
    calendar = policy.calendars.default
    years = {period.baseline_on.year, period.month_on.year, period.until_on.year}
    return Imprint(
        sha256="", indicators=policy.kpi.indicators, web_url=settings.web_url,
        versions={"program": version("bihuan"), "policy": policy.version, "calendar": calendar.version},
        estimated_years=tuple(sorted(year for year in years if not calendar.is_official(year))),
        is_simulated=is_simulated(session),
    )  # fmt: skip


def _called(session: Session) -> dict[str, Any]:
    """What departments are called, and where handlers belong; handlers themselves stay codes."""
    called = [(row.code, {"zh": row.name, "en": row.name_en or row.name}) for row in names.departments(session)]
    often = Counter(name for _, both in called for name in set(both.values()))
    told = {
        code: {language: name if often[name] == 1 else f"{name} ({code})" for language, name in both.items()}
        for code, both in called
    }
    return {"departments": told, "handlers": names.departments_of_staff(session)}


def folder_of(period: Period) -> str:
    """Where the report of a month lies below the data folder."""
    return f"{FOLDER}/{period.name}" + (f"-{period.scope}" if period.scope else "")


def _write(data_dir: Path, folder: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Put the files into the folder, each whole or not at all; their paths below the data folder, by name."""
    try:
        (data_dir / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            part = data_dir / folder / f".{name}.part"
            part.write_bytes(content)
            part.replace(data_dir / folder / name)
    except OSError as error:
        cure = "make room there, or set BIHUAN_DATA_DIR to a folder that may be written"
        raise UnavailableError(f"cannot write {data_dir / folder}: {error.strerror}", cure=cure) from error
    return {name: f"{folder}/{name}" for name in files}
