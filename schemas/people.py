"""Customer, department and staff: who complains and who answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Payload
from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.access import Role
from schemas.base import Document, Id

MASK = "***"
"""A contact with this in it is one that was shown masked: whatever is known stays."""
NO_CONTACT = ""
"""There is no such contact any more."""
TELEPHONE = "tel:"
"""What a telephone number among contacts begins with, ``tel:+8613800138000``. Sealed, a contact that holds nothing else
begins with it in the clear: queries see that nothing can be written there."""
NO_QUIET = ("00:00", "00:00")
"""No quiet hours."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Contact = Annotated[
    str, StringConstraints(pattern=r"^(mailto:[^/\s@]+@[^\s@]+|[a-z][a-z0-9+.-]*://\S+|\S*\*\*\*\S*|)$")
]
"""A plain address ``mailto:li@example.com``, any Apprise URL, one of them masked, or ``NO_CONTACT``."""
Channel = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
StaffRole = Literal[Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR]
"""Handlers and department heads follow from the department and ``is_head``."""


class Customer(SQLModel, table=True):
    """A complainant 投诉者. ``sealed_contact`` is an encrypted Apprise URL, or telephone number, or both."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    source: str = Field(max_length=60)
    external_id: str | None = Field(default=None, max_length=120)
    name: str = Field(default="", max_length=120)
    sealed_contact: str | None = Field(default=None, sa_type=Text)
    language: str = Field(default="zh", max_length=8)
    timezone: str | None = Field(default=None, max_length=60)
    """Where the person lives; None: not known, the installation's counts."""
    tier: str | None = Field(default=None, max_length=20)
    is_simulated: bool = Field(default=False)


class Department(SQLModel, table=True):
    """A department 部门; ``sealed_contact`` is its shared mailbox or robot, encrypted."""

    __tablename__ = "department"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    code: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=160)
    name_en: str = Field(default="", max_length=160)
    sealed_contact: str | None = Field(default=None, sa_type=Text)
    language: str = Field(default="zh", max_length=8)
    is_simulated: bool = Field(default=False)


class Staff(SQLModel, table=True):
    """A person who handles complaints 处理人, or heads a department 部门负责人."""

    __tablename__ = "staff"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    code: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=120)
    department_id: int = Field(foreign_key="department.id", sa_type=Id, index=True)
    is_head: bool = Field(default=False)
    is_active: bool = Field(default=True)
    sealed_contact: str | None = Field(default=None, sa_type=Text)
    """Where the person is told by default."""
    sealed_contacts: dict[str, str] | None = Field(default=None, sa_type=Document)
    """Further contacts by the name of their channel, such as ``sms``: for rungs that name channels."""
    language: str = Field(default="zh", max_length=8)
    timezone: str = Field(default="Asia/Shanghai", max_length=60)
    roles: list[Role] | None = Field(default=None, sa_type=Document)
    """Roles beside handler and department head, which follow from the department and ``is_head``."""
    is_liaison: bool = Field(default=False)
    """Department liaison 部门联络人."""
    substitute_id: int | None = Field(default=None, sa_type=Id)
    """Who is told while the person is away: a row of this table."""
    quiet_from: str | None = Field(default=None, max_length=5)
    quiet_until: str | None = Field(default=None, max_length=5)
    """Local times of day ``22:00``: None as policy says, both equal: no quiet hours."""
    is_simulated: bool = Field(default=False)


class Absence(SQLModel, table=True):
    """A stretch in which a member of staff is away 外出: from the first instant on, up to the second."""

    __tablename__ = "absence"
    __table_args__ = (UniqueConstraint("staff_id", "starts_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    staff_id: int = Field(foreign_key="staff.id", sa_type=Id)
    starts_at: datetime
    ends_at: datetime


class DutyShift(SQLModel, table=True):
    """A shift 班次 of a duty rota 值班表: who is on duty on which weekdays, from one local time of day to another."""

    __tablename__ = "duty_shift"
    __table_args__ = (UniqueConstraint("rota", "staff_id", "weekdays", "begins", "from_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    rota: str = Field(max_length=60)
    """A department's code, or a name of its own."""
    staff_id: int = Field(foreign_key="staff.id", sa_type=Id)
    weekdays: str = Field(max_length=27)
    """``mon,tue``: the days on which it begins."""
    begins: str = Field(max_length=5)
    ends: str = Field(max_length=5)
    """No later than ``begins``: it ends on the next day."""
    timezone: str = Field(default="Asia/Shanghai", max_length=60)
    from_on: date
    until_on: date | None = None
    """The last day on which it begins; None: until further notice."""


class Line(BaseModel):
    """One line of a roster. What it does not state (``model_fields_set``) stays as it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    place: str = Payload(default="", exclude=True)
    """Where it stands, for errors; "" where it is from no file."""


class StaffIn(Line):
    """A member of staff as a roster gives them; ``department`` and ``substitute`` are codes."""

    code: Code
    name: str = Payload(min_length=1, max_length=120)
    department: Code
    is_head: bool = False
    is_active: bool = True
    is_liaison: bool = False
    roles: tuple[StaffRole, ...] = ()
    substitute: str | None = Payload(default=None, max_length=60)
    """Who is told while the person is away; None: nobody."""
    contact_url: Contact | None = None
    """Where the person is told by default; None: as it is known."""
    contacts: dict[Channel, Contact] = Payload(default_factory=dict)
    """Further contacts by the name of their channel; one that is not named stays as it is known."""
    quiet: tuple[str, str] | None = None
    """Local times of day between which nothing usual comes; None: as policy says; ``NO_QUIET``: at any hour."""
    language: Literal["zh", "en"] = "zh"
    timezone: str = Payload(default="Asia/Shanghai", max_length=60)
    is_simulated: bool = False
