"""What stays of a complaint when its personal data are erased: codes, numbers and instants, never anybody's words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from bihuan.policy.scope import DIMENSIONS

_CODES = frozenset({
    *DIMENSIONS, "handler", "department", "severity", "tier", "into", "on_time", "deadlines", "fields", "way",
    "outcome", "why", "invitation", "calls", "csat", "nps",
})  # fmt: skip
"""What events say in codes and instants: deadlines, stages and figures are made of it."""
_ANSWER_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""How a questionnaire names its choices; see `bihuan.policy.value.Name`."""


def log_remains(data: Mapping[str, Any]) -> dict[str, Any]:
    """What an event still says: its codes, and whatever is no text."""
    return {name: value for name, value in data.items() if name in _CODES or _is_no_text(value)}


def attributes_remain(attributes: Mapping[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """The attributes that stay, which policy names."""
    return {name: value for name, value in attributes.items() if name in kept}


def answer_remains(values: Mapping[str, Any], texts: Collection[str]) -> dict[str, Any]:
    """The answers in figures and choices.

    Args:
        values: Answers by the question's name.
        texts: Questions that are answered in words.
    """
    return {name: value for name, value in values.items()
            if _is_no_text(value) or (name not in texts and _is_choice(value))}  # fmt: skip


def _is_no_text(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _is_choice(value: Any) -> bool:
    words = value if isinstance(value, list | tuple) else [value]
    return all(_is_no_text(word) or (isinstance(word, str) and _ANSWER_CODE.fullmatch(word)) for word in words)
