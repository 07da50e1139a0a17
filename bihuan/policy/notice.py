"""Notices 放假通知: files of ``calendar.d/`` that say what the days of one calendar's years are.

A notice stands in place of what the ``holidays`` package knows of its years; half days and closures are our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from bihuan.policy.base import PolicyModel
from bihuan.policy.document import Document, PolicyFile, read_document
from bihuan.policy.flaw import Flaw, flaws, nearest
from bihuan.policy.frame import DaysOff, DaysOn
from bihuan.policy.statutory import YearNotice, refuse_strays

FOLDER = "calendar.d"
SUFFIXES = (".yaml", ".json")


class NoticeFile(PolicyModel):
    """The years one notice speaks of, and the house's own days beside them."""

    calendar: str | None = Field(None, description="Which calendar; without it, the default one.")
    source: str = Field("", description="Where it was published; counts for years that name no source themselves.")
    years: dict[Annotated[int, Field(ge=1900, le=2200)], YearNotice] = Field(default={})
    half_days: DaysOn = Field(default={}, description="Days with frames of their own.")
    closures: DaysOff = Field(default={}, description="Further days on which the house is closed.")

    @model_validator(mode="after")
    def _has_days_of_its_years(self) -> Self:
        refuse_strays(self.years, "years")
        return self


def read_notice(file: PolicyFile) -> tuple[Document, NoticeFile]:
    """A notice with the lines of its keys.

    Raises:
        PolicyError: It cannot be used; names file, line and key.
    """
    document = read_document(file.name, file.raw)
    content = {**document.content, "years": _whole_years(document.content.get("years", {}))}
    try:
        return document, NoticeFile.model_validate(content)
    except ValidationError as error:
        raise document.error(min(flaws(error), key=lambda flaw: document.line(flaw.at))) from error


def _whole_years(years: Any) -> Any:
    """JSON knows no numbers as keys."""
    if not isinstance(years, Mapping):
        return years
    return {int(year) if str(year).isdecimal() else year: notice for year, notice in years.items()}


def with_notices(content: Mapping[str, Any], files: Sequence[PolicyFile]) -> dict[str, Any]:
    """The content of ``calendar.yaml`` with what the notices add to its calendars, in the order of their names.

    Raises:
        PolicyError: A notice cannot be used, or speaks of a calendar that is not there.
    """
    calendars = {name: dict(calendar) for name, calendar in content.get("calendars", {}).items()}
    for file in files:
        document, notice = read_notice(file)
        name = notice.calendar or content.get("default")
        if name not in calendars:
            raise document.error(Flaw(f"unknown calendar {name!r}", nearest(name, calendars), ("calendar",)))
        _add(calendars[name], notice)
        if flaw := _contradiction(calendars[name], notice):
            raise document.error(flaw)
    return {**content, "calendars": calendars}


def _contradiction(calendar: Mapping[str, Any], notice: NoticeFile) -> Flaw | None:
    """A day that is open and closed at once, by the notice itself, another one or the calendar's own file."""
    for day in sorted(calendar["extra_workdays"].keys() & calendar["holidays"].keys()):
        key = "half_days" if day in map(str, notice.half_days) else "closures"
        return Flaw("is both open and closed", "keep it in one of the two", (key, day))
    return None


def _add(calendar: dict[str, Any], notice: NoticeFile) -> None:
    said = notice.model_dump(mode="json", by_alias=True)
    years = {year: {**words, "source": words["source"] or notice.source} for year, words in said["years"].items()}
    calendar["notices"] = {**calendar.get("notices", {}), **years}
    calendar["extra_workdays"] = {**calendar.get("extra_workdays", {}), **said["half_days"]}
    calendar["holidays"] = {**_named(calendar.get("holidays", {})), **said["closures"]}


def _named(days: Any) -> dict[str, str]:
    return dict(days) if isinstance(days, Mapping) else dict.fromkeys(map(str, days), "")
