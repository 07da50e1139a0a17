"""A touchpoint as another system hands it over, so small and plain that every database and letter takes it."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    field_validator,
)

FACT_CHARACTERS = 500
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""What is said to have happened before is a slip."""


def _readable(text: str) -> str:
    """The text; databases and letters take no control characters and no halves of others."""
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
        raise ValueError("holds a character that is no text")
    return text


def _fact(value: object) -> object:
    """The value of a fact, small enough to be carried along."""
    match value:
        case bool() | int():
            return value
        case float() if isfinite(value):
            return value
        case str() if len(value) <= FACT_CHARACTERS:
            return _readable(value)
    raise ValueError(f"is no text of at most {FACT_CHARACTERS} characters, no number, true or false")


Short = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), AfterValidator(_readable)
]  # fmt: skip
Identity = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_readable)
]  # fmt: skip
Address = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(_readable)
]  # fmt: skip
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_readable)]
Fact = Annotated[str | int | float | bool, PlainValidator(_fact)]


class TouchpointIn(BaseModel):
    """A touchpoint as another system hands it over; no error quotes a value, because it may be a person's."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: Short
    external_id: Identity
    """The source's own id of what happened: told twice it counts once."""
    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    occurred_at: AwareDatetime
    customer_id: Identity
    """The source's own id of the customer."""
    name: PersonName = ""
    contact_url: Address | None = None
    language: str = Field(default="zh", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?$")
    facts: dict[Short, Fact] = Field(default_factory=dict, max_length=30)
    """What may be of use to whoever works on a bad answer, such as the order's number."""

    @field_validator("occurred_at", mode="before")
    @classmethod
    def _is_written(cls, raw: object) -> object:
        if not isinstance(raw, str | datetime):
            raise ValueError("is not an instant: write it as 2026-11-22T09:30:00+08:00")  # noqa: TRY004 - pydantic's
        return raw

    @field_validator("occurred_at")
    @classmethod
    def _is_in_our_time(cls, at: datetime) -> datetime:
        if at < EARLIEST:
            raise ValueError("lies before the year 2000")
        return at
