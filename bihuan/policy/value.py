"""The values that policy files are made of: spans, shares, names, and words in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw
from bihuan.policy.span import PERCENT, SPAN, parse_percent, parse_span, percent_text, span_text
from schemas.complaint import EventKind


def _seconds(text: object) -> float:
    return parse_span(text).total_seconds()


def _seconds_text(seconds: float) -> str:
    return span_text(timedelta(seconds=seconds))


def _inside(share: float) -> float:
    if not 0 < share < 1:
        raise Flaw(f"{percent_text(share)!r} is no warning before the deadline", "write it between 1% and 99%")
    return share


def _ascending(shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(shares)))


_SPAN_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{SPAN.pattern}$", "examples": ["30min", "24h"]})
_PERCENT_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{PERCENT.pattern}$", "examples": ["80%"]})

Seconds = Annotated[float, BeforeValidator(_seconds), PlainSerializer(_seconds_text), _SPAN_SCHEMA]
Span = Annotated[timedelta, BeforeValidator(parse_span), PlainSerializer(span_text), _SPAN_SCHEMA]
Share = Annotated[float, BeforeValidator(parse_percent), PlainSerializer(percent_text), _PERCENT_SCHEMA]
Warnings = Annotated[tuple[Annotated[Share, AfterValidator(_inside)], ...], AfterValidator(_ascending)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Kinds = Annotated[tuple[EventKind, ...], Field(min_length=1)]


class Words(PolicyModel):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
