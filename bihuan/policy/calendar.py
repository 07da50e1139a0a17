"""Working calendars 工作日历: which minutes of which local day are open, and how sure that is.

A day's frames are found in this order: a holiday of the file has none, an extra working day of the file has its own,
a statutory day off of the country has none, a make-up working day 调休上班日 has those of a usual day, and any other
day has those of its weekday.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import ItemsView, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from bihuan.clock import zone
from bihuan.errors import PolicyError, UsageError
from bihuan.policy.base import PolicyModel, fingerprint
from bihuan.policy.flaw import Flaw, flaws, nearest
from bihuan.policy.frame import DaysOff, DaysOn, Frames, Week
from bihuan.policy.scope import Facts, When, by_specificity, refuse_ties
from bihuan.policy.statutory import Statutory, YearNotice, known_to_the_package, refuse_strays
from bihuan.policy.value import Name

_Model = TypeVar("_Model", bound=BaseModel)


def _known_zone(name: str) -> str:
    try:
        return zone(name).key
    except UsageError as error:
        raise Flaw(error.what, error.cure) from error


def _ascending(years: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(years)))


def _two_after(years: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(year + more for year in years[-1:] for more in (1, 2))


ZoneName = Annotated[str, AfterValidator(_known_zone)]
Years = Annotated[tuple[Annotated[int, Field(ge=1900, le=2200)], ...], AfterValidator(_ascending)]


class WorkCalendar(PolicyModel):
    """When one place works."""

    timezone: ZoneName = Field(description="IANA zone of the frames.")
    weekly: Week = Field(description="Frames of each weekday; a day that is not named is closed.")
    holidays: DaysOff = Field(default={}, description="Further days off, over what the country says.")
    extra_workdays: DaysOn = Field(default={}, description="Days with frames of their own, over what the country says.")
    country: Literal["CN"] | None = Field(None, description="Whose statutory days off and make-up working days count.")
    official_years: Years = Field((), description="Years whose official notice has been taken in.")
    source: str = Field("", description="Where the official years come from.")
    notices: dict[Annotated[int, Field(ge=1900, le=2200)], YearNotice] = Field(
        default={}, description="Notices of single years; usually in files of their own in calendar.d/."
    )

    @model_validator(mode="after")
    def _can_be_worked(self) -> Self:
        for day in sorted(self.holidays.keys() & self.extra_workdays.keys()):
            raise Flaw("is also a holiday", "keep it in one of the two", ("extra_workdays", day.isoformat()))
        if not any(self.weekly) and not any(self.extra_workdays.values()):
            raise Flaw("holds no working time", "give at least one day a frame", ("weekly",))
        refuse_strays(self.notices, "notices")
        return self

    def __hash__(self) -> int:
        """Equal calendars have equal versions."""
        return hash(self.version)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the frames."""
        return ZoneInfo(self.timezone)

    @cached_property
    def version(self) -> str:
        """Sixteen hexadecimal digits over what decides the frames, however it was written.

        The country's days count for the official years, the two after them and those with a notice, so that a
        make-up day which an update of the package or a notice brings makes another version.
        """
        written = self.model_dump(mode="json", exclude={"source", "notices"}, exclude_defaults=True)
        said = [[year, self.is_official(year), *(sorted(map(str, days)) for days in self.statutory(year))]
                for year in self.known_years]  # fmt: skip
        return hashlib.sha256(json.dumps([written, said], sort_keys=True).encode()).hexdigest()[:16]

    @property
    def known_years(self) -> list[int]:
        """The years whose statutory days are counted on: official ones, the two after them, those with a notice."""
        official = self.official_years if self.country else ()
        return sorted({*official, *_two_after(official), *self.notices})

    def statutory(self, year: int) -> Statutory:
        """The year's days off and make-up days: by its notice, else as the package knows them for the country."""
        if year in self.notices:
            return self.notices[year].statutory
        return known_to_the_package(self.country, year) if self.country else Statutory({}, frozenset())

    def source_of(self, year: int) -> str:
        """Where the year's days come from; empty where nothing says so."""
        said = self.notices[year].source if year in self.notices else ""
        return said or (self.source if self.is_official(year) else "")

    def materialised(self) -> WorkCalendar:
        """The same calendar with the days of its known years written out, so that no package can change them."""
        written = {year: self._notice(year) for year in self.known_years}
        return self.model_copy(update={"notices": written})

    def _notice(self, year: int) -> YearNotice:
        off, makeup = self.statutory(year)
        return YearNotice(
            status="official" if self.is_official(year) else "estimate",
            off_days=dict(off),
            makeup_workdays=dict.fromkeys(sorted(makeup), ""),
            source=self.source_of(year),
        )

    def is_official(self, year: int) -> bool:
        """Whether the year's days are known and not estimated; a calendar of no country is taken at its word."""
        if year in self.notices:
            return self.notices[year].status == "official"
        return year in self.official_years or not (self.country or self.official_years)

    def holiday_on(self, day: date) -> str | None:
        """The name of the holiday on that day, empty when it has none; None when it is no holiday."""
        if day in self.holidays or day in self.extra_workdays:
            return self.holidays.get(day)
        return self.statutory(day.year).off.get(day)

    def frames_on(self, day: date) -> Frames:
        """The day's open frames, ascending and apart."""
        if day in self.extra_workdays:
            return self.extra_workdays[day]
        if self.holiday_on(day) is not None:
            return ()
        usual = self.weekly[day.weekday()]
        if not usual and day in self.statutory(day.year).makeup:
            return next(filter(None, self.weekly), ())
        return usual


class CalendarScope(PolicyModel):
    """The calendar of some complaints."""

    when: When
    calendar: str

    def says(self) -> set[str]:
        """What it decides."""
        return {"calendar"}


class CalendarPolicy(PolicyModel):
    """The calendars by name, one of them the default."""

    default_name: str = Field(alias="default", description="The calendar that counts where none is named.")
    calendars: dict[str, WorkCalendar]
    scopes: dict[Name, CalendarScope] = Field(default={}, description="Which calendar counts for which complaints.")

    @model_validator(mode="after")
    def _has_its_default(self) -> Self:
        if self.default_name not in self.calendars:
            cure = nearest(self.default_name, self.calendars)
            raise Flaw(f"unknown calendar {self.default_name!r}", cure, ("default",))
        for name, scope in self.scopes.items():
            if scope.calendar not in self.calendars:
                cure = nearest(scope.calendar, self.calendars)
                raise Flaw(f"unknown calendar {scope.calendar!r}", cure, ("scopes", name, "calendar"))
        try:
            refuse_ties(self.scopes)
        except Flaw as flaw:
            raise Flaw(flaw.what, flaw.cure, ("scopes", *flaw.at)) from flaw
        return self

    @cached_property
    def version(self) -> str:
        """A hash over the calendars and which of them counts for whom."""
        calendars = {name: calendar.version for name, calendar in self.calendars.items()}
        scopes = {name: scope.model_dump(mode="json", exclude_defaults=True) for name, scope in self.scopes.items()}
        return fingerprint([self.default_name, calendars, *([scopes] if scopes else [])])

    @property
    def default(self) -> WorkCalendar:
        """The calendar that counts where none is named."""
        return self.calendars[self.default_name]

    def name_for(self, facts: Facts) -> str:
        """The name of the calendar that counts for a complaint of these facts."""
        name = self.named_before.get(facts)
        if name is None:
            holding = by_specificity(self.scopes, facts)
            name = self.named_before[facts] = holding[0][1].calendar if holding else self.default_name
        return name

    @cached_property
    def named_before(self) -> dict[Facts, str]:
        """What ``name_for`` has found by now."""
        return {}

    def materialised(self) -> CalendarPolicy:
        """The same calendars with the days of their known years written out."""
        written = {name: calendar.materialised() for name, calendar in self.calendars.items()}
        return self.model_copy(update={"calendars": written})

    def __getitem__(self, name: str) -> WorkCalendar:
        """The calendar of that name.

        Raises:
            PolicyError: No such calendar.
        """
        if name not in self.calendars:
            raise PolicyError(f"unknown calendar {name!r}", cure=nearest(name, self.calendars))
        return self.calendars[name]

    def items(self) -> ItemsView[str, WorkCalendar]:
        """Names and calendars, in the order of the file."""
        return self.calendars.items()


def parse_calendars(raw: Mapping[str, Any]) -> CalendarPolicy:
    """The calendars that a file's content names: ``default`` and ``calendars``.

    Raises:
        PolicyError: Something is wrong; begins with the key.
    """
    return _parsed(CalendarPolicy, raw)


def parse_calendar(raw: Mapping[str, Any]) -> WorkCalendar:
    """One calendar from words: days as ``2026-10-01``, frames as ``[["09:00", "12:00"], ["13:00", "24:00"]]``.

    Raises:
        PolicyError: Something is wrong; begins with the key.
    """
    return _parsed(WorkCalendar, raw)


def _parsed(model: type[_Model], raw: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        flaw = flaws(error)[0]
        raise PolicyError(f"{'.'.join(map(str, flaw.at))}: {flaw.what}", cure=flaw.cure) from error
