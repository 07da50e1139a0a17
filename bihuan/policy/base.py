"""What all models of the policy have in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from bihuan.policy.flaw import Flaw, nearest, shown


def fingerprint(content: Any) -> str:
    """Sixteen hexadecimal digits that change with the content and not with the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class PolicyModel(BaseModel):
    """What all have in common: frozen, and a key nobody knows is refused with the nearest one that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, raw: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        if not isinstance(raw, Mapping):
            raise Flaw(f"{shown(raw)} is not a mapping", "write it as lines of `key: value`")
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in raw:
            if key not in known:
                raise Flaw("unknown key", nearest(key, known), (key,))
        return raw


class Section(PolicyModel):
    """One file of the policy."""

    @cached_property
    def version(self) -> str:
        """A hash of what the section says; what it leaves as it is by default does not count."""
        return fingerprint(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))
