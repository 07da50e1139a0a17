"""Retention 保留期限: what is erased after how long. What has no line here is kept for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from bihuan.policy.base import Section
from bihuan.policy.value import Span

_Attribute = Annotated[str, StringConstraints(min_length=1, max_length=160)]


class RetentionPolicy(Section):
    """How long what is kept."""

    personal_data: Span | None = Field(
        None, description="Names, contacts, texts, addresses, notes: since the last entry of an ended complaint."
    )
    message_targets: Span | None = Field(
        None, description="Where messages went, and what the services answered: since the attempt."
    )
    links: Span | None = Field(None, description="Private links: since they expired.")
    sign_ins: Span | None = Field(None, description="Sign-ins: since they expired.")
    looks: Span | None = Field(None, description="Who saw and exported personal data: since the look.")
    heartbeats: Span | None = Field(None, description="Heartbeats of sweeps that no longer exist: since the last one.")
    kept_attributes: tuple[_Attribute, ...] = Field(
        ("outcome", "touchpoint"), description="Attributes of complaints that stay: figures look at them."
    )

    @property
    def spans(self) -> dict[str, timedelta]:
        """What is erased at all, with its span."""
        named = ("personal_data", "message_targets", "links", "sign_ins", "looks", "heartbeats")
        return {name: span for name in named if (span := getattr(self, name))}
