"""What the forms of an improvement item hold, and what somebody changed in one: nothing else is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any

ITEM = (
    "name", "problem", "indicator", "dimension", "element", "baseline_x", "baseline_n", "baseline_on",
    "baseline_until_on", "target_text", "target_value", "target_on", "target_reason", "owner", "department", "budget",
    "start_on", "due_on", "evidence", "remarks",
)  # fmt: skip
"""Fields of the form of the item itself."""
PRIORITY = ("importance", "urgency", "feasibility", "priority", "priority_reason")
CAUSE = ("statement", "bone", "kind", "method", "evidence")
MEASURE = (
    "what", "kind", "strength", "why", "place_of_work", "how", "owner", "collaborators", "resources", "budget",
    "effort", "start_on", "due_on", "depends_on",
)  # fmt: skip
VERIFICATION = (
    "indicator", "dimension", "element", "secondary", "guardrails", "control", "method", "baseline_on",
    "baseline_until_on", "excluded", "lag_days", "least_days", "alpha", "power", "smallest", "weekly_n", "fallback",
)  # fmt: skip
_SHARES = frozenset({"target_value", "smallest"})
"""Written as percentages where the indicator is one."""
CAUSE_MARK = "cause_"
"""Before the id, the name of the box that says which causes a measure is against."""


def held(row: Mapping[str, Any] | None, names: Iterable[str], *, is_share: bool = False) -> dict[str, str]:
    """What a form holds before anybody writes in it, by field; nothing is empty text."""
    return {name: _text((row or {}).get(name), is_share=is_share and name in _SHARES) for name in names}


def _text(value: Any, *, is_share: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, float):
        return f"{value * 100:.12g}%" if is_share else f"{value:.12g}"
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def changed(fields: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The fields whose text is another than before; those that the form does not have stay as they are."""
    return {name: fields[name] for name, text in before.items() if name in fields and fields[name] != text}


def ticked(fields: Mapping[str, str]) -> list[int]:
    """The causes whose boxes are ticked."""
    marks = (name.removeprefix(CAUSE_MARK) for name in fields if name.startswith(CAUSE_MARK))
    return sorted(int(one) for one in marks if one.isdecimal())
