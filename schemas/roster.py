"""The staff book 名册: departments, staff, duty rotas and absences as one spreadsheet states them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.people import Code, Contact, Line, StaffIn

ALWAYS = date(1970, 1, 1)
"""First day of a shift that has none."""

Rota = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^\S+$")]


class DepartmentIn(Line):
    """A department."""

    code: Code
    name: str = Field(min_length=1, max_length=160)
    name_en: str = Field(default="", max_length=160)
    contact_url: Contact | None = None
    """None: as it is known."""
    language: Literal["zh", "en"] = "zh"


class ShiftIn(Line):
    """A shift of a duty rota; without ``staff`` it says that the rota has no shifts."""

    rota: Rota
    staff: str = Field(default="", max_length=60)
    """A code."""
    weekdays: tuple[str, ...] = ()
    """``mon`` to ``sun``, in their order."""
    begins: str = "00:00"
    ends: str = "00:00"
    timezone: str | None = Field(default=None, max_length=60)
    """None: the person's."""
    from_on: date = ALWAYS
    until_on: date | None = None


class AbsenceIn(Line):
    """A stretch in which a member of staff is away; without ``begins`` it says that none lies ahead.

    ``begins`` and ``ends`` are ISO days or times in the person's zone, or times with an offset. A day stands for all
    of it: the absence ends with it.
    """

    staff: Code
    begins: str = ""
    ends: str = ""


class StaffBook(BaseModel):
    """Everything a file states. Rotas named in ``duty`` and people named in ``absence`` are stated whole."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    departments: tuple[DepartmentIn, ...] = ()
    staff: tuple[StaffIn, ...] = ()
    duty: tuple[ShiftIn, ...] = ()
    absence: tuple[AbsenceIn, ...] = ()
    left_out: tuple[str, ...] = ()
    """Sheets of the file that are none of these."""
