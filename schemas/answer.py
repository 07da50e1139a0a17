"""The payload in which one line of a foreign survey arrives."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as Payload

from schemas.base import no_entries


class AnswerIn(BaseModel):
    """What one person answered, in our codes; None: not asked, or left blank."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = Payload(min_length=1, max_length=60)
    external_id: str = Payload(min_length=1, max_length=120)
    answered_at: AwareDatetime
    language: str = Payload(default="zh", min_length=1, max_length=8)
    is_solved: bool | None = None
    csat: int | None = Payload(default=None, ge=1, le=5)
    nps: int | None = Payload(default=None, ge=0, le=10)
    index: float | None = Payload(default=None, ge=0, le=100)
    """Weighted satisfaction index over the dimensions answered, 0..100."""
    index_weight: float | None = Payload(default=None, gt=0, le=1)
    """Share of the weights that were answered."""
    weight: float = Payload(default=1.0, ge=0, allow_inf_nan=False)
    """Sampling weight."""
    comment: str = ""
    is_negative: bool = False
    values: dict[str, Any] = Payload(default_factory=no_entries)
    """Every coded answer by the question's name."""
