"""A touchpoint as it comes in JSON: read, or refused with the field, what is wrong with it and the cure."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from bihuan.policy.flaw import nearest
from bihuan.rules.touchpoint import Fault
from schemas.touchpoint import TouchpointIn

_SHOWN = 60
"""Characters of a name of the sender's own that an answer repeats."""
_CURES = {
    "missing": "add it",
    "string_type": "write it as text",
    "string_too_short": "write at least one character",
    "string_too_long": "shorten it",
    "too_long": "send fewer",
    "timezone_aware": "add an offset, for example +08:00",
    "dict_type": "write it as an object",
}
_CURE = "see docs/api.md for what it may be"


def read_touchpoint(raw: object) -> TouchpointIn | Fault:
    """The touchpoint that an element of a request says, or why it says none.

    Of several things that are wrong the first is told; no value is repeated.
    """
    if not isinstance(raw, dict):
        return Fault("", "is no object", "write a touchpoint as an object with its fields")
    try:
        return TouchpointIn.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return _fault(first["type"], first["loc"], first["msg"])


def _fault(kind: str, place: Sequence[str | int], said: str) -> Fault:
    where = ".".join(str(part)[:_SHOWN] for part in place[:2])
    if kind == "extra_forbidden":
        return Fault(where, "is no field of a touchpoint", nearest(where, TouchpointIn.model_fields))
    what = said.removeprefix("Value error, ")
    return Fault(where, what[:1].lower() + what[1:], _CURES.get(kind, _CURE))
