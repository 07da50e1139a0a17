"""Complaint, its event log, and the payloads in which both arrive."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import available_timezones

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator, model_validator
from pydantic import Field as Payload
from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schemas.base import Document, Id, Word, no_entries, no_items
from schemas.people import TELEPHONE

_NUMBER = re.compile(rf"{TELEPHONE}\+?[0-9]{{5,15}}")


class Channel(StrEnum):
    """The way a complaint came in 渠道."""

    PHONE = "phone"
    CHAT = "chat"
    EMAIL = "email"
    SOCIAL = "social"
    STORE = "store"
    APP = "app"
    WEB = "web"
    INTERNAL = "internal"
    OTHER = "other"


class Kind(StrEnum):
    """What the complaint is about 类型."""

    PRODUCT = "product"
    SERVICE = "service"
    PROCESS = "process"


class Severity(StrEnum):
    """How grave it is 严重程度, mildest first."""

    GENERAL = "general"
    URGENT = "urgent"
    MAJOR = "major"


class EventKind(StrEnum):
    """What can happen to a complaint; the log is append-only."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    RESPONDED = "responded"
    WAITING = "waiting"
    RESUMED = "resumed"
    SEVERITY_CHANGED = "severity_changed"
    TIER_CHANGED = "tier_changed"
    DEPARTMENT_CHANGED = "department_changed"
    HANDLED = "handled"
    RESULT_TOLD = "result_told"
    FOLLOWED_UP = "followed_up"
    ANSWERED_NEGATIVE = "answered_negative"
    NEGATIVE_TAKEN_ON = "negative_taken_on"
    NEGATIVE_RESOLVED = "negative_resolved"
    """What was done about it, in words for the complainant."""
    NEGATIVE_TOLD = "negative_told"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    CLOSED = "closed"
    AMENDED = "amended"
    NOTE = "note"
    AUTOMATIC_REPLY = "automatic_reply"


class ComplaintState(StrEnum):
    """Where a complaint stands, read off its log."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    RESPONDED = "responded"
    WAITING = "waiting"
    HANDLED = "handled"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    CLOSED = "closed"


class Complaint(SQLModel, table=True):
    """One complaint 投诉: what was said, and where its log has brought it."""

    __tablename__ = "complaint"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index(
            "ix_complaint_open",
            "handler_id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
        Index("ix_complaint_department_open", "department_id", "handled_at"),
        Index(
            "ix_complaint_open_department",
            "department_id",
            "round",
            "registered_at",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
        Index("ix_complaint_registered_at", "registered_at"),
        Index(
            "ix_complaint_unerased",
            "registered_at",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    number: str = Field(max_length=40, unique=True)
    source: str = Field(max_length=60)
    external_id: str | None = Field(default=None, max_length=120)
    channel: Channel = Field(sa_type=Word(Channel))
    kind: Kind | None = Field(default=None, sa_type=Word(Kind))
    severity: Severity = Field(sa_type=Word(Severity))
    title: str = Field(default="", max_length=300)
    matter: str = Field(default="", sa_type=Text)
    demand: str = Field(default="", sa_type=Text)
    product: str | None = Field(default=None, max_length=160)
    region: str | None = Field(default=None, max_length=160)
    business_line: str | None = Field(default=None, max_length=160)
    tier: str | None = Field(default=None, max_length=20)
    missing: list[str] = Field(default_factory=no_items, sa_type=Document)
    attributes: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=Id, index=True)
    department_id: int | None = Field(default=None, foreign_key="department.id", sa_type=Id)
    handler_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=Id)
    state: ComplaintState = Field(sa_type=Word(ComplaintState))
    round: int = Field(default=1)
    registered_at: datetime
    handled_at: datetime | None = None
    is_simulated: bool = Field(default=False)
    erased_at: datetime | None = None
    """When its personal data were erased by retention; None: they are kept."""


class ComplaintEvent(SQLModel, table=True):
    """One line of a complaint's log; ``key`` makes taking the same news twice harmless."""

    __tablename__ = "complaint_event"
    __table_args__ = (UniqueConstraint("complaint_id", "key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    complaint_id: int = Field(foreign_key="complaint.id", sa_type=Id)
    kind: EventKind = Field(sa_type=Word(EventKind))
    occurred_at: datetime
    recorded_at: datetime
    actor: str = Field(default="", max_length=120)
    key: str = Field(max_length=120)
    data: dict[str, Any] = Field(default_factory=no_entries, sa_type=Document)


SAYS = {
    EventKind.SEVERITY_CHANGED: "severity",
    EventKind.TIER_CHANGED: "tier",
    EventKind.DEPARTMENT_CHANGED: "department",
    EventKind.MERGED: "into",
}
"""The word in its data without which an event says nothing."""
TIER_LENGTH = 20
"""The most characters a tier may have."""


class EventIn(BaseModel):
    """Something that happened to a complaint, as it arrives."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: EventKind
    occurred_at: AwareDatetime
    actor: str = Payload(default="", max_length=120)
    key: str | None = Payload(default=None, max_length=120)
    """Identity of the news within its complaint; None: kind and instant."""
    data: dict[str, Any] = Payload(default_factory=dict)

    @model_validator(mode="after")
    def _says_what_changed(self) -> EventIn:
        name = SAYS.get(self.kind)
        if name and not (isinstance(self.data.get(name), str) and self.data[name]):
            raise ValueError(f"{self.kind} without its {name}")
        if self.kind is EventKind.SEVERITY_CHANGED and self.data["severity"] not in set(Severity):
            raise ValueError(f"unknown severity {self.data['severity']!r}, one of {', '.join(Severity)}")
        if self.kind is EventKind.TIER_CHANGED and len(self.data["tier"]) > TIER_LENGTH:
            raise ValueError(f"tier longer than {TIER_LENGTH} characters: {self.data['tier']!r}")
        return self


class CustomerIn(BaseModel):
    """Who complains, as far as it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str | None = Payload(default=None, min_length=1, max_length=60)
    """Whose ``external_id`` it is, where that is another source than the complaint's; None: the complaint's."""
    external_id: str | None = Payload(default=None, max_length=120)
    name: str = Payload(default="", max_length=120)
    contact_url: str | None = None
    """Where an answer reaches the person, as an Apprise URL (``mailto://…``), the number at which staff reach them
    (``tel:+8613800138000``), or the URL and after a space the number; stored encrypted."""
    language: str = "zh"
    timezone: str | None = Payload(default=None, max_length=60)
    """IANA name of the zone the person lives in; None: not known."""
    tier: str | None = Payload(default=None, max_length=20)

    @field_validator("contact_url")
    @classmethod
    def _has_a_number(cls, contact: str | None) -> str | None:
        if contact and any(word.startswith(TELEPHONE) and not _NUMBER.fullmatch(word) for word in contact.split()):
            raise ValueError("no telephone number, tel:+8613800138000 is one")
        return contact

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}, an IANA name such as Asia/Shanghai is one")
        return name


class ComplaintIn(BaseModel):
    """A complaint with its history so far, as any channel hands it over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = Payload(min_length=1, max_length=60)
    external_id: str | None = Payload(default=None, max_length=120)
    registered_at: AwareDatetime
    channel: Channel = Channel.OTHER
    kind: Kind | None = None
    severity: Severity = Severity.GENERAL
    title: str = Payload(default="", max_length=300)
    matter: str = ""
    demand: str = ""
    product: str | None = Payload(default=None, max_length=160)
    region: str | None = Payload(default=None, max_length=160)
    business_line: str | None = Payload(default=None, max_length=160)
    tier: str | None = Payload(default=None, max_length=20)
    department: str | None = Payload(default=None, max_length=60)
    """Department code when the source names one; None: policy names it."""
    handler: str | None = Payload(default=None, max_length=60)
    """Staff code when the source names one."""
    customer: CustomerIn | None = None
    deadlines: dict[str, AwareDatetime | None] | None = None
    """Milestones this source keeps, by name: an instant it promised, or None for the policy's own target.

    ``None`` instead of a mapping: every milestone of the policy. An empty mapping: no deadline at all.
    """
    attributes: dict[str, Any] = Payload(default_factory=dict)
    events: tuple[EventIn, ...] = ()
    """What happened after registration, in any order."""
    is_simulated: bool = False
