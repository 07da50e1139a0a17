"""What people fill in to register a complaint, read into what services take; what is wrong is said field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from bihuan.notify.contact import contact_of
from schemas.complaint import TIER_LENGTH, Channel, ComplaintIn, CustomerIn, Kind, Severity

SOURCE = "web"
LIMITS: Mapping[str, int] = {"title": 300, "matter": 10_000, "demand": 10_000, "customer": 120, "email": 254,
                             "phone": 40, "note": 2_000, "reason": 500, "plan": 500, "result": 500,
                             "tier": TIER_LENGTH, "into": 40, "department": 60, "handler": 60}  # fmt: skip
_CHOICES: Mapping[str, type[StrEnum]] = {"channel": Channel, "kind": Kind, "severity": Severity}
_MAY_BE_EMPTY = frozenset({"kind"})
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_ADDRESS = re.compile(r"[\w.+'=~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True)
class Draft:
    """A form as it came in: its values, what is wrong with which field, and the complaint when nothing is.

    Attributes:
        values: By field.
        problems: Field to the word that says what to do (``problem_…``).
        complaint: What to register.
    """

    values: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    complaint: ComplaintIn | None = None


def read_draft(values: Mapping[str, str], at: datetime, language: str) -> Draft:
    """The complaint somebody typed in at ``at``; a customer without a known language gets ``language``."""
    if problems := _problems(values):
        return Draft(values, problems)
    title, name = values.get("title", ""), values.get("customer", "")
    contact = contact_of(f"mailto:{values['email']}" if values.get("email") else "", values.get("phone", ""))
    customer = CustomerIn(name=name, contact_url=contact, language=language) if name or contact else None
    complaint = ComplaintIn(
        source=SOURCE, external_id=values["entry"], registered_at=at, channel=Channel(values["channel"]),
        kind=Kind(values["kind"]) if values.get("kind") else None, severity=Severity(values["severity"]),
        title=title, matter=values.get("matter", ""), demand=values.get("demand", ""), customer=customer,
    )  # fmt: skip
    return Draft(values, complaint=complaint)


def local_instant(text: str, local: ZoneInfo) -> datetime | None:
    """The instant, UTC, of a local time as a form has it; None where the text is none.

    A local time that comes twice is its first; one that is left out moves forward.
    """
    try:
        at = datetime.fromisoformat(text) if _LOCAL.fullmatch(text) else None
        return at.replace(tzinfo=local).astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        return None


def _problems(values: Mapping[str, str]) -> dict[str, str]:
    problems = {name: "too_long" for name, limit in LIMITS.items() if len(values.get(name, "")) > limit}
    for name, choice in _CHOICES.items():
        value = values.get(name, "")
        if value not in set(choice) and not (name in _MAY_BE_EMPTY and not value):
            problems[name] = "unknown"
    if not values.get("title"):
        problems["title"] = "required"
    if (email := values.get("email")) and not _ADDRESS.fullmatch(email):
        problems["email"] = "no_address"
    try:
        contact_of("", values.get("phone", ""))
    except ValueError:
        problems.setdefault("phone", "no_number")
    return problems
