"""What exactly is agreed to at a gate, and its hash: an edit of that voids what was agreed to, there and later on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any

from schemas.item import Gate
from schemas.plan import CauseState

Row = Mapping[str, Any]

GOAL = (
    "name", "problem", "indicator", "dimension", "element", "baseline_x", "baseline_n", "baseline_on",
    "baseline_until_on", "target_value", "target_on", "target_reason", "owner_id", "department_id", "importance",
    "urgency", "feasibility", "priority", "start_on", "due_on", "evidence",
)  # fmt: skip
"""Of the item, at G1."""
CAUSE = ("id", "parent_id", "bone", "level", "kind", "statement", "state", "method", "evidence")
"""Of each confirmed cause and those it explains, at G2."""
MEASURE = (
    "place", "cause_ids", "kind", "strength", "what", "why", "place_of_work", "how", "owner_id", "collaborators",
    "resources", "budget", "start_on", "due_on", "depends_on", "effort",
)  # fmt: skip
"""Of each measure, at G3; how far it is, is not agreed to."""
VERIFICATION = (
    "indicator", "dimension", "element", "secondary", "guardrails", "control", "method", "baseline_on",
    "baseline_until_on", "excluded", "lag_days", "least_days", "alpha", "power", "smallest", "n_required", "fallback",
)  # fmt: skip
"""Of the verification plan, at G3; when it can be ready follows from the work."""
CHECK = (
    "until_on", "plan_hash", "sha256", "method", "x0", "n0", "x1", "n1", "estimate", "low", "high", "verdict",
    "attribution", "fidelity_ratio", "limitations",
)  # fmt: skip
"""Of the final check, at G4."""
STANDARD = ("number", "version", "title", "content", "difference", "owner_id", "effective_on", "elsewhere")
"""Of the standard, at G5."""


def goal_content(item: Row) -> dict[str, Any]:
    """What is agreed to at G1."""
    return _of(item, GOAL)


def cause_content(causes: Sequence[Row]) -> dict[str, Any]:
    """What is agreed to at G2: the confirmed causes, and those above them."""
    by_id = {cause["id"]: cause for cause in causes}
    wanted: set[int] = set()
    for cause in causes:
        above: int | None = cause["id"] if cause["state"] is CauseState.CONFIRMED else None
        while above is not None and above not in wanted and above in by_id:
            wanted.add(above)
            above = by_id[above]["parent_id"]
    return {"causes": [_of(by_id[one], CAUSE) for one in sorted(wanted)]}


def plan_content(item: Row, measures: Iterable[Row], verification: Row | None) -> dict[str, Any]:
    """What is agreed to at G3: the measures, which of them were dropped, the money, and how it will be judged."""
    listed = sorted(measures, key=lambda one: one["place"])
    return {
        "budget": item["budget"],
        "measures": [_of(one, MEASURE) | {"is_cancelled": one["state"] == "cancelled"} for one in listed],
        "verification": verification_content(verification),
    }


def verification_content(verification: Row | None) -> dict[str, Any] | None:
    """The part of the plan that is frozen, of which ``frozen_hash`` is the hash."""
    return _of(verification, VERIFICATION) if verification else None


def check_content(check: Row | None) -> dict[str, Any]:
    """What is agreed to at G4: the final check."""
    return {"check": _of(check, CHECK) if check else None}


def standard_content(standard: Row | None) -> dict[str, Any]:
    """What is agreed to at G5: the standard, where there is one."""
    return {"standard": _of(standard, STANDARD) if standard else None}


def hash_of(content: Mapping[str, Any] | None) -> str:
    """The SHA-256 of the content as canonical JSON, 64 hexadecimal digits: the order of keys does not change it."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def voided_from(agreed: Mapping[Gate, Iterable[str]], now: Mapping[Gate, str]) -> Gate | None:
    """The first gate at which something else was agreed to than there is now; what was agreed to later falls with it.

    Args:
        agreed: The hashes of the approvals that stand, by gate.
        now: The hash of what each gate is about now.
    """
    return next((gate for gate in Gate if any(one != now[gate] for one in agreed.get(gate, ()))), None)


def _of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: _number(row[name]) for name in names}


def _number(value: Any) -> Any:
    """A whole number the same whether it was written 5 or 5.0: databases give it back either way."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no content")
