"""Statutory days 法定节假日: a year's days off and make-up working days, by its notice or as the package knows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self

from holidays import country_holidays
from pydantic import BeforeValidator, Field, model_validator

from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw
from bihuan.policy.frame import DaysOff


def _first_word(status: object) -> object:
    """``ESTIMATE: no make-up days yet`` is an estimate."""
    return status.lower().partition(":")[0].strip() if isinstance(status, str) else status


class Statutory(NamedTuple):
    """What a country's law and its yearly notice say of one year."""

    off: Mapping[date, str]
    makeup: frozenset[date]


@lru_cache(maxsize=512)
def known_to_the_package(country: str, year: int) -> Statutory:
    """From the ``holidays`` package; nothing for a year that it does not know."""
    known = country_holidays(country, years=year, language="zh_CN")
    makeup = frozenset(day for day in known.weekend_workdays if day.year == year)
    return Statutory({day: name for day, name in known.items() if day.year == year}, makeup)


class YearNotice(PolicyModel):
    """What the notice of one year says; it stands in place of what the ``holidays`` package knows of that year."""

    status: Annotated[Literal["official", "estimate"], BeforeValidator(_first_word)] = Field(
        "official", description="Whether the notice is the final one; more words may follow."
    )
    off_days: DaysOff = Field(default={}, description="Statutory days off, weekends among them included.")
    makeup_workdays: DaysOff = Field(default={}, description="Make-up working days 调休上班日, by name or as a list.")
    source: str = Field("", description="Where it was published.")

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        for day in sorted(self.off_days.keys() & self.makeup_workdays.keys()):
            raise Flaw("is also a day off", "keep it in one of the two", ("makeup_workdays", day.isoformat()))
        return self

    @property
    def statutory(self) -> Statutory:
        """Its days as the calendar counts them."""
        return Statutory(self.off_days, frozenset(self.makeup_workdays))


def refuse_strays(notices: Mapping[int, YearNotice], key: str) -> None:
    """Refuse a day that stands under another year: it would be passed over without a word.

    Raises:
        Flaw: There is one; leads on from where ``key`` holds the notices.
    """
    for year, notice in notices.items():
        for name in ("off_days", "makeup_workdays"):
            for day in getattr(notice, name):
                if day.year != year:
                    cure = "put it under its own year, or a day off of the house under closures"
                    raise Flaw(f"is no day of {year}", cure, (key, year, name, day.isoformat()))
