"""What two policies say differently, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.policy.models import Policy


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose value differs; None where a policy does not have the key."""

    key: str
    old: str | None
    new: str | None


def differences(old: Policy, new: Policy) -> list[Difference]:
    """Every key that differs, sections first, then in the order of ``old``, then what only ``new`` has.

    Values are compared by meaning: ``48h`` and ``2d`` do not differ, nor does another order of the keys.
    """
    before, after = dict(_leaves(old.written())), dict(_leaves(new.written()))
    return [
        Difference(key, before.get(key), after.get(key)) for key in before | after if before.get(key) != after.get(key)
    ]


def _leaves(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_text, value))}]"
    return str(value)
