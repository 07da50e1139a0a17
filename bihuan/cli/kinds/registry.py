"""All kinds by name, and one request with its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from bihuan.cli.kinds import change, chart, comparison, duration, share
from bihuan.cli.kinds.given import Given
from bihuan.errors import UsageError

KINDS: dict[str, Callable[[Given], dict[str, Any]]] = {
    **share.KINDS, **comparison.KINDS, **chart.KINDS, **duration.KINDS, **change.KINDS,
}  # fmt: skip
_STEPS = 5
"""Longer chains of references than this are a circle, or a mistake."""


def answer(request: Mapping[str, Any], inputs_of: Mapping[str, Any]) -> dict[str, object]:
    """The result of a request, as plain values that JSON can hold; what is not a number is None.

    Args:
        request: ``kind`` and ``inputs``; ``{"ref": "id"}`` among these stands for the inputs of another request.
        inputs_of: The inputs of all requests by their id.

    Raises:
        UsageError: The kind is not known, or the inputs are no use; says which and why.
    """
    kind = str(request.get("kind"))
    if kind not in KINDS:
        nearest = get_close_matches(kind, KINDS, 1, 0)
        raise UsageError(f"unknown kind {kind!r}", cure=f"did you mean {nearest[0]}?")
    inputs = _followed(request.get("inputs"), inputs_of)
    try:
        with np.errstate(all="ignore"):
            return {"result": plain(KINDS[kind](Given(inputs)))}
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"{kind}: {words[0]}", cure="see docs/statistics.md for what it takes") from error


def _followed(inputs: Any, inputs_of: Mapping[str, Any]) -> dict[str, Any]:
    for _ in range(_STEPS):
        if not isinstance(inputs, dict):
            raise UsageError("inputs is no object", cure='write {"id", "kind", "inputs": {…}}')
        if "ref" not in inputs:
            return inputs
        named = [word for word in re.split(r"[\s,;]+", str(inputs["ref"])) if word in inputs_of]
        if not named:
            raise UsageError(f"inputs: ref {inputs['ref']!r} names no other line", cure="send that line as well")
        own = {key: value for key, value in inputs.items() if key != "ref"}
        inputs = {**inputs_of[named[-1]], **own} if isinstance(inputs_of[named[-1]], dict) else None
    raise UsageError("inputs: the references go in a circle", cure="give the inputs themselves")


def plain(value: Any) -> Any:
    """Numbers, lists and objects as JSON has them; a whole number stays one, what is not finite is None."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | pd.Series):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
